"""Sheets of pieces that people have counted: read row by row, and stored all or none.

A sheet has a first row with the names of its columns: time, machine, kind, pieces, and if wanted product and note. What
is wrong is told of every row at once, so that a sheet is mended in one go. A row that was entered before is left out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, PdmError
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.production_intervals import Interval
from pdm_app.domain.production_shifts import ProductionShift
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros, micros
from pdm_app.domain.stop_edits import EDITS_MAX, CountKind, EditKind, StopEdit, StopEditFacts
from pdm_app.services.auditing import audit
from pdm_app.services.hand_counts import cycle_of, refuse_count
from pdm_app.services.import_cells import decimal_of, number
from pdm_app.services.production_plant import RatedPlant, plant_of
from pdm_app.services.record_changes import require_site
from pdm_app.services.sheets import sheet_rows
from pdm_app.services.stops import StopService

ROWS_MAX = 1_000
SHEET_CHARS_MAX = 200_000
ISSUES_MAX = 50
NEEDED = ("time", "machine", "kind", "pieces")
COLUMNS = (*NEEDED, "product", "note")

Sheet = Annotated[str, Field(min_length=1, max_length=SHEET_CHARS_MAX)]


class SheetTaken(Record):
    """What became of a sheet."""

    entered: int
    known: int = Field(description="Rows that were entered before and were left out.")


class CountSheetService:
    """Takes sheets of counted pieces.

    Args:
        work: Where they are stored.
        stops: Says in which shift a moment lies, and how it adds up.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, stops: StopService, clock: Clock) -> None:
        self._work = work
        self._stops = stops
        self._clock = clock

    async def take(self, actor: Actor, site_id: str, sheet: str) -> SheetTaken:
        """Enter the pieces of a sheet; sums are right when this returns.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: Rows are wrong; says which, and nothing was entered.
            ConflictError: A shift is locked, or has more said of it than may be.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            plant = await plant_of(work, site_id)
            products = {one.code: one.id for one in await work.production.products() if one.site_id == site_id}
            rows = read_sheet(sheet, plant, products)
            shifts, new, known = await self._placed(work, actor, plant, rows, now)
            if new:
                await work.production.put_edits(new)
                await self._stops.keep(work, plant, shifts)
                await audit(
                    work, actor, now, "stops.sheet_counted", subject="site", subject_id=site_id, name=plant.site.name,
                    site_id=site_id, after={"rows": len(new), "first": new[0].id, "pieces": sum(_pieces(new))},
                )  # fmt: skip
                await work.commit()
        self._stops.tell(shifts)
        return SheetTaken(entered=len(new), known=known)

    async def _placed(
        self, work: Work, actor: Actor, plant: RatedPlant, rows: Mapping[int, tuple[str, StopEditFacts]], now: Micros
    ) -> tuple[dict[str, tuple[ProductionShift, list[StopEdit]]], list[StopEdit], int]:
        """Find the shift of each row, and refuse what cannot be entered; says so of every row at once."""
        shifts: dict[str, tuple[ProductionShift, list[StopEdit]]] = {}
        told: dict[str, list[Interval]] = {}  # A sheet has a thousand rows of a few shifts.
        new: list[StopEdit] = []
        issues: list[FieldIssue] = []
        known = 0
        for line, (asset_id, facts) in rows.items():
            try:
                shift = _holds(shifts, asset_id, facts.at)
                if shift is None:
                    _, shift = await self._stops.shift_at(work, asset_id, facts.at)
                    said = list(await work.production.edits([shift.id]))
                    shifts[shift.id] = (shift, said)
                    told[shift.id] = self._stops.intervals(plant, shift, said)
                said = shifts[shift.id][1]
                key = f"{asset_id} {facts.counted} {facts.pieces} {facts.product_id}"
                edit = StopEdit(
                    **facts.model_dump(), id=derived_id(Micros(facts.at), "count", key), site_id=plant.site.id,
                    asset_id=asset_id, shift_id=shift.id, said_at=now, said_by=actor.name,
                    cycle_s=await cycle_of(work, plant.units[asset_id], facts),
                )  # fmt: skip
                if any(one.id == edit.id for one in said):
                    known += 1
                    continue
                if len(said) >= EDITS_MAX:
                    raise ConflictError(f"{EDITS_MAX} things are said of this shift already. Take some back.")
                if facts.counted is CountKind.FOUND_SCRAP:  # How much is good still depends on the rows before.
                    told[shift.id] = self._stops.intervals(plant, shift, said)
                refuse_count(plant.assets[asset_id].code, facts, told[shift.id])
                said.append(edit)
                new.append(edit)
            except PdmError as error:
                issues.append(FieldIssue(f"rows.{line}", error.message))
        _refuse(issues)
        return shifts, new, known


def read_sheet(sheet: str, plant: RatedPlant, products: Mapping[str, str]) -> dict[int, tuple[str, StopEditFacts]]:
    """Return by line of the sheet the machine and what is counted.

    Args:
        sheet: Its text; columns are parted by comma, semicolon or tab.
        plant: Whose machines may be named; times without a zone are those of its wall.
        products: Id by code.

    Raises:
        InvalidInputError: Columns are missing, or rows are wrong; names each.
    """
    cells = _cells(sheet)
    mark = decimal_of(
        [row.get("pieces", "") for row in cells.values()], ";" if ";" in sheet.partition("\n")[0] else ","
    )
    machines = {plant.assets[asset_id].code: asset_id for asset_id in plant.units}
    taken: dict[int, tuple[str, StopEditFacts]] = {}
    issues: list[FieldIssue] = []
    for line, row in cells.items():
        before = len(issues)
        at = _at(line, row.get("time", ""), plant.zone, issues)
        asset_id = _named(line, "machine", row.get("machine", ""), machines, "is rated at this site", issues)
        kind = _named(line, "kind", row.get("kind", "").casefold(), {str(k): k for k in CountKind}, "is known", issues)
        pieces = _number(line, row.get("pieces", ""), mark, issues)
        product = row.get("product", "")
        product_id = _named(line, "product", product, products, "is made here", issues) if product else None
        if len(issues) > before or at is None or asset_id is None or kind is None:
            continue
        facts = {"kind": EditKind.COUNT, "at": at, "counted": kind, "pieces": pieces, "product_id": product_id}
        taken[line] = (asset_id, StopEditFacts.model_validate({**facts, "note": row.get("note", "")[:2_000]}))
    _refuse(issues)
    return taken


def _cells(sheet: str) -> dict[int, dict[str, str]]:
    """Return the cells of each row that holds any, by column, by line of the sheet."""
    names, rows = sheet_rows(sheet, strict=False)
    cells = dict(rows)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InvalidInputError(
            f"The sheet has no column {', '.join(missing)}. Its first row names the columns: {', '.join(COLUMNS)}.",
            [FieldIssue("rows.1", f"names no column {name}") for name in missing],
        )
    if not 0 < len(cells) <= ROWS_MAX:
        raise InvalidInputError(
            f"The sheet has {len(cells)} rows; between one and {ROWS_MAX} are taken at once.",
            [FieldIssue("rows", "are none or too many", "part the sheet")],
        )
    return cells


def _holds(
    shifts: Mapping[str, tuple[ProductionShift, list[StopEdit]]], asset_id: str, at: int
) -> ProductionShift | None:
    """Return the shift of a machine that was looked at already and in which a moment lies."""
    for shift, _ in shifts.values():
        if shift.asset_id == asset_id and shift.begin_at <= at < shift.end_at:
            return shift
    return None


def _refuse(issues: Sequence[FieldIssue]) -> None:
    if issues:
        more = f" and {len(issues) - 1} more" if len(issues) > 1 else ""
        line, problem = issues[0].field.split(".")[1], issues[0].problem
        raise InvalidInputError(
            f"Nothing was entered. Row {line}: {problem}{more}. Mend the sheet and send it again.",
            issues[:ISSUES_MAX],
        )


def _at(line: int, written: str, zone: ZoneInfo, issues: list[FieldIssue]) -> int | None:
    try:
        read = datetime.fromisoformat(written)
        return int(micros(read if read.tzinfo else read.replace(tzinfo=zone)))
    except (ValueError, OverflowError):
        issues.append(FieldIssue(f"rows.{line}.time", f"{written[:40]!r} is no time", "write it like 2026-03-01 06:30"))
        return None


def _named(
    line: int, column: str, written: str, known: Mapping[str, str], words: str, issues: list[FieldIssue]
) -> str | None:
    found = known.get(written)
    if found is None:
        some = ", ".join(sorted(known)[:8])
        issues.append(FieldIssue(f"rows.{line}.{column}", f"no {column} {written[:40]!r} {words}", f"known are {some}"))
    return found


def _number(line: int, written: str, mark: str, issues: list[FieldIssue]) -> float | None:
    try:
        pieces = number(written, "," if mark == "," else ".")
    except ValueError as error:
        issues.append(FieldIssue(f"rows.{line}.pieces", str(error)))
        return None
    if pieces is None or not 0 < pieces <= 10_000_000:
        issues.append(FieldIssue(f"rows.{line}.pieces", f"{written[:40]!r} is no number of pieces", "send 1 or more"))
    return pieces


def _pieces(edits: Sequence[StopEdit]) -> list[float]:
    return [edit.pieces or 0.0 for edit in edits]
