"""OPC UA: one subscription per connection, values pushed by the server.

``OpcuaDriver(connection, clock)``. Endpoint ``opc.tcp://host:4840/path``; options ``publishing_ms`` (50),
``connect_timeout_s`` (5), ``timeout_s`` (2), and those of `pdm_app.drivers.opcua_security`. A
signal's address is ``{"node": "ns=2;s=P-101A.Vibration_mm_s"}``.

Source: OPC 10000-4, 5.13 (subscriptions); asyncua 2.1, of which the raw publish callback is used, because its handlers
make one task per value and its iterators drop values silently.
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.client.ua_client import UaClientState
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError
from pdm_app.domain.link_security import NOT_PROTECTED, LinkMaterial, LinkSecurity
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.samples import MICROS_PER_S, Batch, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.endpoint import cause, endpoint_of
from pdm_app.drivers.opcua_publish import ColumnPublisher, ValueColumns
from pdm_app.drivers.opcua_requests import monitor, monitored_item, subscription
from pdm_app.drivers.opcua_security import SecureClient
from pdm_app.drivers.opcua_values import (
    as_type,
    batch_of,
    browsed,
    node_of,
    number_or_text,
    qualities_of,
    quality_of,
    source_at_of,
)

# Its INFO level formats whole results. What goes wrong on a link is raised from here, once, and not logged at each try.
logging.getLogger("asyncua").setLevel(logging.WARNING)
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)

CHUNK = 500  # Monitored items per request: servers limit operations per call, 1,000 being a common limit.
WATCH_S = 1.0  # The server's clock is read this often; its answer is the proof that the server lives.
SILENCE_S_MAX = 8.0  # Without values, an answer to the keep-alive is due every second.
SESSION_S = 30.0
ASK_AGAIN_US = 60 * MICROS_PER_S  # A refused node may appear with the next download to the controller.
CHILDREN_MAX = 1000
CLOSE_S_MAX = 1.5

_CURRENT_TIME = ua.NodeId(ua.Int32(ObjectIds.Server_ServerStatus_CurrentTime))
_OBJECTS = ua.NodeId(ua.Int32(ObjectIds.ObjectsFolder))


class OpcuaDriver:
    """One session with one subscription."""

    pushes = True

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._login: Login | None = None
        self._material = LinkMaterial()
        self._publishing_ms = float(connection.options.get("publishing_ms", 50))
        self._connect_timeout_s = float(connection.options.get("connect_timeout_s", 5.0))
        self._timeout_s = float(connection.options.get("timeout_s", 2.0))
        self._client: SecureClient | None = None
        self._sink: Sink | None = None
        self._signals: dict[int, Signal] = {}  # By client handle, which is the signal's id.
        self._faults: dict[int, str] = {}
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._publisher: ColumnPublisher | None = None
        self._subscription_id = 0
        self._refused: list[ua.MonitoredItemCreateRequest] = []
        self._asked_at = self._heard_at = clock.now()
        self._round_trip_ms: float | None = None

    def sign_in_as(self, login: Login) -> None:
        self._login = login

    def secure_with(self, material: LinkMaterial) -> None:
        self._material = material

    def security(self) -> LinkSecurity:
        return self._client.security_in_force if self._client is not None else NOT_PROTECTED

    async def connect(self) -> None:
        endpoint = endpoint_of(self._connection, {"opc.tcp": 4840})
        self._client = client = SecureClient(self._connection, endpoint, self._material, self._login, self._clock)
        client.session_timeout = round(SESSION_S * 1000)
        await client.open()

    # --- subscribing ----------------------------------------------------------------------------------------------

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        self._sink = sink
        self._signals = {signal.id: signal for signal in signals}
        requests = self._requests(signals)
        try:
            async with asyncio.timeout(self._timeout_s):
                session = self._open_client().uaclient.session
                self._publisher = ColumnPublisher(session)
                session.publish = self._publisher.publish  # type: ignore[assignment, method-assign]
                created = await session.create_subscription(subscription(self._publishing_ms), self._published)
            self._subscription_id = created.SubscriptionId
            await self._monitor(requests)
        except (OSError, TimeoutError, UaError) as error:
            raise ConnectionFailedError(
                f"OPC UA server of {self._connection.name!r} did not accept the subscription: {cause(error)}.",
                connection_id=self._connection.id,
            ) from error

    def _requests(self, signals: Sequence[Signal]) -> list[ua.MonitoredItemCreateRequest]:
        """Return one request per signal whose address is a node id; the others are faults."""
        requests: list[ua.MonitoredItemCreateRequest] = []
        for signal in signals:
            try:
                requests.append(monitored_item(signal, node_of(signal.address), self._publishing_ms))
            except ValueError as error:
                self._faults[signal.id] = str(error)
        self._stamp(dict.fromkeys(self._faults, Quality.BAD_CONFIGURATION))
        return requests

    async def _monitor(self, requests: Sequence[ua.MonitoredItemCreateRequest]) -> None:
        """Ask for items in chunks; one that is refused is a fault, bad, and asked for again later."""
        wrong: dict[int, Quality] = {}
        self._refused = []
        self._asked_at = self._clock.now()
        for request in requests:  # Before asking: first values may come, with faults of their own, before the answer.
            self._faults.pop(request.RequestedParameters.ClientHandle, None)
        for start in range(0, len(requests), CHUNK):
            chunk = requests[start : start + CHUNK]
            async with asyncio.timeout(self._timeout_s * 5):
                results = await monitor(self._open_client().uaclient.session, self._subscription_id, chunk)
            for request, result in zip(chunk, results, strict=True):
                signal = self._signals[request.RequestedParameters.ClientHandle]
                if result.StatusCode.is_good():
                    continue
                self._refused.append(request)
                wrong[signal.id] = quality_of(result.StatusCode)
                self._faults[signal.id] = (
                    f"OPC UA server of {self._connection.name!r} refused node {signal.address.get('node')!r} of "
                    f"{signal.name}: {result.StatusCode.name} ({result.StatusCode.doc}). Check the signal's address by "
                    "browsing the server."
                )
        self._stamp(wrong)

    def _stamp(self, wrong: Mapping[int, Quality]) -> None:
        """Deliver the signals that cannot be read as bad, once."""
        if not wrong or self._sink is None:
            return
        now = self._clock.now()
        self._sink(
            Batch(
                device=self._connection.id,
                signal=np.fromiter(wrong.keys(), dtype=np.uint32),
                source_at=np.full(len(wrong), now, dtype=np.int64),
                value=np.full(len(wrong), np.nan),
                quality=np.fromiter(wrong.values(), dtype=np.uint16),
                received_at=now,
            )
        )

    # --- values ---------------------------------------------------------------------------------------------------

    def _published(self, result: ua.PublishResult) -> None:
        """Take one publish response; a keep-alive is empty. Runs in the library's publish loop."""
        self._heard_at = self._clock.now()
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ValueColumns):
                self._deliver_columns(notification)
            elif isinstance(notification, ua.DataChangeNotification):
                self._deliver(notification.MonitoredItems)
            elif isinstance(notification, ua.StatusChangeNotification):
                self._note_lost(self._why_ended(notification))

    def _deliver_columns(self, columns: ValueColumns) -> None:
        now = self._clock.now()
        quality = qualities_of(columns.status)
        for row in np.flatnonzero(quality >= Quality.BAD).tolist():
            known = self._signals.get(int(columns.handle[row]))
            if known is not None:
                name = ua.StatusCode(ua.UInt32(int(columns.status[row]))).name
                self._faults.setdefault(known.id, f"The server marks {known.name} as {name}.")
        if self._faults:
            for handle in columns.handle[quality < Quality.BAD].tolist():
                self._faults.pop(handle, None)
        if self._sink is not None:
            self._sink(
                Batch(
                    device=self._connection.id,
                    signal=columns.handle,
                    source_at=np.where(columns.source_at == 0, now, columns.source_at),
                    value=columns.value,
                    quality=quality,
                    received_at=now,
                )
            )

    def _why_ended(self, notification: ua.StatusChangeNotification) -> str:
        if self._client is None or self._client.state is not UaClientState.CONNECTED:
            return "The server closed the connection."  # The library makes up a status change then.
        status = notification.Status
        return f"The server ended the subscription: {status.name if status else 'no reason given'}."

    def _deliver(self, items: Iterable[Any]) -> None:
        now = self._clock.now()
        signal: list[int] = []
        source_at: list[int] = []
        value: list[float] = []
        quality: list[int] = []
        text: dict[int, str] = {}
        for item in items:
            known = self._signals.get(item.ClientHandle)
            if known is None:
                continue
            data: ua.DataValue = item.Value
            grade = quality_of(data.StatusCode)
            held = number_or_text(data.Value.Value) if data.Value is not None else None
            if isinstance(held, str):
                text[len(signal)] = held
            elif held is None and grade < Quality.BAD:
                grade = Quality.BAD_CONFIGURATION
                self._faults[known.id] = (
                    f"Node {known.address.get('node')!r} of {known.name} holds no single number or text. "
                    "Choose a scalar variable."
                )
            if grade >= Quality.BAD:
                name = data.StatusCode.name if data.StatusCode is not None else "bad"
                self._faults.setdefault(known.id, f"The server marks {known.name} as {name}.")
            elif known.id in self._faults:
                del self._faults[known.id]
            signal.append(known.id)
            source_at.append(source_at_of(data, now))
            value.append(held if isinstance(held, float) else math.nan)
            quality.append(grade)
        if signal and self._sink is not None:
            self._sink(
                Batch(
                    device=self._connection.id,
                    signal=np.array(signal, dtype=np.uint32),
                    source_at=np.array(source_at, dtype=np.int64),
                    value=np.array(value, dtype=np.float64),
                    quality=np.array(quality, dtype=np.uint16),
                    received_at=now,
                    text=text,
                )
            )

    async def poll(self, signals: Sequence[Signal]) -> Batch:
        """Read once, for tools that look at a single value; the collector subscribes."""
        values = await self._read([node_of(signal.address) for signal in signals])
        return batch_of(self._connection.id, [signal.id for signal in signals], values, self._clock.now())

    async def _read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._open_client().uaclient.session.read_attributes(list(nodes), AttributeIds.Value)
        except (OSError, TimeoutError, UaError) as error:
            raise self._failed(f"did not answer a read: {cause(error)}") from error

    # --- the link -------------------------------------------------------------------------------------------------

    async def lost(self) -> str:
        """Watch the transport, the server's clock and the keep-alives of the subscription."""
        client = self._open_client()
        async with client.subscribe_state() as states:
            while not self._lost.done():
                try:
                    if client.state is UaClientState.CONNECTED:
                        await states.next_change(WATCH_S)
                except TimeoutError:
                    await self._probe()
                if client.state is not UaClientState.CONNECTED:
                    self._note_lost("The server closed the connection.")
        return self._lost.result()

    async def _probe(self) -> None:
        began_at = self._clock.now()
        try:
            await self._read([_CURRENT_TIME])
        except ConnectionFailedError as error:
            self._note_lost(error.message)
            return
        now = self._clock.now()
        self._round_trip_ms = (now - began_at) / 1000
        if self._sink is not None and now - self._heard_at > SILENCE_S_MAX * MICROS_PER_S:
            self._note_lost(f"The server answers, but its subscription has been silent for {SILENCE_S_MAX:g} s.")
        elif self._refused and now - self._asked_at > ASK_AGAIN_US:
            with suppress(OSError, TimeoutError, UaError):  # A lost link is noticed by the next probe.
                await self._monitor(self._refused)

    def _note_lost(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _open_client(self) -> SecureClient:
        if self._client is None:
            raise self._failed("is not connected")
        return self._client

    def _failed(self, what: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"OPC UA server of {self._connection.name!r} {what}.", connection_id=self._connection.id
        )

    # --- writing and browsing -------------------------------------------------------------------------------------

    async def write(self, signal: Signal, value: float | str) -> WriteResult:
        """Write one raw value with the node's own type and read it back; ``value`` is before scale and offset.

        Raises:
            InvalidInputError: The address is no node id, or the value does not fit the node's type.
            ConnectionFailedError: No answer.
        """
        try:
            node = node_of(signal.address)
        except ValueError as error:
            raise InvalidInputError(str(error), signal=signal.id) from error
        [before] = await self._read([node])
        if before.Value is None or not quality_of(before.StatusCode) < Quality.BAD_CONFIGURATION:
            return WriteResult(value, None, accepted=False, reason=f"The node cannot be read: {before.StatusCode}.")
        kind = before.Value.VariantType
        try:
            as_written = as_type(value, kind)
            wanted = ua.DataValue(ua.Variant(as_written, kind))
        except (ValueError, TypeError, UaError) as error:
            raise InvalidInputError(
                f"{value!r} does not fit the type {kind.name} of {signal.name}.", signal=signal.id
            ) from error
        session = self._open_client().uaclient.session
        try:
            async with asyncio.timeout(self._timeout_s):
                [status] = await session.write_attributes([node], [wanted], AttributeIds.Value)
        except (OSError, TimeoutError, UaError) as error:
            raise self._failed(f"did not confirm a write to {signal.address.get('node')!r}: {cause(error)}") from error
        if not status.is_good():
            return WriteResult(value, None, accepted=False, reason=f"The server refused: {status.name}.")
        [after] = await self._read([node])
        read_back = number_or_text(after.Value.Value) if after.Value is not None else None
        accepted = after.Value is not None and after.Value.Value == as_written
        reason = "" if accepted else f"The server holds {read_back} after {value} was written."
        return WriteResult(value, read_back, accepted=accepted, reason=reason)

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:
        """List folders, objects and variables below a node; at most 1,000, with the values of the variables."""
        try:
            start = _OBJECTS if address is None else node_of(address)
        except ValueError as error:
            raise InvalidInputError(str(error)) from error
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                found = (
                    await self._open_client()
                    .get_node(start)
                    .get_references(
                        refs=ObjectIds.HierarchicalReferences,
                        direction=ua.BrowseDirection.Forward,
                    )
                )
        except (OSError, TimeoutError, UaError) as error:
            raise self._failed(f"could not be browsed at {start.to_string()}: {cause(error)}") from error
        kinds = (ua.NodeClass.Object, ua.NodeClass.Variable)
        found = [entry for entry in found if entry.NodeClass in kinds][:CHILDREN_MAX]
        variables = [entry.NodeId for entry in found if entry.NodeClass is ua.NodeClass.Variable]
        values = dict(zip(variables, await self._read(variables), strict=True)) if variables else {}
        return [browsed(entry, values.get(entry.NodeId)) for entry in found]

    def health(self) -> DriverHealth:
        connected = (
            self._client is not None
            and self._client.state is UaClientState.CONNECTED
            and not (self._lost.done() and not self._lost.cancelled())
        )
        return DriverHealth(connected, "" if connected else "not connected", self._round_trip_ms, dict(self._faults))

    async def close(self) -> None:
        self._sink = None
        client, self._client = self._client, None
        self._lost.cancel()
        if client is None:
            return
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S_MAX):
                await client.disconnect()
        # What a cancelled connect or disconnect leaves open.
        with suppress(Exception):
            client.disconnect_socket()
        await asyncio.sleep(0)
