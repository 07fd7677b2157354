"""State of the login and set-up pages, the only ones that nobody has to be signed in for."""

from collections.abc import Mapping, Sequence
from typing import get_args

import reflex as rx

from pdm_app.domain.record import Record
from pdm_app.services.demo_accounts import DemoAccount
from pdm_app.services.oidc_sign_in import Refusal
from pdm_app.services.origins import is_on_this_machine
from pdm_app.ui.backend import running

REFUSALS = frozenset(get_args(Refusal))
FORWARDING_HEADERS = ("x-forwarded-for", "forwarded", "x-real-ip")


class Provider(Record):
    """A provider of the company, as its button shows it."""

    id: str
    name: str


class Entrance(rx.State):
    """What the two pages show before anybody is known."""

    is_ready: bool = False
    is_demo: bool = False
    accounts: list[DemoAccount] = []
    token: str = ""
    next_path: str = ""  # Where somebody was going; empty for the page they like to begin with.
    link_is_good: bool = False
    needs_setup: bool = False
    providers: list[Provider] = []
    refused: str = ""
    refused_by: str = ""
    resumes: bool = False  # Back from a provider, with a step of ours still owed.
    choices: list[str] = []

    @rx.event
    async def load(self) -> None:
        """Read what set-up offers, and in the demo its accounts, for somebody at this machine only."""
        backend = running()
        if backend is None:
            return
        query = self.router.url.query_parameters
        self.token = query.get("token", "")[:200]
        self.next_path = _own_path(query["next"]) if query.get("next") else ""
        self._read_return(query, backend.services.auth.oidc.offered)
        state = await backend.services.auth.setup_state(self.token)
        self.is_demo, self.needs_setup, self.link_is_good = state.demo, state.needs_setup, state.link_is_good
        self.choices = list(state.choices)
        self.accounts = list(backend.services.auth.demo_accounts(is_on_this_machine=self._is_at_this_machine()))
        self.is_ready = True

    def _read_return(self, query: Mapping[str, str], offered: Sequence[tuple[str, str]]) -> None:
        """Read how a way to a provider ended; its name comes from the settings, never from the address."""
        self.providers = [Provider(id=id_, name=name) for id_, name in offered]
        self.refused = query.get("refused", "") if query.get("refused") in REFUSALS else ""
        self.refused_by = dict(offered).get(query.get("directory", ""), "")
        self.resumes = query.get("resume") == "1"

    def _is_at_this_machine(self) -> bool:
        raw = {name.lower() for name in self.router.headers.raw_headers}
        return is_on_this_machine(
            self.router.session.client_ip,
            self.router.headers.host,
            is_forwarded=any(name in raw for name in FORWARDING_HEADERS),
        )


def _own_path(wanted: str) -> str:
    """Return a path of this product: a foreign address after sign-in would be a gift to phishers."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_own else "/plant"
