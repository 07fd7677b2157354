"""From alarms to messages: asks the routes, finds out who is on call, and gathers what is due for one person.

Each step is a transaction of its own (see `pdm_app.engine.notifier`). Who is on call is found out when a step is due,
not when the alarm was raised: an escalation after the handover reaches whoever has taken over.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import Alarm, JournalKind
from pdm_app.domain.assets import Area, Asset, Line, Site
from pdm_app.domain.notice_routes import Circumstances, Contact, NoticeRoute
from pdm_app.domain.notice_words import NoticeTemplate, Place, Telling, composed, template_id, usual
from pdm_app.domain.notices import ChannelKind, NoticeLanguage
from pdm_app.domain.outbox import (
    RECEIVER,
    TO_PROGRAMS,
    Notice,
    NoticeEvent,
    NoticeState,
    notices_of,
    notices_on_call,
    returns_of,
    voids,
)
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.shifts import ShiftCalendar

log = structlog.get_logger(__name__)

EVENTS_PER_STEP = 500
NOTICES_PER_STEP = 2_000
GAP_EXEMPT = 1  # Critical alarms do not wait for the gap.
UNTOLD_MAX = 100
PAGE_GAP_US = 5 * MICROS_PER_S  # A page wakes nobody.
SWITCHED_OFF = "switched off by the person"
NOBODY_ON_CALL = "nobody is on call"


class NoticeGatherer:
    """Turns what the journal says into messages.

    Args:
        work: Where notices are.
        clock: Injected time.
        fence: Proof of the collector lease.
        receiver: What stands for the program that a kind of channel tells; empty where there is none.
        gap_s: Between two messages to one person over one channel; the first of a flood leaves at once.
        linked: Returns the link to a notice's alarm; empty where nobody knows where the pages are found.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        receiver: Callable[[ChannelKind], str],
        gap_s: float,
        linked: Callable[[Notice], str],
    ) -> None:
        self._work = work
        self._clock = clock
        self._fence = fence
        self._receiver = receiver
        self._gap_us = round(gap_s * MICROS_PER_S)
        self._linked = linked
        self._untold: dict[str, str] = {}

    @property
    def untold(self) -> Sequence[str]:
        """Who could not be told of the newest alarm for them, and why."""
        return tuple(self._untold.values())

    # --- routes ---------------------------------------------------------------------------------------------------

    async def ask_routes(self) -> bool:
        """Turn the oldest events into notices; whether there may be more."""
        async with self._work(EVERY_SITE) as work:
            events = await work.outbox.events(EVENTS_PER_STEP)
            if not events:
                return False
            await work.hold(await self._fence())
            routes = await work.outbox.routes()
            surroundings = await _Surroundings.read(work)
            for event in events:
                alarm = await work.alarms.get(event.alarm_id)
                await self._void(work, event)
                if alarm is not None:
                    found = await surroundings.of(work, event, alarm, routes)
                    await work.outbox.add(notices_of(event, alarm, routes, found))
                if event.kind is JournalKind.RETURNED:
                    told = [each for each in await work.outbox.of_alarm(event.alarm_id) if each.message_id is not None]
                    await work.outbox.add(returns_of(event, told, routes))
            await work.outbox.drop_events([event.id for event in events])
            await work.commit()
        return len(events) == EVENTS_PER_STEP

    @staticmethod
    async def _void(work: Work, event: NoticeEvent) -> None:
        if event.kind is JournalKind.RAISED:
            return
        pointless = []
        for notice in await work.outbox.of_alarm(event.alarm_id):
            reason = voids(event, notice)
            if reason:
                pointless.append(notice.model_copy(update={"state": NoticeState.VOID, "reason": reason}))
        await work.outbox.put(pointless)

    # --- who is on call -------------------------------------------------------------------------------------------

    async def find_on_call(self) -> bool:
        """Put those who are on call now in the place of rotas that are due; whether there may be more."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            due = [notice for notice in await work.outbox.due(now, NOTICES_PER_STEP) if notice.is_for_rota]
            if not due:
                return False
            await work.hold(await self._fence())
            rotas = {rota.id: rota for rota in await work.rotas.all()}
            surroundings = await _Surroundings.read(work)
            for notice in due:
                rota = rotas.get(notice.rota_id or "")
                why = "the rota is no longer there"
                if rota is not None:
                    zone, calendar = surroundings.zone(rota.site_id), surroundings.calendars.get(rota.site_id)
                    on_call = rota.on_call(now, zone, calendar)
                    told = await work.outbox.of_alarm(notice.alarm_id)
                    new, void = notices_on_call(notice, on_call, told)
                    await work.outbox.add(new)
                    await work.outbox.put(void)
                    why = "" if on_call.user_ids else NOBODY_ON_CALL
                self._note_untold(
                    notice.rota_id or "", rota.name if rota is not None else "a rota", notice.channel, why
                )
                reason = why or "told to whoever is on call"
                await work.outbox.put([notice.model_copy(update={"state": NoticeState.VOID, "reason": reason})])
            await work.commit()
        return True

    def _note_untold(self, id_: str, who: str, channel: ChannelKind, why: str) -> None:
        """Keep why somebody cannot be told, or forget it where ``why`` is empty; logged once."""
        key, words = f"{id_} {channel}", f"{who} by {channel}: {why}"
        if not why:
            self._untold.pop(key, None)
        elif self._untold.get(key) != words and len(self._untold) < UNTOLD_MAX:
            log.warning("somebody cannot be told", who=who, channel=str(channel), why=why)
            self._untold[key] = words

    # --- messages -------------------------------------------------------------------------------------------------

    async def gather(self) -> bool:
        """Make messages of what is due; whether there may be more."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            due = [notice for notice in await work.outbox.due(now, NOTICES_PER_STEP) if not notice.is_for_rota]
            if not due:
                return False
            await work.hold(await self._fence())
            contacts = {contact.id: contact for contact in await work.outbox.contacts()}
            templates = {template.id: template for template in await work.notice_templates.all()}
            surroundings = await _Surroundings.read(work)
            together: dict[tuple[str, ChannelKind], list[Notice]] = defaultdict(list)
            for notice in due:
                together[notice.user_id, notice.channel].append(notice)
            for (user_id, channel), notices in together.items():
                contact = contacts.get(user_id)
                language = contact.language if contact is not None else NoticeLanguage.ENGLISH
                template = templates.get(template_id(channel, language)) or usual(channel, language)
                await self._compose(work, contact, template, notices, surroundings, now)
            await work.commit()
        return len(due) == NOTICES_PER_STEP

    async def _compose(
        self,
        work: Work,
        contact: Contact | None,
        template: NoticeTemplate,
        notices: list[Notice],
        surroundings: "_Surroundings",
        now: Micros,
    ) -> None:
        channel = template.channel
        if channel is ChannelKind.PAGE:
            contact = contact or Contact(id=notices[0].user_id)
            reader = await work.users.get(contact.id)
            address = (reader.username if reader is not None else contact.id) if contact.in_page else ""
            why = SWITCHED_OFF
        elif channel in TO_PROGRAMS:
            contact, address, why = Contact(id=RECEIVER), self._receiver(channel), "no receiver is set up"
        else:
            address = contact.address(channel) if contact is not None else ""
            why = "no telephone number is kept" if channel is ChannelKind.SMS else "no address is kept"
        if contact is None or not address:
            void = {"state": NoticeState.VOID, "reason": why}
            await work.outbox.put([notice.model_copy(update=void) for notice in notices])
            user = await work.users.get(notices[0].user_id)
            if channel is not ChannelKind.PAGE:  # Which is as its person wants it.
                self._note_untold(notices[0].user_id, user.username if user is not None else "somebody", channel, why)
            return
        self._note_untold(contact.id, "", channel, "")
        ready = await self._ready(work, contact, channel, notices, now)
        if not ready:
            return
        alarms = {alarm_id: await work.alarms.get(alarm_id) for alarm_id in {each.alarm_id for each in ready}}
        zone = ZoneInfo(contact.zone) if contact.local_times else None
        tellings = [
            Telling(
                each, alarms[each.alarm_id], surroundings.place(each, alarms[each.alarm_id]), self._linked(each), zone
            )
            for each in ready
        ]
        message = composed(tellings, template, address, now, template.language)
        await work.outbox.put_message(message)
        done = {"state": NoticeState.IN_MESSAGE, "message_id": message.id}
        await work.outbox.put([notice.model_copy(update=done) for notice in ready])

    async def _ready(
        self, work: Work, contact: Contact, channel: ChannelKind, notices: list[Notice], now: Micros
    ) -> list[Notice]:
        """Return what may be told now, and put off the rest: to the end of quiet hours, or of the gap.

        Who is on call has no quiet hours: that is what being on call means. Nor have pages: who looks at one is awake.
        """
        is_page = channel is ChannelKind.PAGE
        gap_us = min(self._gap_us, PAGE_GAP_US) if is_page else self._gap_us
        earliest = await work.outbox.last_made(contact.id, channel)
        is_gap = earliest is not None and earliest <= now  # What is of a later time was told before a clock went back.
        free_at = Micros(max(now, earliest + gap_us)) if earliest is not None and is_gap else now
        later: list[Notice] = []
        ready: list[Notice] = []
        for notice in notices:
            told_from = now if is_page or notice.rota_id is not None else contact.told_from(now, notice.priority)
            if notice.priority > GAP_EXEMPT:
                told_from = max(told_from, free_at)
            (ready if told_from <= now else later).append(notice.model_copy(update={"due_at": told_from}))
        await work.outbox.put(later)
        return ready


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What stands around alarms, by id, as it is in one transaction; calendars by site."""

    sites: Mapping[str, Site]
    areas: Mapping[str, Area]
    lines: Mapping[str, Line]
    assets: Mapping[str, Asset]
    calendars: Mapping[str, ShiftCalendar]

    @classmethod
    async def read(cls, work: Work) -> "_Surroundings":
        return cls(
            sites={site.id: site for site in await work.sites.all()},
            areas={area.id: area for area in await work.assets.areas()},
            lines={line.id: line for line in await work.assets.lines()},
            assets={asset.id: asset for asset in await work.assets.all()},
            calendars={calendar.id: calendar for calendar in await work.shifts.all()},
        )

    def zone(self, site_id: str) -> ZoneInfo:
        site = self.sites.get(site_id)
        return ZoneInfo(site.time_zone if site is not None else "UTC")

    async def of(self, work: Work, event: NoticeEvent, alarm: Alarm, routes: Sequence[NoticeRoute]) -> Circumstances:
        """Return what routes ask about an alarm; its rule is read only where one asks for classes."""
        rule = await work.alarms.rule(alarm.rule_id) if any(route.classes for route in routes) else None
        return Circumstances(
            at=event.recorded_at, zone=self.zone(alarm.site_id), area_id=self._area_id(alarm),
            alarm_class=rule.alarm_class if rule is not None else "", calendar=self.calendars.get(alarm.site_id),
        )  # fmt: skip

    def place(self, notice: Notice, alarm: Alarm | None) -> Place:
        """Return where a notice's alarm stands, as far as that is known."""
        site = self.sites.get(notice.site_id)
        asset = self.assets.get(alarm.asset_id) if alarm is not None else None
        area = self.areas.get(self._area_id(alarm)) if alarm is not None else None
        return Place(
            machine=asset.code if asset is not None else alarm.asset_id if alarm is not None else "",
            machine_name=asset.name if asset is not None else "", area=area.name if area is not None else "",
            site=site.name if site is not None else "", zone=self.zone(notice.site_id),
        )  # fmt: skip

    def _area_id(self, alarm: Alarm) -> str:
        asset = self.assets.get(alarm.asset_id)
        line = self.lines.get(asset.line_id) if asset is not None else None
        return line.area_id if line is not None else ""
