"""Modbus TCP: neighbouring registers read in blocks, polled.

``ModbusDriver(connection, clock)``. Endpoint ``host:502`` or ``modbus://host:502``; options ``timeout_s`` (0.5) and
``connect_timeout_s`` (3). A signal's address is a `pdm_app.drivers.modbus_blocks.ModbusAddress`. The protocol has no
source time: samples carry the time at which the answer came.

Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b; pymodbus 3.16.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError, NotSupportedError
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, U2, Batch, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.endpoint import REFUSED, cause, endpoint_of
from pdm_app.drivers.modbus_blocks import (
    Block,
    Place,
    Table,
    ValueType,
    address_of,
    blocks,
    decode,
    encode,
)

# What goes wrong is raised or shown as a fault of the signal; the library would log it at every poll.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

ASK_AGAIN_US = 60 * MICROS_PER_S  # A refused address is tried again this often, should the device be reconfigured.
TRIES = 2  # One lost answer is not a lost device.

_MEANING = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still busy",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
_CONFIGURATION_CODES = (1, 2, 3)


@dataclass(slots=True)
class _Refusal:
    """A value that the device does not give, and when to ask for it again; None where it is asked at every poll."""

    reason: str
    quality: Quality
    ask_at: int | None


class ModbusDriver:
    """One TCP connection; one request in flight."""

    pushes = False

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._timeout_s = float(connection.options.get("timeout_s", 0.5))
        self._connect_timeout_s = float(connection.options.get("connect_timeout_s", 3.0))
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._round_trip_ms: float | None = None
        self._plans: dict[tuple[int, ...], list[Block]] = {}
        self._wrong: dict[int, str] = {}
        self._refused: dict[int, _Refusal] = {}

    async def connect(self) -> None:
        endpoint = endpoint_of(self._connection, {"modbus": 502, "tcp": 502, "modbus+tcp": 502})
        client = AsyncModbusTcpClient(
            endpoint.host,
            port=endpoint.port,
            name=self._connection.id,
            reconnect_delay=0,
            timeout=self._connect_timeout_s,
            retries=0,
            trace_connect=self._link_changed,
        )
        self._client = client
        began_at = self._clock.now()
        try:
            async with asyncio.timeout(self._connect_timeout_s + 0.5):
                reached = await client.connect()
        except (OSError, TimeoutError, ModbusException) as error:
            raise self._failed(f"could not be reached at {endpoint}: {cause(error)}") from error
        if not reached:  # The library keeps the reason to itself.
            took_s = (self._clock.now() - began_at) / MICROS_PER_S
            timed_out = took_s >= self._connect_timeout_s * 0.9
            why = f"no connection within {self._connect_timeout_s:g} s" if timed_out else REFUSED
            raise self._failed(f"could not be reached at {endpoint}: {why}")
        client.ctx.comm_params.timeout_connect = self._timeout_s  # From here on the library's time-out of an answer.

    def _link_changed(self, up: bool) -> None:
        if not up and not self._closing:
            self._note_lost("The device closed the connection.")

    def _note_lost(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:  # noqa: ARG002
        raise NotSupportedError("Modbus devices do not report by themselves; they are polled.")

    # --- reading --------------------------------------------------------------------------------------------------

    async def poll(self, signals: Sequence[Signal]) -> Batch:
        plan = self._plan(signals)
        rows = len(signals)
        value: F8 = np.full(rows, np.nan)
        quality: U2 = np.full(rows, Quality.BAD_CONFIGURATION, dtype=np.uint16)
        source_at: I8 = np.full(rows, self._clock.now(), dtype=np.int64)
        async with self._turn:
            plan[:] = [part for block in plan for part in await self._read(block, value, quality, source_at)]
        for row, signal in enumerate(signals):
            refusal = self._refused.get(signal.id)
            if refusal is not None and np.isnan(value[row]):
                quality[row] = refusal.quality
        return Batch(
            device=self._connection.id,
            signal=np.array([signal.id for signal in signals], dtype=np.uint32),
            source_at=source_at,
            value=value,
            quality=quality,
            received_at=self._clock.now(),
        )

    def _plan(self, signals: Sequence[Signal]) -> list[Block]:
        """Return the blocks for ``signals``; those the device refused lately are left out."""
        now = self._clock.now()
        due = [
            signal for signal, refusal in self._refused.items() if refusal.ask_at is not None and refusal.ask_at <= now
        ]
        for signal_id in due:
            del self._refused[signal_id]
        if due:
            self._plans.clear()
        key = tuple(signal.id for signal in signals)
        plan = self._plans.get(key)
        if plan is None:
            places: list[Place] = []
            for row, signal in enumerate(signals):
                address = address_of(signal)
                if isinstance(address, str):
                    self._wrong[signal.id] = address
                elif signal.id not in self._refused:
                    places.append(Place(row, signal, address))
            plan = self._plans[key] = blocks(places)
        return plan

    async def _read(self, block: Block, value: F8, quality: U2, source_at: I8) -> list[Block]:
        """Read one block and return what to ask for next time.

        A block that is refused is halved until the value, or the gap between two, that spoils it is found.
        """
        answer = await self._request(block)
        if isinstance(answer, ExceptionResponse):
            code = answer.exception_code
            if code in _CONFIGURATION_CODES and len(block.places) > 1:
                parts = [await self._read(half, value, quality, source_at) for half in block.halves()]
                return [*parts[0], *parts[1]]
            self._refuse(block, code)
            return [] if code in _CONFIGURATION_CODES else [block]
        cells = answer.bits if block.table.has_bits else answer.registers
        if len(cells) < block.count:
            raise self._failed(f"answered {len(cells)} of {block.count} values asked for from {block.start}")
        rows = [place.row for place in block.places]
        value[rows] = decode(block, cells[: block.count])
        quality[rows] = Quality.GOOD
        source_at[rows] = self._clock.now()
        for place in block.places:
            self._refused.pop(place.signal.id, None)
        return [block]

    def _refuse(self, block: Block, code: int) -> None:
        wrong_for_good = code in _CONFIGURATION_CODES
        reason = (
            f"Modbus device {self._connection.name!r} refused {block.count} {block.table} "
            f"{'bits' if block.table.has_bits else 'registers'} from {block.start} of unit {block.unit}: "
            f"{_MEANING.get(code, f'exception {code}')}."
        )
        if wrong_for_good:
            reason += " Check the signal's address; addresses here start at 0."
        now = self._clock.now()
        for place in block.places:
            self._refused[place.signal.id] = _Refusal(
                reason=reason,
                quality=Quality.BAD_CONFIGURATION if wrong_for_good else Quality.BAD_DEVICE_FAILURE,
                ask_at=now + ASK_AGAIN_US if wrong_for_good else None,
            )

    async def _request(self, block: Block) -> ModbusPDU:
        """Send one read request.

        Raises:
            ConnectionFailedError: No answer, twice, or the connection is gone.
        """
        client = self._open_client()
        read = {
            Table.COIL: client.read_coils,
            Table.DISCRETE: client.read_discrete_inputs,
            Table.HOLDING: client.read_holding_registers,
            Table.INPUT: client.read_input_registers,
        }[block.table]
        for attempt in range(TRIES):
            began_at = self._clock.now()
            try:
                answer = await read(block.start, count=block.count, device_id=block.unit)
            except (ModbusException, OSError, TimeoutError) as error:
                if self._lost.done() or not client.connected:
                    raise self._failed(f"lost its connection: {cause(error)}") from error
                if attempt + 1 < TRIES:
                    continue
                reason = (
                    f"did not answer a request for {block.count} {block.table} values from {block.start} of unit "
                    f"{block.unit} within {self._timeout_s:g} s, {TRIES} times"
                )
                raise self._failed(reason) from error
            self._round_trip_ms = (self._clock.now() - began_at) / 1000
            return answer
        raise AssertionError("the last try returns or raises")

    def _open_client(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise self._failed("is not connected")
        return self._client

    def _failed(self, what: str) -> ConnectionFailedError:
        message = f"Modbus device {self._connection.name!r} {what}. Check its power, network and port."
        if self._client is not None and not self._closing:
            self._note_lost(message)
        return ConnectionFailedError(message, connection_id=self._connection.id)

    # --- writing --------------------------------------------------------------------------------------------------

    async def write(self, signal: Signal, value: float | str) -> WriteResult:
        """Write one raw value and read it back; ``value`` is before scale and offset.

        Raises:
            InvalidInputError: The signal's address cannot be written, or the value does not fit it.
            ConnectionFailedError: No answer.
        """
        address = address_of(signal)
        if isinstance(address, str):
            raise InvalidInputError(address, signal=signal.id)
        if isinstance(value, str):
            raise InvalidInputError(f"Signal {signal.name} takes a number, not text.", signal=signal.id)
        if address.table not in (Table.COIL, Table.HOLDING):
            raise InvalidInputError(
                f"The {address.table} table of a Modbus device cannot be written.", signal=signal.id
            )
        if address.bit is not None:
            raise InvalidInputError("A single bit of a register cannot be written safely.", signal=signal.id)
        block = Block(address.unit, address.table, [Place(0, signal, address)])
        async with self._turn:
            try:
                refusal, expected = await self._send(block, float(value))
            except ValueError as error:
                raise InvalidInputError(f"Signal {signal.name}: {error}.", signal=signal.id) from error
            if refusal is not None:
                return WriteResult(value, None, accepted=False, reason=refusal)
            answer = await self._request(block)
        if isinstance(answer, ExceptionResponse):
            return WriteResult(value, None, accepted=False, reason="Written, but it cannot be read back.")
        read_back = float(
            decode(block, (answer.bits if address.table.has_bits else answer.registers)[: block.count])[0]
        )
        accepted = read_back == expected
        reason = "" if accepted else f"The device holds {read_back:g} after {expected:g} was written."
        return WriteResult(value, read_back, accepted=accepted, reason=reason)

    async def _send(self, block: Block, value: float) -> tuple[str | None, float]:
        """Send the write; return the device's refusal, if any, and the value that should now be there."""
        client, address = self._open_client(), block.places[0].address
        try:
            if address.type is ValueType.BOOL:
                expected = 1.0 if value else 0.0
                answer = await client.write_coil(address.first, bool(value), device_id=address.unit)
            else:
                registers = encode(address, value)
                expected = float(decode(block, registers)[0])
                answer = await client.write_registers(address.first, registers, device_id=address.unit)
        except (ModbusException, OSError, TimeoutError) as error:
            # Not sent again: the device may have taken it.
            raise self._failed(f"did not confirm a write to {address.table} {address.first}: {cause(error)}") from error
        if isinstance(answer, ExceptionResponse):
            code = answer.exception_code
            return f"The device refused: {_MEANING.get(code, f'exception {code}')}.", expected
        return None, expected

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:  # noqa: ARG002
        raise NotSupportedError(
            "Modbus devices do not say what they hold; take the addresses from the device's manual."
        )

    # --- state ----------------------------------------------------------------------------------------------------

    async def lost(self) -> str:
        return await asyncio.shield(self._lost)

    def health(self) -> DriverHealth:
        connected = self._client is not None and self._client.connected and not self._lost.done()
        faults = dict(self._wrong) | {signal: refusal.reason for signal, refusal in self._refused.items()}
        return DriverHealth(connected, "" if connected else "not connected", self._round_trip_ms, faults)

    async def close(self) -> None:
        self._closing = True
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._lost.cancel()
        await asyncio.sleep(0)  # The transport says goodbye in the next turn of the loop.
