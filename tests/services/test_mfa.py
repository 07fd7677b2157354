"""The second factor: codes of an app that work once, recovery codes, and what an admin can do about a lost phone."""

import asyncio
from pathlib import Path

import pyotp
import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission, Role, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auth import AuthService
from pdm_app.services.mfa import RECOVERY_CODES, STEP_S
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.sign_in import Progress, Step, Visit
from pdm_app.settings import AuthSettings, Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
HERE = Visit("192.0.2.7", "Firefox", has_page=True)


class App:
    """Somebody's authenticator app, with a clock of its own."""

    def __init__(self, typed: str, clock: HandClock) -> None:
        self._totp = pyotp.TOTP(typed.replace(" ", ""))
        self._clock = clock

    def code(self, steps_ahead: int = 0) -> str:
        return self._totp.generate_otp(int(self._clock.now()) // MICROS_PER_S // STEP_S + steps_ahead)


async def made(work: SqlUnitOfWork, clock: HandClock, folder: Path, hasher: PasswordHasher) -> AuthService:
    auth = AuthService(work, clock, Settings(data_dir=folder / "data"), hasher)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    await auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    return auth


@pytest.fixture
async def auth(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    return await made(sqlite_work, clock, tmp_path, hasher)


@pytest.fixture
async def stored_auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    """On each of the two databases, for what they decide."""
    return await made(work, clock, tmp_path, hasher)


async def olga(auth: AuthService) -> Actor:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE.address)
    return await auth.actor_of_session(signed_in.session_id)


async def enrolled(auth: AuthService, clock: HandClock) -> tuple[Actor, App, tuple[str, ...]]:
    """Olga with an app, at the beginning of a step whose code is not used yet."""
    actor = await olga(auth)
    app = App((await auth.profile.begin_mfa(actor, PASSWORD)).typed, clock)
    codes = (await auth.profile.confirm_mfa(actor, app.code())).codes
    await clock.advance(STEP_S * 2)
    return actor, app, codes


async def asked(auth: AuthService, username: str = "olga") -> Progress:
    return await auth.begin_sign_in(username, PASSWORD, HERE)


async def test_after_enrolment_the_password_alone_opens_nothing(auth: AuthService, clock: HandClock) -> None:
    actor, app, codes = await enrolled(auth, clock)
    progress = await asked(auth)
    assert (progress.step, progress.signed_in, progress.enrolment) == (Step.CODE, None, None)
    with pytest.raises(UnauthenticatedError):
        await auth.actor_of_access(progress.challenge)
    with pytest.raises(UnauthenticatedError):
        await auth.refresh(progress.challenge)
    with pytest.raises(UnauthenticatedError, match="one more step to sign in: code"):
        await auth.sign_in("olga", PASSWORD, HERE.address)
    done = await auth.proceed(progress.challenge, app.code(), HERE)
    assert done.signed_in is not None
    assert (await auth.actor_of_session(done.signed_in.session_id)).name == "olga"
    shown = await auth.profile.show(actor)
    assert (shown.has_mfa, shown.recovery_left, shown.mfa_is_required) == (True, RECOVERY_CODES, False)
    assert len(set(codes)) == RECOVERY_CODES


async def test_a_program_sends_the_code_along(auth: AuthService, clock: HandClock) -> None:
    _, app, _ = await enrolled(auth, clock)
    assert (await auth.sign_in("olga", PASSWORD, HERE.address, code=app.code())).user.username == "olga"


async def test_a_code_works_once_even_for_two_at_the_same_moment(stored_auth: AuthService, clock: HandClock) -> None:
    _, app, _ = await enrolled(stored_auth, clock)
    first, second = await asked(stored_auth), await asked(stored_auth)
    outcomes = await asyncio.gather(
        stored_auth.proceed(first.challenge, app.code(), HERE),
        stored_auth.proceed(second.challenge, app.code(), HERE),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidInputError", "Progress"]
    with pytest.raises(InvalidInputError, match="wrong, or it was used already"):
        await stored_auth.proceed((await asked(stored_auth)).challenge, app.code(), HERE)


async def test_the_code_of_enrolment_is_used_up_by_it(auth: AuthService, clock: HandClock) -> None:
    actor = await olga(auth)
    app = App((await auth.profile.begin_mfa(actor, PASSWORD)).typed, clock)
    await auth.profile.confirm_mfa(actor, app.code())
    with pytest.raises(InvalidInputError):
        await auth.proceed((await asked(auth)).challenge, app.code(), HERE)


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_one_step_early_or_late(
    auth: AuthService, clock: HandClock, steps: int, fits: bool
) -> None:
    _, app, _ = await enrolled(auth, clock)
    await clock.advance(STEP_S * 4)
    code, challenge = app.code(steps), (await asked(auth)).challenge
    if fits:
        assert (await auth.proceed(challenge, f" {code[:3]} {code[3:]} ", HERE)).signed_in is not None
        return
    with pytest.raises(InvalidInputError):
        await auth.proceed(challenge, code, HERE)


async def test_a_code_of_a_step_before_the_used_one_is_used_up_too(auth: AuthService, clock: HandClock) -> None:
    _, app, _ = await enrolled(auth, clock)
    await clock.advance(STEP_S * 4)
    await auth.proceed((await asked(auth)).challenge, app.code(), HERE)
    with pytest.raises(InvalidInputError):
        await auth.proceed((await asked(auth)).challenge, app.code(-1), HERE)


async def test_a_recovery_code_works_once_however_it_is_typed(stored_auth: AuthService, clock: HandClock) -> None:
    actor, _, codes = await enrolled(stored_auth, clock)
    progress = await stored_auth.proceed((await asked(stored_auth)).challenge, codes[0].upper().replace("-", " "), HERE)
    assert progress.signed_in is not None
    with pytest.raises(InvalidInputError):
        await stored_auth.proceed((await asked(stored_auth)).challenge, codes[0], HERE)
    assert (await stored_auth.profile.show(actor)).recovery_left == RECOVERY_CODES - 1


async def test_new_recovery_codes_need_the_app_and_end_the_old_ones(stored_auth: AuthService, clock: HandClock) -> None:
    actor, app, codes = await enrolled(stored_auth, clock)
    with pytest.raises(InvalidInputError):
        await stored_auth.profile.new_recovery(actor, codes[0])
    fresh = (await stored_auth.profile.new_recovery(actor, app.code())).codes
    assert not set(fresh) & set(codes)
    with pytest.raises(InvalidInputError):
        await stored_auth.proceed((await asked(stored_auth)).challenge, codes[1], HERE)
    assert (await stored_auth.proceed((await asked(stored_auth)).challenge, fresh[0], HERE)).signed_in is not None


async def test_five_wrong_codes_make_the_account_wait_wherever_they_come_from(
    auth: AuthService, clock: HandClock
) -> None:
    _, app, _ = await enrolled(auth, clock)
    for number in range(5):
        visit = Visit(f"192.0.2.{number}")
        progress = await auth.begin_sign_in("olga", PASSWORD, visit)
        with pytest.raises(InvalidInputError):
            await auth.proceed(progress.challenge, "000000", visit)
    with pytest.raises(TooManyAttemptsError):
        await auth.proceed((await asked(auth)).challenge, app.code(), HERE)
    await clock.advance(301)
    assert (await auth.proceed((await asked(auth)).challenge, app.code(), HERE)).signed_in is not None


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6, "0" * 5_000, "' or 1=1"]
)
async def test_what_is_no_code_is_refused_in_the_same_words(auth: AuthService, clock: HandClock, code: str) -> None:
    await enrolled(auth, clock)
    with pytest.raises(InvalidInputError, match="This code is wrong, or it was used already"):
        await auth.proceed((await asked(auth)).challenge, code, HERE)


