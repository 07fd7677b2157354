"""What the inside needs from the outside, as Protocols that adapters implement and runtime plugs in."""

from asyncio import Future
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from pdm_app.domain.connections import Connection, DriverFacts, Login
from pdm_app.domain.errors import FieldIssue
from pdm_app.domain.history import Envelope, HistoryQuery
from pdm_app.domain.history_facts import Beside, Imported, Recorded, SpanSummaries
from pdm_app.domain.newest import Newest
from pdm_app.domain.samples import I8, Batch, Micros, Stretch
from pdm_app.domain.signals import Signal
from pdm_app.domain.truth import PlantTruth


class Clock(Protocol):
    """The one source of time; injected everywhere."""

    def now(self) -> Micros:
        """Microseconds UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


# --- drivers ------------------------------------------------------------------------------------------------------


Sink: TypeAlias = Callable[[Batch], "Future[None] | None"]
"""Takes a batch of raw readings (before scale and deadband) at once; never blocks, never raises.

Returns a future that is done once the batch is durable, or None where it was refused: then, and before the future is
done, a protocol that acknowledges must not acknowledge.
"""


@dataclass(frozen=True, slots=True)
class BrowsedNode:
    """One thing a device offers: a folder to open or a value to read."""

    address: dict[str, object]
    name: str
    is_folder: bool
    data_type: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write asked for and what the device reads back."""

    requested: float | str
    read_back: float | str | None
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DriverHealth:
    """What a driver says of itself: is the endpoint answering, and which signals fail and why."""

    connected: bool
    detail: str
    round_trip_ms: float | None
    faults: Mapping[int, str]


@runtime_checkable
class Driver(Protocol):
    """One attempt at one connection; the supervisor makes a fresh one for every attempt.

    A driver either pushes (``pushes`` is True: `subscribe` delivers until the link is lost) or is polled. It stamps
    source time where the protocol has it, else receive time, and quality always. One bad signal never spoils the
    others: it is named in `health` and its sample is stamped bad.
    """

    pushes: bool

    async def connect(self) -> None:
        """Reach the endpoint.

        Raises:
            ConnectionFailedError: Within ``connect_timeout_s``; says what was tried, what came back, what to do.
        """
        ...

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Start delivery of ``signals`` into ``sink``; returns once delivery has begun."""
        ...

    async def poll(self, signals: Sequence[Signal]) -> Batch:
        """Read ``signals`` once.

        Raises:
            ConnectionFailedError: The endpoint no longer answers.
        """
        ...

    async def lost(self) -> str:
        """Wait until the link is lost and say why in a sentence."""
        ...

    async def write(self, signal: Signal, value: float | str) -> WriteResult: ...

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:
        """List what lies below ``address``, or the top level for None.

        Raises:
            NotSupportedError: The protocol cannot be browsed.
        """
        ...

    def health(self) -> DriverHealth: ...

    async def close(self) -> None:
        """Give everything back; never raises, returns within two seconds."""
        ...


@runtime_checkable
class SignsIn(Protocol):
    """A driver whose protocol knows users."""

    def sign_in_as(self, login: Login) -> None:
        """Use this login in `Driver.connect`, which follows."""
        ...


DriverFactory: TypeAlias = Callable[[Connection, Clock], Driver]
"""Makes the driver of one attempt; reaches nothing yet."""


class DriverRules(Protocol):
    """What the drivers ask of what an engineer types, so that a mistake shows while it is typed."""

    @property
    def names(self) -> Sequence[str]:
        """Every driver there is."""
        ...

    def describe(self) -> Sequence[DriverFacts]:
        """Return what each takes, for forms."""
        ...

    def connection_issues(self, connection: Connection) -> Sequence[FieldIssue]:
        """Say what is wrong with endpoint and options; nothing for a driver that there is not."""
        ...

    def address_issues(self, driver: str, address: Mapping[str, object]) -> Sequence[FieldIssue]:
        """Say what is wrong with a signal's address."""
        ...


# --- durable buffer -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticket:
    """A batch's place in the durable buffer; ``durable`` is done when the commit has reached the disk."""

    seq: int
    durable: "Future[None]"


class Buffer(Protocol):
    """Disk queue between the sources and the recorder; its commit is the acknowledgement."""

    def offer(self, batch: Batch) -> Ticket:
        """Take a batch at once; it is on disk when the ticket's future is done.

        ``seq`` grows by one from batch to batch, so that a reader of the bus sees whether it has missed one.

        Raises:
            BufferFullError: The cap is reached; nothing was taken.
        """
        ...

    async def read(self, after: int, samples_max: int) -> Sequence[Batch]:
        """Return committed batches with ``seq`` above ``after`` in order, at least one if there is any."""
        ...

    async def wait(self, after: int) -> None:
        """Return once a batch with ``seq`` above ``after`` is committed."""
        ...

    async def confirm(self, consumer: str, seq: int) -> None:
        """Note that ``consumer`` needs nothing up to and including ``seq`` any more."""
        ...

    async def position(self, consumer: str) -> int:
        """Return the last ``seq`` that ``consumer`` has confirmed, 0 at first."""
        ...

    @property
    def depth(self) -> int:
        """Samples that are not yet confirmed by every consumer."""
        ...

    @property
    def bytes_used(self) -> int: ...

    @property
    def bytes_max(self) -> int: ...

    @property
    def trouble(self) -> str:
        """Why the newest samples were not kept, and what to do; empty once there is room for more."""
        ...

    @property
    def identity(self) -> str:
        """Tells this buffer from one that was there before it: numbers of batches mean something in one buffer only."""
        ...

    @property
    def quarantined(self) -> int:
        """Batches whose bytes the disk has damaged since they were acknowledged; they are kept aside."""
        ...


