"""What a report says of a time: asked of the services that people ask, with the rights of the one it is made for."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarm_figures import AlarmScorecard
from pdm_app.domain.alarms import JOURNAL_PAGE_MAX, JournalEntry, JournalQuery
from pdm_app.domain.annotations import ANNOTATIONS_MAX, ASSETS_MAX, Annotation, AnnotationQuery
from pdm_app.domain.assets import Site
from pdm_app.domain.audit import PAGE_MAX, AuditEntry, AuditQuery
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.production_views import LineOverview
from pdm_app.domain.report_blocks import BLOCKS_MAX, Report, ReportBlock
from pdm_app.domain.report_periods import ReportSpan, span_before
from pdm_app.domain.reports import ReportFacts, ReportPart, ReportPeriod
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services import report_oee
from pdm_app.services import report_parts as parts
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.alarms import AlarmService
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.audit import AuditService
from pdm_app.services.production import ProductionService
from pdm_app.services.report_fleet import FleetReports

LINES_MAX = 8  # Whose losses are told; a report of more is a report of each.
ROWS_MAX = 20_000  # Of journal and trail: a month of a calm plant, read in pages.
NEEDED: dict[ReportPart, Permission] = {
    **dict.fromkeys(ReportPart, Permission.ALARMS_READ),
    ReportPart.NOTES: Permission.HISTORY_READ,
    ReportPart.OEE_LINES: Permission.HISTORY_READ,
    ReportPart.OEE_LOSSES: Permission.HISTORY_READ,
    ReportPart.AUDIT_TRAIL: Permission.AUDIT_READ,
    ReportPart.ASSET_HEALTH: Permission.ASSETS_READ,
    ReportPart.FIRMWARE_STATUS: Permission.FIRMWARE_READ,
}
"""What somebody may read who reads a part."""
RATED = frozenset({ReportPart.ALARM_FIGURES, ReportPart.ALARM_LOAD, ReportPart.ALARM_PRIORITIES, ReportPart.BAD_ACTORS})
"""Parts that tell of the scorecard of the time."""


@dataclass(frozen=True, slots=True)
class Question:
    """Of what a report is to tell."""

    facts: ReportFacts
    site: Site
    zone: ZoneInfo
    span: ReportSpan


def require_parts(actor: Actor, facts_parts: Sequence[ReportPart]) -> None:
    """Refuse a report of which somebody may not see a part.

    Raises:
        PermissionDeniedError: Says which right is missing.
    """
    for permission in sorted({NEEDED[part] for part in facts_parts}):
        actor.require(permission)


class ReportContents:
    """Makes the blocks.

    Args:
        work: Where sites, shifts and machines are stored.
        alarms: Says what stands and what happened.
        figures: Rates alarms.
        holds: Says what is kept silent.
        annotations: Notes on machines.
        audit: The trail.
        production: How lines go.
        clock: Time of the making.
    """

    def __init__(
        self,
        work: UnitOfWork,
        alarms: AlarmService,
        figures: AlarmFiguresService,
        holds: AlarmHoldService,
        annotations: AnnotationService,
        audit: AuditService,
        production: ProductionService,
        clock: Clock,
    ) -> None:
        self._work = work
        self._alarms = alarms
        self._figures = figures
        self._holds = holds
        self._annotations = annotations
        self._audit = audit
        self._production = production
        self._clock = clock
        self._fleet = FleetReports(work, clock)

    async def question(self, actor: Actor, facts: ReportFacts, at: int) -> Question:
        """Return of which time a report tells that is made at a moment.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: It tells of a shift, and none has ended there.
        """
        async with self._work(actor.scope) as work:
            site = next((site for site in await work.sites.all() if site.id == facts.site_id), None)
            if site is None:
                raise NotFoundError(f"There is no site {facts.site_id!r}.", site_id=facts.site_id)
            calendar = await work.shifts.get(site.id) if facts.period is ReportPeriod.SHIFT else None
        zone = ZoneInfo(site.time_zone)
        span = span_before(facts.period, at, zone, calendar)
        if span is None:
            raise InvalidInputError(
                f"No shift has ended at {site.name} by its calendar. Set shifts under Settings, Shifts and on call.",
                [FieldIssue("period", "needs a shift", "choose a day, or set shifts for this site")],
            )
        return Question(facts, site, zone, span)

    async def report(self, actor: Actor, question: Question) -> Report:
        """Return the report, ready to be written.

        Raises:
            PermissionDeniedError: The actor may not see a part of it.
        """
        facts, now = question.facts, self._clock.now()
        require_parts(actor, facts.contents)
        async with self._work(actor.scope) as work:
            assets = {asset.id: asset.name for asset in await work.assets.all() if asset.site_id == question.site.id}
        card = await self._card(actor, question)
        blocks: list[ReportBlock] = []
        if card is None and RATED & set(facts.contents):
            blocks.append(parts.unknown_time())
        for part in facts.contents:
            blocks += await self._part(actor, part, question, assets, card)
        return Report(
            title=facts.name,
            about=(("Site", question.site.name), ("Period", question.span.words)),
            company=question.site.name,
            made_at=now,
            made=parts.made_words(now, question.zone, actor.name),
            paper=facts.paper,
            blocks=tuple(blocks[:BLOCKS_MAX]),
        )

    async def _part(
        self, actor: Actor, part: ReportPart, question: Question, assets: dict[str, str], card: AlarmScorecard | None
    ) -> list[ReportBlock]:
        if part in RATED:
            return await self._rated(actor, part, question, assets, card) if card is not None else []
        site_id, zone, span = question.site.id, question.zone, question.span
        match part:
            case ReportPart.STANDING_ALARMS:
                return parts.standing_alarms(await self._alarms.active(actor, site_id), assets, zone)
            case ReportPart.SHELVED_ALARMS:
                return parts.shelved_alarms(await self._holds.shelf(actor, site_id), assets, zone)
            case ReportPart.ALARM_JOURNAL:
                entries, is_cut = await self._journal(actor, question)
                return parts.alarm_journal(entries, assets, zone, is_cut=is_cut)
            case ReportPart.NOTES:
                return parts.notes(await self._notes(actor, question, list(assets)), assets, zone)
            case ReportPart.OEE_LINES:
                return report_oee.oee_lines(await self._lines(actor, question))
            case ReportPart.OEE_LOSSES:
                return await self._losses(actor, question)
            case ReportPart.ASSET_HEALTH:
                return await self._fleet.health(actor, site_id, span.start_at, span.end_at, zone)
            case ReportPart.FIRMWARE_STATUS:
                return await self._fleet.firmware(actor, site_id, span.start_at, span.end_at, zone)
            case ReportPart.AUDIT_TRAIL:
                trail, is_cut = await self._trail(actor, question)
                return parts.audit_trail(trail, zone, is_cut=is_cut)
            case _:
                return parts.signatures()

    async def _rated(
        self, actor: Actor, part: ReportPart, question: Question, assets: dict[str, str], card: AlarmScorecard
    ) -> list[ReportBlock]:
        match part:
            case ReportPart.ALARM_FIGURES:
                return parts.alarm_figures(card, question.span.start_at, question.zone)
            case ReportPart.ALARM_LOAD:
                return parts.alarm_load(card, question.zone)
            case ReportPart.ALARM_PRIORITIES:
                return parts.alarm_priorities(card)
            case _:
                known = await self._alarms.rules(actor)
                rules = {rule.id: f"{assets.get(rule.asset_id, '')} {rule.name}".strip() for rule in known}
                return parts.bad_actors(card, rules)

    async def _card(self, actor: Actor, question: Question) -> AlarmScorecard | None:
        """Return the figures of the time; None where they are not asked for, or nothing is known of it."""
        if not RATED & set(question.facts.contents):
            return None
        span = question.span
        card = await self._figures.between(actor, span.start_at, span.end_at, question.site.id, question.zone)
        return None if parts.is_unknown(card, span.start_at) else card

    async def _journal(self, actor: Actor, question: Question) -> tuple[list[JournalEntry], bool]:
        found: list[JournalEntry] = []
        query = JournalQuery(
            site_id=question.site.id, start_at=question.span.start_at, end_at=question.span.end_at,
            limit=JOURNAL_PAGE_MAX,
        )  # fmt: skip
        while len(found) < ROWS_MAX:
            page = await self._alarms.journal(actor, query)
            found += page.entries
            if page.before is None:
                return found[::-1], False
            query = query.model_copy(update={"before": page.before})
        return found[::-1], True

    async def _trail(self, actor: Actor, question: Question) -> tuple[list[AuditEntry], bool]:
        found: list[AuditEntry] = []
        query = AuditQuery(
            site_id=question.site.id, start_at=question.span.start_at, end_at=question.span.end_at, limit=PAGE_MAX
        )
        while len(found) < ROWS_MAX:
            page = await self._audit.page(actor, query)
            found += page.entries
            if page.before is None:
                return found[::-1], False
            query = query.model_copy(update={"before": page.before})
        return found[::-1], True

    async def _lines(self, actor: Actor, question: Question) -> Sequence[LineOverview]:
        span = question.span
        return await self._production.overview(actor, question.site.id, span.start_at, span.end_at)

    async def _losses(self, actor: Actor, question: Question) -> list[ReportBlock]:
        blocks: list[ReportBlock] = []
        for line in (await self._lines(actor, question))[:LINES_MAX]:
            found = await self._production.line(actor, line.line_id, question.span.start_at, question.span.end_at)
            blocks += report_oee.oee_losses(found)
        return blocks

    async def _notes(self, actor: Actor, question: Question, asset_ids: list[str]) -> list[Annotation]:
        found: list[Annotation] = []
        for begin in range(0, len(asset_ids), ASSETS_MAX):
            query = AnnotationQuery(
                asset_ids=tuple(asset_ids[begin : begin + ASSETS_MAX]), start_at=question.span.start_at,
                end_at=question.span.end_at, limit=ANNOTATIONS_MAX,
            )  # fmt: skip
            found += (await self._annotations.page(actor, query)).annotations
        return sorted(found, key=lambda note: note.start_at)
