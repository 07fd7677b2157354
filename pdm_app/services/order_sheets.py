"""Sheets of orders, as planning systems write them: read row by row, and stored all or none.

A sheet has a first row with the names of its columns: number, line, quantity, and if wanted product (its code),
setup_min, due and note. What is wrong is told of every row at once. An order whose number is known and not over is
left as it is, so that a sheet can be sent again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.orders import ORDERS_MAX, Order, OrderFacts
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import micros
from pdm_app.services.auditing import audit
from pdm_app.services.import_cells import decimal_of, number
from pdm_app.services.production_plant import plant_of
from pdm_app.services.record_changes import require_site
from pdm_app.services.sheets import sheet_rows

ROWS_MAX = 500
SHEET_CHARS_MAX = 200_000
ISSUES_MAX = 50
NEEDED = ("number", "line", "quantity")
COLUMNS = (*NEEDED, "product", "setup_min", "due", "note")

OrderSheet = Annotated[str, Field(min_length=1, max_length=SHEET_CHARS_MAX)]


class OrderSheetTaken(Record):
    """What became of a sheet."""

    added: int
    known: int = Field(description="Rows whose number an order has that is not over; these were left out.")


class OrderSheetService:
    """Takes sheets of orders.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def take(self, actor: Actor, site_id: str, sheet: str) -> OrderSheetTaken:
        """Add the orders of a sheet.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: Rows are wrong; says which, and nothing was added.
            ConflictError: There would be too many orders.
        """
        actor.require(Permission.PRODUCTION_MANAGE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            plant = await plant_of(work, site_id)
            products = {one.code: one.id for one in await work.production.products() if one.site_id == site_id}
            own = [line for line in plant.lines.values() if line.site_id == site_id]
            lines = {**{line.id: line.id for line in own}, **{line.name: line.id for line in own}}
            rows = read_orders(sheet, site_id, plant.zone, lines, products)
            there = {order.number for order in await work.plans.orders(site_id, over=False)}
            new = [facts for facts in rows if facts.number not in there]
            if len(there) + len(new) > ORDERS_MAX:
                raise ConflictError(f"A site has {ORDERS_MAX} orders that are not over at most. End some.")
            for facts in new:
                await work.plans.put_order(Order(**facts.model_dump(), id=new_id(now), revision=1))
            if new:
                await audit(
                    work, actor, now, "order.sheet_added", subject="site", subject_id=site_id, name=plant.site.name,
                    site_id=site_id, after={"orders": [facts.number for facts in new]},
                )  # fmt: skip
                await work.commit()
        return OrderSheetTaken(added=len(new), known=len(rows) - len(new))


def read_orders(
    sheet: str, site_id: str, zone: ZoneInfo, lines: Mapping[str, str], products: Mapping[str, str]
) -> list[OrderFacts]:
    """Return the orders of a sheet.

    Args:
        sheet: Its text; columns are parted by comma, semicolon or tab.
        site_id: Whose orders they are.
        zone: Of due dates that name none; a date alone is due at its end.
        lines: Id by name, and by itself.
        products: Id by code.

    Raises:
        InvalidInputError: Columns are missing, or rows are wrong; names each.
    """
    names, found = sheet_rows(sheet, strict=False)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InvalidInputError(
            f"The sheet has no column {', '.join(missing)}. Its first row names the columns: {', '.join(COLUMNS)}.",
            [FieldIssue("rows.1", f"names no column {name}") for name in missing],
        )
    if not 0 < len(found) <= ROWS_MAX:
        raise InvalidInputError(
            f"The sheet has {len(found)} rows; between one and {ROWS_MAX} are taken at once.",
            [FieldIssue("rows", "are none or too many", "part the sheet")],
        )
    mark = decimal_of([row.get("quantity", "") for _, row in found], ";" if ";" in sheet.partition("\n")[0] else ",")
    taken: dict[str, OrderFacts] = {}
    issues: list[FieldIssue] = []
    for line, row in found:
        try:
            facts = _facts(row, site_id, zone, lines, products, "," if mark == "," else ".")
            if facts.number in taken:
                raise ValueError(f"number: {facts.number!r} stands twice in the sheet")
            taken[facts.number] = facts
        except ValidationError as error:
            first = error.errors()[0]
            issues.append(FieldIssue(f"rows.{line}.{'.'.join(map(str, first['loc']))}", first["msg"]))
        except ValueError as error:
            issues.append(FieldIssue(f"rows.{line}", str(error)))
    if issues:
        more = f" and {len(issues) - 1} more" if len(issues) > 1 else ""
        place = issues[0].field.split(".")[1]
        raise InvalidInputError(
            f"Nothing was added. Row {place}: {issues[0].problem}{more}. Mend the sheet and send it again.",
            issues[:ISSUES_MAX],
        )
    return list(taken.values())


def _facts(
    row: Mapping[str, str], site_id: str, zone: ZoneInfo, lines: Mapping[str, str], products: Mapping[str, str],
    mark: Literal[",", "."],
) -> OrderFacts:  # fmt: skip
    product, due = row.get("product", ""), row.get("due", "")
    for column, written, known in (("line", row.get("line", ""), lines), ("product", product, products)):
        if written not in known and (written or column == "line"):
            raise ValueError(
                f"{column}: no {column} {written[:40]!r} is known; known are {', '.join(sorted(known)[:8])}"
            )
    return OrderFacts(
        site_id=site_id,
        line_id=lines[row["line"]],
        number=row.get("number", ""),
        product_id=products[product] if product else None,
        quantity=number(row.get("quantity", ""), mark) or 0,
        setup_min=number(row.get("setup_min", ""), mark) or 0,
        due_at=_due(due, zone) if due else None,
        note=row.get("note", "")[:2_000],
    )


def _due(written: str, zone: ZoneInfo) -> int:
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"due: {written[:40]!r} is no time; write it like 2026-03-01 14:00") from None
    if len(written) <= len("2026-03-01"):
        read = read.replace(hour=23, minute=59)
    return int(micros(read if read.tzinfo else read.replace(tzinfo=zone)))