class Intake(Protocol):
    """Where samples that no driver reads, such as HTTP ingest, enter the data path."""

    def accept(self, batch: Batch) -> Ticket:
        """Convert the batch, show it, and offer it to the durable buffer; never blocks.

        Values are raw readings, as a driver delivers them: the signal's scale, offset and range are applied here.

        Raises:
            BufferFullError: The values are shown, but nothing was recorded; do not acknowledge.
            UnavailableError: This process does not collect now; nothing was taken.
        """
        ...


# --- historian ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of holding the collector lease; a write with an outdated token is refused by the database."""

    token: int


class Historian(Protocol):
    """The long memory: idempotent writes, envelopes on reading."""

    async def write(self, batches: Sequence[Batch], fence: Fence, *, past_buffer: bool = False) -> Recorded:
        """Store all samples in one transaction; a replay changes nothing.

        Of samples that come past the buffer, in which those who keep copies look, these are told.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; nothing was written.
        """
        ...

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported:
        """Store samples of the past without a row for each; doing it again changes nothing.

        Of two samples of one microsecond the higher (received_at, seq, row) counts, as everywhere. Fast for batches
        that are sorted by signal and time and hold whole days.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, or the disk is full; each day is there whole or not at all.
        """
        ...

    async def rewrite(self, signal: int, start_at: Micros, end_at: Micros, batch: Batch, fence: Fence) -> int:
        """Replace a signal's samples of a span by those of a batch, in one transaction; return how many there were.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; the span is as it was, or as it was to be.
        """
        ...

    async def roll_up(self, fence: Fence) -> bool:
        """Derive some of the coarser tiers; True while more is due. Reads are right also where this never runs.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; the same is derived next time.
        """
        ...

    async def envelope(self, query: HistoryQuery) -> Sequence[Envelope]: ...

    async def samples(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
    ) -> Mapping[int, Stretch]:
        """Return each signal's samples of the span as they are, and before them what stood when it began.

        Raises:
            InvalidInputError: They are more than ``rows_max``.
        """
        ...

    async def summaries(self, signals: Sequence[int], edges: I8) -> SpanSummaries:
        """Return what each signal comes to between neighbouring edges, microseconds UTC, rising.

        Raises:
            InvalidInputError: It would take too many rows.
        """
        ...

    async def beside(self, signals: Sequence[int], at: Micros) -> Mapping[int, tuple[Beside | None, Beside | None]]:
        """Return each signal's last sample at or before a time, and the first one after it."""
        ...

    async def latest(self, signals: Sequence[int] | None = None) -> Newest:
        """Return the newest sample of each signal (all signals for None)."""
        ...

    async def count(self, signal: int, start_at: Micros, end_at: Micros) -> int: ...


class Lease(Protocol):
    """The right to collect, one holder per database."""

    async def acquire(self, holder: str, ttl_s: float) -> Fence | None:
        """Take or renew the lease; None while another holder's is still valid."""
        ...

    async def release(self, fence: Fence) -> None: ...


# --- demo plant ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault the plant can be given, and where."""

    key: str
    asset_codes: tuple[str, ...]
    title: str
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """The ground-truth label of one fault. ``start_severity`` is the point on the severity curve where it began."""

    id: str
    key: str
    asset_code: str
    signal: str
    injected_at: int
    start_severity: float
    cleared_at: int | None = None


class PlantControl(Protocol):
    """What the demo's panel can do to the simulated plant."""

    async def kinds(self) -> Sequence[FaultKind]: ...
    async def faults(self) -> Sequence[InjectedFault]: ...
    async def inject(self, key: str, asset_code: str, signal: str, start_severity: float) -> InjectedFault: ...
    async def clear(self, fault_id: str) -> InjectedFault: ...
    async def truth(self, at: Micros, asset_codes: Collection[str]) -> PlantTruth: ...
    async def reset(self) -> Sequence[InjectedFault]:
        """Repair everything and give the plant the fault with which it starts; return what stands then."""
        ...


T_co = TypeVar("T_co", covariant=True)


class Subscription(Protocol[T_co]):
    """A reader's place on the bus; iterate it, leave it by closing the context that gave it."""

    def __aiter__(self) -> AsyncIterator[T_co]: ...

    @property
    def dropped(self) -> int: ...
