"""A report is made: asked, written, stored with its file and with a message to each reader, at once or not at all.

What goes to whom is judged when it is made: whoever has lost the sight of the site, or the right to a part, gets
nothing, and the copy says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Role, User
from pdm_app.domain.errors import FencedError, PdmError, UnavailableError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.notices import SUBJECT_MAX, ChannelKind
from pdm_app.domain.outbox import Message
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.record import Record
from pdm_app.domain.reports import CopyState, ReportCopy, ReportDefinition, ReportPart, ReportPrinter
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.wall_clock import on_wall
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import actor_with, holdings_of
from pdm_app.services.report_contents import NEEDED, Question, ReportContents

DAY_US = 86_400 * MICROS_PER_S
PROBLEM_MAX = 1_000
MAIL_PRIORITY = 4  # A report is never urgent.
WORDS = (
    "{name}\n{period}\n\nThe report is attached as {file_name} ({size} kB).\nSHA-256: {sha256}\n\n"
    "It is kept under Reports until {kept_until}."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The date a copy is made for.

    Attributes:
        due_at: The date; microseconds UTC.
        missed: How many before it went by while nothing ran.
        fence: Proof of the collector lease.
    """

    due_at: int
    missed: int
    fence: Fence


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who sees a site, with the rights of this moment."""

    user: User
    actor: Actor

    def may_read(self, parts: Sequence[ReportPart]) -> bool:
        return {NEEDED[part] for part in parts} <= self.actor.permissions


class ReportMaker:
    """Makes copies.

    Args:
        work: Where they are stored, and messages with them.
        contents: Says what a report says.
        printer: Writes it.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, contents: ReportContents, printer: ReportPrinter, clock: Clock) -> None:
        self._work = work
        self.contents = contents
        self.printer = printer
        self._clock = clock

    async def make(
        self, actor: Actor, report: ReportDefinition, to: Sequence[str], action: str, standing: Standing | None = None
    ) -> ReportCopy:
        """Make a report with the rights of ``actor`` and send it to the people of ``to``.

        Raises:
            PermissionDeniedError: The actor may not see a part of it.
            InvalidInputError: It tells of a shift, and none has ended there.
            UnprintableError: It cannot be set.
        """
        at = self._clock.now() if standing is None else Micros(standing.due_at)
        question = await self.contents.question(actor, report, at)
        written = await self.printer.write(await self.contents.report(actor, question), report.format)
        now = self._clock.now()
        copy = self._copy(report, actor.name, standing, now).model_copy(
            update={
                "start_at": question.span.start_at, "end_at": question.span.end_at, "bytes": len(written),
                "sha256": sha256(written).hexdigest(), "file_name": file_name(report, question),
            }
        )  # fmt: skip
        async with self._work(EVERY_SITE) as work:
            if standing is not None:
                await work.hold(standing.fence)
            messages, unreached = await _messages(work, copy, question, to, now)
            problem = f"Not sent to {', '.join(unreached)}." if unreached else ""
            copy = copy.model_copy(
                update={"message_ids": tuple(each.id for each in messages), "problem": problem[:PROBLEM_MAX]}
            )
            for message in messages:
                await work.outbox.put_message(message)
            await work.reports.add_copy(copy, written)
            await _mark(work, report, standing)
            done = {"file": copy.file_name, "sha256": copy.sha256, "messages": len(messages)}
            await note_report(work, actor, now, action, report, after=done)
            await work.commit()
        return copy

    async def make_due(self, report: ReportDefinition, standing: Standing) -> ReportCopy:
        """Make a report at its date, with the rights its owner has now; one that cannot be made leaves its reason.

        Raises:
            UnavailableError: The database does not answer; nothing is stored, and the date stands.
            FencedError: Another process makes reports.
        """
        try:
            owner = await self._owner(report)
            return await self.make(owner, report, report.recipient_ids, "reports.made", standing)
        except (UnavailableError, FencedError):
            raise
        except PdmError as error:
            return await self._failed(report, standing, error.message)

    async def _owner(self, report: ReportDefinition) -> Actor:
        async with self._work(EVERY_SITE) as work:
            user = await work.users.get(report.owner_id)
            if user is None or not user.is_active or user.deleted_at is not None:
                raise PdmError("Its owner does not sign in any more. Open the report and save it: it is yours then.")
            return actor_with(user, await holdings_of(work, user), self._clock.now())

    async def _failed(self, report: ReportDefinition, standing: Standing, problem: str) -> ReportCopy:
        now = self._clock.now()
        copy = self._copy(report, SYSTEM.name, standing, now).model_copy(
            update={"state": CopyState.FAILED, "problem": problem[:PROBLEM_MAX]}
        )
        async with self._work(EVERY_SITE) as work:
            await work.hold(standing.fence)
            await work.reports.add_copy(copy, b"")
            await _mark(work, report, standing)
            await note_report(work, SYSTEM, now, "reports.failed", report, after={"problem": copy.problem})
            await work.commit()
        return copy

    def _copy(self, report: ReportDefinition, made_by: str, standing: Standing | None, now: Micros) -> ReportCopy:
        return ReportCopy(
            id=new_id(now), site_id=report.site_id, report_id=report.id, name=report.name, format=report.format,
            made_at=now, made_by=made_by, due_at=standing.due_at if standing is not None else None,
            missed=standing.missed if standing is not None else 0, start_at=0, end_at=0, state=CopyState.DONE,
            parts=report.contents, kept_until=now + report.kept_days * DAY_US,
        )  # fmt: skip