async def test_where_the_role_needs_an_app_sign_in_sets_it_up(auth: AuthService, clock: HandClock) -> None:
    progress = await asked(auth, "ada")
    assert progress.step is Step.ENROL
    assert progress.enrolment is not None
    assert progress.enrolment.qr_svg.startswith("<svg")
    with pytest.raises(InvalidInputError):
        await auth.proceed(progress.challenge, "000000", HERE)
    app = App(progress.enrolment.typed, clock)
    done = await auth.proceed(progress.challenge, app.code(), HERE)
    assert done.signed_in is not None
    assert len(done.recovery_codes) == RECOVERY_CODES
    await clock.advance(STEP_S)
    again = await asked(auth, "ada")
    assert again.step is Step.CODE
    ada = await auth.actor_of_session(done.signed_in.session_id)
    with pytest.raises(ConflictError, match="role admin needs an authenticator app"):
        await auth.profile.end_mfa(ada, PASSWORD, app.code())


async def test_the_demo_asks_nobody_for_an_app(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path,
                                               hasher: PasswordHasher, auth: AuthService) -> None:  # fmt: skip
    demo = AuthService(sqlite_work, clock, Settings(data_dir=tmp_path / "data", demo=True), hasher)
    assert (await demo.begin_sign_in("ada", PASSWORD, HERE)).signed_in is not None


async def test_a_setting_says_which_roles_need_an_app(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher, auth: AuthService
) -> None:
    roles = AuthSettings(mfa_required_roles=(Role.OPERATOR,))
    strict = AuthService(sqlite_work, clock, Settings(data_dir=tmp_path / "data", auth=roles), hasher)
    assert (await strict.begin_sign_in("olga", PASSWORD, HERE)).step is Step.ENROL
    assert (await strict.begin_sign_in("ada", PASSWORD, HERE)).signed_in is not None


