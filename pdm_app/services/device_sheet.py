"""Many devices at once, from a sheet of a spreadsheet: all its rows or none of them, and looked at first.

The first row names the columns: code, and if wanted name, model, machine, hardware, hardware_revision and client. What
is wrong is told of every row at once, so that a sheet is mended in one go. A row about a device that is there as the
row says is left out, so that a sheet that grew can be sent again as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Device, DeviceFacts
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.devices import DeviceService
from pdm_app.services.plant_changes import Desk
from pdm_app.services.record_changes import require_site
from pdm_app.services.sheets import sheet_rows

ROWS_MAX = 500
ISSUES_MAX = 100
SHEET_CHARACTERS_MAX = 200_000
COLUMNS = ("code", "name", "model", "machine", "hardware", "hardware_revision", "client")
OF_TWIN = ("hardware", "hardware_revision", "client")

DeviceSheet = Annotated[str, Field(min_length=1, max_length=SHEET_CHARACTERS_MAX)]
Cells = Mapping[str, str]


class SheetProblem(Record):
    """What is wrong with a row, and how to mend it; ``row`` as a spreadsheet counts."""

    row: int
    column: str
    problem: str
    fix: str


class DeviceSheetOutcome(Record):
    """What a sheet makes, or would make."""

    created: tuple[str, ...] = Field(description="Codes.")
    known: int = Field(description="Rows about devices that are there already.")
    problems: tuple[SheetProblem, ...] = Field(description="With any of them nothing is made.")
    is_done: bool


class DeviceSheetService:
    """Takes sheets of devices.

    Args:
        work: Where devices are stored.
        devices: Whose rules hold for each row.
        desk: Who must hear of new devices.
    """

    def __init__(self, work: UnitOfWork, devices: DeviceService, desk: Desk) -> None:
        self._work = work
        self._devices = devices
        self._desk = desk

    async def take(self, actor: Actor, site_id: str, sheet: str, *, only_look: bool) -> DeviceSheetOutcome:
        """Make the devices of a sheet, in one transaction.

        Args:
            actor: Who makes them.
            site_id: Where they stand.
            sheet: Its text; columns are parted by comma, semicolon or tab.
            only_look: Say what it would make and what is wrong, and make nothing.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: It is no sheet of devices, or, unless it is only looked at, rows are wrong.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        rows = _rows(sheet)
        created: list[Device] = []
        problems: list[SheetProblem] = []
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            there = {device.code: device for device in await work.devices.all() if device.site_id == site_id}
            machines = {asset.code: asset.id for asset in await work.assets.all() if asset.site_id == site_id}
            seen: dict[str, int] = {}
            for number, cells in rows:
                code = cells.get("code", "")
                try:
                    if code in seen:
                        raise _CellError(
                            "code", f"{code} stands in row {seen[code]} already", "leave one of the rows out"
                        )
                    seen[code] = number
                    device = await self._row(work, actor, site_id, cells, there.get(code), machines)
                except (_CellError, ValidationError, InvalidInputError, NotFoundError, ConflictError) as error:
                    problems += _problems(number, error)
                    if len(problems) >= ISSUES_MAX:
                        break
                else:
                    created += [device] if device is not None else []
            if problems and not only_look:
                raise _refused(problems)
            if created and not only_look:
                await work.commit()
        if created and not only_look:
            self._desk.in_force.forget_sources()
        return DeviceSheetOutcome(
            created=tuple(device.code for device in created),
            known=len(seen) - len(created) if not problems else 0,
            problems=tuple(problems[:ISSUES_MAX]),
            is_done=not only_look,
        )

    async def _row(
        self, work: Work, actor: Actor, site_id: str, cells: Cells, there: Device | None, machines: Mapping[str, str]
    ) -> Device | None:
        """Make the device of a row in a transaction that may yet be given up; None where it is there."""
        if not cells.get("code"):
            raise _CellError("code", "it is empty", "give each device a code")
        machine = cells.get("machine", "")
        if machine and machine not in machines:
            some = ", ".join(sorted(machines)[:8]) or "none"
            raise _CellError("machine", f"there is no machine {machine!r} at this site", f"machines here are {some}")
        facts = DeviceFacts(
            site_id=site_id, code=cells.get("code", ""), name=cells.get("name") or cells.get("code", ""),
            model=cells.get("model", ""), asset_id=machines.get(machine),
        )  # fmt: skip
        said = {name: cells[name] for name in OF_TWIN if cells.get(name)}
        client = said.get("client", "").casefold()
        if client and client not in set(ClientKind):
            raise _CellError("client", f"{client[:40]!r} is no update client", f"use one of {', '.join(ClientKind)}")
        if there is not None:
            _refuse_another(there, facts, cells)
            return None
        device = await self._devices.create_in(work, actor, facts)
        if said:
            twin = FirmwareTwin(id=device.id, site_id=site_id, client=ClientKind(client or ClientKind.UNKNOWN),
                                hardware=said.get("hardware", ""),
                                hardware_revision=said.get("hardware_revision", ""))  # fmt: skip
            await work.twins.put([twin])
        return device


class _CellError(Exception):
    """A cell is wrong."""

    def __init__(self, column: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.column, self.problem, self.fix = column, problem, fix


def _refused(problems: Sequence[SheetProblem]) -> InvalidInputError:
    first, more = problems[0], f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return InvalidInputError(
        f"Nothing was made. Row {first.row}, {first.column}: {first.problem}{more}. Mend the sheet and send it again.",
        [FieldIssue(f"row {one.row}, {one.column}", one.problem, one.fix) for one in problems],
    )


def _refuse_another(there: Device, facts: DeviceFacts, cells: Cells) -> None:
    """Refuse a row that says something else of a device than what is on record."""
    for column, field in (("name", "name"), ("model", "model"), ("machine", "asset_id")):
        if cells.get(column) and getattr(there, field) != getattr(facts, field):
            raise _CellError(
                column,
                f"{there.code} is there already, with another {column}",
                "change it on its page, or leave it out",
            )


def _problems(number: int, error: Exception) -> list[SheetProblem]:
    if isinstance(error, _CellError):
        return [SheetProblem(row=number, column=error.column, problem=error.problem, fix=error.fix)]
    if isinstance(error, ValidationError):
        return [
            SheetProblem(row=number, column=str(each["loc"][-1]) if each["loc"] else "code", problem=each["msg"],
                         fix="correct the cell")
            for each in error.errors(include_url=False)
        ]  # fmt: skip
    if isinstance(error, InvalidInputError) and error.issues:
        return [SheetProblem(row=number, column=i.field, problem=i.problem, fix=i.fix) for i in error.issues]
    return [SheetProblem(row=number, column="code", problem=str(error), fix="correct the row")]


def _rows(sheet: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that hold anything, with their number.

    Raises:
        InvalidInputError: It is no sheet of devices.
    """
    names, rows = sheet_rows(sheet, strict=True)
    unknown = [name for name in names if name and name not in COLUMNS]
    if "code" not in names or unknown or len(set(names)) < len(names):
        problem = f"has the column {unknown[0][:40]!r}" if unknown else "has no column code, or one twice"
        raise InvalidInputError(
            f"The sheet {problem}. Its first row names the columns: {', '.join(COLUMNS)}.",
            [FieldIssue("sheet", problem, f"name columns of {', '.join(COLUMNS)}")],
        )
    if not 0 < len(rows) <= ROWS_MAX:
        problem = f"has {len(rows)} rows; between one and {ROWS_MAX} are taken at once"
        raise InvalidInputError(f"The sheet {problem}.", [FieldIssue("sheet", problem, "part it")])
    return rows
