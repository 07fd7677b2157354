"""Replay a recording on a machine: one call makes its connection and signals, or starts them again.

A replay is a connection like any other, with a driver that plays a file: it stands in the list of connections, ends
when it is paused there, and its values say that they are simulated.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Protocol

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Asset
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.record import Record
from pdm_app.domain.recordings import REPLAYING_DRIVER, RecordedColumn, Recording
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import DataType, Signal
from pdm_app.services.auditing import audit
from pdm_app.services.connections import CONNECTION
from pdm_app.services.plant_changes import Desk
from pdm_app.services.plant_rules import require_free, require_room
from pdm_app.services.signals import SIGNAL

COLUMNS_MAX = 200
SIGNAL_NAME_MAX = 80
LABEL_MAX = 80
STALE_AFTER_STEPS = 3
STALE_AFTER_S_MIN = 10.0
STALE_AFTER_S_MAX = 3_153_600_000.0


class Recordings(Protocol):
    """The files that can be replayed."""

    async def all(self) -> Sequence[Recording]: ...

    async def one(self, name: str) -> Recording:
        """Return one.

        Raises:
            NotFoundError: There is no such file.
        """
        ...


class Replay(Record):
    """A recording that is being replayed: through which connection, into which signals."""

    connection_id: str
    asset_id: str
    asset_code: str
    recording: str
    signals: tuple[int, ...]
    refused: int = 0
    refused_first: str = ""


class ReplayService:
    """Starts replays."""

    def __init__(self, work: UnitOfWork, recordings: Recordings, desk: Desk) -> None:
        self._work = work
        self._recordings = recordings
        self._desk = desk

    async def recordings(self, actor: Actor) -> tuple[Recording, ...]:
        """Return the files that can be replayed, by name."""
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        return tuple(await self._recordings.all())

    async def start(self, actor: Actor, asset: str, recording: str | None, options: dict[str, Any]) -> Replay:
        """Replay a recording on a machine, with a signal for each of its columns; started before, it begins anew.

        Args:
            actor: Needs ``connections.configure`` and ``signals.configure``.
            asset: Id or code of the machine.
            recording: Name of the file; None is the only one there is.
            options: Of the driver: ``times``, ``speed``, ``loop``, ``time_column``, ``zone`` and so on.

        Raises:
            NotFoundError: No such machine in reach, or no such file.
            InvalidInputError: The file or an option cannot be used.
            ConflictError: The machine reads a signal of that name from elsewhere; nothing was changed.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        actor.require(Permission.SIGNALS_CONFIGURE)
        machine = await self._machine(actor, asset)
        file = await self._usable(recording)
        now = self._desk.clock.now()
        async with self._work(actor.scope) as work:
            await work.plant.hold(machine.site_id)
            connection, is_new = await self._connection(work, machine, file, options, now)
            issues = self._desk.drivers.connection_issues(connection)
            if issues:
                raise InvalidInputError(f"{file.name} cannot be replayed so: {issues[0].problem}.", issues)
            if is_new:
                await require_room(CONNECTION, work, connection)
                await require_free(CONNECTION, work, connection)
                await work.plant.add(connection, actor.name, now)
            else:
                await work.plant.change(connection, actor.name, now)
            signals = await self._signals(work, actor, machine, file, connection, now)
            replay = Replay(
                connection_id=connection.id,
                asset_id=machine.id,
                asset_code=machine.code,
                recording=file.name,
                signals=tuple(signal.id for signal in signals),
                refused=file.refused,
                refused_first=file.refused_first,
            )
            await audit(
                work,
                actor,
                now,
                "replays.started",
                subject="connection",
                subject_id=connection.id,
                name=connection.name,
                site_id=connection.site_id,
                after={**replay.model_dump(), "options": connection.options},
            )
            await work.commit()
        await self._desk.in_force.signals_changed(connection.id)
        return replay

    async def _machine(self, actor: Actor, asset: str) -> Asset:
        async with self._work(actor.scope) as work:
            for machine in await work.assets.all():
                if asset in (machine.id, machine.code) and actor.scope.covers(machine.site_id):
                    return machine
        raise NotFoundError(f"There is no asset {asset[:80]!r}.", asset=asset[:80])

    async def _usable(self, name: str | None) -> Recording:
        if name is None:
            there = [file for file in await self._recordings.all() if not file.problem]
            if len(there) != 1:
                known = ", ".join(file.name for file in there[:10]) or "none"
                raise InvalidInputError(
                    f"Say which recording to replay; there are: {known}.",
                    [FieldIssue("file", "is missing", "name a file of the folder recordings of the data directory")],
                )
            return there[0]
        file = await self._recordings.one(name)
        if file.problem:
            raise InvalidInputError(
                f"{name} cannot be replayed. {file.problem}", [FieldIssue("file", file.problem, "correct the file")]
            )
        if len(file.columns) > COLUMNS_MAX:
            raise InvalidInputError(
                f"{name} has {len(file.columns)} columns; up to {COLUMNS_MAX} become signals of one machine. Split it.",
                [FieldIssue("file", "has too many columns", "split it")],
            )
        return file

    @staticmethod
    async def _connection(
        work: Work, machine: Asset, file: Recording, options: dict[str, Any], now: Micros
    ) -> tuple[Connection, bool]:
        """Return the machine's replay as it is to be stored, and whether it is new; its name may have been changed."""
        wanted = {"endpoint": f"replay://{file.name}", "options": options, "enabled": True, "simulated": True}
        feeding = {signal.connection_id for signal in await work.signals.of_asset(machine.id)}
        for known in await work.connections.all():
            if known.driver == REPLAYING_DRIVER and known.id in feeding:
                return known.model_copy(update={**wanted, "revision": known.revision + 1}), False
        made = Connection.model_validate(
            {
                **wanted,
                "id": new_id(now),
                "site_id": machine.site_id,
                "name": f"Replay on {machine.code}",
                "driver": REPLAYING_DRIVER,
                "revision": 1,
            }
        )
        return made, True

    async def _signals(
        self, work: Work, actor: Actor, machine: Asset, file: Recording, connection: Connection, now: Micros
    ) -> list[Signal]:
        """Return the signals that the columns feed; those that are missing are added."""
        known = {signal.name.casefold(): signal for signal in await work.signals.of_asset(machine.id)}
        signals: list[Signal] = []
        for position, column in enumerate(file.columns):
            name = signal_name(column.name)
            there = known.get(name.casefold())
            if there is not None and there.connection_id != connection.id:
                raise ConflictError(
                    f"{machine.code} has a signal {there.name} already, which is not read from a recording. Replay "
                    "onto a machine of its own, or rename the column.",
                    asset_id=machine.id,
                    signal=there.id,
                )
            if there is None:
                there = await self._new_signal(work, machine, column, name, connection, position, file.step_s)
                await require_room(SIGNAL, work, there)
                await require_free(SIGNAL, work, there)
                await work.plant.add(there, actor.name, now)
                known[name.casefold()] = there
            signals.append(there)
        return signals

    @staticmethod
    async def _new_signal(
        work: Work,
        machine: Asset,
        column: RecordedColumn,
        name: str,
        connection: Connection,
        position: int,
        step_s: float | None,
    ) -> Signal:
        silent_s = max(STALE_AFTER_S_MIN, STALE_AFTER_STEPS * (step_s or 0.0))
        return Signal(
            id=await work.plant.new_signal_number(),
            site_id=machine.site_id,
            asset_id=machine.id,
            name=name,
            label=column.name[:LABEL_MAX],
            data_type=DataType.NUMBER if column.is_number else DataType.TEXT,
            decimals=3 if column.is_number else 0,
            position=position,
            connection_id=connection.id,
            address={"column": column.name},
            stale_after_s=min(silent_s, STALE_AFTER_S_MAX),
            simulated=True,
            revision=1,
        )


def signal_name(column: str) -> str:
    """Return the name of a column's signal: letters, digits and underscores, beginning with a letter."""
    letters = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_") or "Column"
    return (plain if plain[0].isalpha() else f"S_{plain}")[:SIGNAL_NAME_MAX]
