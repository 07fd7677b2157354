"""EGD: exchanges that producers send by themselves, unicast, broadcast or to a group.

``EgdDriver(connection, clock)``. Endpoint ``egd://0.0.0.0:18246``: the address of this machine that is listened on, or
the group that is joined. One connection hears every producer of its port; options are
`pdm_app.drivers.egd_layouts.EgdOptions`, a signal's address is an `EgdAddress`. Of the productions in one period of a
signal the first is taken, with the producer's time.

Nothing is ever sent, so there is nothing to connect to: a connection stands while exchanges come. `connect` waits for
the first one, and when all that were heard have fallen silent the link is lost. What is no EGD is counted and left.

Source: GFK-2224Q, Ethernet Global Data, and `pdm_app.drivers.egd_sequence` for the rules of missing datagrams.
"""

import asyncio
import errno
import math
import socket
import struct
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

import numpy as np
from pydantic import ValidationError

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError, NotSupportedError
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.samples import Batch, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.egd_datagrams import DATAGRAM_MAX, PORT, Datagram, parsed
from pdm_app.drivers.egd_exchanges import Exchange, Rows
from pdm_app.drivers.egd_layouts import EgdAddress, EgdOptions, Key, address_of
from pdm_app.drivers.egd_sequence import Counts
from pdm_app.drivers.endpoint import endpoint_of

SCHEMES = {"egd": PORT}
RECEIVE_BUFFER = 4 << 20
READ_MAX = 256  # Datagrams in one go; the rest waits for the loop's next round.
HEARD_MAX = 1000  # Exchanges that are remembered though nobody reads them.
NAMED_MAX = 8
EARLY_MAX = 256  # Datagrams kept between the first one and `subscribe`.
GATHER_S = 0.010  # Datagrams that come within this time of each other make one batch; the first does not wait.
ROWS_MAX = 20_000
WATCH_S_MIN = 0.010

STRANGER = "from an address that is not among the senders"
UNREAD = "of more exchanges than are remembered"