async def test_setting_up_an_app_asks_for_the_password_and_a_session(auth: AuthService, clock: HandClock) -> None:
    actor = await olga(auth)
    with pytest.raises(InvalidInputError, match="password is wrong"):
        await auth.profile.begin_mfa(actor, "not the password")
    with pytest.raises(ConflictError, match="Begin again"):
        await auth.profile.confirm_mfa(actor, "123456")
    for nobody in (SYSTEM, actor.model_copy(update={"session_id": None})):
        with pytest.raises(PermissionDeniedError):
            await auth.profile.begin_mfa(nobody, PASSWORD)


async def test_the_app_of_before_works_until_the_new_one_has_shown_a_code(auth: AuthService, clock: HandClock) -> None:
    actor, old, codes = await enrolled(auth, clock)
    for wrong in ("", "000000", codes[0][:-1]):
        with pytest.raises(InvalidInputError, match="This code is wrong"):
            await auth.profile.begin_mfa(actor, PASSWORD, wrong)
    new = App((await auth.profile.begin_mfa(actor, PASSWORD, codes[0])).typed, clock)
    assert (await auth.proceed((await asked(auth)).challenge, old.code(), HERE)).signed_in is not None
    await clock.advance(STEP_S)
    await auth.profile.confirm_mfa(actor, new.code())
    await clock.advance(STEP_S)
    with pytest.raises(InvalidInputError):
        await auth.proceed((await asked(auth)).challenge, old.code(), HERE)
    assert (await auth.proceed((await asked(auth)).challenge, new.code(), HERE)).signed_in is not None


async def test_an_app_can_be_given_up_where_no_role_needs_it(auth: AuthService, clock: HandClock) -> None:
    actor, app, codes = await enrolled(auth, clock)
    await auth.profile.end_mfa(actor, PASSWORD, app.code())
    assert (await asked(auth)).signed_in is not None
    assert (await auth.profile.show(actor)).recovery_left == 0
    async with auth.people._work(EVERY_SITE) as work:
        assert await work.secrets.all() == []
        assert not await work.credentials.take_recovery(actor.id, codes[0])


async def test_an_admin_takes_a_lost_app_away_and_every_session_with_it(
    stored_auth: AuthService, clock: HandClock
) -> None:
    actor, _, _ = await enrolled(stored_auth, clock)
    await stored_auth.people.reset_mfa(SYSTEM, "olga")
    with pytest.raises(UnauthenticatedError):
        await stored_auth.actor_of_session(actor.session_id or "")
    progress = await asked(stored_auth)
    assert progress.signed_in is not None
    with pytest.raises(PermissionDeniedError):
        await stored_auth.people.reset_mfa(actor, "ada")


async def test_a_challenge_is_void_once_the_account_has_changed(auth: AuthService, clock: HandClock) -> None:
    _, app, _ = await enrolled(auth, clock)
    for change in (
        auth.people.set_password(SYSTEM, "olga", "granite whispers twice"),
        auth.people.deactivate(SYSTEM, "olga"),
    ):
        challenge = (await auth.begin_sign_in("olga", PASSWORD, HERE)).challenge
        await change
        with pytest.raises(UnauthenticatedError):
            await auth.proceed(challenge, app.code(), HERE)
        await auth.people.change(SYSTEM, "olga", is_active=True)
        await auth.people.set_password(SYSTEM, "olga", PASSWORD)


async def test_a_challenge_ends_after_ten_minutes_and_cannot_be_forged(auth: AuthService, clock: HandClock) -> None:
    _, app, _ = await enrolled(auth, clock)
    challenge = (await asked(auth)).challenge
    signed_in = await auth.sign_in("olga", PASSWORD, HERE.address, code=app.code())
    for forged in (challenge[:-4] + "abcd", signed_in.access_token, signed_in.refresh_token or "", "", "x" * 60):
        with pytest.raises(UnauthenticatedError):
            await auth.proceed(forged, app.code(1), HERE)
    await clock.advance(601)
    with pytest.raises(UnauthenticatedError):
        await auth.proceed(challenge, app.code(), HERE)


async def test_what_is_stored_and_on_record_holds_neither_seed_nor_codes(
    stored_auth: AuthService, clock: HandClock
) -> None:
    actor = await olga(stored_auth)
    seed = (await stored_auth.profile.begin_mfa(actor, PASSWORD)).typed.replace(" ", "")
    codes = (await stored_auth.profile.confirm_mfa(actor, App(seed, clock).code())).codes
    async with stored_auth.people._work(EVERY_SITE) as work:
        sealed = await work.secrets.sealed("totp.seed", actor.id)
        page = await work.audit.page(AuditQuery())
        assert sealed is not None
        assert seed not in sealed
    said = repr(page)
    assert "users.mfa_enrolled" in said
    for secret in (seed, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in said


async def test_actors_of_people_carry_what_was_granted_and_denied(auth: AuthService) -> None:
    user = await auth.people.change(
        SYSTEM, "olga", grants=[Permission.SYSTEM_CONFIGURE], denials=[Permission.ALARMS_ACKNOWLEDGE]
    )
    rights = {str(permission) for permission in actor_of(user).permissions}
    assert "system.configure" in rights
    assert "alarms.acknowledge" not in rights
