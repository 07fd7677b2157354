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
from pdm_app.domain.notices import BODY_MAX, SUBJECT_MAX, ChannelKind
from pdm_app.domain.outbox import Message, Moment, Notice
from pdm_app.domain.record import Facts, Record, Revision
from pdm_app.domain.samples import Micros
from pdm_app.domain.wall_clock import on_wall

ALARMS_PER_MESSAGE = 20  # Beyond, a message says how many more there are.
NAMES_MAX = 60  # In one template.
SEPARATOR = " · "
URGENCIES = {1: "critical", 2: "high", 3: "medium", 4: "low"}
TOLD = {Moment.RAISED: "", Moment.ESCALATED: "NOT ACKNOWLEDGED", Moment.RETURNED: "normal again"}

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
        "time": "when it was raised, at the site",
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

    subject: Annotated[str, Field(min_length=1, max_length=SUBJECT_MAX), AfterValidator(_understood)] = (
        "{simulated} · P{priority} {alarm} · {machine} · {reading} · {told}"
    )
    body: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_understood)] = (
        "{simulated} · P{priority} {alarm} · {machine} · {reading} · {told}\n"
        "Raised: {time}\nPriority: {urgency}\nCause: {cause}\nConsequence: {consequence}\nWhat to do: {action}\n"
        "Open and acknowledge: {link}"
    )


class NoticeTemplate(NoticeTemplateFacts):
    """The template of one channel, whose kind is its id."""

    id: ChannelKind
    revision: Revision = 0


class TemplateView(Record):
    """A template, and whether somebody has written it."""

    template: NoticeTemplate
    is_own: bool


class Preview(Record):
    """What a message would say."""

    subject: str
    body: str


def usual(channel: ChannelKind) -> NoticeTemplate:
    """Return the template of a channel for which nobody has written one."""
    if channel is ChannelKind.SMS:
        return NoticeTemplate(id=channel, body=NoticeTemplateFacts().subject)
    return NoticeTemplate(id=channel)


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
    """One thing to be said: a notice, its alarm if that is still kept, where it stands, and the link to it."""

    notice: Notice
    alarm: Alarm | None
    place: Place
    link: str = ""


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


def words_of(telling: Telling) -> dict[str, str]:
    """Return what each name of `PLACEHOLDERS` stands for."""
    notice, alarm, place = telling.notice, telling.alarm, telling.place
    at = on_wall(notice.raised_at, place.zone or ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S %Z")
    always = {
        "priority": str(notice.priority), "urgency": URGENCIES.get(notice.priority, ""), "time": at,
        "machine": place.machine, "machine_name": place.machine_name, "area": place.area, "site": place.site,
        "told": TOLD[notice.moment], "link": telling.link,
    }  # fmt: skip
    if alarm is None:
        return always | {"alarm": "alarm, which is no longer kept"}
    value = "" if alarm.value is None else f"{alarm.value:.6g}"
    limit = "" if alarm.limit is None else f"{alarm.limit:.6g}"
    return always | {
        "alarm": alarm.name, "value": value, "limit": limit, "cause": alarm.cause, "consequence": alarm.consequence,
        "reading": " ".join(part for part in (value, f"(limit {limit})" if limit else "") if part),
        "action": alarm.action, "simulated": "SIMULATED" if alarm.simulated else "",
    }  # fmt: skip


def composed(tellings: Sequence[Telling], template: NoticeTemplateFacts, to: str, at: Micros) -> Message:
    """Make one message of what is due for one person over one channel.

    Args:
        tellings: At least one, all of one person and channel.
        template: Of the channel.
        to: Where it goes.
        at: Now.
    """
    ordered = sorted(tellings, key=lambda each: (each.notice.priority, -each.notice.raised_at, each.notice.id))
    first = ordered[0].notice
    many = len({each.notice.alarm_id for each in ordered})
    said = [filled(template.body, words_of(each)) for each in ordered[:ALARMS_PER_MESSAGE]]
    if len(ordered) > ALARMS_PER_MESSAGE:
        said.append(f"… and {len(ordered) - ALARMS_PER_MESSAGE} more in the list of alarms.")
    headline = " ".join(filled(template.subject, words_of(ordered[0])).split())
    subject = headline if many == 1 else f"{many} alarms, most urgent: {headline}"
    between = "\n" if all("\n" not in each for each in said) else "\n\n"
    return Message(
        id=new_id(at), site_id=first.site_id, user_id=first.user_id, channel=first.channel, address=to,
        subject=subject[:SUBJECT_MAX], body=between.join(said)[:BODY_MAX], priority=first.priority, alarms=many,
        created_at=at, tried_since=at, next_at=at,
    )  # fmt: skip


class NoticeTemplates(Protocol):
    """Where the templates are kept that somebody has written; they belong to no site."""

    async def all(self) -> Sequence[NoticeTemplate]: ...
    async def put(self, template: NoticeTemplate) -> None: ...
    async def remove(self, channel: ChannelKind) -> bool: ...
