"""SWUpdate, as Debian has it, takes a signed image from this server: cut, resumed, written, confirmed and proven."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.firmware_actions import ActionState
from pdm_app.domain.firmware_twins import ClientKind
from tests.counterparts.clocks import HandClock, until
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import DdiPlant, ddi_plant

pytestmark = pytest.mark.long

FIRMWARE = bytes(range(256)) * 8_000
CUT_AFTER = 600_000
DEADLINE_S = 90


def certificate(folder: Path) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """Make whoever signs images, and write the certificate that devices trust."""
    key = rsa.generate_private_key(65_537, 2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firmware of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "trusted.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return made, key


def cpio(*files: tuple[str, bytes]) -> bytes:
    """Pack files as SWUpdate wants them: a cpio archive of the new format with checksums."""
    packed = b""
    for number, (name, content) in enumerate((*files, ("TRAILER!!!", b""))):
        fields = (number + 1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, sum(content) & 0xFFFFFFFF)
        head = b"070702" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        packed += head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
    return packed + b"\0" * (-len(packed) % 512)


def image(folder: Path) -> bytes:
    """Return a signed image that writes one file into the folder."""
    signer, key = certificate(folder)
    described = f"""software = {{
  version = "2.4.1";
  hardware-compatibility: [ "A" ];
  files: ( {{ filename = "app.bin"; path = "{folder}/slot.bin"; sha256 = "{hashlib.sha256(FIRMWARE).hexdigest()}"; }} );
}}
""".encode()
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoCapabilities]
    signature = (
        pkcs7.PKCS7SignatureBuilder().set_data(described).add_signer(signer, key, hashes.SHA256())
        .sign(serialization.Encoding.DER, options)
    )  # fmt: skip
    return cpio(("sw-description", described), ("sw-description.sig", signature), ("app.bin", FIRMWARE))


@asynccontextmanager
async def cutting_line(port: int) -> AsyncIterator[tuple[int, list[int]]]:
    """A line to the server that breaks once, in the middle of the first long answer."""
    cuts: list[int] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        passed = 0
        with suppress(OSError):
            while part := await reader.read(16_384):
                passed += len(part)
                if is_answer and passed > CUT_AFTER and not cuts:
                    cuts.append(passed)
                    break
                writer.write(part)
                await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, far_writer, is_answer=False), carry(far_reader, writer, is_answer=True))

    line = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield line.sockets[0].getsockname()[1], cuts
    finally:
        line.close()


@asynccontextmanager
async def swupdate(folder: Path, port: int, key: str, *more: str) -> AsyncIterator[None]:
    """Run the client until the block is left."""
    said = (folder / "swupdate.log").open("ab")
    options = " ".join(["-t DEFAULT", f"-u http://127.0.0.1:{port}", "-i gw-1", f"-k {key}", "-p 1", "-w 1", *more])
    client = await asyncio.create_subprocess_exec(
        "swupdate", "-v", "-k", str(folder / "trusted.pem"), "-H", "gw:A", "-u", options,
        cwd=folder, stdout=said, stderr=said, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            client.terminate()
        await client.wait()
        said.close()


async def comes_to(ddi: DdiPlant, *states: ActionState) -> None:
    """Wait until the action of the device is in one of the states, the rollout looking on."""
    async with asyncio.timeout(DEADLINE_S):
        while (action := await ddi.plant.action("gw-1")).state not in states:
            assert action.state not in (ActionState.RETRY_WAIT, ActionState.FAILED), action.detail
            await asyncio.sleep(0.2)


def is_written(path: Path) -> bool:
    return path.exists() and path.read_bytes() == FIRMWARE


@pytest.fixture
async def ddi(sqlite_url: str, tmp_path: Path, need: Callable[[str, object], None]) -> AsyncIterator[DdiPlant]:
    need("swupdate", shutil.which("swupdate"))
    content = image(tmp_path)
    async with stored_plant(sqlite_url) as work, ddi_plant(work, HandClock(), tmp_path, content, poll_s=1) as plant:
        yield plant


async def test_a_signed_image_is_loaded_in_two_parts_written_confirmed_and_proven(
    ddi: DdiPlant, tmp_path: Path
) -> None:
    twin = await ddi.plant.twin("gw-1")
    async with ddi.plant.work(EVERY_SITE) as w:
        await w.twins.put([twin.model_copy(update={"client": ClientKind.SWUPDATE})])
        await w.commit()
    await ddi.plant.started()
    port = int(ddi.address.rpartition(":")[2])
    async with cutting_line(port) as (line, cuts):
        async with swupdate(tmp_path, line, ddi.keys["gw-1"]):
            await comes_to(ddi, ActionState.INSTALLING, ActionState.INSTALLED)
            await until(lambda: is_written(tmp_path / "slot.bin"), within_s=DEADLINE_S)
        assert cuts, "the line broke in the middle of the image"
        async with swupdate(tmp_path, line, ddi.keys["gw-1"], "-c 2"):
            await comes_to(ddi, ActionState.INSTALLED)
    await ddi.plant.boots("gw-1")
    await ddi.plant.soaks("gw-1")
    assert (await ddi.plant.action("gw-1")).state is ActionState.SUCCEEDED
