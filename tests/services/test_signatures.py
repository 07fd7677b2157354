"""Electronic signatures: by the person alone, once per password, with the deed or not at all, for that content only."""

import pyotp
import pytest
from sqlalchemy import update

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from pdm_app.domain.signatures import Meaning
from pdm_app.drivers.connection_rules import Rules
from pdm_app.services.assets import AssetService
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.plant_changes import Desk
from pdm_app.services.signatures import GOOD_FOR_S, Confirmed, SignatureService, Signing
from pdm_app.settings import Settings
from pdm_app.storage.audit import ENTRIES
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import GATEWAY, GRAZ

PASSWORD = "copper lantern drifts"


@pytest.fixture
async def auth(work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher, tmp_path: object) -> AuthService:
    auth = AuthService(work, clock, Settings(data_dir=tmp_path), hasher)  # type: ignore[arg-type]
    await auth.people.add(SYSTEM, "max", PASSWORD, Role.MANAGER, "Max M. Anager", ["graz"])
    return auth


@pytest.fixture
async def manager(auth: AuthService) -> Actor:
    signed_in = await auth.sign_in("max", PASSWORD, "192.0.2.9")
    return await auth.actor_of_session(signed_in.session_id, "192.0.2.9")


@pytest.fixture
def signatures(work: SqlUnitOfWork, clock: HandClock, auth: AuthService) -> SignatureService:
    return SignatureService(work, clock, auth.profile.confirm)


async def sign(work: SqlUnitOfWork, signatures: SignatureService, confirmed: Confirmed, *, commit: bool = True) -> None:
    async with work(confirmed.actor.scope) as w:
        await signatures.sign(
            w, confirmed, Meaning.APPROVED, GRAZ, subject="site", subject_id="graz", name="Graz", site_id="graz",
            reason="as discussed",
        )  # fmt: skip
        if commit:
            await w.commit()


async def test_a_signature_names_person_time_meaning_and_exactly_what_was_signed(
    work: SqlUnitOfWork, signatures: SignatureService, manager: Actor, clock: HandClock
) -> None:
    await sign(work, signatures, await signatures.confirm(manager, PASSWORD))
    (signature,) = await signatures.of(manager, "site", "graz")
    assert (signature.username, signature.printed_name, signature.meaning, signature.at, signature.reason) == (
        "max", "Max M. Anager", Meaning.APPROVED, clock.now(), "as discussed",
    )  # fmt: skip
    assert signature.holds_for(GRAZ)
    assert not signature.holds_for(GRAZ.model_copy(update={"name": "Graz 2"}))
    assert await signatures.of(manager, "site", "pune") == ()
    async with work(EVERY_SITE) as w:
        (entry,) = await w.audit.page(AuditQuery(action="signatures."))
    assert PASSWORD not in entry.model_dump_json()


async def test_a_password_signs_once_and_soon_or_not_at_all(
    work: SqlUnitOfWork, signatures: SignatureService, manager: Actor, clock: HandClock
) -> None:
    once = await signatures.confirm(manager, PASSWORD)
    await sign(work, signatures, once)
    with pytest.raises(UnauthenticatedError, match="type the password again"):
        await sign(work, signatures, once)
    late = await signatures.confirm(manager, PASSWORD)
    clock.at += (GOOD_FOR_S + 1) * 1_000_000
    with pytest.raises(UnauthenticatedError):
        await sign(work, signatures, late)
    forged = Confirmed("made-up", manager, late.user, clock.now())
    with pytest.raises(UnauthenticatedError):
        await sign(work, signatures, forged)
    await sign(work, signatures, await signatures.confirm(manager, PASSWORD), commit=False)
    assert len(await signatures.of(manager, "site", "graz")) == 1, "without the deed there is no signature"


async def test_nobody_signs_with_a_wrong_password_or_without_being_a_person(
    signatures: SignatureService, manager: Actor
) -> None:
    with pytest.raises(InvalidInputError):
        await signatures.confirm(manager, "not it")
    with pytest.raises(PermissionDeniedError):
        await signatures.confirm(SYSTEM, PASSWORD)


# --- what is signed as it stands, and a deed that is ------------------------------------------------------------------


@pytest.fixture
async def engineer(auth: AuthService) -> Actor:
    await auth.people.add(SYSTEM, "rita", PASSWORD, Role.ENGINEER, "Rita R.", ["pune"])
    signed_in = await auth.sign_in("rita", PASSWORD, "192.0.2.9")
    return await auth.actor_of_session(signed_in.session_id, "192.0.2.9")


@pytest.fixture
def assets(work: SqlUnitOfWork, clock: HandClock, signatures: SignatureService) -> AssetService:
    return AssetService(work, Desk(clock, Rules()), signatures)