class EgdDriver:
    """One socket, which only listens."""

    pushes = True

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._options = EgdOptions()
        self._socket: socket.socket | None = None
        self._sink: Sink | None = None
        self._exchanges: dict[Key, Exchange] = {}
        self._wrong: dict[int, str] = {}
        self._early: deque[tuple[Exchange, Datagram]] = deque(maxlen=EARLY_MAX)
        self._gathered: list[Rows] = []
        self._rows = 0
        self._flush_due: asyncio.TimerHandle | asyncio.Handle | None = None
        self._flushed_at = -math.inf
        self._watch_due: asyncio.TimerHandle | None = None
        self._first: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self.ignored: Counter[str] = Counter()
        """Datagrams that were not looked at, by reason."""

    # --- listening ------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        try:
            self._options = EgdOptions.model_validate(self._connection.options)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in fault["loc"]) or "options"
            raise self._failed(f"has an option that cannot be used: {where}: {fault['msg']}.") from None
        endpoint = endpoint_of(self._connection, SCHEMES)
        try:
            self._socket = _opened(endpoint.host, endpoint.port, self._options.interface)
        except (OSError, ValueError) as error:
            raise self._failed(f"cannot listen at {endpoint}: {_why(error)}.") from error
        self._loop.add_reader(self._socket, self._read)
        try:
            await asyncio.wait_for(asyncio.shield(self._first), self._options.connect_timeout_s)
        except TimeoutError:
            self._stop_listening()  # The next attempt finds its port free, whenever this one is given back.
            whose = f" of producer {self._options.producer}" if self._options.producer else ""
            raise self._failed(
                f"heard no exchange{whose} at {endpoint} within {self._options.connect_timeout_s:g} s"
                f"{self._heard_instead()}. "
                "Check that it is produced to this machine, and that no firewall holds it back."
            ) from None
        self._watch()

    def _heard_instead(self) -> str:
        heard = [f"it heard {exchange}" for exchange in list(self._exchanges.values())[:NAMED_MAX]]
        heard += [f"{count} datagrams were {reason}" for reason, count in self.ignored.most_common()]
        return f"; {', '.join(heard)}" if heard else ""

    def _read(self) -> None:
        """Take what has come, a bounded number of datagrams; must not raise."""
        for _ in range(READ_MAX):
            if self._socket is None:
                return
            try:
                datagram, sender = self._socket.recvfrom(DATAGRAM_MAX + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._note_lost(f"The socket that EGD came in by has failed: {_why(error)}.")
                return
            self._take(datagram, str(sender[0]))

    def _take(self, raw: bytes, sender: str) -> None:
        options = self._options
        if options.senders and sender not in options.senders:
            self.ignored[STRANGER] += 1
            return
        datagram = parsed(raw, swapped=options.swapped_header)
        if not isinstance(datagram, Datagram):
            self.ignored[datagram.value] += 1
            return
        exchange = self._met((datagram.producer, datagram.exchange))
        if exchange is None:
            self.ignored[UNREAD] += 1
            return
        if not exchange.judge(datagram, sender, self._loop.time()):
            return
        if self._sink is None:
            self._early.append((exchange, datagram))
        else:
            self._deliver(exchange, datagram)
        if not self._first.done() and self._concerns(exchange):
            self._first.set_result(None)

    def _met(self, key: Key) -> Exchange | None:
        exchange = self._exchanges.get(key)
        if exchange is None and len(self._exchanges) < HEARD_MAX:
            exchange = self._exchanges[key] = self._made(key)
        return exchange

    def _made(self, key: Key) -> Exchange:
        options = self._options
        named = ((IPv4Address(each.producer or options.producer), each.exchange) for each in options.exchanges)
        settings = next((each for name, each in zip(named, options.exchanges, strict=True) if name == key), None)
        return Exchange(key, settings, options.timeout_s, options.connect_timeout_s, self._loop.time())

    def _concerns(self, exchange: Exchange) -> bool:
        """The connection's state hangs on it."""
        return not self._options.producer or str(exchange.key[0]) == self._options.producer

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        self._sink = sink
        members: dict[Key, list[tuple[Signal, EgdAddress]]] = {}
        wrong: list[int] = []
        for signal in signals:
            found = address_of(signal, self._options.producer)
            if isinstance(found, str):
                self._wrong[signal.id] = found
                wrong.append(signal.id)
            else:
                members.setdefault(found[0], []).append((signal, found[1]))
        for key, placed in members.items():
            if key not in self._exchanges:  # What is read is remembered, however many others are heard.
                self._exchanges[key] = self._made(key)
            self._exchanges[key].hold(placed)
        now = self._clock.now()
        self._gather(
            Rows(
                np.array(wrong, dtype=np.uint32),
                np.full(len(wrong), now, dtype=np.int64),
                np.full(len(wrong), np.nan),
                np.full(len(wrong), Quality.BAD_CONFIGURATION, dtype=np.uint16),
            )
        )
        for exchange, datagram in self._early:
            self._deliver(exchange, datagram)
        self._early.clear()
        self._watch()

    # --- silence --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Look whether exchanges are silent, and again when the next one may be."""
        if self._watch_due is not None:
            self._watch_due.cancel()
        self._read()  # What lies in the socket already is no silence, however long this process was busy.
        if self._socket is None or self._lost.done():
            return
        now, now_at = self._loop.time(), self._clock.now()
        for exchange in self._exchanges.values():
            if exchange.silent_from <= now:
                rows = exchange.fall_silent(now_at)
                if rows is not None and self._sink is not None:
                    self._gather(rows)
        heard = [each for each in self._exchanges.values() if each.is_known and self._concerns(each)]
        if heard and all(each.is_silent for each in heard):
            names = ", ".join(str(each) for each in heard[:NAMED_MAX])
            self._note_lost(f"Nothing has come any more of {names}. Check the producer and its network.")
            return
        soonest = min((each.silent_from for each in self._exchanges.values()), default=math.inf)
        wait_s = min(self._options.connect_timeout_s, max(WATCH_S_MIN, soonest - now))
        self._watch_due = self._loop.call_later(wait_s, self._watch)

    def _note_lost(self, reason: str) -> None:
        self._flush()
        if not self._lost.done():
            self._lost.set_result(reason)

    # --- delivering -----------------------------------------------------------------------------------------------

    def _deliver(self, exchange: Exchange, datagram: Datagram) -> None:
        rows = exchange.read(datagram, self._clock.now(), strict_time=self._options.strict_time)
        if rows is not None:
            self._gather(rows)

    def _gather(self, rows: Rows) -> None:
        if not len(rows.signal):
            return
        self._gathered.append(rows)
        self._rows += len(rows.signal)
        if self._rows >= ROWS_MAX:
            self._flush()
        elif self._flush_due is None:
            wait_s = max(0.0, self._flushed_at + GATHER_S - self._loop.time())
            self._flush_due = (
                self._loop.call_later(wait_s, self._flush) if wait_s else self._loop.call_soon(self._flush)
            )

    def _flush(self) -> None:
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        gathered, self._gathered, self._rows = self._gathered, [], 0
        if self._sink is None or not gathered:
            return
        self._flushed_at = self._loop.time()
        self._sink(
            Batch(
                device=self._connection.id,
                signal=np.concatenate([rows.signal for rows in gathered]),
                source_at=np.concatenate([rows.source_at for rows in gathered]),
                value=np.concatenate([rows.value for rows in gathered]),
                quality=np.concatenate([rows.quality for rows in gathered]),
                received_at=self._clock.now(),
            )
        )

    # --- the rest of a driver -------------------------------------------------------------------------------------

    async def poll(self, signals: Sequence[Signal]) -> Batch:  # noqa: ARG002
        raise NotSupportedError("An EGD producer is not polled; it sends by itself.")

    async def write(self, signal: Signal, value: float | str) -> WriteResult:  # noqa: ARG002
        raise NotSupportedError("EGD is listened to; nothing is written to a producer.")

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:  # noqa: ARG002
        heard = [f"{exchange}, {exchange.length} bytes" for exchange in self._exchanges.values() if exchange.is_known][
            :NAMED_MAX
        ]
        raise NotSupportedError(
            "EGD does not say what its bytes mean; take offsets and types from the producer's configuration. "
            f"Heard now: {'; '.join(heard) or 'nothing'}."
        )

    async def lost(self) -> str:
        return await asyncio.shield(self._lost)

    @property
    def counts(self) -> Counts:
        """What became of the datagrams of all exchanges."""
        total = Counts()
        for exchange in self._exchanges.values():
            total = total.plus(exchange.order.counts)
        return total

    def health(self) -> DriverHealth:
        connected = self._socket is not None and self._first.done() and not self._lost.done()
        faults = dict(self._wrong)
        for exchange in self._exchanges.values():
            faults.update(exchange.faults())
        return DriverHealth(connected, self._detail() if connected else "not connected", None, faults)

    def _detail(self) -> str:
        counts = self.counts
        said = [f"{getattr(counts, name)} {name}" for name in counts.__slots__ if getattr(counts, name)]
        said += [f"{count} {reason}" for reason, count in self.ignored.most_common()]
        if doubtful := [str(each) for each in self._exchanges.values() if each.is_unsynchronised][:NAMED_MAX]:
            said.append(f"the clock is not synchronised in {', '.join(doubtful)}")
        if revised := [str(each) for each in self._exchanges.values() if each.is_revised][:NAMED_MAX]:
            said.append(f"the minor version is another one in {', '.join(revised)}")
        return "; ".join(said)

    def _failed(self, what: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"EGD connection {self._connection.name!r} {what}", connection_id=self._connection.id
        )

    async def close(self) -> None:
        self._stop_listening()
        self._sink = None
        for due in (self._flush_due, self._watch_due):
            if due is not None:
                due.cancel()
        self._early.clear()
        self._first.cancel()
        self._lost.cancel()

    def _stop_listening(self) -> None:
        listening, self._socket = self._socket, None
        if listening is not None:
            self._loop.remove_reader(listening)
            listening.close()


def _opened(host: str, port: int, interface: str) -> socket.socket:
    """Return a socket that listens there without blocking; a group is joined.

    A port is not shared: of two connections at one address the second would take the first one's datagrams away. Groups
    have addresses of their own, so each may have its connection.

    Raises:
        OSError: The system refuses.
        ValueError: The host is no IPv4 address.
    """
    address = IPv4Address(host)
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listening.settimeout(0)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if not address.is_multicast:
            listening.bind((host, port))
            return listening
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host if sys.platform != "win32" else "", port))
        membership = struct.pack("4s4s", address.packed, IPv4Address(interface).packed)
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except BaseException:
        listening.close()
        raise
    return listening


def _why(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return "another program or connection listens there; several producers share one connection"
    if number == errno.EADDRNOTAVAIL:
        return "this machine has no such address; 0.0.0.0 means all it has"
    if number == errno.ENODEV:
        return "the group cannot be joined there; set interface to an address of this machine"
    return str(error)
