"""Recorded CSV files, played as if their machine were there.

``CsvReplayDriver(connection, clock, folder)``. Endpoint ``replay://history.csv``: a file of the product's folder of
recordings, ``replay://press-*.csv`` for several, played in the order of their names. A signal's address is
``{"column": "Motor_Current_A"}``. Options are a `CsvReplayOptions`:

* ``times`` *paced* (usual): rows come as time goes by, ``speed`` times as fast as they were recorded, stamped with the
  present; *shifted*: the whole recording at once, moved so that its last row is now; *original*: at once, as recorded.
* ``loop``: a paced recording begins anew after its last row; else the signals fall silent there.

What could not be used is counted, and the signals' faults say how many rows, the first line and why.
"""

import asyncio
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError, NotSupportedError
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S, Batch, Quality
from pdm_app.domain.signals import DataType, Signal
from pdm_app.drivers.csv_replay_rows import (
    BadRow,
    CsvForm,
    Recording,
    Row,
    UnreadableFileError,
    last_time,
    number,
    opened,
)
from pdm_app.drivers.mqtt_rows import Gathered

SCHEME = "replay://"
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,119}")
FILES_MAX = 1_000
ROWS_PER_POLL_MAX = 5_000  # What is due beyond it comes with the next poll: a second of CPU is not spent in one go.
PAUSE_S = 1.0  # Between the last row and the first one of the next round, where the recording has a single row.
STEPS_SEEN = 100  # Steps of time from which the pause between two rounds is told.

Speed = Annotated[float, Field(ge=1, le=600, description="Times as fast as it was recorded.")]


class CsvReplayOptions(CsvForm):
    """Options of a replayed recording."""

    times: Literal["paced", "shifted", "original"] = Field(
        default="paced", description="As time goes by; or at once, ending now; or at once, as recorded."
    )
    speed: Speed = 1.0
    loop: bool = Field(default=False, description="Paced only: begin anew after the last row.")
    retry_cap_s: float = Field(default=2.0, ge=0.5, le=3_600, description="Longest wait between two attempts.")


class CsvReplayAddress(Record):
    """Where a signal lies in a recording."""

    column: str = Field(min_length=1, max_length=200, description="Name in the heading, such as Motor_Current_A.")


def file_pattern(endpoint: str) -> str | None:
    """Return the name, or the pattern with ``*``, that an endpoint means; None if it is no name without folders."""
    name = endpoint.strip().removeprefix(SCHEME)
    is_name = FILE_NAME.fullmatch(name.replace("*", "x")) and name.lower().endswith(".csv") and name.count("*") <= 3
    return name if is_name and ".." not in name else None


def recordings(folder: Path, pattern: str) -> list[Path]:
    """Return the files that a pattern means, by name; never one outside the folder."""
    root = folder.resolve()
    found = (path for path in folder.glob(pattern) if path.is_file() and path.resolve().parent == root)
    return sorted(found, key=lambda path: path.name)[:FILES_MAX]


@dataclass(slots=True)
class _Refused:
    """What could not be used of one kind."""

    count: int = 0
    first: str = ""

    def note(self, where: str) -> None:
        self.count += 1
        self.first = self.first or where


@dataclass(slots=True)
class _Player:
    """One group of signals on its way through the files; groups are polled at their own periods.

    Attributes:
        shift_at: Moment at which a round's first row is due.
        first_at: Recorded time of the round's first row; None before it was met.
        last_at: Recorded time of the newest row.
        steps: Recorded steps of time at the beginning, microseconds.
    """

    signals: tuple[Signal, ...]
    begun_at: int
    rows: Iterator[tuple[Path, Recording, Row | BadRow]] | None = None
    open: Recording | None = None
    waiting: tuple[Path, Recording, Row] | None = None
    first_at: int | None = None
    last_at: int | None = None
    steps: list[int] = field(default_factory=list)
    ended: bool = False
    rows_total: int = 0


