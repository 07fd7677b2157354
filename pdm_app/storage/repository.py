"""What every repository shares: one transaction, the site scope in each query, records in and out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.access import Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Record
from pdm_app.storage import dialect
from pdm_app.storage.columns import Row
from pdm_app.storage.database import Database
from pdm_app.storage.failures import answered_for
from pdm_app.storage.lease import check_fence
from pdm_app.storage.tables import table_of

R = TypeVar("R", bound=Record)
Item = TypeVar("Item")

OF_AN_ASSET = {
    "assets": "id",
    "signals": "asset_id",
    "alarm_rules": "asset_id",
    "alarms": "asset_id",
    "alarm_journal": "asset_id",
    "annotations": "asset_id",
}
"""Tables of which a machine that is shared singly shows its rows, and the column that names the machine."""
KEYS_PER_QUERY = 500  # SQLite's limit on parameters was 999 for long.


class Transaction:
    """One open transaction with the scope of whoever asked for it; writes begin at the first one."""

    def __init__(self, database: Database, connection: AsyncConnection, scope: Scope) -> None:
        self._database = database
        self._connection = connection
        self._is_writing = False
        self.scope = scope
        self.is_sqlite = database.is_sqlite

    async def rows(self, statement: Select[Any], what: str) -> list[dict[str, Any]]:
        """Run a query and return its rows by column name."""
        with answered_for(self._database.place, what):
            found = await self._connection.execute(statement)
            return [dict(row) for row in found.mappings()]

    async def write(
        self, statement: Executable, what: str, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a changing statement, once per parameter row if there are any, and return the rows it touched."""
        with answered_for(self._database.place, what):
            await self.begin_writing()
            result = await self._connection.execute(statement, parameters)
            return int(getattr(result, "rowcount", 0))

    async def begin_writing(self) -> None:
        if not self._is_writing:
            await self._database.begin_writing(self._connection)
            self._is_writing = True

    async def hold(self, fence: Fence) -> None:
        with answered_for(self._database.place, "check the collector lease"):
            await self.begin_writing()
            await check_fence(self._connection, fence, self._database.place)

    async def commit(self) -> None:
        with answered_for(self._database.place, "commit; whether the change was kept is not known"):
            await self._connection.commit()
        self._is_writing = False
        self._database.done_writing(self._connection)

    def covers(self, site_column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that keeps a query inside the scope."""
        if self.scope.sites is None:
            return true()
        return site_column.in_(sorted(self.scope.sites))

    def shows(self, table: Table) -> ColumnElement[bool]:
        """Return the condition that keeps a query inside what the scope lets see.

        That is what stands in its sites, and of single machines of other sites the machine, its signals, its rules,
        its alarms and their journal.
        """
        in_sites = self.covers(site_column(table))
        if not self.scope.shared or table.name not in OF_AN_ASSET:
            return in_sites
        asset_ids = sorted(each.asset_id for each in self.scope.shared)
        return or_(in_sites, table.c[OF_AN_ASSET[table.name]].in_(asset_ids))

    def lets_change(self, table: Table) -> ColumnElement[bool]:
        """Return the condition that keeps a change inside the sites of the scope and the machines entrusted to it."""
        in_sites = self.covers(site_column(table))
        if not self.scope.entrusted or table.name != "assets":
            return in_sites
        return or_(in_sites, table.c.id.in_(sorted(self.scope.entrusted)))

    def may_change(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Whether a row may be stored: in the sites of the scope, or a machine that is entrusted to it."""
        site_id = str(row[site_column(table).name])
        entrusted_at = self.scope.entrusted.get(str(row["id"])) if table.name == "assets" else None
        return self.scope.covers(site_id) if entrusted_at is None else site_id == entrusted_at


class Repository:
    """Base of the repositories: one noun, one file."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def _find(
        self, record: type[R], row: type[Row], *conditions: ColumnElement[bool], order: Iterable[str] = ("id",)
    ) -> list[R]:
        """Return the records of a table that has a ``site_id``, inside the scope; deleted ones are not there."""
        table = table_of(row)
        statement = (
            select(*columns_of(record, table))
            .where(self._transaction.shows(table), is_there(table), *conditions)
            .order_by(*(table.c[name] for name in order))
        )
        return [record.model_validate(found) for found in await self._transaction.rows(statement, f"read {table.name}")]

    async def _find_one(self, record: type[R], row: type[Row], *conditions: ColumnElement[bool]) -> R | None:
        found = await self._find(record, row, *conditions)
        return found[0] if found else None

    async def _put(self, row: type[Row], records: Sequence[Record], **extra: Any) -> None:
        """Insert or replace records by id, refusing those whose site, now or before, is outside the scope.

        Raises:
            NotFoundError: The site is not in scope; same text as for one that does not exist.
            ConflictError: Another row has the same code, name or other unique key.
        """
        if not records:
            return
        table = table_of(row)
        given = [{**record.model_dump(mode="json"), **extra} for record in records]
        await self._transaction.begin_writing()
        if any(isinstance(constraint, UniqueConstraint) for constraint in table.constraints):
            await self._put_apart(table, given)
            return
        await self._existing(table, [each["id"] for each in given])
        self._refuse_foreign(table, given)
        statement = dialect.upsert(table, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, f"store {len(given)} {table.name}", given)

    async def _put_apart(self, table: Table, given: Sequence[dict[str, Any]]) -> None:
        # Updates and inserts go apart: MySQL's upsert would overwrite the row that merely has the same code.
        known = await self._existing(table, [each["id"] for each in given], always=True)
        self._refuse_foreign(table, given)
        what = f"store {len(given)} {table.name}"
        old = [{**each, "old_id": each["id"]} for each in given if each["id"] in known]
        new = [each for each in given if each["id"] not in known]
        if old:
            values: dict[str, Any] = {name: bindparam(name) for name in old[0] if name not in ("id", "old_id")}
            statement = update(table).where(table.c.id == bindparam("old_id")).values(values)
            await self._transaction.write(
                statement, what, [{k: v for k, v in each.items() if k != "id"} for each in old]
            )
        if new:
            await self._transaction.write(insert(table), what, new)

    async def _existing(self, table: Table, ids: Sequence[Any], *, always: bool = False) -> set[Any]:
        """Return which ids exist; a foreign one among them is refused."""
        known: set[Any] = set()
        if self._transaction.scope.sites is None and not always:
            return known
        site = site_column(table)
        for some in chunks(ids, KEYS_PER_QUERY):
            statement = select(table.c.id, site.label("site")).where(table.c.id.in_(some))
            for found in await self._transaction.rows(statement, f"read {table.name}"):
                if not self._transaction.scope.covers(found["site"]):
                    raise NotFoundError(f"There is no {found['id']!r} in {table.name}.")
                known.add(found["id"])
        return known

    def _refuse_foreign(self, table: Table, given: Iterable[Mapping[str, Any]]) -> None:
        name = site_column(table).name
        for each in given:
            if not self._transaction.may_change(table, each):
                raise NotFoundError(f"There is no site {each[name]!r}.")


def site_column(table: Table) -> ColumnElement[Any]:
    """Return the column that says to which site a row belongs; a site belongs to itself."""
    return table.c.id if table.name == "sites" else table.c.site_id


def is_there(table: Table) -> ColumnElement[bool]:
    """Return the condition that leaves out rows that were deleted."""
    return table.c.deleted_at.is_(None) if "is_live" in table.c else true()


def columns_of(record: type[Record], table: Table) -> list[ColumnElement[Any]]:
    """Return the columns that make up a record; what only storage knows is never among them."""
    return [table.c[name] for name in record.model_fields]


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut into lists of at most ``size``."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