async def test_a_machine_is_signed_as_it_stands_and_no_further(
    signatures: SignatureService, engineer: Actor, assets: AssetService
) -> None:
    signing = Signing(password=PASSWORD, reason="checked on site")
    made = await signatures.sign_now(engineer, "asset", "p-501", Meaning.REVIEWED, signing)
    assert (made.holds, made.signature.printed_name, made.signature.reason) == (True, "Rita R.", "checked on site")
    checked = await signatures.verify(engineer, made.signature.seq)
    assert (checked.is_unaltered, checked.holds) == (True, True)
    await assets.change(engineer, "p-501", {"name": "Another pump"})
    (view,) = await signatures.views(engineer, "asset", "p-501")
    assert not view.holds, "what was changed afterwards is not signed"
    checked = await signatures.verify(engineer, made.signature.seq)
    assert (checked.is_unaltered, checked.holds) == (True, False)


async def test_a_signature_that_somebody_has_altered_in_the_database_is_found(
    signatures: SignatureService, engineer: Actor, work: SqlUnitOfWork
) -> None:
    made = await signatures.sign_now(engineer, "asset", "p-501", Meaning.REVIEWED, Signing(password=PASSWORD))
    async with work(EVERY_SITE) as w:
        altered = update(ENTRIES).where(ENTRIES.c.seq == made.signature.seq).values(actor="somebody.else")
        await w._transaction.write(altered, "tamper")  # type: ignore[attr-defined]
        await w.commit()
    checked = await signatures.verify(engineer, made.signature.seq)
    assert (checked.is_unaltered, checked.signature.username) == (False, "somebody.else")


async def test_only_what_the_signer_may_see_is_signed_listed_or_verified(
    signatures: SignatureService, engineer: Actor, manager: Actor
) -> None:
    made = await signatures.sign_now(engineer, "asset", "p-501", Meaning.REVIEWED, Signing(password=PASSWORD))
    for attempt in (
        signatures.sign_now(manager, "asset", "p-501", Meaning.APPROVED, Signing(password=PASSWORD)),
        signatures.views(manager, "asset", "p-501"),
        signatures.verify(manager, made.signature.seq),
        signatures.verify(engineer, made.signature.seq + 1),
        signatures.verify(engineer, made.signature.seq - 1),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    with pytest.raises(InvalidInputError):
        await signatures.sign_now(engineer, "asset", "p-501", Meaning.APPROVED, Signing(password="not it"))
    assert len(await signatures.views(engineer, "asset", "p-501")) == 1


async def test_whoever_has_an_app_signs_with_a_code_of_it_which_signs_once(
    auth: AuthService, signatures: SignatureService, engineer: Actor, clock: HandClock
) -> None:
    enrolment = await auth.profile.begin_mfa(engineer, PASSWORD)
    app = pyotp.TOTP(enrolment.typed.replace(" ", ""))
    await auth.profile.confirm_mfa(engineer, app.at(clock.now() // 1_000_000))
    with pytest.raises(InvalidInputError, match="A code is needed too"):
        await signatures.confirm(engineer, PASSWORD)
    clock.at += 30_000_000
    code = app.at(clock.now() // 1_000_000)
    await signatures.confirm(engineer, PASSWORD, code)
    with pytest.raises(InvalidInputError):
        await signatures.confirm(engineer, PASSWORD, code)


async def test_where_the_settings_ask_for_it_a_machine_is_deleted_with_a_signature_or_not_at_all(
    signatures: SignatureService, engineer: Actor, assets: AssetService, work: SqlUnitOfWork
) -> None:
    assets.signs_deletions = True
    for refused in (None, Signing(password="not it")):
        with pytest.raises(InvalidInputError):
            await assets.delete(engineer, "g-1", with_parts=True, signing=refused)
    with pytest.raises(ConflictError, match="cannot be deleted while it has"):
        await assets.delete(engineer, "p-501", with_parts=True, signing=Signing(password=PASSWORD))
    assert await signatures.views(engineer, "asset", "p-501") == (), "without the deed there is no signature"
    async with work(EVERY_SITE) as w:
        await w.devices.put(GATEWAY.model_copy(update={"asset_id": None}))
        await w.commit()
    await assets.delete(engineer, "g-1", with_parts=True, signing=Signing(password=PASSWORD, reason="scrapped"))
    (view,) = await signatures.views(engineer, "asset", "g-1")
    assert (view.signature.meaning, view.signature.reason) == (Meaning.APPROVED, "scrapped")
    with pytest.raises(NotFoundError):
        await assets.by_id(engineer, "g-1")
