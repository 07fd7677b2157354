"""History from tables: which column is which signal, what would come of it, and the way into the historian.

A table is wide, a column for each signal, or long, a row for each sample with the signal's name in it. Values are in
the unit of the signal unless a conversion is given. A row that says nothing usable is refused with its line and reason;
the others count.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.formulas.measures import Conversion
from pdm_app.domain.ports import Fence, Historian
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality
from pdm_app.domain.signals import DataType, Signal

SAMPLES_AT_ONCE = 500_000
"""So many are put into place together, about 100 MB while it lasts."""
REFUSED_MAX = 50
"""So many refused rows are told with their reason; all are counted."""
AHEAD_US_MAX = 86_400 * MICROS_PER_S
IMPORTED_BY = "pdm.import"
QUALITY_WORDS = {
    "": Quality.GOOD, "ok": Quality.GOOD, "192": Quality.GOOD, "valid": Quality.GOOD, "questionable": Quality.UNCERTAIN,
    "invalid": Quality.BAD, **{quality.name.lower(): quality for quality in Quality},
}  # fmt: skip
"""Other numbers are not guessed at: 0 is good here and bad in OPC. Source of 192: OPC Data Access 3.00, 6.8."""


class TableRow(Protocol):
    """One row with a time in microseconds UTC."""

    @property
    def line(self) -> int: ...
    @property
    def at(self) -> int: ...
    @property
    def cells(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A row, or a cell of it, that was not taken."""

    line: int
    reason: str
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """Where the values of a table stand.

    Attributes:
        columns: Of a wide table: the place of each column, and its signal.
        name_at: Of a long table: where the signal's name stands, and in ``value_at`` its value; -1 in a wide one.
        named: Of a long table: the signals by the names it may use.
        left_out: Of a long table: names that somebody has said are not to be taken.
        quality_at: Where the quality of a row stands; -1 where all are good.
        conversions: Of signals whose values stand there in another unit.
    """

    columns: tuple[tuple[int, Signal], ...] = ()
    name_at: int = -1
    value_at: int = -1
    named: Mapping[str, Signal] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    quality_at: int = -1
    conversions: Mapping[int, Conversion] = field(default_factory=dict)

    def values(self, cells: Sequence[str]) -> Iterator[tuple[Signal, str]]:
        """Yield the signals and values of a row.

        Raises:
            ValueError: It names a signal that there is not.
        """
        if self.name_at < 0:
            for place, signal in self.columns:
                yield signal, cells[place]
            return
        name = cells[self.name_at].strip()
        found = self.named.get(name.casefold())
        if found is not None:
            yield found, cells[self.value_at]
        elif name.casefold() not in self.left_out:
            raise ValueError(f"there is no signal {name[:80]!r}")

    def quality(self, cells: Sequence[str]) -> int:
        """Return the quality of a row.

        Raises:
            ValueError: It is said in words that nobody knows.
        """
        if self.quality_at < 0:
            return int(Quality.GOOD)
        word = cells[self.quality_at].strip()
        found = QUALITY_WORDS.get(word.casefold())
        if found is None:
            raise ValueError(f"its quality {word[:40]!r} is none of good, uncertain and bad")
        return int(found)

    def reading(self, signal: Signal, cell: str, number: Callable[[str], float | None]) -> float | None:
        """Return what a cell says in the unit of its signal; None for nothing.

        Raises:
            ValueError: It is no such value.
        """
        value = number(cell)
        if value is None:
            return None
        conversion = self.conversions.get(signal.id)
        if conversion is not None:
            return value * conversion.factor + conversion.offset
        if signal.data_type is DataType.INTEGER and value != int(value):
            raise ValueError(f"{cell.strip()[:40]!r} is no whole number")
        if signal.data_type is DataType.BOOLEAN and value not in (0.0, 1.0):
            raise ValueError(f"{cell.strip()[:40]!r} is neither true nor false")
        return value


@dataclass(slots=True)
class Report:
    """What came of a table, or would come of it."""

    rows: int = 0
    samples: int = 0
    refused: int = 0
    reasons: list[Refused] = field(default_factory=list)
    per_signal: Counter[int] = field(default_factory=Counter)
    start_at: int | None = None
    end_at: int | None = None
    standing: int = 0
    """Samples that these signals have in the span already."""
    days: int = 0
    hot: int = 0
    repeated: int = 0
    """Values whose signal and time came again further down."""
    on_refused: Callable[[Refused], None] = lambda _: None

    def refuse(self, line: int, reason: str, cells: Sequence[str] = ()) -> None:
        self.refused += 1
        self.on_refused(Refused(line, reason, cells))
        if len(self.reasons) < REFUSED_MAX:
            self.reasons.append(Refused(line, reason))


def names_of(signals: Sequence[Signal], assets: Sequence[Asset]) -> dict[str, Signal]:
    """Return signals by every name that means just one of them: ``P-101A.Flow``, ``P-101A Flow``, ``Flow``, labels."""
    codes = {asset.id: asset.code for asset in assets}
    meant: dict[str, set[int]] = {}
    by_number = {signal.id: signal for signal in signals}
    for signal in signals:
        code = codes.get(signal.asset_id, "")
        for own in {signal.name, signal.label}:
            for name in (own, f"{code}.{own}", f"{code} {own}"):
                meant.setdefault(name.casefold(), set()).add(signal.id)
    return {name: by_number[min(numbers)] for name, numbers in meant.items() if len(numbers) == 1}