async def readers_of(work: Work, site_id: str, now: Micros) -> list[Reader]:
    """Return who signs in and sees a site, with the rights of this moment; ``work`` sees every site."""
    found = []
    for user in await work.users.all():
        if user.is_active and user.deleted_at is None and user.role is not Role.SERVICE:
            actor = actor_with(user, await holdings_of(work, user), now)
            if actor.scope.covers(site_id):
                found.append(Reader(user, actor))
    return found


async def note_report(
    work: Work, actor: Actor, now: Micros, action: str, report: ReportDefinition, *,
    before: Record | None = None, after: Record | dict[str, object] | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Put on record what was done with a report."""
    await audit(
        work, actor, now, action, subject="report", subject_id=report.id, name=report.name, site_id=report.site_id,
        before=before, after=after, reason=reason,
    )  # fmt: skip


def file_name(report: ReportDefinition, question: Question) -> str:
    """Return a name that every file system takes, with the first day that the report tells of."""
    stem = re.sub(r"[^\w.-]+", "-", report.name).strip("-.")[:80] or "report"
    return f"{stem}-{on_wall(question.span.start_at, question.zone):%Y-%m-%d}.{report.format}"


async def _mark(work: Work, report: ReportDefinition, standing: Standing | None) -> None:
    """Note up to which date a report was made; somebody may have changed or removed it meanwhile."""
    known = await work.reports.get(report.id) if standing is not None else None
    if known is not None and standing is not None:
        made_for_at = max(standing.due_at, known.made_for_at)
        await work.reports.put(known.model_copy(update={"made_for_at": made_for_at}))


async def _messages(
    work: Work, copy: ReportCopy, question: Question, to: Sequence[str], now: Micros
) -> tuple[list[Message], list[str]]:
    """Return the messages that carry a copy, and who gets none and why."""
    readers = {reader.user.id: reader for reader in await readers_of(work, copy.site_id, now)} if to else {}
    messages, unreached = [], []
    for user_id in to:
        reader = readers.get(user_id)
        contact = await work.outbox.contact(user_id)
        if reader is None:
            user = await work.users.get(user_id)
            unreached.append(f"{user.username if user is not None else user_id} (does not see the site any more)")
        elif not reader.may_read(copy.parts):
            unreached.append(f"{reader.user.username} (may not read a part of it)")
        elif contact is None or not contact.email:
            unreached.append(f"{reader.user.username} (no e-mail address)")
        else:
            messages.append(_message(copy, question, user_id, contact.email, now))
    return messages, unreached


def _message(copy: ReportCopy, question: Question, user_id: str, address: str, now: Micros) -> Message:
    kept_until = on_wall(copy.kept_until, question.zone).strftime("%Y-%m-%d")
    body = WORDS.format(
        name=copy.name, period=question.span.words, file_name=copy.file_name, size=max(1, copy.bytes // 1000),
        sha256=copy.sha256, kept_until=kept_until,
    )  # fmt: skip
    return Message(
        id=new_id(now), site_id=copy.site_id, user_id=user_id, channel=ChannelKind.EMAIL, address=address,
        subject=f"{copy.name}: {question.span.words}"[:SUBJECT_MAX], body=body, priority=MAIL_PRIORITY, alarms=0,
        created_at=now, tried_since=now, next_at=now, copy_id=copy.id,
    )  # fmt: skip
