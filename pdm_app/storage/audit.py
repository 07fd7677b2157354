"""The audit trail: entries wait for the commit and are chained in it, so that a change without a commit leaves no gap.

The end of the chain is one row. Its UPDATE is the last lock that a transaction takes, held from just before the commit
to the commit: entries of two processes come one after the other, and nobody waits in a circle.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Table, func, insert, or_, select, update

from pdm_app.domain.audit import AuditEntry, AuditFact, AuditHead, AuditQuery, sealed
from pdm_app.domain.errors import NotFoundError, PdmError
from pdm_app.storage.audit_tables import AuditHeadRow, AuditRow
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, Transaction, chunks, columns_of
from pdm_app.storage.tables import table_of

ENTRIES: Table = table_of(AuditRow)
HEAD: Table = table_of(AuditHeadRow)
CHAIN = "audit"
COLUMNS = columns_of(AuditEntry, ENTRIES)


class SqlAudit(Repository):
    """A limited scope reads the entries of its sites and none without a site; it adds to its own sites or to none."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._waiting: list[AuditFact] = []

    async def add(self, fact: AuditFact) -> None:
        """Have the fact chained when the transaction commits.

        Raises:
            NotFoundError: Its site is outside the scope.
        """
        scope = self._transaction.scope
        if fact.site_id is not None and not (scope.covers(fact.site_id) or fact.site_id in scope.entrusted.values()):
            raise NotFoundError(f"There is no site {fact.site_id!r}.")
        self._waiting.append(fact)

    async def chain(self) -> Sequence[AuditEntry]:
        """Write what waits; called once, right before the commit. A fact that is stored already (same id) stays single.

        Raises:
            PdmError: The chain's end is gone from the database.
        """
        if not self._waiting:
            return ()
        waiting, self._waiting = self._waiting, []
        taken = await self._transaction.write(
            update(HEAD).where(HEAD.c.name == CHAIN).values(seq=HEAD.c.seq), "lock the audit trail"
        )
        if not taken and not await self._transaction.rows(
            select(HEAD.c.seq).where(HEAD.c.name == CHAIN), "read the audit trail's end"
        ):
            raise PdmError(
                "The audit trail has lost its end in the database (table audit_head), so no change can be recorded and "
                "none is made. Restore the newest backup, or run `pdm-app audit verify` to see what is left."
            )
        known = await self._known([fact.id for fact in waiting])
        head = await self.head()
        entries = []
        for fact in waiting:
            if fact.id not in known:
                entry = sealed(fact, head)
                entries.append(entry)
                head = AuditHead(seq=entry.seq, hash=entry.hash)
                known.add(fact.id)
        if entries:
            rows = [entry.model_dump(mode="json") for entry in entries]
            await self._transaction.write(insert(ENTRIES), f"store {len(rows)} audit entries", rows)
            moved = update(HEAD).where(HEAD.c.name == CHAIN).values(seq=head.seq, hash=head.hash)
            await self._transaction.write(moved, "move the audit trail's end")
        return entries

    async def _known(self, ids: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for some in chunks(ids, KEYS_PER_QUERY):
            statement = select(ENTRIES.c.id).where(ENTRIES.c.id.in_(some))
            known |= {row["id"] for row in await self._transaction.rows(statement, "read the audit trail")}
        return known

    async def head(self) -> AuditHead:
        """Return the chain's end; number 0 where there is no entry, or no end, yet."""
        statement = select(HEAD.c.seq, HEAD.c.hash).where(HEAD.c.name == CHAIN)
        found = await self._transaction.rows(statement, "read the audit trail's end")
        return AuditHead(**found[0]) if found else AuditHead()

    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Return one page, newest first."""
        conditions = _conditions(query)
        if query.before is not None:
            conditions.append(ENTRIES.c.seq < query.before)
        statement = (
            select(*COLUMNS)
            .where(self._transaction.covers(ENTRIES.c.site_id), *conditions)
            .order_by(ENTRIES.c.seq.desc())
            .limit(query.limit)
        )
        return [_entry(row) for row in await self._transaction.rows(statement, "read the audit trail")]

    async def after(self, seq: int | None, limit: int, query: AuditQuery | None = None) -> Sequence[AuditEntry]:
        """Return the entries that follow number ``seq``, or the first ones for None, oldest first."""
        conditions = [] if query is None else _conditions(query)
        if seq is not None:
            conditions.append(ENTRIES.c.seq > seq)
        statement = (
            select(*COLUMNS)
            .where(self._transaction.covers(ENTRIES.c.site_id), *conditions)
            .order_by(ENTRIES.c.seq)
            .limit(limit)
        )
        return [_entry(row) for row in await self._transaction.rows(statement, "read the audit trail")]


def _entry(row: dict[str, Any]) -> AuditEntry:
    """Make the record of a row; of one that somebody has filled with the wrong kind of value, what can be shown.

    Its hash does not fit then, which is for the check of the chain to say; a page must not fail of it.
    """
    try:
        return AuditEntry.model_validate(row)
    except ValidationError:
        return AuditEntry.model_construct(**{name: _shown(name, value) for name, value in row.items()})


def _shown(name: str, value: Any) -> Any:
    if name in ("seq", "at", "format"):
        return value if isinstance(value, int) else -1
    return value if value is None and name == "site_id" else str(value)


def _conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, wanted in (
        (ENTRIES.c.site_id, query.site_id),
        (ENTRIES.c.subject, query.subject or None),
        (ENTRIES.c.subject_id, query.subject_id or None),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if query.actor:
        conditions.append(func.lower(ENTRIES.c.actor).startswith(query.actor.lower(), autoescape=True))
    if query.action:
        conditions.append(ENTRIES.c.action.startswith(query.action, autoescape=True))
    if query.start_at is not None:
        conditions.append(ENTRIES.c.at >= query.start_at)
    if query.end_at is not None:
        conditions.append(ENTRIES.c.at < query.end_at)
    if query.text:
        words = query.text.lower()
        searched = (ENTRIES.c.name, ENTRIES.c.reason, ENTRIES.c.before, ENTRIES.c.after)
        conditions.append(or_(*(func.lower(column).contains(words, autoescape=True) for column in searched)))
    return conditions
