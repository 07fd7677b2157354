"""Sign-in in steps: name and password, then whatever the account still owes, and only then a session.

Between two steps the caller holds a challenge: a signed, short-lived statement of which steps are done, bound to the
password of that moment. It opens nothing by itself. A wrong password, an unknown user, a deactivated, deleted or
invited one and a service account give the same text after the same work; whether an account must wait is decided
before anybody looks whether it exists.

Whoever has a password here proves it here. A name without one is asked of the company's own directories, so that an
account made here opens when they are away, and its password is never shown to them.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pdm_app.domain.access import EVERY_SITE, Actor, Role, User, actor_of
from pdm_app.domain.credentials import CredentialRow
from pdm_app.domain.errors import InvalidInputError, UnauthenticatedError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.arrivals import Arrival, Arrivals
from pdm_app.services.attempts import Attempts
from pdm_app.services.auditing import audit, stranger
from pdm_app.services.directory_people import NotAdmittedError
from pdm_app.services.ldap_sign_in import LdapSignIn
from pdm_app.services.mfa import Enrolment, MfaService
from pdm_app.services.own_password import OwnPassword
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.patience import impatient
from pdm_app.services.people import USERNAME_FORM, normal_username
from pdm_app.services.sessions import SessionBook, SignedIn
from pdm_app.services.tokens import TokenMint, refused, token_hash
from pdm_app.settings import AuthSettings

log = logging.getLogger(__name__)

NOBODY = "-"  # No username and no id begins with a hyphen.
NAME_FORM = re.compile(r"[\w.@\\-]{1,120}")  # What a directory may call somebody, fit for the record.
DONE_THERE = "done_there"  # A second factor that was shown to a directory, which the settings trust with that.
WRONG = "Username or password is wrong. Check both; after several failures the account waits some minutes."
CHALLENGE_S = 600

T = TypeVar("T")


class Step(StrEnum):
    """What an account owes after its password."""

    CODE = "code"  # Of the authenticator app, or a recovery code.
    PASSWORD = "password"  # noqa: S105 - a new one, because the old one was given by somebody else
    ENROL = "enrol"  # An authenticator app, where the role needs one.


@dataclass(frozen=True, slots=True)
class Visit:
    """Where somebody signs in from; ``has_page`` for a browser, whose session ends when nobody touches the page."""

    address: str
    agent: str = ""
    has_page: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sign-in is: a session, or the next step with the challenge that answers it.

    Attributes:
        signed_in: The session; None while a step is owed.
        step: The step owed; None once there is a session.
        challenge: What the answer to the step is sent with.
        enrolment: What the app scans, for `Step.ENROL`.
        recovery_codes: Made by this very step; shown now and never again.
    """

    signed_in: SignedIn | None = None
    step: Step | None = None
    challenge: str = ""
    enrolment: Enrolment | None = None
    recovery_codes: tuple[str, ...] = ()


