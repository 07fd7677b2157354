"""The master alarm database as a sheet: out as CSV, back in as a whole or not at all.

``AlarmRuleSheetService(work, desk)``. One row is one rule, one column one attribute; condition and suppressions are
JSON in their cells. A row with an id changes that rule, a row without makes one. Rules that are not in the sheet stay.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.alarm_rules import AlarmRuleService
from pdm_app.services.plant_changes import Desk

ROWS_MAX = 5_000
ISSUES_MAX = 100
CHARACTERS_MAX = 4_000_000
STRUCTURED = ("condition", "suppressions")
FACTS = tuple(AlarmRuleFacts.model_fields)
TOLD = ("asset_id", "signal", "approved_by", "approved_at", "revision")  # Written for the reader; not taken back.
COLUMNS = ("id", "site_id", "asset_id", "signal", *FACTS, "approved_by", "approved_at", "revision")


class SheetOutcome(Record):
    """What a sheet changes, or would change."""

    rows: int
    created: tuple[str, ...] = Field(description="Names of the rules.")
    changed: tuple[str, ...]
    unchanged: int
    is_done: bool


class AlarmRuleSheetService:
    """Reads and writes all rules of the actor's sites as one sheet."""

    def __init__(self, work: UnitOfWork, rules: AlarmRuleService, desk: Desk) -> None:
        self._work = work
        self._rules = rules
        self._desk = desk

    async def written(self, actor: Actor, site_id: str | None = None) -> str:
        """Return the rules of one site, or of all in reach, as CSV with one line of column names.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        actor.require(Permission.ALARMS_READ)
        if site_id is not None and not actor.scope.covers(site_id):
            raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
        async with self._work(actor.scope) as work:
            rules = [rule for rule in await work.alarms.rules() if site_id in (None, rule.site_id)]
            signals = {signal.id: signal.name for signal in await work.signals.all()}
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, COLUMNS)
        writer.writeheader()
        for rule in sorted(rules, key=lambda each: (each.site_id, each.asset_id, each.name)):
            writer.writerow(_cells(rule, signals.get(rule.signal_id, "")))
        return sheet.getvalue()

    async def read(self, actor: Actor, sheet: str, reason: str, *, only_look: bool) -> SheetOutcome:
        """Take a sheet back: all its rows in one transaction, or none of them.

        Args:
            actor: Who changes the rules.
            sheet: CSV with a line of column names; columns that are missing are left as they are.
            reason: Why; kept with each rule's change.
            only_look: Say what it would change, and change nothing.

        Raises:
            InvalidInputError: Names row, column and fix of everything that is wrong; nothing was changed.
            ConflictError: Somebody has changed the rules meanwhile.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        rows = _rows(sheet)
        created, changed, unchanged, issues = [], [], 0, []
        async with self._work(actor.scope) as work:
            for number, cells in rows:
                try:
                    outcome = await self._row(work, actor, cells, reason)
                except ValidationError as error:
                    issues += _issues_of(number, error)
                except InvalidInputError as error:
                    issues += [FieldIssue(f"row {number}, {i.field}", i.problem, i.fix) for i in error.issues] or [
                        FieldIssue(f"row {number}", error.message, "correct the row")
                    ]
                except (NotFoundError, ConflictError) as error:
                    issues.append(FieldIssue(f"row {number}", error.message, "correct the row"))
                else:
                    name, what = outcome
                    if what == "created":
                        created.append(name)
                    elif what == "changed":
                        changed.append(name)
                    else:
                        unchanged += 1
                if len(issues) >= ISSUES_MAX:
                    break
            if issues:
                raise InvalidInputError(
                    f"The sheet has {len(issues)} mistakes, the first in {issues[0].field}. Nothing was changed.",
                    issues,
                )
            if not only_look and (created or changed):
                await work.commit()
        if not only_look and (created or changed):
            await self._desk.in_force.rules_changed()
        return SheetOutcome(
            rows=len(rows),
            created=tuple(created),
            changed=tuple(changed),
            unchanged=unchanged,
            is_done=not only_look,
        )

    async def _row(self, work: Work, actor: Actor, cells: Mapping[str, Any], reason: str) -> tuple[str, str]:
        """Apply one row in a transaction that may yet be given up."""
        rule_id = str(cells.get("id", ""))
        if not rule_id:
            facts = AlarmRuleFacts.model_validate({name: cells[name] for name in FACTS if name in cells})
            rule = await self._rules.create_in(work, actor, facts, reason)
            return rule.name, "created"
        before = await self._rules.held(work, rule_id)
        changes = {name: cells[name] for name in FACTS if name in cells}
        if changes.pop("signal_id", before.signal_id) != before.signal_id:
            raise InvalidInputError(
                "A rule stays with its signal.",
                [FieldIssue("signal_id", "is another signal", "leave the id empty to make a new rule")],
            )
        AlarmRuleFacts.model_validate({name: getattr(before, name) for name in FACTS} | changes)
        after = await self._rules.change_in(work, actor, before, changes, reason)
        return after.name, "unchanged" if after == before else "changed"


