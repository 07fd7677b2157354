"""Rules of retention, held spans and runs; they belong to no site, so only who sees all sites reaches them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, insert, select, update

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.record import Record
from pdm_app.domain.retention import RetentionHold, RetentionRule, RetentionRun, RetentionSubject
from pdm_app.storage.columns import Row
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.retention_tables import RetentionHoldRow, RetentionRuleRow, RetentionRunRow
from pdm_app.storage.tables import AssetRow, SignalRow, table_of

RULES, HOLDS, RUNS = table_of(RetentionRuleRow), table_of(RetentionHoldRow), table_of(RetentionRunRow)
SIGNALS, ASSETS = table_of(SignalRow), table_of(AssetRow)


class SqlRetention(Repository):
    @property
    def _is_limited(self) -> bool:
        return self._transaction.scope.sites is not None

    async def rules(self) -> Sequence[RetentionRule]:
        if self._is_limited:
            return []
        statement = select(*columns_of(RetentionRule, RULES)).order_by(RULES.c.name, RULES.c.id)
        return [RetentionRule.model_validate(row) for row in await self._transaction.rows(statement, "read rules")]

    async def put_rule(self, rule: RetentionRule) -> None:
        await self._keep(RetentionRuleRow, rule, rule.id)

    async def remove_rule(self, rule_id: str) -> bool:
        return await self._remove(RetentionRuleRow, rule_id)

    async def holds(self) -> Sequence[RetentionHold]:
        if self._is_limited:
            return []
        statement = select(*columns_of(RetentionHold, HOLDS)).order_by(HOLDS.c.start_at, HOLDS.c.id)
        return [RetentionHold.model_validate(row) for row in await self._transaction.rows(statement, "read holds")]

    async def put_hold(self, hold: RetentionHold) -> None:
        await self._keep(RetentionHoldRow, hold, hold.id)

    async def remove_hold(self, hold_id: str) -> bool:
        return await self._remove(RetentionHoldRow, hold_id)

    async def subjects(self) -> Sequence[RetentionSubject]:
        """Return every signal there ever was: history outlives what it is about."""
        if self._is_limited:
            return []
        is_derived: ColumnElement[bool] = SIGNALS.c.formula.is_not(None)
        is_read: ColumnElement[bool] = SIGNALS.c.connection_id.is_not(None)
        statement = (
            select(
                SIGNALS.c.id.label("signal"), SIGNALS.c.site_id, SIGNALS.c.asset_id, ASSETS.c.code.label("asset_code"),
                SIGNALS.c.name, SIGNALS.c.data_type, is_derived.label("is_derived"), SIGNALS.c.poll_every_s,
                is_read.label("is_read"),
            )
            .join(ASSETS, ASSETS.c.id == SIGNALS.c.asset_id)
            .order_by(SIGNALS.c.id)
        )  # fmt: skip
        return [RetentionSubject.model_validate(row) for row in await self._transaction.rows(statement, "read signals")]

    async def runs(self, limit: int) -> Sequence[RetentionRun]:
        if self._is_limited:
            return []
        statement = select(*columns_of(RetentionRun, RUNS)).order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc())
        found = await self._transaction.rows(statement.limit(limit), "read runs")
        return [RetentionRun.model_validate(row) for row in found]

    async def put_run(self, run: RetentionRun) -> None:
        await self._keep(RetentionRunRow, run, run.id)

    async def _keep(self, row: type[Row], record: Record, record_id: str) -> None:
        """Keep a record, instead of one with its id.

        Raises:
            NotFoundError: The scope is limited to some sites.
        """
        if self._is_limited:
            raise NotFoundError("There is no retention in your sites.")
        table = table_of(row)
        here = table.c.id == record_id
        await self._transaction.begin_writing()
        known = await self._transaction.rows(select(table.c.id).where(here), f"read {table.name}")
        values = record.model_dump(mode="json")
        statement = update(table).where(here).values(values) if known else insert(table).values(values)
        await self._transaction.write(statement, f"store {table.name}")

    async def _remove(self, row: type[Row], record_id: str) -> bool:
        if self._is_limited:
            return False
        table = table_of(row)
        return await self._transaction.write(delete(table).where(table.c.id == record_id), f"delete {table.name}") > 0