class CsvReplayDriver:
    """Plays recordings; reads files in a thread, a bounded number of rows at a time."""

    pushes = False

    def __init__(self, connection: Connection, clock: Clock, folder: Path | None) -> None:
        self._connection = connection
        self._clock = clock
        self._folder = folder
        self._options = CsvReplayOptions()
        self._files: list[Path] = []
        self._ends_at: int | None = None  # Recorded time of the last row, where all of it is moved.
        self._players: dict[tuple[int, ...], _Player] = {}
        self._turn = asyncio.Lock()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self._connected_at = clock.now()
        self._bad_rows = _Refused()
        self._bad_cells: dict[int, _Refused] = {}
        self._wrong: dict[int, str] = {}

    async def connect(self) -> None:
        try:
            self._options = CsvReplayOptions.model_validate(self._connection.options)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise self._failed(f"has an option that cannot be used: {fault['loc'][0]}: {fault['msg']}") from None
        pattern = file_pattern(self._connection.endpoint)
        if pattern is None or self._folder is None:
            raise self._failed(
                f"names {self._connection.endpoint!r}, which is no recording; write it like {SCHEME}history.csv"
            )
        try:
            await asyncio.to_thread(self._look, self._folder, pattern)
        except OSError as error:
            raise self._failed(f"cannot read {pattern}: {error.strerror}") from error
        except UnreadableFileError as error:
            raise self._failed(f"cannot play {pattern}: it {error}") from error
        self._connected_at = self._clock.now()
        self._is_open = True

    def _look(self, folder: Path, pattern: str) -> None:
        self._files = recordings(folder, pattern)
        if not self._files:
            raise UnreadableFileError("is not in the folder of recordings; put it there")
        for path in self._files:
            opened(path, self._options).close()
        if self._options.times == "shifted":
            times = [at for path in self._files if (at := last_time(path, self._options)) is not None]
            self._ends_at = max(times, default=None)

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:  # noqa: ARG002
        raise NotSupportedError("A recording does not report by itself; it is polled.")

    # --- playing --------------------------------------------------------------------------------------------------

    async def poll(self, signals: Sequence[Signal]) -> Batch:
        """Return the rows that have become due since the last poll."""
        async with self._turn:
            if not self._is_open:
                raise self._failed("is not open")
            key = tuple(signal.id for signal in signals)
            player = self._players.get(key)
            if player is None:
                player = self._players[key] = _Player(tuple(signals), self._connected_at)
            now = self._clock.now()
            try:
                gathered = await asyncio.to_thread(self._due, player, now)
            except OSError as error:
                raise self._gone(f"can no longer be read: {error.strerror}") from error
            except UnreadableFileError as error:
                raise self._gone(f"has changed: it {error}") from error
        return gathered.batch(self._connection.id, now)

    def _due(self, player: _Player, now: int) -> Gathered:
        """Gather what is due; a file that is not there any more is noticed also when nothing is."""
        gathered = Gathered()
        for path in self._files:
            if not path.is_file():
                raise UnreadableFileError(f"is no longer there ({path.name})")
        for _ in range(ROWS_PER_POLL_MAX):
            if player.waiting is None and not self._next(player):
                break
            assert player.waiting is not None  # noqa: S101 - `_next` has just found it.
            path, recording, row = player.waiting
            source_at = self._source_at(player, row, now)
            if source_at > now:
                break
            player.waiting = None
            player.rows_total += 1
            self._take(gathered, player, path, recording, row, source_at)
        self._say_wrong(gathered, player, now)
        return gathered

    def _next(self, player: _Player) -> bool:
        """Find the next usable row; False where there is none for now, or ever."""
        if player.ended:
            return False
        paced = self._options.times == "paced"
        for _ in range(ROWS_PER_POLL_MAX):
            if player.rows is None:
                player.rows = self._read(player)
            read = next(player.rows, None)
            if read is None:
                if not (paced and self._options.loop and player.first_at is not None):
                    player.ended = True
                    return False
                self._turn_round(player)
                continue
            path, recording, row = read
            if isinstance(row, BadRow):
                self._bad_rows.note(f"line {row.line} of {path.name}: {row.reason}")
            elif paced and player.last_at is not None and row.at < player.last_at:
                self._bad_rows.note(f"line {row.line} of {path.name}: its time lies before that of the row above")
            else:
                if player.last_at is not None and len(player.steps) < STEPS_SEEN and row.at > player.last_at:
                    player.steps.append(row.at - player.last_at)
                player.first_at = row.at if player.first_at is None else player.first_at
                player.last_at = row.at
                player.waiting = (path, recording, row)
                return True
        return False  # So many bad rows in a row that the rest waits for the next poll.

    def _read(self, player: _Player) -> Iterator[tuple[Path, Recording, Row | BadRow]]:
        for path in self._files:
            with opened(path, self._options) as recording:
                player.open = recording
                for row in recording:
                    yield path, recording, row

    def _turn_round(self, player: _Player) -> None:
        """Begin the next round one usual step after the last row of this one."""
        assert player.first_at is not None  # noqa: S101 - a round without a row ends the player.
        assert player.last_at is not None  # noqa: S101
        step = statistics.median(player.steps) if player.steps else PAUSE_S * MICROS_PER_S
        player.begun_at += max(1, round((player.last_at - player.first_at + step) / self._options.speed))
        player.rows = player.first_at = player.last_at = None

    def _source_at(self, player: _Player, row: Row, now: int) -> int:
        if self._options.times == "original":
            return row.at
        if self._options.times == "shifted":
            return self._connected_at + row.at - (self._ends_at if self._ends_at is not None else now)
        assert player.first_at is not None  # noqa: S101 - this row was met.
        return player.begun_at + round((row.at - player.first_at) / self._options.speed)

    def _take(
        self, gathered: Gathered, player: _Player, path: Path, recording: Recording, row: Row, source_at: int
    ) -> None:
        for signal in player.signals:
            column = _column(signal)
            index = None if column is None else recording.index(column)
            if index is None:
                continue
            cell = row.cells[index]
            if signal.data_type is DataType.TEXT:
                if cell.strip():
                    gathered.add(signal.id, source_at, math.nan, Quality.GOOD, cell.strip())
                continue
            try:
                value = number(cell, self._options.decimal)
            except ValueError:
                where = f"line {row.line} of {path.name}: {cell.strip()[:40]!r} is no number"
                self._bad_cells.setdefault(signal.id, _Refused()).note(where)
                gathered.add(signal.id, source_at, math.nan, Quality.BAD_NOT_A_NUMBER)
                continue
            if value is not None:
                gathered.add(signal.id, source_at, value, Quality.GOOD)

    def _say_wrong(self, gathered: Gathered, player: _Player, now: int) -> None:
        for signal in player.signals:
            column = _column(signal)
            if column is None:
                self._wrong[signal.id] = f"The address of {signal.name} names no column; write it as column."
            elif player.open is not None and player.open.index(column) is None:
                names = ", ".join(player.open.columns[:8])
                self._wrong[signal.id] = f"The recording has no column {column!r}; it has {names}."
            else:
                self._wrong.pop(signal.id, None)  # Of several files, the next one may have it.
            if signal.id in self._wrong:
                gathered.add(signal.id, now, math.nan, Quality.BAD_CONFIGURATION)

    # --- the rest of a driver -------------------------------------------------------------------------------------

    async def write(self, signal: Signal, value: float | str) -> WriteResult:  # noqa: ARG002
        raise NotSupportedError("A recording cannot be written to.")

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:  # noqa: ARG002
        """List the columns, each with its first value."""
        if not self._files:
            raise self._failed("is not open")
        return await asyncio.to_thread(self._columns)

    def _columns(self) -> list[BrowsedNode]:
        with opened(self._files[0], self._options) as recording:
            first = next((row.cells for row in recording if isinstance(row, Row)), None)
            return [
                BrowsedNode(
                    {"column": name},
                    name,
                    is_folder=False,
                    data_type=_type_of(first[recording.names.index(name)], self._options.decimal) if first else "",
                    value=first[recording.names.index(name)].strip() if first else "",
                )
                for name in recording.columns
            ]

    async def lost(self) -> str:
        return await asyncio.shield(self._lost)

    def health(self) -> DriverHealth:
        ended = bool(self._players) and all(player.ended for player in self._players.values())
        detail = "" if self._is_open else "not open"
        if self._is_open and ended:
            detail = "the recording has come to its end"
        return DriverHealth(self._is_open and not self._lost.done(), detail, None, self._faults())

    def _faults(self) -> dict[int, str]:
        faults: dict[int, str] = {}
        rows = sum(player.rows_total for player in self._players.values())
        for signal in (signal for player in self._players.values() for signal in player.signals):
            said = []
            if signal.id in self._wrong:
                said.append(self._wrong[signal.id])
            if self._bad_rows.count:
                of = self._bad_rows.count + rows
                said.append(f"{self._bad_rows.count} of {of} rows were left out, the first at {self._bad_rows.first}.")
            if cells := self._bad_cells.get(signal.id):
                said.append(f"{cells.count} cells were left out, the first at {cells.first}.")
            if said:
                faults[signal.id] = " ".join(said)
        return faults

    async def close(self) -> None:
        self._is_open = False
        self._lost.cancel()
        async with self._turn:  # A read that is under way ends by itself, after a bounded number of rows.
            for player in self._players.values():
                if player.open is not None:
                    player.open.close()

    def _gone(self, what: str) -> ConnectionFailedError:
        error = self._failed(what)
        if not self._lost.done():
            self._lost.set_result(error.message)
        return error

    def _failed(self, what: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"The recording of connection {self._connection.name!r} {what}.", connection_id=self._connection.id
        )


def _column(signal: Signal) -> str | None:
    column = signal.address.get("column")
    return column if isinstance(column, str) and column else None


def _type_of(cell: str, decimal: str) -> str:
    try:
        return "" if number(cell, decimal) is None else "number"
    except ValueError:
        return "text"
