"""What messages say: the template of each channel, looked at before it is kept."""

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.alarms import Alarm, AlarmState
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.notice_words import (
    NoticeTemplate,
    NoticeTemplateFacts,
    Place,
    Preview,
    Telling,
    TemplateView,
    composed,
    usual,
)
from pdm_app.domain.notices import ChannelKind, NoticeLanguage
from pdm_app.domain.outbox import TO_PROGRAMS, Moment, Notice
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit

ENGLISH = NoticeLanguage.ENGLISH


class NoticeTemplateService:
    """The templates; they belong to the whole installation.

    Args:
        work: Where they are stored.
        clock: Time of changes, and of the alarm that a preview tells of.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[TemplateView, ...]:
        """Return the template of each channel in each language that it is written in."""
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            own = {template.id: template for template in await work.notice_templates.all()}
        found = [usual(kind, language) for kind in ChannelKind for language in languages_of(kind)]
        return tuple(TemplateView(template=own.get(each.id, each), is_own=each.id in own) for each in found)

    def preview(
        self, actor: Actor, channel: ChannelKind, facts: NoticeTemplateFacts, language: NoticeLanguage = ENGLISH
    ) -> Preview:
        """Return what a message would say of an alarm that was made up."""
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        message = composed([_example(channel, now)], facts, "", now, language)
        return Preview(subject=message.subject, body=message.body)

    async def put(
        self,
        actor: Actor,
        channel: ChannelKind,
        facts: NoticeTemplateFacts,
        revision: int,
        reason: str = "",
        language: NoticeLanguage = ENGLISH,
    ) -> NoticeTemplate:
        """Have messages say this from the next one on; ``revision`` is the one that was looked at, 0 for the usual one.

        Raises:
            ConflictError: Somebody else has changed it meanwhile.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            own = {template.id: template for template in await work.notice_templates.all()}
            found = usual(channel, language)
            before = own.get(found.id)
            if (before or found).revision != revision:
                raise ConflictError("Somebody has changed this template meanwhile. Look at it again.")
            template = found.model_copy(update={**facts.model_dump(), "revision": revision + 1})
            await work.notice_templates.put(template)
            await audit(
                work, actor, self._clock.now(), "notices.template_changed", subject="notice_template",
                subject_id=found.id, name=found.id, before=before, after=template, reason=reason,
            )  # fmt: skip
            await work.commit()
        return template

    async def reset(
        self, actor: Actor, channel: ChannelKind, reason: str = "", language: NoticeLanguage = ENGLISH
    ) -> NoticeTemplate:
        """Have messages say the usual again.

        Raises:
            ConflictError: They do.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            own = {template.id: template for template in await work.notice_templates.all()}
            found = usual(channel, language)
            if found.id not in own:
                raise ConflictError("This channel says the usual already.")
            await work.notice_templates.remove(found.id)
            await audit(
                work, actor, self._clock.now(), "notices.template_reset", subject="notice_template",
                subject_id=found.id, name=found.id, before=own[found.id], reason=reason,
            )  # fmt: skip
            await work.commit()
        return found


def languages_of(channel: ChannelKind) -> tuple[NoticeLanguage, ...]:
    """Return the languages in which a channel speaks: a program reads one."""
    return (ENGLISH,) if channel in TO_PROGRAMS else tuple(NoticeLanguage)


def _require(actor: Actor) -> None:
    actor.require(Permission.SETTINGS_WRITE)
    if actor.scope.sites is not None:
        raise NotFoundError("There are no templates of messages in your sites.")


def _example(channel: ChannelKind, now: Micros) -> Telling:
    alarm = Alarm(
        id="example", rule_id="example", site_id="example", asset_id="example", signal_id=1,
        name="Bearing temperature high", priority=2, state=AlarmState.UNACKNOWLEDGED, limit=85.5, raised_at=now,
        value=86.1, cause="Lack of grease, or a worn bearing", consequence="The pump stops within the hour",
        action="Listen to the bearing.\nGrease it, or change over to the spare pump.",
    )  # fmt: skip
    notice = Notice(
        id="example", site_id="example", alarm_id="example", route_id="example", user_id="example", channel=channel,
        moment=Moment.ESCALATED, priority=2, raised_at=now, due_at=now,
    )  # fmt: skip
    place = Place(machine="P-101A", machine_name="Cooling water pump", area="Utilities", site="Northfield Graz")
    return Telling(notice, alarm, place, link="https://plant.example/notice/…")
