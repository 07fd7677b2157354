"""Who somebody is: sign-in, sessions, set-up, and from a token to an Actor.

A wrong password, an unknown user and a deactivated one give the same text after the same work.
"""

import logging

from pdm_app.domain.access import EVERY_SITE, Actor
from pdm_app.domain.errors import NotFoundError, UnauthenticatedError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.attempts import Attempts
from pdm_app.services.demo_accounts import DemoAccount, DemoAccounts
from pdm_app.services.first_run import FirstRun, SetupRequest, SetupState
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.people import USERNAME_FORM, PeopleService, normal_username
from pdm_app.services.sessions import SessionBook, SessionView, SignedIn
from pdm_app.services.tokens import TokenMint, refused, signing_key
from pdm_app.settings import Settings

log = logging.getLogger(__name__)

NOBODY = "-"  # No username and no id begins with a hyphen.
WRONG = "Username or password is wrong. Check both; after several failures the account waits some minutes."


class AuthService:
    """Sign-in and sessions. Build one per process: what it ends, it ends at once only for itself."""

    def __init__(
        self, work: UnitOfWork, clock: Clock, settings: Settings, hasher: PasswordHasher | None = None
    ) -> None:
        auth = settings.auth
        self._work = work
        self._settings = settings
        self._hasher = hasher or PasswordHasher()
        self._mint = TokenMint(signing_key(settings.data_dir, auth.key), clock, auth.access_s)
        self._sessions = SessionBook(work, clock, self._mint, auth)
        self._first_run = FirstRun(work, clock, self._hasher, demo=settings.demo)
        self._demo_accounts = DemoAccounts(work, clock, self._hasher, settings.data_dir)
        self._per_account = Attempts(clock, auth.attempts_max, auth.attempts_window_s)
        self._per_address = Attempts(clock, auth.attempts_address_max, auth.attempts_window_s)
        self.people = PeopleService(work, clock, self._hasher, self._sessions)

    async def sign_in(self, username: str, password: str, address: str, agent: str = "") -> SignedIn:
        """Check a password and open a session.

        Raises:
            UnauthenticatedError: Wrong password or unknown user, alike in text and time.
            TooManyAttemptsError: Too many failures for this account from this address, or from this address at all.
        """
        username = normal_username(username)
        if not USERNAME_FORM.fullmatch(username):
            username = NOBODY  # Nobody is called this way; the work is the same as for anybody unknown.
        account = f"{username} {address}"
        self._per_address.begin(address)
        self._per_account.begin(account)
        try:
            async with self._work(EVERY_SITE) as work:
                user = await work.users.by_username(username)
                stored_hash = await work.users.password_hash(user.id if user else NOBODY)
            verdict = await self._hasher.verify(password, stored_hash)
        except UnavailableError:  # Nobody guessed wrong: nothing was checked.
            self._per_account.take_back(account)
            self._per_address.take_back(address)
            raise
        if user is None or not verdict.fits or not user.is_active:
            log.warning("sign-in refused", extra={"username": username, "address": address})
            raise UnauthenticatedError(WRONG)
        self._per_account.succeeded(account)
        self._per_address.take_back(address)
        if verdict.new_hash:
            async with self._work(EVERY_SITE) as work:
                await work.users.put(user, verdict.new_hash)
                await work.commit()
        signed_in = await self._sessions.open(user, address, agent)
        log.info("signed in", extra={"username": username, "address": address, "session": signed_in.session_id})
        return signed_in

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token for new ones; see `SessionBook.refresh`."""
        return await self._sessions.refresh(refresh_token)

    async def sign_out(self, actor: Actor) -> None:
        """End the actor's own session; a page still open in it is refused from its next event on."""
        if actor.session_id is not None:
            await self._sessions.end(actor.session_id)
            log.info("signed out", extra={"username": actor.name, "session": actor.session_id})

    async def actor_of_access(self, token: str, *, allow_expired: bool = False, address: str = "") -> Actor:
        """Return who holds an access token, with the rights of this moment.

        Args:
            token: Empty or anything else is refused alike.
            allow_expired: For sockets, whose token was good at the handshake and now only names the session.
            address: Where the call comes from, for the journal.

        Raises:
            UnauthenticatedError: No good token, or its session has ended.
        """
        return await self.actor_of_session(
            self._mint.read_access(token, allow_expired=allow_expired).session_id, address
        )

    async def actor_of_session(self, session_id: str, address: str = "") -> Actor:
        """Return who a session belongs to; see `SessionBook.actor`."""
        return await self._sessions.actor(session_id, address)

    def session_of_refresh(self, refresh_token: str) -> str:
        """Return the session that a refresh token names, so that signing out works after the access token's end.

        Raises:
            UnauthenticatedError: It is not a good token.
        """
        return self._mint.read_refresh(refresh_token).session_id

    async def sessions(self, actor: Actor) -> tuple[SessionView, ...]:
        """Return the actor's own sessions, the newest first."""
        return await self._sessions.of_user(actor.id, actor.session_id)

    async def end_session(self, actor: Actor, session_id: str) -> None:
        """End one of the actor's own sessions.

        Raises:
            NotFoundError: It is not one of them.
        """
        if session_id not in {session.id for session in await self.sessions(actor)}:
            raise NotFoundError(f"There is no session {session_id!r} of yours.")
        await self._sessions.end(session_id)

    async def end_other_sessions(self, actor: Actor) -> int:
        """End all of the actor's sessions but this one; return how many."""
        return await self._sessions.end_all(actor.id, but=actor.session_id)

    async def setup_state(self, token: str = "") -> SetupState:
        """Say whether the first-run chooser is due, what it offers, and whether the link's token still opens it."""
        return await self._first_run.state(token)

    async def setup_link(self, base_url: str) -> str | None:
        """Return a fresh one-time set-up link, None once set-up is done. Print it, never log it."""
        return await self._first_run.link(base_url)

    async def set_up(self, request: SetupRequest, address: str, agent: str = "") -> SignedIn:
        """Make the first admin and sign in; see `FirstRun.complete`."""
        self._per_address.begin(address)
        admin = await self._first_run.complete(request)
        self._per_address.take_back(address)
        log.info("set-up done", extra={"username": admin.username, "address": address, "choice": request.choice})
        return await self._sessions.open(admin, address, agent)

    async def ensure_demo_accounts(self) -> None:
        """Make the demo's accounts. Call it in the demo only, once the sites exist."""
        await self._demo_accounts.ensure()

    def demo_accounts(self, *, is_on_this_machine: bool) -> tuple[DemoAccount, ...]:
        """Return the demo's accounts with their passwords for the login page; nothing elsewhere.

        ``is_on_this_machine`` comes from `pdm_app.services.origins.is_on_this_machine`.
        """
        return self._demo_accounts.shown() if self._settings.demo and is_on_this_machine else ()

    def nobody(self) -> UnauthenticatedError:
        """Make the error for a call without credentials."""
        return refused("missing")

    async def warm_up(self) -> None:
        """Make the first sign-in as quick as the next."""
        await self._hasher.warm_up()

    def close(self) -> None:
        """Give the hashing thread back."""
        self._hasher.close()
