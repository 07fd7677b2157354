"""Who somebody is: the one door to sign-in, sessions, accounts, keys and set-up, and from a token to an Actor."""

import logging

from pdm_app.domain.access import Actor
from pdm_app.domain.directories import Doors
from pdm_app.domain.errors import NotFoundError, UnauthenticatedError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.secrets import Sealer
from pdm_app.services.arrivals import Arrivals
from pdm_app.services.attempts import Attempts
from pdm_app.services.demo_accounts import DemoAccount, DemoAccounts
from pdm_app.services.directory_people import DirectoryPeople
from pdm_app.services.directory_sessions import DirectorySessions
from pdm_app.services.first_run import FirstRun, SetupRequest, SetupState
from pdm_app.services.groups import GroupService
from pdm_app.services.ldap_sign_in import LdapSignIn
from pdm_app.services.links import Links, LinkView
from pdm_app.services.mfa import MfaService
from pdm_app.services.oidc_sign_in import OidcSignIn
from pdm_app.services.own_password import OwnPassword
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.people import PeopleService
from pdm_app.services.profile import ProfileService
from pdm_app.services.roles import RoleService
from pdm_app.services.secrets import key_ring
from pdm_app.services.service_accounts import KEY_START, ServiceAccountService
from pdm_app.services.sessions import SessionBook, SessionView, SignedIn
from pdm_app.services.shares import ShareService
from pdm_app.services.sign_in import Progress, SignIn, Visit, whole
from pdm_app.services.tokens import TokenMint, refused, signing_key
from pdm_app.services.users import UserService
from pdm_app.settings import AuthSettings, Settings

log = logging.getLogger(__name__)


