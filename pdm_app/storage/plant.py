"""The nouns of the plant, alike: paged, changed by whoever has seen the newest revision, deleted and restored.

A deleted row stays where it is; every other read of these tables passes it over (`Repository._find`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, insert, or_, select, true, update

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.plant import Listing, Mark, Page, R
from pdm_app.domain.record import Record
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal
from pdm_app.storage import dialect
from pdm_app.storage.columns import Kept
from pdm_app.storage.repository import Repository, columns_of, is_there, site_column
from pdm_app.storage.tables import (
    AlarmRuleRow,
    AreaRow,
    AssetRow,
    ConnectionRow,
    DeviceRow,
    InstallationRow,
    LineRow,
    SignalRow,
    SiteRow,
    table_of,
)

ROWS: dict[type[Record], type[Kept]] = {
    Site: SiteRow,
    Area: AreaRow,
    Line: LineRow,
    Asset: AssetRow,
    Device: DeviceRow,
    Connection: ConnectionRow,
    Signal: SignalRow,
    AlarmRule: AlarmRuleRow,
}
SEARCHED = ("code", "name", "label")
INSTALLATION = table_of(InstallationRow)
SIGNALS = table_of(SignalRow)
NEXT_SIGNAL = "signals.next"


class SqlPlant(Repository):
    async def hold(self, site_id: str, asset_id: str | None = None) -> Site | None:
        """Let nobody else change this site's plant until the transaction ends.

        SQLite has one writer anyway; on MySQL the site's row is locked.
        """
        await self._transaction.begin_writing()
        table = table_of(SiteRow)
        is_entrusted = asset_id is not None and self._transaction.scope.entrusted.get(asset_id) == site_id
        statement = select(*columns_of(Site, table)).where(
            table.c.id == site_id, true() if is_entrusted else self._transaction.covers(table.c.id), is_there(table)
        )
        found = await self._transaction.rows(statement.with_for_update(), "lock a site")
        return Site.model_validate(found[0]) if found else None

    async def get(self, kind: type[R], id: str | int, *, deleted: bool = False) -> R | None:
        table = table_of(ROWS[kind])
        found = await self._records(kind, [table.c.id == id], limit=1, deleted=deleted)
        return found[0] if found else None

    async def mark(self, kind: type[R], id: str | int) -> Mark | None:
        table = table_of(ROWS[kind])
        site = site_column(table)
        statement = select(
            site.label("site_id"), *(table.c[name] for name in Mark.model_fields if name != "site_id")
        ).where(
            table.c.id == id,
            or_(self._transaction.covers(site), and_(self._transaction.shows(table), is_there(table))),
        )
        found = await self._transaction.rows(statement, f"read {table.name}")
        return Mark.model_validate(found[0]) if found else None

    async def marks(self, kind: type[R]) -> Mapping[str | int, Mark]:
        table = table_of(ROWS[kind])
        site = site_column(table)
        columns = [table.c[name] for name in Mark.model_fields if name != "site_id"]
        statement = select(table.c.id, site.label("site_id"), *columns).where(self._transaction.covers(site))
        found = await self._transaction.rows(statement, f"read {table.name}")
        return {row.pop("id"): Mark.model_validate(row) for row in found}

    async def page(self, kind: type[R], listing: Listing, **where: str | int | None) -> Page[R]:
        """Return one page by code or name, then id, so that a cursor is exact.

        Raises:
            InvalidInputError: The cursor names no record in scope.
        """
        table = table_of(ROWS[kind])
        conditions = _equal(table, where)
        if listing.site_id is not None:
            conditions.append(site_column(table) == listing.site_id)
        if listing.text:
            words = listing.text.lower()
            searched = [table.c[name] for name in SEARCHED if name in table.c]
            conditions.append(or_(*(func.lower(column).contains(words, autoescape=True) for column in searched)))
        if listing.cursor is not None:
            conditions.append(await self._after(table, listing.cursor))
        found = await self._records(
            kind, conditions, limit=listing.limit + 1, deleted=listing.deleted, order=(_name(table), table.c.id)
        )
        items = tuple(found[: listing.limit])
        return Page(items=items, next_cursor=str(items[-1].id) if len(found) > listing.limit else None)

    async def _after(self, table: Table, cursor: str) -> ColumnElement[bool]:
        key = _key(table, cursor)
        statement = select(_name(table).label("name")).where(table.c.id == key, self._transaction.shows(table))
        found = await self._transaction.rows(statement, f"read {table.name}") if key is not None else []
        if not found:
            raise InvalidInputError(
                f"The list of {table.name.replace('_', ' ')} cannot go on from {cursor!r}. Ask for the first page "
                "again, without 'cursor'."
            )
        name = found[0]["name"]
        return or_(_name(table) > name, and_(_name(table) == name, table.c.id > key))

    async def some(self, kind: type[R], limit: int, **where: str | int | None) -> Sequence[R]:
        deleted = where.get("deleted_at") is not None
        return await self._records(kind, _equal(table_of(ROWS[kind]), where), limit=limit, deleted=deleted)

    async def count(self, kind: type[R], **where: str | int | None) -> int:
        table: Table = table_of(ROWS[kind])
        conditions = [is_there(table), self._transaction.shows(table), *_equal(table, where)]
        statement = select(func.count().label("count")).select_from(table).where(*conditions)
        return int((await self._transaction.rows(statement, f"count {table.name}"))[0]["count"])

    async def _records(
        self,
        kind: type[R],
        conditions: Sequence[ColumnElement[bool]],
        *,
        limit: int,
        deleted: bool = False,
        order: Sequence[ColumnElement[Any]] = (),
    ) -> list[R]:
        table = table_of(ROWS[kind])
        there = table.c.deleted_at.is_not(None) if deleted else is_there(table)
        is_hidden = deleted and table is not SIGNALS  # Of a signal that was deleted the history stays.
        statement = (
            select(*columns_of(kind, table))
            .where(
                self._transaction.covers(site_column(table)) if is_hidden else self._transaction.shows(table),
                there,
                *conditions,
            )
            .order_by(*(order or (table.c.id,)))
            .limit(limit)
        )
        return [kind.model_validate(row) for row in await self._transaction.rows(statement, f"read {table.name}")]

    async def add(self, record: R, by: str, at: Micros) -> None:
        table = table_of(ROWS[type(record)])
        given = {**record.model_dump(mode="json"), "changed_by": by[:120], "changed_at": at}
        self._refuse_foreign(table, [given])
        await self._transaction.write(insert(table).values(**given), f"store one of {table.name}")

    async def change(self, record: R, by: str, at: Micros) -> bool:
        table = table_of(ROWS[type(record)])
        given = {**record.model_dump(mode="json"), "changed_by": by[:120], "changed_at": at}
        self._refuse_foreign(table, [given])
        statement = (
            update(table)
            .where(
                table.c.id == record.id,
                table.c.revision == record.revision - 1,
                is_there(table),
                self._transaction.lets_change(table),
            )
            .values(**{name: value for name, value in given.items() if name != "id"})
        )
        return await self._transaction.write(statement, f"change one of {table.name}") > 0

    async def delete(self, kind: type[R], id: str | int, by: str, at: Micros) -> None:
        table = table_of(ROWS[kind])
        await self._set(table, id, is_there(table), by, at, deleted_at=at, is_live=None)

    async def restore(self, kind: type[R], id: str | int, by: str, at: Micros) -> None:
        table = table_of(ROWS[kind])
        await self._set(table, id, table.c.deleted_at.is_not(None), by, at, deleted_at=None, is_live=1)

    async def _set(
        self, table: Table, id: str | int, state: ColumnElement[bool], by: str, at: Micros, **values: int | None
    ) -> None:
        statement = (
            update(table)
            .where(table.c.id == id, state, self._transaction.covers(site_column(table)))
            .values(revision=table.c.revision + 1, changed_by=by[:120], changed_at=at, **values)
        )
        await self._transaction.write(statement, f"change one of {table.name}")

    async def new_signal_number(self) -> int:
        """Return a number that no signal has or ever had; the row of the counter is locked until the commit."""
        await self._transaction.begin_writing()
        first = {"name": NEXT_SIGNAL, "value": "1"}
        statement = dialect.insert_new(INSTALLATION, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "count the signals", [first])
        counter = select(INSTALLATION.c.value).where(INSTALLATION.c.name == NEXT_SIGNAL).with_for_update()
        next_number = int((await self._transaction.rows(counter, "count the signals"))[0]["value"])
        highest = await self._transaction.rows(select(func.max(SIGNALS.c.id).label("id")), "count the signals")
        number = max(next_number, int(highest[0]["id"] or 0) + 1)
        count_on = update(INSTALLATION).where(INSTALLATION.c.name == NEXT_SIGNAL).values(value=str(number + 1))
        await self._transaction.write(count_on, "count the signals")
        return number


def _name(table: Table) -> ColumnElement[Any]:
    return table.c.code if "code" in table.c else table.c.name


def _key(table: Table, cursor: str) -> str | int | None:
    """Return the id that a cursor names, None where it can be none."""
    if table is not SIGNALS:
        return cursor
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= 10 else None


def _equal(table: Table, where: dict[str, str | int | None]) -> list[ColumnElement[bool]]:
    return [table.c[name].is_(None) if value is None else table.c[name] == value for name, value in where.items()]
