"""The reference agent: it takes what is signed and meant for it, and after any power cut a release runs."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pdm_agent import agent as agents
from pdm_agent.agent import BOOTS_MAX, Agent, Offer, Rebooting
from pdm_agent.trust import Trust

from pdm_app.domain.firmware_bundles import Bundle, BundleKind
from pdm_app.domain.firmware_tickets import Ticket, written
from pdm_app.domain.releases import Artifact, Hardware, ReleaseFacts, manifest
from tests.firmware.failing_disk import FailingDisk, PowerCutError

SIGNER, DIRECTOR, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
NOW_US = 1_800_000_000_000_000
TURNS_MAX = 60


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


TRUST = Trust("gw-7", "GW-100", "A", (public(STRANGER), public(SIGNER)), public(DIRECTOR))


def image(version: str) -> bytes:
    return hashlib.sha256(version.encode()).digest() * 40


def said_of(version: str, security_version: int = 1, **changes: object) -> str:
    """The manifest as the product itself writes it."""
    content = image(version)
    facts = ReleaseFacts.model_validate(
        {
            "name": "gateway-os", "version": version, "security_version": security_version,
            "hardware": (Hardware(model="GW-100", revisions=("A",)),), **changes,
        }
    )  # fmt: skip
    file = Artifact(
        filename="gw.bin", bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), sha1="0" * 40, md5="0" * 32,
        bundle=Bundle(kind=BundleKind.OTHER),
    )  # fmt: skip
    return manifest(facts, file).decode()


def offered(action_id: str, said: str, *, signer: Ed25519PrivateKey = SIGNER, **ticket: object) -> Offer:
    digest = hashlib.sha256(said.encode()).hexdigest()
    facts = {
        "device_id": "gw-7", "action_id": action_id, "manifest_sha256": digest, "issued_at": NOW_US - 1,
        "expires_at": NOW_US + 1, "nonce": hashlib.sha256(action_id.encode()).hexdigest()[:32],
    }  # fmt: skip
    made = Ticket.model_validate(facts | ticket)
    signature = base64.b64encode(signer.sign(said.encode())).decode()
    return Offer(action_id, said, signature, written(made, DIRECTOR.sign(made.body)), may_install=True)


@dataclass
class Plant:
    """A server that offers an action until it is told how it ended; a cut may come before each of its answers."""

    disk: FailingDisk
    waiting: list[Offer] = field(default_factory=list)
    content: bytes = b""
    breaks_after: int = 10**9
    canceling: str | None = None
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    runs: str = ""

    def offer(self) -> Offer | None:
        self.disk.step()
        return self.waiting[0] if self.waiting else None

    def cancels(self) -> str | None:
        self.disk.step()
        return self.canceling

    def wants_attributes(self) -> bool:
        return False

    def download(self, action_id: str, at: int) -> Iterator[bytes]:
        assert self.waiting[0].action_id == action_id
        for sent, start in enumerate(range(at, len(self.content), 100)):
            self.disk.step()
            if sent == self.breaks_after:
                return
            yield self.content[start : start + 100]

    def tell(self, action_id: str, execution: str, finished: str, words: str, percent: int | None = None) -> None:
        del percent
        self.disk.step()
        if execution == "closed":
            self.ended[action_id] = (finished, words)
            self.waiting = [offer for offer in self.waiting if offer.action_id != action_id]
        self.disk.step()  # The answer may be lost.

    def tell_canceled(self, action_id: str, *, is_done: bool) -> None:
        self.disk.step()
        assert is_done
        self.canceling = None
        self.waiting = [offer for offer in self.waiting if offer.action_id != action_id]

    def attributes(self, said: dict[str, str]) -> None:
        self.disk.step()
        self.runs = said["fw_version"]


def lived(disk: FailingDisk, plant: Plant, is_healthy: Callable[[str], bool] = lambda _version: True) -> Agent:
    """Run the device, through restarts and cuts, until it has nothing to do any more."""
    agent = Agent(disk, TRUST, plant, is_healthy, lambda: NOW_US)
    is_on = False
    for _ in range(TURNS_MAX):
        try:
            if not is_on:
                agent = Agent(disk, TRUST, plant, is_healthy, lambda: NOW_US)
                version = agent.boot()
                if version != "1.0.0":  # What runs is whole, whatever was cut before.
                    assert disk.read(f"slot_{agent.slot}.bin") == image(version)
                is_on = True
            agent.turn()
        except Rebooting:
            is_on = False
        except PowerCutError:
            disk.cut()
            is_on = False
        else:
            if not plant.waiting and plant.canceling is None:
                return agent
    raise AssertionError("the device did not come to rest")


def offering(disk: FailingDisk, version: str = "2.0.0", **more: object) -> Plant:
    return Plant(disk, [offered("41", said_of(version))], image(version), **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def synced_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "SYNC_EVERY_BYTES", 300)


def test_a_release_is_installed_and_said_to_run_once_it_has_shown_that_it_is_healthy() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    agent = lived(disk, plant)
    assert (agent.version, agent.slot, agent.floor) == ("2.0.0", "b", 1)
    assert plant.ended["41"] == ("success", "2.0.0 is healthy")
    assert plant.runs == "2.0.0"
    plant.waiting, plant.content = [offered("42", said_of("3.0.0", 2))], image("3.0.0")
    assert (lived(disk, plant).slot, lived(disk, plant).floor) == ("a", 2)


def test_no_cut_at_any_moment_leaves_a_device_that_does_not_end_with_the_new_release() -> None:
    whole = FailingDisk()
    lived(whole, offering(whole))
    moments = whole.operations
    assert moments > 40
    for cut_at in range(1, moments + 1):
        for seed in range(3):
            disk = FailingDisk(cut_at, seed)
            plant = offering(disk)
            agent = lived(disk, plant)
            assert (agent.version, plant.ended["41"][0], plant.runs) == ("2.0.0", "success", "2.0.0"), (cut_at, seed)


def test_a_release_that_does_not_become_healthy_is_given_up_whenever_the_power_goes() -> None:
    whole = FailingDisk()
    lived(whole, offering(whole), lambda version: version == "1.0.0")
    for cut_at in range(whole.operations + 1):
        disk = FailingDisk(cut_at, cut_at)
        plant = offering(disk)
        agent = lived(disk, plant, lambda version: version == "1.0.0")
        assert (agent.version, agent.slot, agent.floor) == ("1.0.0", "a", 0)
        assert plant.ended["41"][0] == "failure"
        assert plant.runs == "1.0.0"


def test_a_release_that_hangs_uses_its_boots_up() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    agent = Agent(disk, TRUST, plant, lambda _version: True, lambda: NOW_US)
    agent.boot()
    with pytest.raises(Rebooting):
        agent.turn()
    versions = [Agent(disk, TRUST, plant, lambda _v: True, lambda: NOW_US).boot() for _ in range(BOOTS_MAX + 2)]
    assert versions == ["2.0.0"] * BOOTS_MAX + ["1.0.0"] * 2, "the watchdog restarts it before it has taken a turn"


def test_a_line_that_breaks_again_and_again_is_gone_on_with() -> None:
    disk = FailingDisk()
    plant = offering(disk, breaks_after=2)
    assert lived(disk, plant).version == "2.0.0"


def test_a_line_that_breaks_before_the_first_byte_leaves_a_job_that_is_gone_on_with() -> None:
    disk = FailingDisk()
    plant = offering(disk, breaks_after=0)
    agent = Agent(disk, TRUST, plant, lambda _version: True, lambda: NOW_US)
    agent.boot()
    agent.turn()
    plant.breaks_after = 10**9
    assert lived(disk, plant).version == "2.0.0"


@pytest.mark.parametrize("content", [image("2.0.0")[:-1] + b"!", image("2.0.0") + b"more"], ids=["changed", "longer"])
def test_another_file_than_the_manifests_is_fetched_twice_and_then_refused(content: bytes) -> None:
    disk = FailingDisk()
    plant = offering(disk)
    plant.content = content
    assert lived(disk, plant).version == "1.0.0"
    assert plant.ended["41"][0] == "failure"
    assert "2 times" in plant.ended["41"][1]
    assert disk.read("slot_b.bin") is None


GOOD = offered("41", said_of("2.0.0"))
OTHERS = offered("41", said_of("2.0.1"))


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (offered("41", said_of("2.0.0"), signer=DIRECTOR), "signature of the manifest"),
        (replace(GOOD, manifest=GOOD.manifest.replace("2.0.0", "2.0.9")), "signature of the manifest"),
        (replace(GOOD, signature=""), "signature of the manifest"),
        (replace(GOOD, ticket=""), "not signed by the director"),
        (replace(GOOD, ticket=GOOD.ticket[:-4] + "AAAA"), "not signed by the director"),
        (replace(GOOD, ticket=OTHERS.ticket), "another manifest_sha256"),
        (offered("41", said_of("2.0.0"), device_id="gw-8"), "another device_id"),
        (replace(offered("42", said_of("2.0.0")), action_id="41"), "another action_id"),
        (offered("41", said_of("2.0.0"), expires_at=NOW_US), "has expired"),
        (offered("41", said_of("2.0.0", hardware=(Hardware(model="GW-200"),))), "this is a GW-100"),
        (offered("41", said_of("2.0.0", hardware=(Hardware(model="GW-100", revisions=("B",)),))), "revision A"),
        (offered("41", "no manifest"), "cannot be read"),
        (offered("41", '{"type":"pdm-firmware-ticket/1"}'), "another type"),
    ],
)
def test_what_is_not_signed_or_not_meant_for_this_device_is_refused(offer: Offer, why: str) -> None:
    disk = FailingDisk()
    plant = Plant(disk, [offer], image("2.0.0"))
    assert lived(disk, plant).version == "1.0.0"
    assert plant.ended["41"][0] == "failure"
    assert why in plant.ended["41"][1]
    assert disk.read("download.part") is None, "nothing of it was fetched"


def test_a_release_below_the_floor_is_refused_and_the_floor_stays() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    plant.waiting, plant.content = [offered("41", said_of("2.0.0", 5))], image("2.0.0")
    assert lived(disk, plant).floor == 5
    plant.waiting, plant.content = [offered("42", said_of("1.9.0", 4))], image("1.9.0")
    assert lived(disk, plant).version == "2.0.0"
    assert "below 5" in plant.ended["42"][1]


def test_a_ticket_is_taken_once() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    first = plant.waiting[0]
    lived(disk, plant)
    plant.waiting, plant.content = [offered("42", said_of("3.0.0"))], image("3.0.0")
    lived(disk, plant)
    plant.waiting, plant.content = [first], image("2.0.0")
    assert lived(disk, plant).version == "3.0.0"
    assert "used before" in plant.ended["41"][1]


def test_what_runs_already_is_said_to_a_server_that_has_forgotten_it() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    first = plant.waiting[0]
    lived(disk, plant)
    plant.waiting, plant.ended = [first], {}
    lived(disk, plant)
    assert plant.ended["41"] == ("success", "2.0.0 runs already")


def test_a_closed_window_lets_it_download_and_no_more() -> None:
    disk = FailingDisk()
    plant = offering(disk)
    plant.waiting = [replace(plant.waiting[0], may_install=False)]
    agent = Agent(disk, TRUST, plant, lambda _version: True, lambda: NOW_US)
    agent.boot()
    for _ in range(3):
        agent.turn()
    assert disk.read("download.part") == image("2.0.0")
    assert disk.read("slot_b.bin") is None
    plant.waiting = [replace(plant.waiting[0], may_install=True)]
    with pytest.raises(Rebooting):
        agent.turn()


def test_an_action_that_is_canceled_leaves_nothing() -> None:
    disk = FailingDisk()
    plant = offering(disk, breaks_after=3)
    agent = Agent(disk, TRUST, plant, lambda _version: True, lambda: NOW_US)
    agent.boot()
    agent.turn()
    assert disk.read("download.part")
    plant.canceling = "41"
    assert lived(disk, plant).version == "1.0.0"
    assert disk.read("download.part") is None
