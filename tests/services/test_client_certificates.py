"""Certificates with which connections sign in: checked, kept sealed, and nowhere to be read."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from pdm_app.domain.access import EVERY_SITE, Role, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.client_certificates import ClientCertificateService
from pdm_app.services.link_materials import LinkMaterials
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.device_certificates import DAY, Pair, authority, made

ERIN = actor_of(User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("pune",)))
VIC = actor_of(User(id="vic", username="vic", display_name="Vic", role=Role.VIEWER, site_ids=("pune",)))
OWN = made("collector", signed_by=authority(), number=6, hosts=())
MIDDLE_OF_KEY = OWN.key.splitlines()[5]


class Collector:
    """Notes which connections it was told to make anew."""

    def __init__(self) -> None:
        self.reloaded: list[str] = []

    async def reload(self, connection_id: str) -> None:
        self.reloaded.append(connection_id)


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
async def certificates(sqlite_work: SqlUnitOfWork, collector: Collector, tmp_path: Path) -> ClientCertificateService:
    async with sqlite_work(EVERY_SITE) as work:
        for name, site, driver in (("broker", "pune", "mqtt"), ("plc", "pune", "modbus"), ("ua", "graz", "opcua")):
            await work.connections.put(
                Connection(id=name, site_id=site, name=name, driver=driver, endpoint="127.0.0.1:9", options={})
            )
        await work.commit()
    clock = WallClock()
    return ClientCertificateService(sqlite_work, clock, SecretStore(sqlite_work, clock, key_ring(tmp_path)), collector)


async def test_a_certificate_is_set_seen_without_its_key_told_to_the_driver_and_forgotten(
    certificates: ClientCertificateService, collector: Collector, sqlite_work: SqlUnitOfWork, tmp_path: Path
) -> None:
    assert (await certificates.view(ERIN, "broker")).certificate is None
    put = await certificates.put(ERIN, "broker", OWN.pem, OWN.key)
    seen = await certificates.view(ERIN, "broker")
    assert seen == put
    assert seen.certificate is not None
    assert seen.certificate.fingerprint == OWN.fingerprint
    clock = WallClock()
    store = SecretStore(sqlite_work, clock, key_ring(tmp_path))
    materials = LinkMaterials(sqlite_work, clock, store, ApplicationIdentity(tmp_path, clock))
    async with sqlite_work(EVERY_SITE) as work:
        connection = await work.connections.get("broker")
    assert connection is not None
    own = (await materials.material(connection)).own
    assert own is not None
    assert (own.certificates, own.key) == (OWN.pem, OWN.key)
    assert [(one.id, one.site_id) for one in await certificates.expiries()] == [("broker", "pune")]
    assert (await certificates.forget(ERIN, "broker")).certificate is None
    assert (await materials.material(connection)).own is None
    assert collector.reloaded == ["broker", "broker"]


def files_below(folder: Path) -> list[str]:
    return [file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file()]


async def test_the_key_is_nowhere_but_sealed(
    certificates: ClientCertificateService, sqlite_work: SqlUnitOfWork, tmp_path: Path
) -> None:
    said = [repr(await certificates.put(ERIN, "broker", OWN.pem, OWN.key))]
    async with sqlite_work(EVERY_SITE) as work:
        entries = await work.audit.page(AuditQuery())
        said += [entry.model_dump_json() for entry in entries]
    said += files_below(tmp_path)
    assert [entry.action for entry in entries] == ["connections.certificate_set"]
    assert [text for text in said if MIDDLE_OF_KEY in text] == []


def protected_key() -> str:
    return OWN.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"kelp")
    ).decode()


def pair(shown: Pair) -> tuple[str, str]:
    return shown.pem, shown.key


@pytest.mark.parametrize(
    ("connection", "given", "words"),
    [("plc", pair(OWN), "knows no certificates"),
     ("broker", ("nonsense", OWN.key), "no certificate"),
     ("broker", (OWN.pem, "nonsense"), "no private key"),
     ("broker", (OWN.pem, protected_key()), "pass phrase"),
     ("broker", (OWN.pem, made("other", number=7).key), "does not belong"),
     ("broker", pair(made("old", number=6, begins=-9 * DAY, ends=-DAY)), "has ended"),
     ("broker", pair(made("weak", number=9, bits=1024)), "1024 bits"),
     ("broker", (OWN.pem * 20, OWN.key), "too long")],
)  # fmt: skip
async def test_what_cannot_be_used_is_refused_without_a_word_of_the_key(
    certificates: ClientCertificateService, connection: str, given: tuple[str, str], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        await certificates.put(ERIN, connection, *given)
    assert refused.value.issues
    assert "PRIVATE KEY" not in refused.value.message.replace("BEGIN to END PRIVATE KEY", "")
    assert (await certificates.view(ERIN, connection)).certificate is None


async def test_another_site_and_a_viewer_reach_none(certificates: ClientCertificateService) -> None:
    for attempt in (
        certificates.put(ERIN, "ua", *pair(OWN)), certificates.view(ERIN, "ua"), certificates.forget(ERIN, "gone"),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            await attempt
    for attempt in (certificates.put(VIC, "broker", *pair(OWN)), certificates.view(VIC, "broker")):
        with pytest.raises(PermissionDeniedError):
            await attempt