def wide_form(columns: Sequence[str], wanted: Mapping[str, str], named: Mapping[str, Signal], skip: int) -> Form:
    """Find the signal of each column: as it is told, else by its name; units in brackets do not matter.

    Args:
        columns: The heading.
        wanted: Column to signal, as somebody has said it.
        named: As `names_of` returns them.
        skip: Where the time stands.

    Raises:
        InvalidInputError: No column is known, a named one is missing, or two mean the same signal.
    """
    found: list[tuple[int, Signal]] = []
    told = {column.casefold(): name for column, name in wanted.items()}
    for place, column in enumerate(columns):
        name = told.pop(column.casefold(), None)
        signal = named.get((name if name is not None else column.partition(" [")[0].strip()).casefold())
        if name is not None and signal is None:
            raise InvalidInputError(
                f"There is no single signal {name!r} for the column {column!r}.",
                [FieldIssue("map", f"{name} is not known", "write the machine's code, a dot and the signal's name")],
            )
        if signal is not None and (place != skip or name is not None):
            found.append((place, signal))
    if told:
        raise InvalidInputError(
            f"The table has no column {next(iter(told))!r}; it has {', '.join(columns[:12])}.",
            [FieldIssue("map", "names no column", "write it as in the heading")],
        )
    numbers = Counter(signal.id for _, signal in found)
    twice = [signal.name for _, signal in found if numbers[signal.id] > 1]
    if twice:
        raise InvalidInputError(f"Two columns mean the signal {twice[0]}. Say with a map which one is meant.")
    if not found:
        raise InvalidInputError(
            f"No column of the table is a signal: {', '.join(columns[:12])}. Say which is which with a map.",
            [FieldIssue("map", "is needed", "write COLUMN=CODE.Signal")],
        )
    return Form(columns=tuple(found))


def read(
    rows: Iterable[TableRow | Refused],
    form: Form,
    number: Callable[[str], float | None],
    now: Micros,
    report: Report,
    *,
    mark: Micros | None = None,
    seq: int = 0,
) -> Iterator[Batch]:
    """Yield batches of the samples of a table, sorted by signal and time, and note in the report what is refused.

    Of two values of a signal at one time the one further down counts. The same table gives the same batches each time.

    Args:
        rows: From the top down.
        form: Where what stands.
        number: Reads a cell; None for an empty one, ValueError for what is no number.
        now: What lies more than a day after it is refused.
        report: Is told what is met.
        mark: The batches' time of arrival; now unless it is given.
        seq: The first batch has the number after it.
    """
    taken = _Taken([], [], [], [], {})
    for row in rows:
        report.rows += 1
        if isinstance(row, Refused):
            report.refuse(row.line, row.reason, row.cells)
            continue
        if row.at > now + AHEAD_US_MAX:
            report.refuse(row.line, "its time lies in the future", row.cells)
            continue
        try:
            cells, quality = list(form.values(row.cells)), form.quality(row.cells)
        except ValueError as error:
            report.refuse(row.line, str(error), row.cells)
            continue
        for signal, cell in cells:
            try:
                taken.add(row.at, signal, cell, quality, form, number)
            except ValueError as error:
                report.refuse(row.line, f"{signal.name}: {error}", row.cells)
        if len(taken.at) >= SAMPLES_AT_ONCE:
            seq += 1
            yield _batch(taken, mark or now, seq, report)
            taken = _Taken([], [], [], [], {})
    if taken.at:
        yield _batch(taken, mark or now, seq + 1, report)


@dataclass(slots=True)
class _Taken:
    """Columns of a batch that grows."""

    at: list[int]
    owner: list[int]
    value: list[float]
    quality: list[int]
    text: dict[int, str]

    def add(
        self,
        at: int,
        signal: Signal,
        cell: str,
        quality: int,
        form: Form,
        number: Callable[[str], float | None],
    ) -> None:
        if signal.data_type is DataType.TEXT:
            if not cell:
                return
            self.text[len(self.at)] = cell
            reading = float("nan")
        else:
            found = form.reading(signal, cell, number)
            if found is None:
                return
            reading = found
        self.at.append(at)
        self.owner.append(signal.id)
        self.value.append(reading)
        self.quality.append(quality)


async def take(
    historian: Historian,
    batches: Iterator[Batch],
    fence: Callable[[], Awaitable[Fence]] | None,
    report: Report,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Put batches into the historian; without ``fence`` only say what would come of it.

    Raises:
        FencedError: Another process holds the lease.
        UnavailableError: The database or the disk refuses; the days before are there, doing it again is safe.
    """
    for batch in batches:
        start, end = int(batch.source_at.min()), int(batch.source_at.max()) + 1
        for number in np.unique(batch.signal).tolist():
            report.standing += await historian.count(number, Micros(start), Micros(end))
        if fence is not None:
            done = await historian.import_past([batch], await fence())
            report.days, report.hot = report.days + done.days, report.hot + done.hot
        on_progress(report)
    return report


def _batch(taken: _Taken, received_at: Micros, seq: int, report: Report) -> Batch:
    times, owners = np.array(taken.at, np.int64), np.array(taken.owner, np.uint32)
    order = np.lexsort((times, owners))  # Stable: of two at one time the one further down comes last.
    is_last = np.append((np.diff(owners[order]) != 0) | (np.diff(times[order]) != 0), True)
    report.repeated += len(order) - int(is_last.sum())
    order = order[is_last]
    numbers, counts = np.unique(owners[order], return_counts=True)
    report.per_signal.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
    report.samples += len(order)
    report.start_at = int(times.min()) if report.start_at is None else min(int(times.min()), report.start_at)
    report.end_at = max(int(times.max()), report.end_at or 0)
    text = taken.text
    placed = {new: text[old] for new, old in enumerate(order.tolist()) if old in text} if text else {}
    return Batch(
        device=IMPORTED_BY,
        signal=owners[order],
        source_at=times[order],
        value=np.array(taken.value, np.float64)[order],
        quality=np.array(taken.quality, np.uint16)[order],
        received_at=received_at,
        seq=seq,
        text=placed,
    )
