"""Runs and the rules that find them, by site."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from pdm_app.domain.runs import Run, RunQuery, RunRule
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks, columns_of
from pdm_app.storage.run_tables import RunRow, RunRuleRow
from pdm_app.storage.tables import table_of

RULES = table_of(RunRuleRow)
RUNS = table_of(RunRow)


class SqlRuns(Repository):
    """Both belong to a site."""

    async def rules(self) -> Sequence[RunRule]:
        return await self._find(RunRule, RunRuleRow, RULES.c.deleted_at.is_(None))

    async def rule(self, rule_id: str) -> RunRule | None:
        return await self._find_one(RunRule, RunRuleRow, RULES.c.id == rule_id)

    async def put_rule(self, rule: RunRule) -> None:
        await self._put(RunRuleRow, [rule])

    async def page(self, query: RunQuery) -> Sequence[Run]:
        wanted = [RUNS.c[name] == value for name, value in _equals(query).items()]
        if query.text:
            part = query.text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
            like = f"%{part}%"
            wanted.append(
                or_(func.lower(RUNS.c.name).like(like, escape="!"), func.lower(RUNS.c.product).like(like, escape="!"))
            )
        if query.start_at is not None:
            wanted.append(or_(RUNS.c.ended_at.is_(None), RUNS.c.ended_at > query.start_at))
        wanted += [RUNS.c.started_at < limit for limit in (query.end_at, query.before) if limit is not None]
        if query.running:
            wanted.append(RUNS.c.ended_at.is_(None))
        if query.golden:
            wanted.append(RUNS.c.is_golden.is_(True))
        return await self._runs(wanted, limit=query.limit)

    async def some(self, ids: Sequence[str]) -> Sequence[Run]:
        found: list[Run] = []
        for part in chunks(dict.fromkeys(ids), KEYS_PER_QUERY):
            found += await self._find(Run, RunRow, RUNS.c.id.in_(part))
        return found

    async def of_rule(self, rule_id: str, since: int) -> Sequence[Run]:
        late = or_(RUNS.c.ended_at.is_(None), RUNS.c.ended_at > since)
        return await self._find(
            Run, RunRow, RUNS.c.rule_id == rule_id, RUNS.c.deleted_at.is_(None), late, order=("started_at", "id")
        )

    async def count(self, rule_id: str) -> int:
        statement = select(func.count().label("runs")).where(
            RUNS.c.rule_id == rule_id, self._transaction.covers(RUNS.c.site_id)
        )
        return int((await self._transaction.rows(statement, "count runs"))[0]["runs"])

    async def put(self, runs: Sequence[Run]) -> None:
        await self._put(RunRow, runs)

    async def _runs(self, wanted: Sequence[ColumnElement[bool]], limit: int) -> list[Run]:
        statement = (
            select(*columns_of(Run, RUNS))
            .where(self._transaction.covers(RUNS.c.site_id), RUNS.c.deleted_at.is_(None), *wanted)
            .order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc())
            .limit(limit)
        )
        return [Run.model_validate(row) for row in await self._transaction.rows(statement, "read runs")]


def _equals(query: RunQuery) -> dict[str, Any]:
    names = ("site_id", "asset_id", "kind", "rule_id")
    return {name: getattr(query, name) for name in names if getattr(query, name) is not None}
