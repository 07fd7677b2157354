"""Electronic signatures: by the person alone, once per password, with the deed or not at all, for that content only."""

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import InvalidInputError, PermissionDeniedError, UnauthenticatedError
from pdm_app.domain.signatures import Meaning
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.signatures import GOOD_FOR_S, Confirmed, SignatureService
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import GRAZ

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
