"""Alarm rules, what their evaluation remembers, alarms, and the journal that only grows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from pdm_app.domain.alarm_figures import Happening
from pdm_app.domain.alarms import (
    EVENTS,
    Alarm,
    AlarmRule,
    AlarmState,
    JournalEntry,
    JournalKind,
    JournalQuery,
    RuleMemory,
)
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.journal_words import number_of
from pdm_app.storage import dialect, journal_words
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks, columns_of
from pdm_app.storage.tables import AlarmRow, AlarmRuleRow, JournalRow, RuleMemoryRow, table_of

RULES = table_of(AlarmRuleRow)
MEMORIES = table_of(RuleMemoryRow)
ALARMS = table_of(AlarmRow)
JOURNAL = table_of(JournalRow)
UNCOUNTED = [str(kind) for kind in (JournalKind.COMMENTED, *EVENTS)]
"""They say nothing of how alarms stand."""


class SqlAlarms(Repository):
    async def rules(self) -> Sequence[AlarmRule]:
        return await self._find(AlarmRule, AlarmRuleRow)

    async def rule(self, rule_id: str) -> AlarmRule | None:
        return await self._find_one(AlarmRule, AlarmRuleRow, RULES.c.id == rule_id)

    async def put_rule(self, rule: AlarmRule) -> None:
        await self._put(AlarmRuleRow, [rule])

    async def memories(self) -> Sequence[RuleMemory]:
        """Return the memories of the rules in scope; a memory has no site of its own."""
        statement = (
            select(*columns_of(RuleMemory, MEMORIES))
            .join(RULES, RULES.c.id == MEMORIES.c.rule_id)
            .where(self._transaction.covers(RULES.c.site_id))
            .order_by(MEMORIES.c.rule_id)
        )
        found = await self._transaction.rows(statement, "read rule memories")
        return [RuleMemory.model_validate(row) for row in found]

    async def put_memories(self, memories: Sequence[RuleMemory]) -> None:
        """Insert or replace memories.

        Raises:
            NotFoundError: A rule does not exist in scope.
        """
        if not memories:
            return
        await self._transaction.begin_writing()
        await self._require_rules([memory.rule_id for memory in memories])
        statement = dialect.upsert(MEMORIES, is_sqlite=self._transaction.is_sqlite)
        given = [memory.model_dump(mode="json") for memory in memories]
        await self._transaction.write(statement, f"store {len(given)} rule memories", given)

    async def _require_rules(self, ids: Sequence[str]) -> None:
        if self._transaction.scope.sites is None:
            return  # The engine's own path, many times a second: it has just read the rules.
        known: set[str] = set()
        for few in chunks(set(ids), KEYS_PER_QUERY):
            statement = select(RULES.c.id).where(RULES.c.id.in_(few), self._transaction.covers(RULES.c.site_id))
            known |= {row["id"] for row in await self._transaction.rows(statement, "read alarm rules")}
        missing = sorted(set(ids) - known)
        if missing:
            raise NotFoundError(f"There is no alarm rule {missing[0]!r}.")

    async def standing(self) -> Sequence[Alarm]:
        """Return every alarm that is not in state A, most urgent and newest first."""
        states = [str(state) for state in AlarmState if state is not AlarmState.NORMAL]
        found = await self._find(Alarm, AlarmRow, ALARMS.c.state.in_(states), order=("priority", "raised_at", "id"))
        return sorted(found, key=lambda alarm: (alarm.priority, -alarm.raised_at, alarm.id))

    async def get(self, alarm_id: str) -> Alarm | None:
        return await self._find_one(Alarm, AlarmRow, ALARMS.c.id == alarm_id)

    async def put(self, alarms: Sequence[Alarm]) -> None:
        await self._put(AlarmRow, alarms)

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Add journal entries; one that is there already (same id) stays as it is."""
        if not entries:
            return
        given = [entry.model_dump(mode="json") for entry in entries]
        self._refuse_foreign(JOURNAL, given)
        await self._transaction.begin_writing()
        words = [journal_words.words_of_entry(each) for each in given]
        await journal_words.keep(self._transaction, set(words))
        given = [{**each, "text_id": number_of(of_it)} for each, of_it in zip(given, words, strict=True)]
        statement = dialect.insert_new(JOURNAL, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, f"store {len(given)} journal entries", given)

    async def journal(self, query: JournalQuery) -> Sequence[JournalEntry]:
        """Return one page, newest first; entries of the same microsecond by id, so that a cursor is exact.

        Raises:
            InvalidInputError: The cursor is no entry in scope.
        """
        conditions = _conditions(query)
        if query.before is not None:
            conditions.append(await self._older_than(query.before))
        if query.text:
            return await journal_words.newest(self._transaction, query.text, conditions, query.limit)
        statement = (
            select(*columns_of(JournalEntry, JOURNAL))
            .where(self._transaction.shows(JOURNAL), *conditions)
            .order_by(JOURNAL.c.at.desc(), JOURNAL.c.id.desc())
            .limit(query.limit)
        )
        found = await self._transaction.rows(statement, "read the alarm journal")
        return [JournalEntry.model_validate(row) for row in found]

    async def journal_count(self, query: JournalQuery) -> int:
        """Count what a filter finds; its page and cursor do not matter."""
        conditions = _conditions(query)
        if query.text:
            conditions.append(await journal_words.holds(self._transaction, query.text))
        statement = (
            select(func.count().label("count"))
            .select_from(JOURNAL)
            .where(self._transaction.shows(JOURNAL), *conditions)
        )
        found = await self._transaction.rows(statement, "count the alarm journal")
        return int(found[0]["count"])

    async def catch_up_words(self, rows_max: int) -> int:
        """Keep the words of entries that were stored without; return of how many, 0 when all have theirs."""
        return await journal_words.catch_up(self._transaction, rows_max)

    async def happenings(self, start_at: int, end_at: int, site_id: str | None, rows_max: int) -> Sequence[Happening]:
        """Return the newest entries of a span that say how alarms stood, oldest first."""
        columns = (JOURNAL.c.at, JOURNAL.c.rule_id, JOURNAL.c.kind, JOURNAL.c.state, JOURNAL.c.priority)
        statement = (
            select(*columns)
            .where(
                self._transaction.shows(JOURNAL),
                JOURNAL.c.at >= start_at,
                JOURNAL.c.at < end_at,
                JOURNAL.c.kind.not_in(UNCOUNTED),
                *(() if site_id is None else (JOURNAL.c.site_id == site_id,)),
            )
            .order_by(JOURNAL.c.at.desc(), JOURNAL.c.id.desc())
            .limit(rows_max)
        )
        found = await self._transaction.rows(statement, "read the alarm journal")
        return [
            Happening(row["at"], row["rule_id"], JournalKind(row["kind"]), AlarmState(row["state"]), row["priority"])
            for row in reversed(found)
        ]

    async def journal_begins_at(self, site_id: str | None) -> int | None:
        """Return the time of the oldest entry about an alarm; None where there is none."""
        conditions = () if site_id is None else (JOURNAL.c.site_id == site_id,)
        of_alarms = JOURNAL.c.kind.not_in([str(kind) for kind in EVENTS])
        statement = (  # In the order of the index: a least value under a condition would read the whole journal.
            select(JOURNAL.c.at)
            .where(self._transaction.shows(JOURNAL), of_alarms, *conditions)
            .order_by(JOURNAL.c.at, JOURNAL.c.id)
            .limit(1)
        )
        found = await self._transaction.rows(statement, "read the alarm journal")
        return found[0]["at"] if found else None

    async def _older_than(self, cursor: str) -> ColumnElement[bool]:
        statement = select(JOURNAL.c.at).where(JOURNAL.c.id == cursor, self._transaction.shows(JOURNAL))
        found = await self._transaction.rows(statement, "read the alarm journal")
        if not found:
            raise InvalidInputError(
                f"The journal has no entry {cursor!r} to go on from. Ask for the first page again, without 'before'."
            )
        at = found[0]["at"]
        # The first part bounds the walk through an index; an alternative alone would begin it at the newest entry.
        return and_(JOURNAL.c.at <= at, or_(JOURNAL.c.at < at, JOURNAL.c.id < cursor))


def _one_of(column: ColumnElement[Any], wanted: Sequence[str | int]) -> list[ColumnElement[bool]]:
    """Return what keeps to some values. One alone has an index in the order of a page, however rare it is.

    Several have not: SQLite would take that index all the same and sort all that it finds, so it is kept from it.
    """
    if len(wanted) < 2:
        return [column == value for value in wanted]
    return [func.coalesce(column, column).in_(wanted)]


def _conditions(query: JournalQuery) -> list[ColumnElement[bool]]:
    """Return what keeps to a filter, but for the words that are searched."""
    conditions: list[ColumnElement[bool]] = []
    for column, wanted in (
        (JOURNAL.c.asset_id, query.asset_id),
        (JOURNAL.c.site_id, query.site_id),
        (JOURNAL.c.alarm_id, query.alarm_id),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    conditions += _one_of(JOURNAL.c.kind, [str(kind) for kind in query.kinds])
    conditions += _one_of(JOURNAL.c.priority, list(query.priorities))
    if query.start_at is not None:
        conditions.append(JOURNAL.c.at >= query.start_at)
    if query.end_at is not None:
        conditions.append(JOURNAL.c.at < query.end_at)
    return conditions
