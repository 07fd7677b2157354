"""What a message says: a template per channel, filled in for each alarm that it tells of.

A template is plain text with names in braces out of `PLACEHOLDERS`; nothing else in it is looked at, so that a template
can neither run code nor reach what it was not given. What stands between two ``·`` is left out where every name in it
has nothing to say, and so is a line: "Cause: {cause}" is there only where a cause is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from pdm_app.domain.alarms import Alarm
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.notice_languages import HEADLINE, LANGUAGES, NoticeLanguageWords
from pdm_app.domain.notices import BODY_MAX, SUBJECT_MAX, ChannelKind, NoticeLanguage
from pdm_app.domain.outbox import Message, Moment, Notice
from pdm_app.domain.record import Facts, Record, Revision
from pdm_app.domain.samples import Micros
from pdm_app.domain.wall_clock import on_wall

ALARMS_PER_MESSAGE = 20  # Beyond, a message says how many more there are.
NAMES_MAX = 60  # In one template.
SEPARATOR = " · "
TemplateId = Annotated[str, Field(min_length=1, max_length=24)]
ENGLISH = LANGUAGES[NoticeLanguage.ENGLISH]

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "alarm": "name of the alarm",
        "priority": "1 to 4",
        "urgency": "critical, high, medium or low",
        "machine": "code of the machine",
        "machine_name": "its name",
        "area": "where it stands",
        "site": "name of the site",
        "value": "what raised the alarm",
        "limit": "what it crossed",
        "reading": "both, as in 86.1 (limit 85.5)",
        "time": "when it was raised, at the site, or where its reader is",
        "told": "NOT ACKNOWLEDGED for who is next, normal again when it has returned",
        "cause": "probable cause",
        "consequence": "what follows if nobody acts",
        "action": "what to do",
        "link": "leads to the alarm, after signing in",
        "simulated": "SIMULATED, for machines of the demo",
    }
)


def _understood(words: str) -> str:
    """Return a template whose every name is known.

    Raises:
        ValueError: Says which name is not, or which brace is alone.
    """
    try:
        parts = list(Formatter().parse(words))
    except ValueError:
        raise ValueError("has a brace without its other half; write {{ or }} for a brace itself") from None
    names = [name for _, name, _, _ in parts if name is not None]
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion or name not in PLACEHOLDERS:
            given = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise ValueError(f"has {{{given[:60]}}}, which is no name; there are {', '.join(PLACEHOLDERS)}")
    if len(names) > NAMES_MAX:
        raise ValueError(f"has {len(names)} names in braces, more than {NAMES_MAX}")
    return words


class NoticeTemplateFacts(Facts):
    """What a channel says of an alarm."""

    subject: Annotated[str, Field(min_length=1, max_length=SUBJECT_MAX), AfterValidator(_understood)] = HEADLINE
    body: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_understood)] = (
        f"{HEADLINE}\n{ENGLISH.body}"
    )


class NoticeTemplate(NoticeTemplateFacts):
    """The template of one channel in one language; there is one of them by its id."""

    id: TemplateId
    channel: ChannelKind
    language: NoticeLanguage = NoticeLanguage.ENGLISH
    revision: Revision = 0


class TemplateView(Record):
    """A template, and whether somebody has written it."""

    template: NoticeTemplate
    is_own: bool


class Preview(Record):
    """What a message would say."""

    subject: str
    body: str


def template_id(channel: ChannelKind, language: NoticeLanguage) -> str:
    return f"{channel}.{language}"


def usual(channel: ChannelKind, language: NoticeLanguage = NoticeLanguage.ENGLISH) -> NoticeTemplate:
    """Return the template of a channel in a language for which nobody has written one."""
    spoken = LANGUAGES[language]
    bodies = {ChannelKind.SMS: HEADLINE, ChannelKind.PAGE: spoken.page}
    return NoticeTemplate(
        id=template_id(channel, language), channel=channel, language=language, subject=HEADLINE,
        body=bodies.get(channel, f"{HEADLINE}\n{spoken.body}"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alarm stands, in words."""

    machine: str = ""
    machine_name: str = ""
    area: str = ""
    site: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to be said: a notice, its alarm if that is still kept, where it stands, and the link to it.

    Times are those of ``zone``, and of the alarm's site where that is None.
    """

    notice: Notice
    alarm: Alarm | None
    place: Place
    link: str = ""
    zone: ZoneInfo | None = None


def filled(words: str, given: Mapping[str, str]) -> str:
    """Fill a template, and leave out what has nothing to say."""
    lines = (_line(line, given) for line in words.split("\n"))
    return "\n".join(line for line in lines if line is not None)


def _line(line: str, given: Mapping[str, str]) -> str | None:
    parts = [_part(part, given) for part in line.split(SEPARATOR)]
    said = [part for part in parts if part is not None]
    return SEPARATOR.join(said) if said else None


def _part(part: str, given: Mapping[str, str]) -> str | None:
    found, values = "", []
    for literal, name, _, _ in Formatter().parse(part):
        found += literal
        if name is not None:
            values.append(given.get(name, ""))
            found += values[-1]
    return None if values and not any(values) else found


def words_of(telling: Telling, spoken: NoticeLanguageWords = ENGLISH) -> dict[str, str]:
    """Return what each name of `PLACEHOLDERS` stands for."""
    notice, alarm, place = telling.notice, telling.alarm, telling.place
    told = {Moment.ESCALATED: spoken.escalated, Moment.RETURNED: spoken.returned}
    always = {
        "priority": str(notice.priority), "urgency": dict(enumerate(spoken.urgencies, 1)).get(notice.priority, ""),
        "time": spoken.moment(on_wall(notice.raised_at, telling.zone or place.zone or ZoneInfo("UTC"))),
        "machine": place.machine, "machine_name": place.machine_name, "area": place.area, "site": place.site,
        "told": told.get(notice.moment, ""), "link": telling.link,
    }  # fmt: skip
    if alarm is None:
        return always | {"alarm": spoken.gone}
    value = "" if alarm.value is None else spoken.number(alarm.value)
    limit = "" if alarm.limit is None else spoken.number(alarm.limit)
    return always | {
        "alarm": alarm.name, "value": value, "limit": limit, "cause": alarm.cause, "consequence": alarm.consequence,
        "reading": " ".join(part for part in (value, spoken.limit.format(limit=limit) if limit else "") if part),
        "action": alarm.action, "simulated": spoken.simulated if alarm.simulated else "",
    }  # fmt: skip


def composed(
    tellings: Sequence[Telling], template: NoticeTemplateFacts, to: str, at: Micros,
    language: NoticeLanguage = NoticeLanguage.ENGLISH,
) -> Message:  # fmt: skip
    """Make one message of what is due for one person over one channel.

    Args:
        tellings: At least one, all of one person and channel.
        template: Of the channel.
        to: Where it goes.
        at: Now.
        language: In which its reader wants what no template says.
    """
    spoken = LANGUAGES[language]
    ordered = sorted(tellings, key=lambda each: (each.notice.priority, -each.notice.raised_at, each.notice.id))
    first = ordered[0].notice
    many = len({each.notice.alarm_id for each in ordered})
    said = [filled(template.body, words_of(each, spoken)) for each in ordered[:ALARMS_PER_MESSAGE]]
    if len(ordered) > ALARMS_PER_MESSAGE:
        said.append(spoken.more.format(count=len(ordered) - ALARMS_PER_MESSAGE))
    headline = " ".join(filled(template.subject, words_of(ordered[0], spoken)).split())
    subject = headline if many == 1 else spoken.many.format(count=many, headline=headline)
    between = "\n" if all("\n" not in each for each in said) else "\n\n"
    return Message(
        id=new_id(at), site_id=first.site_id, user_id=first.user_id, channel=first.channel, address=to,
        subject=subject[:SUBJECT_MAX], body=between.join(said)[:BODY_MAX], priority=first.priority, alarms=many,
        created_at=at, tried_since=at, next_at=at, alarm_id=first.alarm_id,
    )  # fmt: skip


class NoticeTemplates(Protocol):
    """Where the templates are kept that somebody has written; they belong to no site."""

    async def all(self) -> Sequence[NoticeTemplate]: ...
    async def put(self, template: NoticeTemplate) -> None: ...
    async def remove(self, template_id: str) -> bool: ...
