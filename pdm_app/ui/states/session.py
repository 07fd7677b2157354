"""Who is in front of the screen, and which site is shown.

Any socket may call any handler without visiting its page, so every handler runs its work through `Session._act`: it
resolves the actor from the session cookie first, and turns what goes wrong into a sentence for the person.

A browser tab keeps its state from page to page, through a log-out and the next person's sign-in, and the state is sent
to the page before any handler runs. `Ownership` therefore empties it for everybody but the session it was filled for.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

import reflex as rx
from reflex.event import Event
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, StateUpdate

from pdm_app.domain.access import Actor
from pdm_app.domain.assets import Site
from pdm_app.domain.errors import PdmError, UnauthenticatedError
from pdm_app.services.catalogue import Services
from pdm_app.ui.backend import running

ACCESS_COOKIE = "pdm_access"
Follow = Any  # What a Reflex handler may return: nothing, one event or several.


@dataclass(frozen=True, slots=True)
class Act:
    """What one handler works with: the actor and the services."""

    actor: Actor
    services: Services


class Session(rx.State):
    """Base of all page states."""

    username: str = ""
    role: str = ""
    permissions: list[str] = []
    sites: list[Site] = []
    site_id: str = rx.LocalStorage("", name="pdm.site", sync=False)
    is_demo: bool = False
    version: str = ""
    problem: str = ""
    fault_id: str = ""
    is_starting: bool = False
    is_loaded: bool = False
    _owner: Actor | None = None  # Whose rights and sites these are, and for whose session everything was read.

    @rx.var
    def site_name(self) -> str:
        """Name of the site shown; empty for all."""
        return next((site.name for site in self.sites if site.id == self.site_id), "")

    @rx.var
    def time_zone(self) -> str:
        """Zone of the site shown, else of the first site."""
        zones = [site.time_zone for site in self.sites if not self.site_id or site.id == self.site_id]
        return zones[0] if zones else "UTC"

    @rx.var
    def initials(self) -> str:
        """Two letters for the round mark in the top bar."""
        parts = [part for part in self.username.replace("-", ".").replace("_", ".").split(".") if part]
        letters = parts[0][:2] if len(parts) == 1 else "".join(part[0] for part in parts[:2])
        return letters.upper() or "?"

    async def _act(self, work: Callable[[Act], Awaitable[Follow]]) -> Follow:
        """Run ``work`` as the signed-in actor; returns what it returns. Private, because a public method is a handler.

        Without a session the browser goes to the login page and comes back afterwards. A `PdmError` is shown as
        ``problem``; every other error is a fault of the program and goes on to Reflex, which reports it.
        """
        self.problem = self.fault_id = ""
        backend = running()
        if backend is None:
            self.is_starting = True
            return None
        self.is_starting = False
        try:
            actor = await self._actor(backend.services)
            self.is_demo, self.version = backend.demo, backend.version
            await self._recognise(actor, backend.services)
            return await work(Act(actor, backend.services))
        except UnauthenticatedError:
            return rx.redirect(f"/login?next={quote(self.router.url.path or '/', safe='/')}", replace=True)
        except PdmError as error:
            self.problem = error.message
            return None

    async def _recognise(self, actor: Actor, services: Services) -> None:
        if self._owner != actor or not self.sites:
            self._owner = actor
            self.username, self.role = actor.name, str(actor.role)
            self.permissions = sorted(str(permission) for permission in actor.permissions)
            self.sites = list(await services.assets.sites(actor))
        # The browser may have gone to the next page before it kept the site that was chosen for it.
        if self.site_id not in {site.id for site in self.sites}:
            self.site_id = self.sites[0].id if self.sites else ""

    async def _keep_to_owner(self) -> None:
        """Forget all that was read for a session which is not, or no longer, the one behind this socket."""
        if self._owner is None:
            return
        backend = running()
        try:
            session_id = (await self._actor(backend.services)).session_id if backend else None
        except PdmError:
            session_id = None
        if session_id is None or session_id != self._owner.session_id:
            site_id = self.site_id  # Belongs to the browser, and is looked at anew for the next person.
            self.reset()  # type: ignore[no-untyped-call]
            self.site_id = site_id

    async def _actor(self, services: Services) -> Actor:
        # The cookie is the one of the socket's handshake: it names the session, whose record is checked each time.
        return await services.auth.actor_of_access(
            self._cookie(ACCESS_COOKIE), allow_expired=True, address=self.router.session.client_ip
        )

    def _cookie(self, name: str) -> str:
        try:
            morsel = SimpleCookie(self.router.headers.cookie).get(name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    @rx.event
    async def enter(self) -> Follow:
        """Load what every page needs."""

        async def work(_: Act) -> None:
            self.is_loaded = True

        return await self._act(work)

    @rx.event
    async def show_site(self, site_id: str) -> Follow:
        """Switch the plant pages to one site."""

        async def work(_: Act) -> Follow:
            if site_id in {site.id for site in self.sites}:
                self.site_id = site_id
            return rx.redirect("/plant")

        return await self._act(work)

    @rx.event
    def report(self, identity: str) -> None:
        """Say that a handler failed inside the program, with the id under which the log has it."""
        self.fault_id = identity

    @rx.event
    def dismiss(self) -> None:
        """Put the message about a problem away."""
        self.problem = self.fault_id = ""


class Ownership(Middleware):
    """Empties a state before an event of anybody but the session it was filled for."""

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:  # noqa: ARG002
        await (await state.get_state(Session))._keep_to_owner()
        return None
