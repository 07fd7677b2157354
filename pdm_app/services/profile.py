"""What people do with their own account: password, second factor, preferences.

Whoever finds a page left open can read; changing how the account is entered asks for the password again.
"""

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, User
from pdm_app.domain.credentials import Preferences
from pdm_app.domain.errors import (
    ConflictError,
    FieldIssue,
    InvalidInputError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.mfa import Enrolment, MfaService
from pdm_app.services.own_password import OwnPassword
from pdm_app.services.sign_in import SignIn


class Profile(Record):
    """One's own account."""

    user: User
    has_mfa: bool
    mfa_since: int | None
    mfa_is_required: bool = Field(description="The role needs an authenticator app.")
    recovery_left: int
    preferences: Preferences


class RecoveryCodes(Record):
    """Codes for the day the phone is gone, each good once; shown now and never again."""

    codes: tuple[str, ...]


class ProfileService:
    """Everything here is about the actor, who has to be a person in a session."""

    def __init__(
        self, work: UnitOfWork, clock: Clock, sign_in: SignIn, mfa: MfaService, own_password: OwnPassword
    ) -> None:
        self._work = work
        self._clock = clock
        self._sign_in = sign_in
        self._mfa = mfa
        self._own_password = own_password

    async def show(self, actor: Actor) -> Profile:
        """Return the actor's account."""
        user = await self._person(actor)
        state = await self._mfa.state(user.id)
        return Profile(
            user=user,
            has_mfa=state.is_on,
            mfa_since=None if state.since is None else int(state.since),
            mfa_is_required=self._sign_in.needs_mfa(user),
            recovery_left=state.recovery_left,
            preferences=await self.preferences(actor),
        )

    async def preferences(self, actor: Actor) -> Preferences:
        """Return how the actor likes the pages; the product's own ways for whoever has not said."""
        async with self._work(EVERY_SITE) as work:
            return await work.credentials.preferences(actor.id)

    async def prefer(self, actor: Actor, preferences: Preferences) -> Preferences:
        """Keep how the actor likes the pages."""
        user = await self._person(actor)
        async with self._work(EVERY_SITE) as work:
            before = await work.credentials.preferences(user.id)
            if before != preferences:
                await work.credentials.put_preferences(user.id, preferences)
            await audit(work, actor, self._clock.now(), "profile.preferences_changed", subject="user",
                        subject_id=user.id, name=user.username, before=before, after=preferences)  # fmt: skip
            await work.commit()
        return preferences

    async def confirm(self, actor: Actor, password: str, code: str = "") -> User:
        """Return the actor's account once its password, and a code where it has an app, were typed again.

        For what asks for that, such as a signature.

        Raises:
            PermissionDeniedError: The actor is no person in a session.
            InvalidInputError: The password or the code is wrong or missing; names the field.
            TooManyAttemptsError: Too many wrong ones.
        """
        user = await self._again(actor, password)
        if (await self._mfa.state(user.id)).is_on:
            if not code:
                fix = "type one of your authenticator app, or a recovery code"
                raise InvalidInputError(f"A code is needed too; {fix}.", [FieldIssue("code", "is missing", fix)])
            await self._sign_in.check_code(actor, user, code)
        return user

    async def change_password(self, actor: Actor, password: str, new_password: str) -> None:
        """Replace the password by the old one; every other session of the person ends.

        Raises:
            InvalidInputError: The old one is wrong, or the new one is weak or the same.
            TooManyAttemptsError: Too many wrong ones.
        """
        user = await self._again(actor, password)
        async with self._work(EVERY_SITE) as work:
            is_kept_here = await work.users.password_hash(user.id) is not None
        if not is_kept_here:
            fix = "change it there"
            raise InvalidInputError(
                f"Your password is kept by your company's directory; {fix}.",
                [FieldIssue("password", "is kept by your company's directory", fix)],
            )
        await self._own_password.replace(actor, user, new_password, field="new_password")

    async def begin_mfa(self, actor: Actor, password: str, code: str = "") -> Enrolment:
        """Return what an authenticator app scans; an app of before works until the new one has shown a code.

        Where there is an app already, ``code`` is one of it, or a recovery code: a password alone replaces no app.

        Raises:
            InvalidInputError: Password or code is wrong.
        """
        user = await self._again(actor, password)
        if (await self._mfa.state(user.id)).is_on:
            await self._sign_in.check_code(actor, user, code)
        return await self._mfa.begin(user)

    async def confirm_mfa(self, actor: Actor, code: str) -> RecoveryCodes:
        """Take the app into use with its first code.

        Raises:
            InvalidInputError: The code is not the app's.
            ConflictError: Nothing was begun.
        """
        user = await self._person(actor)
        return RecoveryCodes(codes=await self._sign_in.counted(user, lambda: self._mfa.confirm(actor, user, code)))

    async def end_mfa(self, actor: Actor, password: str, code: str) -> None:
        """Give the app up.

        Raises:
            ConflictError: The role needs one.
            InvalidInputError: Password or code is wrong.
        """
        user = await self._again(actor, password)
        if self._sign_in.needs_mfa(user):
            raise ConflictError(f"The role {user.role} needs an authenticator app. Set another one up instead.")
        await self._sign_in.counted(user, lambda: self._mfa.end(actor, user, code))

    async def new_recovery(self, actor: Actor, code: str) -> RecoveryCodes:
        """Replace all recovery codes, with a code of the app.

        Raises:
            InvalidInputError: The code is wrong or used.
        """
        user = await self._person(actor)
        return RecoveryCodes(codes=await self._sign_in.counted(user, lambda: self._mfa.new_recovery(actor, user, code)))

    async def _again(self, actor: Actor, password: str) -> User:
        user = await self._person(actor)
        try:
            return await self._sign_in.check_password(user.username, password, actor.address)
        except UnauthenticatedError:  # The session stands; only this was wrong.
            fix = "type the password of now"
            raise InvalidInputError(
                f"The password is wrong; {fix}.", [FieldIssue("password", "is wrong", fix)]
            ) from None

    async def _person(self, actor: Actor) -> User:
        async with self._work(EVERY_SITE) as work:
            user = await work.users.get(actor.id) if actor.session_id is not None else None
        if user is None:
            raise PermissionDeniedError(f"{actor.name} is no person in a session, and has no profile.")
        return user
