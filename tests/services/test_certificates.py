"""What an admin does with the certificate is checked, put on record without its key, and nobody else does it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Permission, Role, User, actor_of
from pdm_app.domain.audit import AuditEntry, AuditQuery
from pdm_app.domain.certificates import DAY, RequestFacts
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.acme import AcmeKeeping
from pdm_app.services.certificate_store import CertificateStore
from pdm_app.services.certificates import CertificateService
from pdm_app.services.expiries import ExpiryService
from pdm_app.settings import Settings, TlsSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.certificates import brought, signed
from tests.counterparts.clocks import HandClock

NAMES = ["plant.example", "192.0.2.7", "2001:db8::7"]
FACTS = RequestFacts(names=("scada.example",), organization="Works", country="AT")


def service_of(work: SqlUnitOfWork, clock: HandClock, folder: Path, tls: TlsSettings) -> CertificateService:
    store = CertificateStore(folder, tls, clock, names=lambda more: [*more, *NAMES])
    store.tend()
    return CertificateService(
        store, work, clock, Settings(data_dir=folder, tls=tls), AcmeKeeping(store, tls, work, clock)
    )


@pytest.fixture
def service(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> CertificateService:
    return service_of(sqlite_work, clock, tmp_path, TlsSettings(enabled=True))


async def entries_of(work: SqlUnitOfWork) -> list[AuditEntry]:
    async with work(EVERY_SITE) as transaction:
        return list(await transaction.audit.page(AuditQuery()))


async def test_each_change_is_on_record_without_its_key(
    service: CertificateService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    certificate, key = brought(clock)
    taken = await service.replace(SYSTEM, certificate, key)
    assert taken.shown is not None
    assert (taken.shown.source, taken.authority) == ("brought", None)
    first = taken.shown.certificates[0].fingerprint
    await service.restore_own(SYSTEM)
    await service.renew(SYSTEM, ("Scada.example",))
    await service.use_again(SYSTEM, first)
    await service.restore_own(SYSTEM)
    await service.forget(SYSTEM, first)
    request = await service.request(SYSTEM, FACTS)
    await service.withdraw_request(SYSTEM)
    request = await service.request(SYSTEM, FACTS)
    state = await service.replace(SYSTEM, signed(clock, request.pem))
    assert (state.request, state.shown and state.shown.certificates[0].names) == (None, ("scada.example",))
    own = next(one.certificate.fingerprint for one in state.previous if one.is_own)
    state = await service.use_again(SYSTEM, own)
    assert state.shown is not None
    assert (state.shown.source, state.names) == ("own", ("scada.example",))
    entries = await entries_of(sqlite_work)
    assert [entry.action.removeprefix("certificates.") for entry in reversed(entries)] == [
        "replaced", "dropped", "renewed", "used_again", "dropped", "forgotten", "requested", "request_withdrawn",
        "requested", "replaced", "dropped",
    ]  # fmt: skip
    assert "pdm.works.example" in entries[-1].after
    told = "".join(entry.model_dump_json() for entry in entries) + state.model_dump_json()
    assert "PRIVATE" not in told
    assert key.splitlines()[1] not in told


async def test_what_is_refused_changes_nothing_and_is_not_on_record(
    service: CertificateService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    before = await service.state(SYSTEM)
    certificate, _ = brought(clock)
    attempts: dict[type[Exception], list[Callable[[], Coroutine[Any, Any, object]]]] = {
        InvalidInputError: [
            lambda: service.replace(SYSTEM, certificate, brought(clock)[1]),
            lambda: service.renew(SYSTEM, ("a b",)),
            lambda: service.request(SYSTEM, RequestFacts(names=("a b",))),
            lambda: service.request(SYSTEM, RequestFacts(names=("a.example",), country="at")),
        ],
        NotFoundError: [
            lambda: service.replace(SYSTEM, certificate),
            lambda: service.restore_own(SYSTEM),
            lambda: service.withdraw_request(SYSTEM),
            lambda: service.use_again(SYSTEM, ":".join(["00"] * 32)),
            lambda: service.forget(SYSTEM, ":".join(["00"] * 32)),
        ],
        ConflictError: [lambda: service.obtain(SYSTEM)],
    }
    for kind, calls in attempts.items():
        for call in calls:
            with pytest.raises(kind):
                await call()
    assert await service.state(SYSTEM) == before
    assert await entries_of(sqlite_work) == []


async def test_two_who_request_at_once_do_not_lose_a_key(service: CertificateService) -> None:
    answers = await asyncio.gather(*(service.request(SYSTEM, FACTS) for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["CertificateRequest", *["ConflictError"] * 4]
    kept = (await service.state(SYSTEM)).request
    assert kept in answers


async def test_files_that_the_settings_name_are_shown_and_left_alone(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    certificate, key = brought(clock)
    (tmp_path / "given.pem").write_text(key + certificate)
    service = service_of(sqlite_work, clock, tmp_path, TlsSettings(enabled=True, certificate=tmp_path / "given.pem"))
    for call in (service.replace(SYSTEM, certificate, key), service.renew(SYSTEM), service.request(SYSTEM, FACTS)):
        with pytest.raises(ConflictError):
            await call
    assert (await service.state(SYSTEM)).given_file == str(tmp_path / "given.pem")
    (tmp_path / "given.pem").unlink()
    state = await service.state(SYSTEM)
    assert (state.shown, "cannot be read" in state.problem) == (None, True)


async def test_where_https_is_not_served_the_state_says_so(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    service = service_of(sqlite_work, clock, tmp_path, TlsSettings())
    state = await service.state(SYSTEM)
    assert (state.is_served, state.shown and state.shown.source, state.authority) == (False, "own", None)
    assert await service.expiries() == ()
    assert (await service.replace(SYSTEM, *brought(clock))).is_served is False


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_admin_of_every_site_changes_it(
    service: CertificateService, clock: HandClock, role: Role
) -> None:
    person = User(id="olga", username="olga", display_name="Olga", role=role, site_ids=("pune",))
    granted = person.model_copy(update={"grants": (Permission.SYSTEM_CONFIGURE,)})
    for one, refusal in ((person, PermissionDeniedError), (granted, NotFoundError)):
        actor = actor_of(one)
        for change in (
            service.renew(actor), service.restore_own(actor), service.replace(actor, *brought(clock)),
            service.request(actor, FACTS), service.withdraw_request(actor), service.obtain(actor),
            service.use_again(actor, "x"), service.forget(actor, "x"),
        ):  # fmt: skip
            with pytest.raises(refusal):
                await change
    with pytest.raises(PermissionDeniedError):
        await service.state(actor_of(person))


async def test_health_and_the_list_tell_of_the_end_of_what_nobody_renews(
    service: CertificateService, clock: HandClock
) -> None:
    expiries = ExpiryService(clock)
    expiries.add("certificates", service.expiries)
    check = await expiries.check()
    assert (check.ok, check.detail) == (True, "The certificate of HTTPS (plant.example): 397 days left")
    await service.replace(SYSTEM, *brought(clock))
    clock.at += (397 - 14) * DAY
    check = await expiries.check()
    assert (check.ok, check.needed) == (False, False)
    assert check.detail == "The certificate of HTTPS (pdm.works.example) ends in 14 days"
    assert [(one.days_left, one.step) for one in await expiries.all(SYSTEM)] == [(14, 14)]
    clock.at += 15 * DAY
    assert (await expiries.check()).detail.endswith("has ended")
