"""Reports as people keep them: looked at before they are kept, made now or at their date, and found again.

A report is made with the rights of its owner, who is whoever said last what it tells; nobody reads a copy of which a
part is not theirs to read.
"""

import base64
import hmac
from hashlib import sha256

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.outbox import MessageState
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.report_blocks import Report
from pdm_app.domain.reports import (
    MEDIA_TYPES,
    PER_SITE_MAX,
    PREVIEW_PAGES_MAX,
    CopyQuery,
    ReportCopy,
    ReportDefinition,
    ReportFacts,
)
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.report_contents import require_parts
from pdm_app.services.report_making import ReportMaker, note_report, readers_of

NEXT_SHOWN = 3


class ReportView(Record):
    """A report as the list shows it."""

    report: ReportDefinition
    owner: str
    words: str = Field(description="Its date in words; empty where it has none.")
    next_at: tuple[int, ...]
    newest: ReportCopy | None


class ReportPreview(Record):
    """What a report would look like that is made now."""

    pages: tuple[str, ...] = Field(description="PNG in base64, the first pages.")
    start_at: int
    end_at: int
    period: str
    words: str
    next_at: tuple[int, ...]


class Recipient(Record):
    """Somebody to whom a report of a site can go."""

    id: str
    name: str
    has_address: bool


class Delivery(Record):
    """What became of the message to one person."""

    name: str
    address: str
    state: MessageState
    sent_at: int | None
    reply: str
    problem: str


class CopyView(Record):
    """A copy with its receipts."""

    copied: ReportCopy
    deliveries: tuple[Delivery, ...]