class AuthService:
    """Sign-in and sessions. Build one per process: what it ends, it ends at once only for itself.

    Attributes:
        people: Accounts: added, changed, deleted.
        users: Accounts as an admin sees them.
        groups, roles, shares: What gives people rights and sites beside their own accounts.
        links: Invitations and links for new passwords.
        oidc: Sign-in with a provider of the company.
        profile: What people do with their own account.
        service_accounts: Programs and their keys.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        settings: Settings,
        hasher: PasswordHasher | None = None,
        sealer: Sealer | None = None,
        doors: Doors | None = None,
    ) -> None:
        auth = settings.auth
        self._settings = settings
        self._hasher = hasher or PasswordHasher()
        self._mint = TokenMint(signing_key(settings.data_dir, auth.key), clock, auth.access_s)
        self._sessions = SessionBook(work, clock, self._mint, auth)
        self._first_run = FirstRun(work, clock, self._hasher, demo=settings.demo)
        self._demo_accounts = DemoAccounts(work, clock, self._hasher, settings.data_dir)
        self._per_address = Attempts(clock, auth.attempts_address_max, auth.attempts_window_s)
        sealer = sealer or key_ring(settings.data_dir, settings.secrets.key, settings.secrets.key_file)
        mfa = MfaService(work, clock, sealer)
        own_password = OwnPassword(work, clock, self._hasher, self._sessions)
        doors = doors or Doors()
        known, arrivals = DirectoryPeople(work, clock), Arrivals(clock, sealer)
        ldap = LdapSignIn(doors, known, clock)
        self._sign_in = SignIn(
            work, clock, auth, self._hasher, self._mint, self._sessions, mfa, own_password, ldap, arrivals,
            demo=settings.demo,
        )  # fmt: skip
        self.oidc = OidcSignIn(work, clock, doors, known, arrivals, self._sign_in, self._sessions)
        self._directory_sessions = DirectorySessions(work, clock, doors, known, arrivals, self._sessions)
        self.service_accounts = ServiceAccountService(work, clock, auth.key_overlap_hours)
        self.people = PeopleService(work, clock, self._hasher, self._forget)
        self.groups = GroupService(work, clock, self._forget)
        self.roles = RoleService(work, clock, self._forget)
        self.shares = ShareService(work, clock, self._forget)
        self.users = UserService(work, clock, self._sessions)
        self.links = Links(work, clock, auth, own_password)
        self.profile = ProfileService(work, clock, self._sign_in, mfa, own_password)

    def apply(self, settings: AuthSettings) -> None:
        """Go by these settings from now on, without a new start; its key stays."""
        self._mint.access_s = settings.access_s
        self._per_address.limit(settings.attempts_address_max, settings.attempts_window_s)
        self._sessions.apply(settings)
        self._sign_in.apply(settings)
        self.links.apply(settings)
        self.service_accounts.overlap_hours(settings.key_overlap_hours)

    def _forget(self, user_id: str) -> None:
        self._sessions.forget_user(user_id)
        self.service_accounts.forget_user(user_id)

    async def sign_in(self, username: str, password: str, address: str, agent: str = "", code: str = "") -> SignedIn:
        """Check a password, and a code where the account needs one, and open a session in one go.

        Raises:
            UnauthenticatedError: Wrong password or unknown user, alike in text and time; or another step is owed.
            TooManyAttemptsError: Too many failures for this account from this address, or from this address at all.
            InvalidInputError: The code is wrong or used.
        """
        visit = Visit(address, agent)
        progress = await self._sign_in.begin(username, password, visit)
        if progress.step == "code" and code:
            progress = await self._sign_in.proceed(progress.challenge, code, visit)
        return whole(progress, username)

    async def begin_sign_in(self, username: str, password: str, visit: Visit) -> Progress:
        """Check a password on a page and say what else is owed; see `SignIn.begin`."""
        return await self._sign_in.begin(username, password, visit)

    async def proceed(self, challenge: str, answer: str, visit: Visit) -> Progress:
        """Answer a step of a sign-in; see `SignIn.proceed`."""
        return await self._sign_in.proceed(challenge, answer, visit)

    async def link_view(self, token: str, address: str) -> LinkView:
        """Say what a one-time link is for; guesses are counted per address."""
        self._per_address.begin(address)
        view = await self.links.view(token)
        self._per_address.take_back(address)
        return view

    async def accept_link(self, token: str, password: str, visit: Visit) -> Progress:
        """Set a password by a one-time link and go on to sign in; see `Links.accept`."""
        self._per_address.begin(visit.address)
        user = await self.links.accept(token, password, visit.address)
        self._per_address.take_back(visit.address)
        return await self._sign_in.go_on(user, frozenset(), visit)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token for new ones; see `SessionBook.refresh`.

        Whoever signed in with a directory of the company must still be there.
        """
        await self._directory_sessions.check(self._mint.read_refresh(refresh_token).session_id)
        return await self._sessions.refresh(refresh_token)

    async def sign_out(self, actor: Actor) -> None:
        """End the actor's own session; a page still open in it is refused from its next event on."""
        if actor.session_id is not None:
            await self._sessions.end(actor, actor.session_id)
            log.info("signed out", extra={"username": actor.name, "session": actor.session_id})

    async def actor_of_access(self, token: str, *, allow_expired: bool = False, address: str = "") -> Actor:
        """Return who holds an access token, or a key of a service account, with the rights of this moment.

        Args:
            token: Empty or anything else is refused alike.
            allow_expired: For sockets, whose token was good at the handshake and now only names the session.
            address: Where the call comes from, for the journal.

        Raises:
            UnauthenticatedError: No good token, or its session has ended.
        """
        if token.startswith(KEY_START):
            return await self.service_accounts.actor_of_key(token, address)
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
        await self._sessions.end(actor, session_id)

    async def end_other_sessions(self, actor: Actor) -> int:
        """End all of the actor's sessions but this one; return how many."""
        return await self._sessions.end_all(actor, actor.id, but=actor.session_id)

    def idle_s(self, actor: Actor) -> int | None:
        """Return after how many seconds an untouched page of the actor signs out; None for never."""
        return None if actor.session_id is None else self._sessions.idle_s(actor.role)

    async def note_activity(self, actor: Actor) -> None:
        """Note that somebody is in front of the actor's page."""
        if actor.session_id is not None:
            await self._sessions.note_activity(actor.session_id)

    async def setup_state(self, token: str = "") -> SetupState:
        """Say whether the first-run chooser is due, what it offers, and whether the link's token still opens it."""
        return await self._first_run.state(token)

    async def setup_link(self, base_url: str) -> str | None:
        """Return a fresh one-time set-up link, None once set-up is done. Print it, never log it."""
        return await self._first_run.link(base_url)

    async def set_up(self, request: SetupRequest, address: str, agent: str = "", *, has_page: bool = False) -> SignedIn:
        """Make the first admin and sign in; see `FirstRun.complete`.

        An authenticator app, where admins need one, is asked for at the next sign-in: nothing may stand between a
        person and the first look at their plant.
        """
        self._per_address.begin(address)
        admin = await self._first_run.complete(request, address)
        self._per_address.take_back(address)
        log.info("set-up done", extra={"username": admin.username, "address": address, "choice": request.choice})
        return await self._sessions.open(admin, address, agent, has_page=has_page)

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
