"""The first run: a one-time link opens the chooser, and whoever holds it makes the first admin."""

import hmac
import secrets
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Role, User, actor_of
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, UnauthenticatedError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services import demo_accounts
from pdm_app.services.auditing import audit
from pdm_app.services.passwords import PasswordHasher, check_strength
from pdm_app.services.people import new_user
from pdm_app.services.tokens import token_hash

TOKEN_HASH = "setup.token_hash"  # noqa: S105 - a name
CHOICE = "setup.choice"

Choice = Literal["explore", "empty"]


class SetupState(Record):
    """What the chooser offers; ``link_is_good`` says whether the visitor's own link may still be used."""

    needs_setup: bool
    demo: bool
    choices: tuple[Choice, ...]
    link_is_good: bool = False


class SetupRequest(Record):
    """What the chooser sends. Exploring needs no account of one's own: the demo's admin signs in."""

    token: str = Field(max_length=200)
    choice: Choice
    username: str = Field(default="", max_length=80)
    display_name: str = Field(default="", max_length=120)
    password: str = Field(default="", max_length=1024, repr=False)


class FirstRun:
    """Whether an admin exists yet, and how the first one is made."""

    def __init__(self, work: UnitOfWork, clock: Clock, hasher: PasswordHasher, *, demo: bool) -> None:
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._demo = demo

    async def state(self, token: str = "") -> SetupState:
        """Say whether set-up is due, and whether ``token`` opens it."""
        async with self._work(EVERY_SITE) as work:
            is_due = await self._is_due(work)
            stored_hash = await work.users.value(TOKEN_HASH)
        return SetupState(
            needs_setup=is_due,
            demo=self._demo,
            choices=self._choices,
            link_is_good=is_due and bool(token) and hmac.compare_digest(stored_hash or "", token_hash(token)),
        )

    async def link(self, base_url: str) -> str | None:
        """Return a fresh set-up link, which replaces the one before; None once set-up is done."""
        async with self._work(EVERY_SITE) as work:
            if not await self._is_due(work):
                return None
            token = secrets.token_urlsafe(32)
            await work.users.put_value(TOKEN_HASH, token_hash(token))
            await work.commit()
        return f"{base_url.rstrip('/')}/setup?token={token}"

    async def complete(self, request: SetupRequest, address: str = "") -> User:
        """Make the first admin and use the link up.

        Raises:
            ConflictError: Set-up is done already.
            UnauthenticatedError: The link is not the newest one, or was used.
            InvalidInputError: Choice, username or password cannot be used; the link stays good.
        """
        if request.choice not in self._choices:
            raise InvalidInputError(
                f"This start offers {' or '.join(self._choices)}. For the demo plant run `pdm-app demo`; "
                "for a plant of your own run `pdm-app serve`.",
                [FieldIssue("choice", "is not offered here", f"choose {' or '.join(self._choices)}")],
            )
        own_account = bool(request.username or request.password) or request.choice != "explore"
        if own_account:
            admin = new_user(self._clock.now(), request.username, request.display_name, Role.ADMIN)
            check_strength(request.password, admin.username)
            password_hash = await self._hasher.hash(request.password)
        async with self._work(EVERY_SITE) as work:
            if not await self._is_due(work):
                raise ConflictError("Set-up is done already. Sign in with the account that was made then.")
            if not await work.users.take_value(TOKEN_HASH, token_hash(request.token)):
                raise UnauthenticatedError(
                    "This set-up link was used or replaced. Take the newest one from the program's output, "
                    "or restart the program for another."
                )
            if own_account:
                if await work.users.by_username(admin.username):
                    raise InvalidInputError(
                        f"The username {admin.username} is taken.",
                        [FieldIssue("username", "is taken", "choose another")],
                    )
                await work.users.put(admin, password_hash)
            else:
                demo_admin = await work.users.by_username(demo_accounts.ADMIN)
                if demo_admin is None:
                    raise ConflictError("The demo's accounts are not made yet. Try again in a moment.")
                admin = demo_admin
            await work.users.put_value(CHOICE, request.choice)
            await audit(
                work,
                actor_of(admin, address=address),
                self._clock.now(),
                "setup.completed",
                subject="user",
                subject_id=admin.id,
                name=admin.username,
                after={"choice": request.choice, **(admin.model_dump(mode="json") if own_account else {})},
            )
            await work.commit()
        return admin

    @property
    def _choices(self) -> tuple[Choice, ...]:
        return ("explore",) if self._demo else ("empty",)

    async def _is_due(self, work: Work) -> bool:
        """Due until the chooser was used or an admin was made otherwise; the demo's own admin is not counted in it."""
        if await work.users.value(CHOICE) is not None:
            return False
        return not any(
            user.role is Role.ADMIN and user.is_active and not (self._demo and user.username in demo_accounts.USERNAMES)
            for user in await work.users.all()
        )
