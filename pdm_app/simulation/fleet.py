"""The running demo plant: its processes, their ports, and the faults it is given.

``async with running_fleet(data_dir, clock) as fleet`` starts five children and yields at once; drivers connect as the
servers come up. ``fleet.definition`` is the plant with the ports really taken, ``await fleet.ready()`` waits for all.

When the physics is killed the servers go on without inventing values: OPC UA says uncertain with the last usable value,
Modbus answers with a device failure, MQTT falls silent.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import structlog

from pdm_app.domain.errors import ConflictError, NotFoundError, UnavailableError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import Clock, FaultKind, InjectedFault
from pdm_app.domain.samples import Micros
from pdm_app.domain.truth import PlantTruth
from pdm_app.simulation import configurations, faults
from pdm_app.simulation.children.child import FROZEN
from pdm_app.simulation.labels import Labels, read_labels, write_labels
from pdm_app.simulation.past import acted
from pdm_app.simulation.physics.acting import LINE_CUT, LINE_FROZEN, LINE_RESTART
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.plant import MODBUS_PORT, MQTT_PORT, OPCUA_PORT, PlantPorts, northfield
from pdm_app.simulation.ports import reserved
from pdm_app.simulation.process import ChildProcess, ChildStatus, Message
from pdm_app.simulation.story import opening
from pdm_app.simulation.told import told

log = structlog.get_logger(__name__)

PHYSICS = "physics"
OPCUA = "opcua"
MODBUS = "modbus"
BROKER = "broker"
PUBLISHERS = "publishers"

READY_WITHIN_S = 30.0
OBEYED_WITHIN_S = 2.0
HEAL_EVERY_S = 1.0
FOLDER = "simulation"


class Fleet:
    """The children of the demo plant and its ground truth; implements `pdm_app.domain.ports.PlantControl`."""

    def __init__(self, data_dir: Path, clock: Clock, ports: PlantPorts, labels: Labels) -> None:
        self.ports = ports
        self.definition = northfield(ports, labels.plant)
        self._data_dir = data_dir
        self._clock = clock
        self._labels = labels
        self._unwritten = False
        self._changing = asyncio.Lock()  # One change of the labels at a time.
        self._word = secrets.token_hex(16)
        self._feed_of: dict[str, int] = {}
        self._firmware: dict[str, str] = {}
        self._ordered = 0
        self._obeyed = 0
        self._has_obeyed = asyncio.Event()
        folder = data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        plant, word = self.definition, self._word
        made = (
            (PHYSICS, "physics", self._physics_configuration, None),
            (OPCUA, "opcua_server", lambda: configurations.opcua(plant, ports.opcua, word), ports.opcua),
            (MODBUS, "modbus_server", lambda: configurations.modbus(plant, ports.modbus, word), ports.modbus),
            (BROKER, "mqtt_broker", lambda: {"port": ports.mqtt}, ports.mqtt),
            (PUBLISHERS, "mqtt_publishers", lambda: configurations.publishers(plant, ports.mqtt, word), None),
        )
        self._children = {
            name: ChildProcess(
                name, f"pdm_app.simulation.children.{module}", configuration, self._hear, folder, clock, port
            )
            for name, module, configuration, port in made
        }

    # --- processes ------------------------------------------------------------------------------------------------

    @property
    def children(self) -> tuple[ChildStatus, ...]:
        """Every child's process id, port, number of restarts and whether it serves."""
        return tuple(child.status for child in self._children.values())

    def child(self, name: str) -> ChildStatus:
        """Return the status of one child.

        Raises:
            NotFoundError: There is none of this name.
        """
        return self._child(name).status

    def kill(self, name: str) -> None:
        """End one child as a crash would; it comes back by itself on the same port.

        Raises:
            NotFoundError: There is none of this name.
        """
        self._child(name).kill()

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until every child serves.

        Raises:
            UnavailableError: One does not; says which and what it said last.
        """
        for child in self._children.values():
            try:
                await asyncio.wait_for(child.ready(), within_s)
            except TimeoutError:
                raise UnavailableError(
                    f"The demo plant's {child.name} process did not serve within {within_s:g} s."
                    f" It said last: {child.said_last() or 'nothing'}.",
                    child=child.name,
                ) from None

    def _child(self, name: str) -> ChildProcess:
        if name not in self._children:
            raise NotFoundError(f"The demo plant has no process {name!r}; it has {', '.join(self._children)}.")
        return self._children[name]

    def _physics_configuration(self) -> Message:
        codes = [asset.code for asset in self.definition.assets]
        return {"word": self._word, "since": self._labels.since, "seed": SEED, "codes": codes, **self._order()}

    def _order(self) -> Message:
        """Return all that the physics needs to know now.

        Also the faults that are over: counters stand where they do because of every piece that was not made.
        """
        return {
            "number": self._ordered,
            "faults": [asdict(fault) for fault in acted(self._labels)],
            "held": self._labels.held,
            "feeds": configurations.feeds(self.definition, self._feed_of),
        }

    async def _hear(self, name: str, message: Message) -> None:
        if "feed" in message:
            self._feed_of[name] = int(message["feed"])
            self._send_order()
        if message.get("ready"):
            self._wires()
        if name == PUBLISHERS and message.get("ready"):
            self._children[PUBLISHERS].send({"firmware": self._firmware})
        if name == PHYSICS and message.get("ready"):
            self._send_order()  # What has changed while it started.
        if "obeyed" in message:
            self._obeyed = int(message["obeyed"])
            self._has_obeyed.set()
        if "held" in message:
            async with self._changing:
                await self._keep_or_later(replace(self._labels, held=dict(message["held"])))

    def gateway_runs(self, code: str, version: str) -> None:
        """Have a gateway say over MQTT what its update client has booted."""
        self._firmware[code] = version
        self._children[PUBLISHERS].send({"firmware": {code: version}})

    def _send_order(self) -> bool:
        self._ordered += 1
        return self._children[PHYSICS].send(self._order())

    async def _order_obeyed(self) -> None:
        """Send the present order and wait for it to act; a physics process that is down gets it at its start."""
        if not self._send_order():
            return
        number = self._ordered
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OBEYED_WITHIN_S):
                while self._obeyed < number:
                    self._has_obeyed.clear()
                    await self._has_obeyed.wait()

    # --- faults ---------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> Labels:
        """The ground truth, with queries over it."""
        return self._labels.healed(self._clock.now())

    async def kinds(self) -> Sequence[FaultKind]:
        """Return the faults that can be injected, and where."""
        codes = {asset.code for asset in self.definition.assets}
        kinds = (script.kind for script in faults.SCRIPTS.values())
        here = (replace(kind, asset_codes=tuple(code for code in kind.asset_codes if code in codes)) for kind in kinds)
        return tuple(kind for kind in here if kind.asset_codes)

    async def faults(self) -> Sequence[InjectedFault]:
        """Return the ground truth: every fault injected so far, oldest first."""
        return self.labels.faults

    async def inject(self, key: str, asset_code: str, signal: str, start_severity: float) -> InjectedFault:
        """Begin a fault; when this returns its label is on disk and the physics acts on it.

        Args:
            key: Kind of fault.
            asset_code: Machine.
            signal: Signal name for a stuck sensor, else empty.
            start_severity: Where on its severity curve it starts, 0 to 1.

        Raises:
            UnavailableError: The label cannot be written; nothing has begun.
            InvalidInputError: No such fault there.
            ConflictError: It stands there already.
            NotFoundError: The plant, being a small one, has no such machine.
        """
        async with self._changing:
            now = self._clock.now()
            labels = self._labels.healed(now)
            faults.check(key, asset_code, signal, labels.standing(now))
            if self.definition.asset(asset_code) is None:
                raise NotFoundError(f"The {labels.plant} plant has no machine {asset_code}.", asset_code=asset_code)
            fault = InjectedFault(new_id(now), key, asset_code, signal, now, start_severity)
            await self._keep(labels.with_fault(fault))
        self._wires()
        if key == LINE_RESTART:
            self.kill(faults.SERVER_OF[asset_code])
        await self._order_obeyed()
        return fault

    async def clear(self, fault_id: str) -> InjectedFault:
        """Repair a fault; one that has ended keeps its end.

        Raises:
            NotFoundError: No such label.
        """
        async with self._changing:
            now = self._clock.now()
            labels = self._labels.healed(now).cleared(fault_id, now)
            await self._keep(labels)
        self._wires()
        await self._order_obeyed()
        return labels.get(fault_id)

    def _wires(self) -> None:
        """Cut off, hang or free each server as the standing faults of the wire say."""
        standing = self._labels.standing(self._clock.now())
        for code, server in faults.SERVER_OF.items():
            keys = {fault.key for fault in standing if fault.asset_code == code}
            child = self._children[server]
            if LINE_CUT in keys:
                child.cut()
            else:
                child.mend()
            child.send({FROZEN: LINE_FROZEN in keys})

    async def truth(self, at: Micros, asset_codes: Collection[str]) -> PlantTruth:
        """Return what really happens on some machines at a moment, past, present or future."""
        return await asyncio.to_thread(told, self.labels, at, asset_codes)

    async def reset(self) -> Sequence[InjectedFault]:
        """Repair everything, and begin anew on the day of the story on which the plant first started.

        Raises:
            UnavailableError: The labels cannot be written; everything is as it was.
        """
        async with self._changing:
            now = self._clock.now()
            labels = self._labels.healed(now)
            for fault in labels.standing(now):
                labels = labels.cleared(fault.id, now)
            await self._keep(opened(labels, now))
        self._wires()
        await self._order_obeyed()
        return self._labels.standing(now)

    async def _keep(self, labels: Labels) -> None:
        await asyncio.to_thread(write_labels, self._data_dir, labels)
        self._labels = labels
        self._unwritten = False

    async def _keep_or_later(self, labels: Labels) -> None:
        """Keep labels that nobody waits for: where the disk takes nothing now, `_heal_forever` tries again."""
        self._labels = labels
        try:
            await self._keep(labels)
        except UnavailableError as error:
            if not self._unwritten:
                log.warning("demo labels are not on disk yet", why=error.message)
            self._unwritten = True

    async def _heal_forever(self) -> None:
        """Write the ends of faults that heal by themselves into their labels."""
        while True:
            await self._clock.sleep(HEAL_EVERY_S)
            async with self._changing:
                healed = self._labels.healed(self._clock.now())
                if healed is not self._labels:
                    self._send_order()
                if healed is not self._labels or self._unwritten:
                    await self._keep_or_later(healed)

    async def run(self, begin: asyncio.Event | None = None) -> None:
        """Keep every child alive, from ``begin`` on, until cancelled; then all of them have ended."""
        if begin is not None:
            await begin.wait()
        self._wires()
        async with asyncio.TaskGroup() as group:
            for child in self._children.values():
                group.create_task(child.keep())
            group.create_task(self._heal_forever())


def labels_at_start(kept: Labels | None, now: Micros, size: PlantSize = PlantSize.WHOLE) -> Labels:
    """Return the labels with which the plant starts; ``size`` is that of a new one.

    A new plant begins on day 19 of its bearing's 27, the whole one with some alarms besides. A bearing that seized
    while the plant stood still has been replaced, and the next one is on day 19 again.
    """
    labels = (kept or Labels(since=now, plant=size)).healed(now)
    wearing = [fault for fault in labels.standing(now) if fault.key == faults.BEARING_WEAR]
    seized = [fault for fault in wearing if faults.severity(fault, now) >= 1.0]
    for fault in seized:
        labels = labels.cleared(fault.id, now)
    if kept is None:
        return opened(labels, now)
    return with_wear(labels, now) if seized else labels


def opened(labels: Labels, now: Micros) -> Labels:
    """Return the labels with all that the story begins with; the small plant has a worn bearing alone."""
    labels = with_wear(labels, now)
    for fault in opening(now) if labels.plant is PlantSize.WHOLE else ():
        labels = labels.with_fault(fault)
    return labels


def with_wear(labels: Labels, now: Micros) -> Labels:
    """Return the labels with a bearing on day 19 of its 27."""
    code = faults.SCRIPTS[faults.BEARING_WEAR].kind.asset_codes[0]
    return labels.with_fault(
        InjectedFault(new_id(now), faults.BEARING_WEAR, code, "", now, faults.START_OF_DEMO_SEVERITY)
    )


@contextlib.asynccontextmanager
async def running_fleet(
    data_dir: Path,
    clock: Clock,
    ports: PlantPorts | None = None,
    begin: asyncio.Event | None = None,
    size: PlantSize | None = None,
) -> AsyncIterator[Fleet]:
    """Run the demo plant for as long as the block lasts.

    Args:
        data_dir: Where its labels and the words of its children are kept.
        clock: Injected time.
        ports: None takes the usual ones, or the next free.
        begin: The children start when it is set, for who has more urgent work for the processors; None is at once.
        size: Of the plant; None goes on with what the directory has, and begins a whole one in a new directory.

    Raises:
        UnavailableError: The kept labels cannot be read, or no port is free.
        ConflictError: The directory has a plant of another size, with a history of its machines.
    """
    now = clock.now()
    kept = await asyncio.to_thread(read_labels, data_dir)
    if kept is not None and size not in (None, kept.plant):
        raise ConflictError(
            f"The demo in {data_dir} runs the {kept.plant} plant and keeps its history; it cannot become {size}."
            " Leave out --plant to go on with it, or give the other plant a directory of its own with --data."
        )
    labels = labels_at_start(kept, now, size or PlantSize.WHOLE)
    await asyncio.to_thread(write_labels, data_dir, labels)
    failure: BaseException | None = None
    async with contextlib.AsyncExitStack() as stack:
        if ports is None:
            opcua, modbus, mqtt = (stack.enter_context(reserved(port)) for port in (OPCUA_PORT, MODBUS_PORT, MQTT_PORT))
            ports = PlantPorts(opcua, modbus, mqtt)
        fleet = Fleet(data_dir, clock, ports, labels)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        running = group.create_task(fleet.run(begin))
        try:
            yield fleet
        except BaseException as error:
            failure = error  # Raised below as it came, not wrapped into a group.
        running.cancel()
    if failure is not None:
        raise failure