class SignIn:
    """Checks who somebody is. One per process: the failures it counts are in memory."""

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        settings: AuthSettings,
        hasher: PasswordHasher,
        mint: TokenMint,
        sessions: SessionBook,
        mfa: MfaService,
        own_password: OwnPassword,
        ldap: LdapSignIn,
        arrivals: Arrivals,
        *,
        demo: bool,
    ) -> None:
        self._ldap = ldap
        self._arrivals = arrivals
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._mint = mint
        self._sessions = sessions
        self._mfa = mfa
        self._own_password = own_password
        self._is_demo = demo
        window_s = settings.attempts_window_s
        self._per_account_here = Attempts(clock, settings.attempts_max, window_s)
        self._per_account = Attempts(clock, settings.attempts_account_max, window_s)
        self._per_address = Attempts(clock, settings.attempts_address_max, window_s)
        self._codes = Attempts(clock, settings.attempts_max, window_s)  # Per account, wherever they come from.
        self.apply(settings)

    def apply(self, settings: AuthSettings) -> None:
        """Go by these settings from now on; failures that were counted stay counted."""
        self._mfa_roles = frozenset() if self._is_demo else frozenset(settings.mfa_required_roles)
        for attempts, attempts_max in (
            (self._per_account_here, settings.attempts_max),
            (self._per_account, settings.attempts_account_max),
            (self._per_address, settings.attempts_address_max),
            (self._codes, settings.attempts_max),
        ):
            attempts.limit(attempts_max, settings.attempts_window_s)

    def needs_mfa(self, user: User) -> bool:
        """Whether the role needs an authenticator app."""
        return user.role in self._mfa_roles

    async def begin(self, username: str, password: str, visit: Visit) -> Progress:
        """Check a password; go on with what else is owed.

        Raises:
            UnauthenticatedError: Wrong password or nobody who signs in by one, alike in text and work.
            TooManyAttemptsError: Too many failures for this account, here or everywhere, or from this address at all.
        """
        user, arrival = await self._check(username, password, visit.address)
        return await self.go_on(user, frozenset(), visit, via=self._arrivals.keep(arrival) if arrival else "")

    async def check_password(self, username: str, password: str, address: str) -> User:
        """Return whose name and password these are; see `begin` for what is raised."""
        user, _ = await self._check(username, password, address)
        return user

    async def _check(self, typed: str, password: str, address: str) -> tuple[User, Arrival | None]:
        username = normal_username(typed)
        if not (NAME_FORM if self._ldap.is_there else USERNAME_FORM).fullmatch(username):
            username = NOBODY  # Nobody is called this way; the work is the same as for anybody unknown.
        here = f"{username} {address}"
        # An address that waits already adds nothing to the account's own count: nobody locks somebody out from afar.
        counted = ((self._per_address, address), (self._per_account_here, here), (self._per_account, username))
        for attempts, key in counted:
            attempts.begin(key)
        try:
            async with self._work(EVERY_SITE) as work:
                user = await work.users.by_username(username)
                stored_hash = await work.users.password_hash(user.id if user else NOBODY)
            verdict = await self._hasher.verify(password, stored_hash)
            found = await self._elsewhere(user, stored_hash, typed, password, address)
        except (UnavailableError, NotAdmittedError):  # Nobody guessed wrong: nothing was checked, or all was right.
            for attempts, key in counted:
                attempts.take_back(key)
            raise
        arrival = None
        if found is not None:
            user, arrival = found
        elif user is None or not verdict.fits or not user.is_active:
            log.warning("sign-in refused", extra={"username": username, "address": address})
            await self._note_failure(username, address, "password")
            raise UnauthenticatedError(WRONG)
        self._per_account_here.succeeded(here)
        self._per_account.take_back(username)
        self._per_address.take_back(address)
        if verdict.new_hash and arrival is None:
            async with self._work(EVERY_SITE) as work:
                await work.users.put(user, verdict.new_hash)
                await work.commit()
        return user, arrival

    async def _elsewhere(
        self, user: User | None, stored_hash: str | None, typed: str, password: str, address: str
    ) -> tuple[User, Arrival] | None:
        """Ask the directories about a name that has no password here; None where none knows it, or it is wrong."""
        if stored_hash is not None or (user is not None and user.role is Role.SERVICE) or not self._ldap.is_there:
            return None
        return await self._ldap.check(typed, password, address)

    async def proceed(self, challenge: str, answer: str, visit: Visit) -> Progress:
        """Take the answer to the step that a challenge asks for: a code, or a new password.

        Raises:
            UnauthenticatedError: The challenge is not good, too old, or the account has changed since.
            InvalidInputError: The answer cannot be used; the challenge stays good.
            TooManyAttemptsError: Too many wrong codes for this account.
        """
        claims = self._mint.read_challenge(challenge)
        self._per_address.begin(visit.address)
        user, credential, print_ = await self._read(claims.user_id)
        if print_ != claims.print_ or not user.is_active:
            raise refused("the account has changed")
        step = self._owed(user, credential, claims.done)
        if step is None:
            raise refused("nothing is owed")
        actor = actor_of(user, address=visit.address)
        recovery_codes: tuple[str, ...] = ()
        if step is Step.CODE:
            await self.check_code(actor, user, answer)
        elif step is Step.ENROL:
            recovery_codes = await self.counted(user, lambda: self._mfa.confirm(actor, user, answer))
        else:
            await self._own_password.replace(actor, user, answer)
        self._per_address.take_back(visit.address)
        return await self.go_on(user, claims.done | {step}, visit, recovery_codes, claims.via)

    async def check_code(self, actor: Actor, user: User, code: str) -> None:
        """Use up a code of somebody's second factor; wrong ones are counted per account.

        Raises:
            InvalidInputError: The code is wrong or used.
            TooManyAttemptsError: Five were.
        """
        await self.counted(user, lambda: self._mfa.check(actor, user, code))

    async def counted(self, user: User, check: Callable[[], Awaitable[T]]) -> T:
        """Make a check of a code, and count it per account where it fails."""
        self._codes.begin(user.id)
        try:
            outcome = await check()
        except InvalidInputError:
            log.warning("code refused", extra={"username": user.username})
            await self._note_failure(user.username, "", "code")
            raise
        except BaseException:  # Nothing was checked.
            self._codes.take_back(user.id)
            raise
        self._codes.succeeded(user.id)
        return outcome

    async def go_on(
        self, user: User, done: frozenset[str], visit: Visit, recovery_codes: tuple[str, ...] = (), via: str = ""
    ) -> Progress:
        """Ask for the next step that an account owes, or open its session.

        Args:
            user: Whose sign-in it is.
            done: The steps behind them.
            visit: Where they are.
            recovery_codes: Made by the step before.
            via: Handle of the arrival for whom a directory vouches; empty for a password of ours.

        Raises:
            UnauthenticatedError: The arrival is forgotten: it took too long.
        """
        user, credential, print_ = await self._read(user.id)
        step = self._owed(user, credential, done)
        if step is None:
            signed_in = await self._sessions.open(
                user, visit.address, visit.agent, has_page=visit.has_page, also=self._arrivals.opening(via)
            )
            facts = {"username": user.username, "address": visit.address, "session": signed_in.session_id}
            log.info("signed in", extra=facts)
            return Progress(signed_in=signed_in, recovery_codes=recovery_codes)
        challenge = self._mint.challenge(user.id, done, print_, CHALLENGE_S, via)
        enrolment = await self._mfa.begin(user) if step is Step.ENROL else None
        return Progress(step=step, challenge=challenge, enrolment=enrolment, recovery_codes=recovery_codes)

    def _owed(self, user: User, credential: CredentialRow, done: frozenset[str]) -> Step | None:
        if credential.has_mfa and not done & {Step.CODE, Step.ENROL, DONE_THERE}:
            return Step.CODE
        if credential.must_change and Step.PASSWORD not in done:
            return Step.PASSWORD
        if self.needs_mfa(user) and not credential.has_mfa and DONE_THERE not in done:
            return Step.ENROL
        return None

    async def _read(self, user_id: str) -> tuple[User, CredentialRow, str]:
        async with self._work(EVERY_SITE) as work:
            user = await work.users.get(user_id)
            if user is None:
                raise refused("no such user")
            credential = await work.credentials.of(user_id)
            stored_hash = await work.users.password_hash(user_id)
        return user, credential, token_hash(f"{user_id} {stored_hash}")[:16]

    async def _note_failure(self, username: str, address: str, what: str) -> None:
        """Put a refusal on record; while the database is away the log alone has it."""
        try:
            async with impatient(), self._work(EVERY_SITE) as work:
                who = stranger(username, address)
                await audit(work, who, self._clock.now(), "sessions.refused", subject="session", name=username,
                            reason=what)  # fmt: skip
                await work.commit()
        except UnavailableError:
            pass


def whole(progress: Progress, name: str) -> SignedIn:
    """Return the session of a sign-in that had to be done in one go.

    Raises:
        UnauthenticatedError: A step is owed; says which.
    """
    if progress.signed_in is None:
        raise UnauthenticatedError(
            f"{name} owes one more step to sign in: {progress.step}. Sign in on the page, where it is asked for; "
            "a program sends the code along, or better has a service account with a key.",
            step=str(progress.step),
        )
    return progress.signed_in
