"""The agent itself: what it does at boot, and what it does in each turn; both go on after a power cut at any byte.

Everything it knows is in one small file that is replaced as a whole. An update goes: verify, download into a part,
move it into the slot that does not run, note that this slot is to be tried, boot. A slot that is tried has a number of
boots to show that it is healthy; when they are used up, the one before runs again, whatever the server says.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pdm_agent.disk import Disk, load, save
from pdm_agent.trust import RefusedError, Trust, Wanted, verified

STATE, PART = "state.json", "download.part"
SLOTS = ("a", "b")
PIECE_BYTES = 65_536
SYNC_EVERY_BYTES = 1_048_576
BOOTS_MAX = 3
"""So often a new release may try to become healthy."""
NONCES_MAX = 256
PROGRESS_EVERY_US = 3_000_000
BAD_DOWNLOADS_MAX = 2
CLIENT = "agent"
"""How the server knows what this client makes of its words."""


@dataclass(frozen=True)
class Offer:
    """What a server wants of the device, as `pdm_agent.ddi` reads it."""

    action_id: str
    manifest: str
    signature: str
    ticket: str
    may_install: bool


class Server(Protocol):
    """The other side. Each call raises OSError where it cannot be reached; then the next turn tries again."""

    def offer(self) -> Offer | None: ...
    def cancels(self) -> str | None: ...
    def wants_attributes(self) -> bool: ...
    def download(self, action_id: str, at: int) -> Any: ...
    def tell(self, action_id: str, execution: str, finished: str, words: str, percent: int | None = None) -> None: ...
    def tell_canceled(self, action_id: str, *, is_done: bool) -> None: ...
    def attributes(self, said: dict[str, str]) -> None: ...


class Rebooting(Exception):  # noqa: N818 - no error
    """The device restarts; its process ends here."""


class Agent:
    """One device.

    Args:
        disk: Its files.
        trust: What it is set up with.
        server: Where it asks.
        is_healthy: Whether the release that runs works, asked with its version after each boot.
        now_us: Microseconds UTC.
        factory: Version of what ran in slot a when it left the factory.
    """

    def __init__(
        self,
        disk: Disk,
        trust: Trust,
        server: Server,
        is_healthy: Callable[[str], bool],
        now_us: Callable[[], int],
        factory: str = "1.0.0",
    ) -> None:
        self._disk = disk
        self._trust = trust
        self._server = server
        self._is_healthy = is_healthy
        self._now_us = now_us
        self._factory = factory
        self._state: dict[str, Any] = {}

    # --- boot -------------------------------------------------------------------------------------------------------

    def boot(self) -> str:
        """Choose the slot that runs, and return its version; what a boot loader does before anything else.

        A slot that is tried has one boot less each time, before it runs: one that hangs uses them up as well.
        """
        first = {"runs": "a", "slots": {"a": {"version": self._factory, "security_version": 0}}, "floor": 0}
        self._state = load(self._disk, STATE) or {**first, "nonces": [], "trying": None, "job": None, "to_tell": None}
        trying = self._state["trying"]
        if trying is not None and trying["boots_left"] == 0:
            self._give_up("it did not become healthy")
        elif trying is not None:
            self._put(trying={**trying, "boots_left": trying["boots_left"] - 1})
        return self.version

    @property
    def slot(self) -> str:
        """The slot that runs."""
        trying = self._state["trying"]
        return str(trying["slot"] if trying is not None else self._state["runs"])

    @property
    def version(self) -> str:
        """What runs."""
        return str(self._state["slots"][self.slot]["version"])

    @property
    def floor(self) -> int:
        """The least security version that is taken; it never falls."""
        return int(self._state["floor"])

    # --- a turn -----------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Do what is next. After each turn, and after a cut within one, another turn goes on.

        Raises:
            Rebooting: The device restarts into the slot that is tried, or back.
            OSError: The server cannot be reached.
        """
        if self._state["trying"] is not None:
            self._prove()
        self._tell()
        canceled = self._server.cancels()
        if self._server.wants_attributes():
            self._server.attributes(self.said())
        if canceled is not None:
            self._cancel(canceled)
            return
        offer = self._server.offer()
        if offer is None:
            return
        job = self._state["job"]
        if job is None or job["action_id"] != offer.action_id:
            job = self._begin(offer)
        if job is None:
            return
        if not job.get("is_whole") and not self._download(job):
            return
        if offer.may_install:
            self._install(Wanted(**{key: job[key] for key in Wanted.__dataclass_fields__}))

    def _prove(self) -> None:
        trying = self._state["trying"]
        slot = self._state["slots"][trying["slot"]]
        if not self._is_healthy(slot["version"]):
            if trying["boots_left"] == 0:
                self._give_up("its health check failed")
            raise Rebooting
        # One write: the slot is good, the floor is raised, and the server is still to be told.
        told = {"action_id": trying["action_id"], "finished": "success", "words": f"{slot['version']} is healthy"}
        floor = max(self.floor, slot["security_version"])
        self._put(runs=trying["slot"], trying=None, floor=floor, to_tell=told, job=None)

    def _give_up(self, why: str) -> None:
        trying = self._state["trying"]
        version = self._state["slots"][trying["slot"]]["version"]
        words = f"{version} was given up: {why}; {self._state['slots'][self._state['runs']]['version']} runs again"
        told = {"action_id": trying["action_id"], "finished": "failure", "words": words}
        self._put(trying=None, to_tell=told, job=None)

    def _tell(self) -> None:
        """Say what runs, then how it ended; said again after a cut, until the server has heard it."""
        told = self._state["to_tell"]
        if told is None:
            return
        self._server.attributes(self.said())
        self._server.tell(told["action_id"], "closed", told["finished"], told["words"])
        self._put(to_tell=None)

    def _end(self, action_id: str, finished: str, words: str) -> None:
        self._put(job=None, to_tell={"action_id": action_id, "finished": finished, "words": words})
        self._tell()

    def said(self) -> dict[str, str]:
        """Return what the server is told of this device."""
        return {
            "fw_version": self.version, "hw_model": self._trust.model, "hw_revision": self._trust.revision,
            "update_client": CLIENT,
        }  # fmt: skip

    def _cancel(self, action_id: str) -> None:
        job = self._state["job"]
        if job is not None and job["action_id"] == action_id:
            self._disk.remove(PART)
            self._put(job=None)
        self._server.tell_canceled(action_id, is_done=True)

    def _begin(self, offer: Offer) -> dict[str, Any] | None:
        try:
            wanted = verified(
                self._trust, action_id=offer.action_id, manifest=offer.manifest, signature=offer.signature,
                ticket=offer.ticket, floor=self.floor, now_us=self._now_us(),
            )  # fmt: skip
            if wanted.manifest_sha256 == self._state["slots"][self.slot].get("manifest_sha256"):
                self._end(offer.action_id, "success", f"{wanted.version} runs already")
                return None
            if wanted.nonce in self._state["nonces"]:
                raise RefusedError("the ticket was used before")
        except RefusedError as refused:
            self._end(offer.action_id, "failure", f"refused: {refused}")
            return None
        self._disk.remove(PART)
        self._put(job={**asdict(wanted), "bad": 0})
        self._server.tell(offer.action_id, "proceeding", "none", "verified")
        return dict(self._state["job"])

    # --- download ---------------------------------------------------------------------------------------------------

    def _download(self, job: dict[str, Any]) -> bool:
        """Bring the part to its full length and compare it; return whether it is whole.

        What the disk had not synced before a cut may be anything. It is of the length noted, or shorter; the hash of
        the whole says whether it is right, and a wrong one is thrown away and fetched once more.
        """
        at = min(self._disk.size(PART), int(job.get("synced", 0)))
        self._disk.truncate(PART, at)
        if at < job["bytes"]:
            synced, told_us = at, 0
            try:
                for piece in self._server.download(job["action_id"], at):
                    if self._now_us() - told_us >= PROGRESS_EVERY_US:
                        told_us = self._now_us()
                        self._tell_progress(job, at)
                    if at + len(piece) > job["bytes"]:
                        return self._bad(job, "the file is longer than its manifest says")
                    self._disk.write_at(PART, at, piece)
                    at += len(piece)
                    if at - synced >= SYNC_EVERY_BYTES:
                        synced = self._note(at)
            except OSError:
                self._note(at)  # The line broke; what came is kept.
                raise
            self._note(at)
        if at < job["bytes"]:
            return False  # The server ended early; the next turn goes on.
        content = hashlib.sha256(self._disk.read(PART) or b"").hexdigest()
        if content != job["sha256"]:
            return self._bad(job, "the checksum of the file is not the one of its manifest")
        self._put(job={**self._state["job"], "is_whole": True})
        self._server.tell(job["action_id"], "downloaded", "none", "downloaded and compared")
        return True

    def _tell_progress(self, job: dict[str, Any], at: int) -> None:
        """Say how far the download is; where nobody hears that, the download is what matters."""
        with contextlib.suppress(OSError):
            words = f"{at} of {job['bytes']} bytes"
            self._server.tell(job["action_id"], "download", "none", words, at * 100 // job["bytes"])

    def _note(self, at: int) -> int:
        if at:  # Otherwise nothing has come yet, and there is no file.
            self._disk.sync(PART)
        self._put(job={**self._state["job"], "synced": at})
        return at

    def _bad(self, job: dict[str, Any], why: str) -> bool:
        self._disk.remove(PART)
        bad = job["bad"] + 1
        if bad >= BAD_DOWNLOADS_MAX:
            self._end(job["action_id"], "failure", f"{why}, {bad} times")
        else:
            self._put(job={**job, "bad": bad, "synced": 0})
        return False

    # --- install ----------------------------------------------------------------------------------------------------

    def _install(self, wanted: Wanted) -> None:
        """Move the part into the slot that does not run, and boot it."""
        slot = SLOTS[1 - SLOTS.index(self._state["runs"])]
        image = f"slot_{slot}.bin"
        if self._disk.size(PART) == wanted.bytes:  # Otherwise a cut came after the move; the hash decides.
            self._disk.rename(PART, image)
        if hashlib.sha256(self._disk.read(image) or b"").hexdigest() != wanted.sha256:
            self._put(job={**self._state["job"], "is_whole": False, "synced": 0})
            return
        self._server.tell(wanted.action_id, "proceeding", "none", f"installed into slot {slot}, restarting")
        slots = {**self._state["slots"]}
        slots[slot] = {
            "version": wanted.version,
            "security_version": wanted.security_version,
            "manifest_sha256": wanted.manifest_sha256,
        }
        trying = {"slot": slot, "boots_left": BOOTS_MAX, "action_id": wanted.action_id}
        nonces = [*self._state["nonces"], wanted.nonce][-NONCES_MAX:]
        self._put(slots=slots, trying=trying, nonces=nonces, job=None)
        raise Rebooting

    def _put(self, **changes: Any) -> None:
        after = {**self._state, **changes}
        save(self._disk, STATE, after)
        self._state = after