def _cells(rule: AlarmRule, signal: str) -> dict[str, object]:
    said = rule.model_dump(mode="json")
    cells = {name: "" if said[name] is None else said[name] for name in COLUMNS if name != "signal"}
    for name in STRUCTURED:
        cells[name] = json.dumps(said[name], separators=(",", ":"), ensure_ascii=False)
    # A spreadsheet takes a cell that begins so for a formula, and runs it.
    plain = {k: f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" and v else v for k, v in cells.items()}
    return {**plain, "signal": signal}


def _rows(sheet: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows with their line numbers, cells as the record wants them.

    Raises:
        InvalidInputError: It is no sheet of rules.
    """
    if len(sheet) > CHARACTERS_MAX:
        raise _no_sheet(f"has more than {CHARACTERS_MAX:,} characters", "send it in parts")
    reader = csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff")), strict=True)
    try:
        columns = reader.fieldnames or ()
        unknown = [str(name) for name in columns if name not in COLUMNS]
        if unknown or not {"name", "id"} & set(columns):
            raise _no_sheet(
                f"has a column {unknown[0]!r}" if unknown else "has neither a column id nor name",
                f"use these: {', '.join(COLUMNS)}",
            )
        rows = [(reader.line_num, _taken(reader.line_num, row)) for row in reader]
    except csv.Error as error:
        raise _no_sheet(f"line {reader.line_num}: {error}", "write it as CSV with commas and quotes") from None
    if len(rows) > ROWS_MAX:
        raise _no_sheet(f"has {len(rows):,} rows", f"send at most {ROWS_MAX:,}")
    return rows


def _taken(number: int, row: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        raise _no_sheet(f"row {number} has more or fewer cells than there are columns", "quote cells with commas")
    taken: dict[str, Any] = {}
    for name, cell in row.items():
        if name is None or name in TOLD:
            continue
        words = cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell
        if name in STRUCTURED:
            try:
                taken[name] = json.loads(words or ("[]" if name == "suppressions" else "null"))
            except ValueError:
                raise InvalidInputError(
                    f"Row {number}: {name} is no JSON.",
                    [FieldIssue(f"row {number}, {name}", "is no JSON", 'write it like {"kind":"high","limit":80}')],
                ) from None
        elif words.strip() == "" and name not in _WORDS:
            if name in _EMPTY_IS_NONE:
                taken[name] = None
        else:
            taken[name] = words
    if "signal_id" in taken and str(taken["signal_id"]).isdigit():
        taken["signal_id"] = int(taken["signal_id"])
    return taken


_EMPTY_IS_NONE = ("consequence_level", "respond_within", "review_at")
_WORDS = (
    "id",
    *(name for name, field in AlarmRuleFacts.model_fields.items() if field.annotation is str and name != "name"),
)


def _issues_of(number: int, error: ValidationError) -> list[FieldIssue]:
    return [
        FieldIssue(f"row {number}, {'.'.join(map(str, each['loc'])) or 'rule'}", each["msg"], "correct the cell")
        for each in error.errors(include_url=False)
    ]


def _no_sheet(problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"This is no sheet of alarm rules: it {problem}.", [FieldIssue("sheet", problem, fix)])
