"""Reports over a stored plant, with people who are stored too, and the watch that makes them at their dates."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pdm_app.documents.report_printer import Printer
from pdm_app.domain.access import EVERY_SITE, Actor, Role, User, actor_of
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.notice_routes import Contact
from pdm_app.domain.outbox import Message, MessageQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.reports import ReportFacts
from pdm_app.domain.samples import MICROS_PER_S, Micros, micros
from pdm_app.engine.report_watch import ReportWatch
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.alarms import AlarmService
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.audit import AuditService
from pdm_app.services.production import ProductionService
from pdm_app.services.report_contents import ReportContents
from pdm_app.services.report_making import ReportMaker
from pdm_app.services.reports import ReportService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.production_book import ProductionBook
from tests.counterparts.alarms import RULES
from tests.counterparts.clocks import HandClock

PEOPLE = (
    ("mia", Role.MANAGER, ("pune",)), ("erin", Role.ENGINEER, ("pune",)), ("vera", Role.VIEWER, ("pune",)),
    ("greta", Role.MANAGER, ("graz",)), ("ada", Role.ADMIN, ()),
)  # fmt: skip
MONDAY = "2026-11-16T06:30:00"
ZONE = ZoneInfo("Asia/Kolkata")
MONDAYS = {"rhythm": "weekly", "at": "06:30", "zone": "Asia/Kolkata", "weekdays": [0]}


def wall(words: str) -> Micros:
    """What the wall of Pune shows."""
    return micros(datetime.fromisoformat(words).replace(tzinfo=ZONE))


def facts(**more: Any) -> ReportFacts:
    given = {"site_id": "pune", "name": "Alarms of the week", "template": "alarm_kpi", "format": "json"}
    return ReportFacts.model_validate({**given, **more})


class ReportPlant:
    """The services of reports; call `fill` first."""

    def __init__(self, work: SqlUnitOfWork, clock: HandClock) -> None:
        self.work, self.clock = work, clock
        self.book = AlarmBook()
        alarms = AlarmService(work, self.book, clock)
        self.audit = AuditService(work, clock, 1_000_000)
        contents = ReportContents(
            work, alarms, AlarmFiguresService(work, clock), AlarmHoldService(alarms, work, self.book, clock),
            AnnotationService(work, clock), self.audit, ProductionService(work, ProductionBook(), clock), clock,
        )  # fmt: skip
        self.maker = ReportMaker(work, contents, Printer(), clock)
        self.reports = ReportService(work, self.maker, clock)
        self.people: dict[str, Actor] = {}

    async def fill(self) -> None:
        """People with addresses, rules, and alarms in the week from 9 to 16 November 2026."""
        self.clock.at = wall("2026-11-16T06:00:00")
        async with self.work(EVERY_SITE) as work:
            for name, role, sites in PEOPLE:
                user = User(id=name, username=name, display_name=name.title(), role=role, site_ids=sites)
                await work.users.put(user)
                self.people[name] = actor_of(user)
                if name != "erin":
                    await work.outbox.put_contact(Contact(id=name, email=f"{name}@plant.example"))
            for rule in RULES:
                await work.alarms.put_rule(rule)
            await work.alarms.append([_raised(number) for number in range(5)])
            await work.commit()

    def watch(self, fence: Fence) -> ReportWatch:
        async def held() -> Fence:
            return fence

        return ReportWatch(self.work, self.maker, self.clock, held)

    async def messages(self) -> list[Message]:
        async with self.work(EVERY_SITE) as work:
            return list(await work.outbox.messages(MessageQuery()))


def _raised(number: int) -> JournalEntry:
    at = wall("2026-11-10T12:00:00") + number * 3_600 * MICROS_PER_S
    return JournalEntry(
        id=f"entry-{number:04}", alarm_id=f"a-{number}", rule_id="suction-low", site_id="pune", asset_id="p-501", at=at,
        recorded_at=at, kind=JournalKind.RAISED, state=AlarmState.UNACKNOWLEDGED, priority=2, name="Suction low ☂",
        value=1.1,
    )  # fmt: skip
