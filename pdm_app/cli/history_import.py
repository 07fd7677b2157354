"""A CSV file into history: what is in it, which column is which signal, what came of it, said on the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import Micros, moment

if TYPE_CHECKING:
    from pdm_app.domain.ports import Fence, Historian
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.domain.signals import Signal
    from pdm_app.drivers.csv_replay_rows import CsvForm, Recording
    from pdm_app.services.history_import import Form, Refused, Report, TableRow

REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed."""

    file: Path
    mapped: tuple[str, ...]
    signal_column: str
    value_column: str
    time_column: str
    zone: str
    separator: str
    decimal: str


async def import_table(work: "UnitOfWork", historian: "Historian", fence: "Fence | None", asked: Asked) -> None:
    """Read the file, and put it into place unless there is no fence; say what came of it.

    Raises:
        InvalidInputError: The file cannot be read, or no column of it is a signal.
    """
    from pdm_app.cli.installation import CommandClock
    from pdm_app.drivers import csv_replay_rows
    from pdm_app.services.auditing import audit
    from pdm_app.services.history_import import Report, names_of, read, take

    async with work(EVERY_SITE) as transaction:
        signals = [signal for signal in await transaction.signals.all() if not signal.is_derived]
        named = names_of(signals, await transaction.assets.all())
    now = CommandClock().now()
    report = Report()
    try:
        recording = csv_replay_rows.opened(asked.file, _csv_form(asked))
    except (csv_replay_rows.UnreadableFileError, OSError) as error:
        raise InvalidInputError(f"{asked.file.name} {error}.") from error
    with recording:
        form = _form(recording, asked, named)
        number = partial(csv_replay_rows.number, decimal=asked.decimal)

        async def held() -> "Fence":
            assert fence is not None  # noqa: S101 - asked for only where there is one.
            return fence

        batches = read(_rows(recording), form, number, now, report)
        await take(historian, batches, held if fence is not None else None, report, _tell)
    if fence is not None and report.samples:
        async with work(EVERY_SITE) as transaction:
            await audit(
                transaction, SYSTEM, now, "history.imported", subject="history", subject_id=asked.file.name[:36],
                name=asked.file.name, after={"samples": report.samples, "signals": sorted(report.per_signal),
                                             "start_at": report.start_at, "end_at": report.end_at},
            )  # fmt: skip
            await transaction.commit()
    _summary(report, {signal.id: signal for signal in signals}, is_done=fence is not None)


def _csv_form(asked: Asked) -> "CsvForm":
    from pdm_app.drivers.csv_replay_rows import CsvForm

    given = {"time_column": asked.time_column, "zone": asked.zone, "decimal": asked.decimal}
    try:
        return CsvForm.model_validate({**given, "separator": asked.separator.replace("\\t", "\t")})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0])
        raise InvalidInputError(
            f"--{option}: {first['msg']}.", [FieldIssue(option, first["msg"], "look at --help")]
        ) from error


def _form(recording: "Recording", asked: Asked, named: "dict[str, Signal]") -> "Form":
    from pdm_app.services.history_import import Form, wide_form

    if bool(asked.signal_column) != bool(asked.value_column):
        raise InvalidInputError("A long table needs both --signal-column and --value-column.")
    if asked.signal_column:
        places = [recording.index(column) for column in (asked.signal_column, asked.value_column)]
        for column, place in zip((asked.signal_column, asked.value_column), places, strict=True):
            if place is None:
                raise InvalidInputError(
                    f"The table has no column {column!r}; it has {', '.join(recording.names[:12])}."
                )
        return Form(name_at=places[0] or 0, value_at=places[1] or 0, named=named)
    pairs = [one.partition("=") for one in asked.mapped]
    wrong = next(
        (whole for whole, (_, sign, name) in zip(asked.mapped, pairs, strict=True) if not sign or not name), None
    )
    if wrong is not None:
        raise InvalidInputError(f"--map {wrong} says no signal; write COLUMN=CODE.Signal.")
    time_at = next((place for place, name in enumerate(recording.names) if name not in recording.columns), -1)
    return wide_form(recording.names, {column: name for column, _, name in pairs}, named, time_at)


def _rows(recording: "Recording") -> "Iterator[TableRow | Refused]":
    from pdm_app.drivers.csv_replay_rows import BadRow
    from pdm_app.services.history_import import Refused

    for row in recording:
        yield Refused(row.line, row.reason) if isinstance(row, BadRow) else row


def _tell(report: "Report") -> None:
    typer.echo(f"{report.rows:,} rows, {report.samples:,} samples …", err=True)


def _summary(report: "Report", signals: "dict[int, Signal]", *, is_done: bool) -> None:
    for refused in report.reasons[:REASONS_SHOWN]:
        typer.echo(f"line {refused.line}: {refused.reason}")
    if report.refused > REASONS_SHOWN:
        typer.echo(f"… and {report.refused - REASONS_SHOWN:,} more")
    for number, count in sorted(report.per_signal.items()):
        typer.echo(f"{signals[number].name}: {count:,} samples")
    if report.start_at is not None and report.end_at is not None:
        typer.echo(
            f"From {moment(Micros(report.start_at)).isoformat()} to {moment(Micros(report.end_at)).isoformat()}."
        )
    if report.standing:
        typer.echo(f"In this span {report.standing:,} samples {'stood' if is_done else 'stand'} before; of two at one "
                   "time the imported one counts.")  # fmt: skip
    done = "Imported" if is_done else "Would import"
    typer.echo(f"{done} {report.samples:,} samples of {report.rows:,} rows; {report.refused:,} refused.")
    if is_done:
        typer.echo(f"{report.days:,} files of days were written; {report.hot:,} samples are younger than these.")