class ReportService:
    """Reports of the sites in an actor's scope.

    Args:
        work: Where all is stored.
        maker: Makes and sends copies.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, maker: ReportMaker, clock: Clock) -> None:
        self._work = work
        self._maker = maker
        self._contents, self._printer = maker.contents, maker.printer
        self._clock = clock

    # --- what is kept ---------------------------------------------------------------------------------------------

    async def all(self, actor: Actor, site_id: str) -> tuple[ReportView, ...]:
        """Return the reports of a site, by name.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.REPORTS_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await _require_site(work, site_id)
            reports = await work.reports.all(site_id)
            newest = {copy.report_id: copy for copy in await work.reports.newest([report.id for report in reports])}
        async with self._work(EVERY_SITE) as work:
            names = {user.id: user.display_name for user in await work.users.all()}
        return tuple(
            ReportView(
                report=report, owner=names.get(report.owner_id, ""), newest=newest.get(report.id),
                words=report.schedule.words if report.schedule is not None else "",
                next_at=report.schedule.next(now, NEXT_SHOWN) if report.schedule is not None else (),
            )
            for report in reports
        )  # fmt: skip

    async def recipients(self, actor: Actor, site_id: str) -> tuple[Recipient, ...]:
        """Return the people who see a site, by name, and whether an address of theirs is known."""
        actor.require(Permission.REPORTS_CONFIGURE)
        actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(EVERY_SITE) as work:
            users = [reader.user for reader in await readers_of(work, site_id, self._clock.now())]
            known = {contact.id for contact in await work.outbox.contacts() if contact.email}
        return tuple(
            Recipient(id=user.id, name=user.display_name, has_address=user.id in known)
            for user in sorted(users, key=lambda user: (user.display_name, user.id))
        )

    async def add(self, actor: Actor, facts: ReportFacts, reason: str = "") -> ReportDefinition:
        """Keep a report; its first date is the next one from now.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            PermissionDeniedError: The actor may not see a part of it.
            InvalidInputError: It names people who do not see the site.
            ConflictError: The site has as many as it may have.
        """
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await self._check(work, actor, facts)
            if len(await work.reports.all(facts.site_id)) >= PER_SITE_MAX:
                raise ConflictError(f"A site has up to {PER_SITE_MAX} reports. Remove one that nobody reads.")
            report = ReportDefinition(
                **facts.model_dump(), id=new_id(now), owner_id=actor.id, revision=1, made_for_at=now
            )
            await work.reports.put(report)
            await note_report(work, actor, now, "reports.added", report, after=report, reason=reason)
            await work.commit()
        return report

    async def change(
        self, actor: Actor, report_id: str, facts: ReportFacts, revision: int, reason: str = ""
    ) -> ReportDefinition:
        """Say anew what a report tells; whoever does owns it from then on.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: As `add`; or it would belong to another site.
        """
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _report(work, report_id)
            await self._check(work, actor, facts)
            if facts.site_id != before.site_id:
                problem = "A report stays with its site. Make another one there."
                raise InvalidInputError(problem, [FieldIssue("site_id", "is another site")])
            if before.revision != revision:
                raise ConflictError("Somebody has changed this report meanwhile. Look at it again.")
            made_for_at = before.made_for_at if facts.schedule == before.schedule else now
            report = ReportDefinition(
                **facts.model_dump(), id=report_id, owner_id=actor.id, revision=revision + 1, made_for_at=made_for_at
            )
            await work.reports.put(report)
            await note_report(work, actor, now, "reports.changed", report, before=before, after=report, reason=reason)
            await work.commit()
        return report

    async def remove(self, actor: Actor, report_id: str, reason: str = "") -> ReportDefinition:
        """Make a report no more; its copies stay as long as they are kept.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.REPORTS_CONFIGURE)
        async with self._work(actor.scope) as work:
            report = await _report(work, report_id)
            await work.reports.remove(report_id)
            await note_report(work, actor, self._clock.now(), "reports.removed", report, before=report, reason=reason)
            await work.commit()
        return report

    async def _check(self, work: Work, actor: Actor, facts: ReportFacts) -> None:
        actor.require(Permission.REPORTS_CONFIGURE)
        require_parts(actor, facts.contents)
        await _require_site(work, facts.site_id)
        async with self._work(EVERY_SITE) as everywhere:
            readers = await readers_of(everywhere, facts.site_id, self._clock.now())
        known = {reader.user.id for reader in readers if reader.may_read(facts.contents)}
        issues = [
            FieldIssue(f"recipient_ids.{place}", "is nobody who may read this report")
            for place, each in enumerate(facts.recipient_ids)
            if each not in known
        ]
        if issues:
            raise InvalidInputError(f"The report {facts.name!r} would go to people who may not read it.", issues)

    # --- looking and making ---------------------------------------------------------------------------------------

    async def preview(self, actor: Actor, facts: ReportFacts) -> ReportPreview:
        """Return the first pages of what a report would be that is made now; nothing is kept.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: It tells of a shift, and none has ended there.
            UnprintableError: It cannot be set.
        """
        actor.require(Permission.REPORTS_READ)
        now = self._clock.now()
        question = await self._contents.question(actor, facts, now)
        report = await self._contents.report(actor, question)
        pictures = await self._printer.pictures(report, PREVIEW_PAGES_MAX)
        return ReportPreview(
            pages=tuple(base64.b64encode(picture).decode() for picture in pictures),
            start_at=question.span.start_at, end_at=question.span.end_at, period=question.span.words,
            words=facts.schedule.words if facts.schedule is not None else "",
            next_at=facts.schedule.next(now, NEXT_SHOWN) if facts.schedule is not None else (),
        )  # fmt: skip

    async def contents(self, actor: Actor, report_id: str) -> Report:
        """Return what a report says that is made now, as blocks, for programs; nothing is kept.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.REPORTS_READ)
        async with self._work(actor.scope) as work:
            report = await _report(work, report_id)
        return await self._contents.report(actor, await self._contents.question(actor, report, self._clock.now()))

    async def make(self, actor: Actor, report_id: str, *, is_test: bool = False) -> ReportCopy:
        """Make a report now; it goes to its recipients, or as a test to the actor alone.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: As `preview`; or no address of the actor is known for a test.
            UnprintableError: It cannot be set.
        """
        actor.require(Permission.REPORTS_READ if is_test else Permission.REPORTS_CONFIGURE)
        async with self._work(actor.scope) as work:
            report = await _report(work, report_id)
        if is_test:
            async with self._work(EVERY_SITE) as work:
                contact = await work.outbox.contact(actor.id)
            if contact is None or not contact.email:
                raise InvalidInputError("No e-mail address of yours is known. Enter one under Profile.")
        to = (actor.id,) if is_test else report.recipient_ids
        return await self._maker.make(actor, report, to, "reports.tested" if is_test else "reports.made")

    # --- what was made --------------------------------------------------------------------------------------------

    async def copies(self, actor: Actor, query: CopyQuery) -> tuple[ReportCopy, ...]:
        """Return a page of the history of a site, newest first.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        actor.require(Permission.REPORTS_READ)
        actor.require_site(query.site_id, f"site {query.site_id!r}")
        async with self._work(actor.scope) as work:
            return tuple(await work.reports.copies(query))

    async def copy(self, actor: Actor, copy_id: str) -> CopyView:
        """Return a copy with what became of each message that carried it.

        Raises:
            NotFoundError: There is none in the actor's sites.
        """
        actor.require(Permission.REPORTS_READ)
        async with self._work(actor.scope) as work:
            copy = await _copy(work, copy_id)
            found = [await work.outbox.message(message_id) for message_id in copy.message_ids]
        async with self._work(EVERY_SITE) as work:
            names = {user.id: user.display_name for user in await work.users.all()}
        deliveries = tuple(
            Delivery(
                name=names.get(each.user_id, ""), address=each.address, state=each.state, sent_at=each.sent_at,
                reply=each.reply, problem=each.problem,
            )
            for each in found
            if each is not None
        )  # fmt: skip
        return CopyView(copied=copy, deliveries=deliveries)

    async def file(self, actor: Actor, copy_id: str) -> tuple[ReportCopy, bytes, str]:
        """Return a copy, what it consists of, and its media type.

        Raises:
            NotFoundError: There is none in the actor's sites, or it could not be made.
            PermissionDeniedError: The actor may not see a part of it.
            ConflictError: It is not what was stored.
        """
        actor.require(Permission.REPORTS_READ)
        async with self._work(actor.scope) as work:
            copy = await _copy(work, copy_id)
            content = await work.reports.content(copy_id)
        require_parts(actor, copy.parts)
        if content is None:
            raise NotFoundError(f"There is no file of this report: {copy.problem or 'it is not kept any more.'}")
        if not hmac.compare_digest(sha256(content).hexdigest(), copy.sha256):
            raise ConflictError(f"The copy {copy.file_name} is not what was stored: its checksum differs.")
        return copy, content, MEDIA_TYPES[copy.format]


async def _require_site(work: Work, site_id: str) -> None:
    if site_id not in {site.id for site in await work.sites.all()}:
        raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)


async def _report(work: Work, report_id: str) -> ReportDefinition:
    report = await work.reports.get(report_id)
    if report is None:
        raise NotFoundError(f"There is no report {report_id!r}.", report_id=report_id)
    return report


async def _copy(work: Work, copy_id: str) -> ReportCopy:
    copy = await work.reports.copy(copy_id)
    if copy is None:
        raise NotFoundError(f"There is no copy {copy_id!r}.", copy_id=copy_id)
    return copy
