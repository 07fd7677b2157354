"""Ask who changed what: pages, exports with their hashes, and whether the chain is whole.

``AuditService(work, clock, entries_warn)``. Whoever sees all sites reads everything; a manager reads the entries of the
own sites and none that belong to no site. The check of the chain walks all of it in portions, whoever asks, and says
nothing of what an entry holds.
"""

import csv
import io
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from enum import StrEnum
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.audit import Anchor, AuditEntry, AuditPage, AuditQuery, ChainCheck
from pdm_app.domain.errors import ConflictError, NotFoundError, NotSupportedError, PdmError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Instant, Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import moment
from pdm_app.services.auditing import audit
from pdm_app.services.system import Check

log = logging.getLogger(__name__)

PORTION = 250  # Entries in memory at a time, of up to 35 KB each; some 20 ms of the event loop to check.
CHECKS_AT_ONCE_MAX = 2
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell becomes a formula in a spreadsheet; an apostrophe before them keeps it text."""


class ExportFormat(StrEnum):
    """How an export is written; JSON lines verify with ``pdm-app audit verify --file``."""

    JSONL = "jsonl"
    CSV = "csv"


class AuditVerdict(Record):
    """Whether the chain is whole; ``broken_at`` is the number of the first entry that is not what it was."""

    is_whole: bool
    at: Instant
    checked: int = Field(description="Entries found whole, from the first on.")
    last_hash: str = Field(description="Hash of the last of them: keep it elsewhere, and later checks can hold it up.")
    broken_at: int | None = None
    fault: str = ""


class AuditCheck(Record):
    """A check of the chain that runs by itself, or how the last one ended."""

    state: Literal["none", "running", "done", "cancelled", "failed"] = "none"
    checked: int = Field(default=0, description="Entries found whole so far.")
    total: int = Field(default=0, description="Entries there were when it began.")
    begun_at: Instant | None = None
    begun_by: str = ""
    verdict: AuditVerdict | None = Field(default=None, description="Once it is done.")
    problem: str = Field(default="", description="Why it could not go on.")


Spawn = Callable[[str, Callable[[], Awaitable[None]]], object]
"""Runs something under a name beside everything else."""


class AuditService:
    """Reads of the audit trail; services write it through `pdm_app.services.auditing.audit`.

    Attributes:
        entries_warn: From so many entries on the check asks for room; may be changed at any time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, entries_warn: int, spawn: Spawn | None = None) -> None:
        self._work = work
        self._clock = clock
        self.entries_warn = entries_warn
        self._spawn = spawn  # None on a command line, where nothing runs by itself.
        self._job = AuditCheck()
        self._checks = 0
        self._stopped: set[int] = set()
        self._checking = 0
        self._last: AuditVerdict | None = None

    async def page(self, actor: Actor, query: AuditQuery) -> AuditPage:
        """Return one page, newest first.

        Raises:
            NotFoundError: The site asked for does not exist or lies outside the actor's.
        """
        actor.require(Permission.AUDIT_READ)
        async with self._work(actor.scope) as work:
            if query.site_id is not None and query.site_id not in {site.id for site in await work.sites.all()}:
                raise NotFoundError(f"There is no site {query.site_id!r}.", site_id=query.site_id)
            one_more = query.model_copy(update={"limit": query.limit + 1})
            entries = tuple(await work.audit.page(one_more))
        page = entries[: query.limit]
        return AuditPage(entries=page, before=page[-1].seq if len(entries) > query.limit else None)

    async def verify(self, actor: Actor, anchor: Anchor | None = None) -> AuditVerdict:
        """Walk the whole chain and name the first entry that is not what it was; a minute or two for a million.

        Args:
            actor: Needs ``audit.read``.
            anchor: A number and its hash from an export, a log or a report, which the chain must still hold.

        Raises:
            UnavailableError: Others are checking it at this moment.
        """
        actor.require(Permission.AUDIT_READ)
        if self._checking >= CHECKS_AT_ONCE_MAX:
            raise UnavailableError("The audit trail is being checked at this moment. Try again in a minute.")
        self._checking += 1
        try:
            check = await self._walked(anchor)
        finally:
            self._checking -= 1
        return self._judged(actor, check, anchor)

    def _judged(self, actor: Actor, check: ChainCheck, anchor: Anchor | None) -> AuditVerdict:
        verdict = AuditVerdict(
            is_whole=check.broken_at is None,
            at=self._clock.now(),
            checked=check.checked,
            last_hash=check.last_hash,
            broken_at=check.broken_at,
            fault=check.fault,
        )
        facts = {"checked": check.checked, "by": actor.name}
        if verdict.is_whole:
            log.info("audit trail is whole", extra={**facts, "hash": check.last_hash})
        else:
            log.error("audit trail is broken", extra={**facts, "seq": check.broken_at, "fault": check.fault})
        if anchor is None:  # One held up against a mistyped hash says nothing about the trail.
            self._last = verdict
        return verdict

    # --- the check as something that runs by itself ---------------------------------------------------------------

    async def begin_check(self, actor: Actor, anchor: Anchor | None = None) -> AuditCheck:
        """Begin to walk the whole chain, however long it is, and return at once; one check at a time.

        Raises:
            ConflictError: One is running; says who began it.
            NotSupportedError: Nothing runs by itself in this process.
        """
        actor.require(Permission.AUDIT_READ)
        if self._spawn is None:
            raise NotSupportedError("This process runs nothing by itself. Ask the one that serves, or verify at once.")
        self._refuse_second()
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            total = (await work.audit.head()).seq
            await audit(work, actor, now, "audit.check_begun", subject="audit",
                        after={"entries": total, "anchor": anchor.seq if anchor else None})  # fmt: skip
            await work.commit()
        self._refuse_second()  # Somebody else may have begun one while this was put on record.
        self._checks += 1
        number = self._checks
        self._job = AuditCheck(state="running", total=total, begun_at=now, begun_by=actor.name)

        async def run() -> None:
            await self._run_check(number, actor, anchor)

        self._spawn(f"audit check {number}", run)
        return self._job

    def checking(self, actor: Actor) -> AuditCheck:
        """Return how far the check is, or how the last one of this process ended."""
        actor.require(Permission.AUDIT_READ)
        return self._job

    async def cancel_check(self, actor: Actor) -> AuditCheck:
        """Stop the check that runs.

        Raises:
            ConflictError: None is running.
        """
        actor.require(Permission.AUDIT_READ)
        if self._job.state != "running":
            raise ConflictError("No check of the audit trail is running, so there is nothing to stop.")
        async with self._work(actor.scope) as work:
            await audit(work, actor, self._clock.now(), "audit.check_cancelled", subject="audit",
                        after={"checked": self._job.checked})  # fmt: skip
            await work.commit()
        if self._job.state == "running":  # It may have come to its end while this was put on record.
            self._stopped.add(self._checks)
            self._job = self._job.model_copy(update={"state": "cancelled"})
        return self._job

    def _refuse_second(self) -> None:
        if self._job.state == "running":
            raise ConflictError(
                f"{self._job.begun_by} has begun to check the audit trail already: {self._job.checked} of "
                f"{self._job.total} entries are done. Wait for it, or stop it first.",
                begun_by=self._job.begun_by,
            )

    async def _run_check(self, number: int, actor: Actor, anchor: Anchor | None) -> None:
        """Never raises what the database does: whoever began it reads it as the outcome, and begins another one."""

        def go_on(checked: int) -> bool:
            if number in self._stopped:
                return False
            self._job = self._job.model_copy(update={"checked": checked, "total": max(checked, self._job.total)})
            return True

        try:
            check = await self._walked(anchor, go_on)
        except PdmError as error:
            if number not in self._stopped:
                self._job = self._job.model_copy(update={"state": "failed", "problem": error.message})
            return
        if number not in self._stopped:
            verdict = self._judged(actor, check, anchor)
            facts = {"state": "done", "verdict": verdict, "checked": verdict.checked}
            self._job = self._job.model_copy(update=facts)

    async def _walked(self, anchor: Anchor | None, go_on: Callable[[int], bool] = lambda _checked: True) -> ChainCheck:
        check = ChainCheck(anchor)
        position: int | None = None
        while go_on(check.checked):
            async with self._work(EVERY_SITE) as work:
                head = await work.audit.head()  # Before the entries: what is added in between is then seen, not missed.
                entries = await work.audit.after(position, PORTION)
            if not entries:
                check.end(head)
                return check
            if not check.take(entries):
                return check
            position = entries[-1].seq
        return check

    async def export(self, actor: Actor, query: AuditQuery, written_as: ExportFormat) -> AsyncGenerator[bytes, None]:
        """Yield the entries that a query admits, oldest first; its page and limit do not matter.

        The export itself goes on record. In CSV a text that a spreadsheet would run as a formula begins with an
        apostrophe; only JSON lines hold exactly what was hashed.

        Raises:
            NotFoundError: The site asked for does not exist or lies outside the actor's.
        """
        await self.page(actor, query.model_copy(update={"limit": 1}))
        asked = query.model_dump(mode="json", exclude_defaults=True, exclude={"limit", "before"})
        async with self._work(actor.scope) as work:
            await audit(
                work,
                actor,
                self._clock.now(),
                "audit.exported",
                subject="audit",
                site_id=query.site_id,
                after={"format": written_as.value, **asked},
            )
            await work.commit()
        if written_as is ExportFormat.CSV:
            yield csv_line(list(AuditEntry.model_fields))
        position: int | None = None
        while True:
            async with self._work(actor.scope) as work:
                entries = await work.audit.after(position, PORTION, query)
            if not entries:
                return
            position = entries[-1].seq
            write = csv_entry if written_as is ExportFormat.CSV else json_line
            yield b"".join(map(write, entries))

    async def check(self) -> Check:
        """Say how much room the trail takes and whether it was last found whole; for the health page."""
        try:
            async with self._work(EVERY_SITE) as work:
                count = (await work.audit.head()).seq
        except UnavailableError:
            return Check(name="audit", ok=False, detail="the database does not answer", needed=False)
        if self._last is not None and not self._last.is_whole:
            detail = f"entry {self._last.broken_at} is not what it was: {self._last.fault}. See the page Audit trail"
            return Check(name="audit", ok=False, detail=detail, needed=False)
        detail = f"{count} entries"
        if self._last is not None:
            detail += f", found whole {moment(self._last.at):%Y-%m-%d %H:%M} UTC"
        if count >= self.entries_warn:
            detail += (
                f"; it holds more than {self.entries_warn}. Export it, see that the database has room, "
                "then raise PDM_AUDIT__ENTRIES_WARN"
            )
        return Check(name="audit", ok=count < self.entries_warn, detail=detail, needed=False)


def json_line(entry: AuditEntry) -> bytes:
    """Write one entry as a line of JSON; ``before`` and ``after`` stay the text that was hashed."""
    return json.dumps(entry.model_dump(mode="json"), ensure_ascii=False).encode() + b"\n"


def csv_entry(entry: AuditEntry) -> bytes:
    """Write one entry as a line of CSV (RFC 4180)."""
    return csv_line(["" if value is None else value for value in entry.model_dump(mode="json").values()])


def csv_line(cells: list[object]) -> bytes:
    """Write one line; what would be a formula begins with an apostrophe."""
    line = io.StringIO()
    csv.writer(line).writerow(
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell for cell in cells]
    )
    return line.getvalue().encode()
