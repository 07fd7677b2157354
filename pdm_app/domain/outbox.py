"""The way of a notice: due, part of a message, handed over, or given up; each step is stored before the next is taken.

Ids of notices are derived from what asks for them, so that what is asked for twice is there once. A message that was
being handed over when the process died is handed over again and says that it may be a repeat: a loss is the worse evil.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from pdm_app.domain.alarms import Alarm, AlarmState, JournalEntry, JournalKind
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.notice_routes import Circumstances, Contact, NoticeRoute, RouteStep
from pdm_app.domain.notices import BODY_MAX, REPLY_MAX, SUBJECT_MAX, ChannelKind, DeliveryError
from pdm_app.domain.record import Id, Record
from pdm_app.domain.rotas import OnCall
from pdm_app.domain.samples import MICROS_PER_S, Micros

WAITS_S = (10, 30, 60, 120, 300, 600, 900)  # Between attempts; the last one again and again.
KEPT_DAYS = 400  # So long the log proves what became of a message: a year, and time to look back at it.
GIVEN_UP_AFTER_S = 3 * 86_400  # A server that is away over a long weekend costs nothing.
RECEIVER = "-"
"""Stands for a person where a program is told: there is one receiver of webhooks, and one broker."""
TO_PROGRAMS = frozenset({ChannelKind.WEBHOOK, ChannelKind.MQTT})
CONCERNING = frozenset(
    {
        JournalKind.RAISED, JournalKind.ACKNOWLEDGED, JournalKind.RETURNED, JournalKind.CLEARED, JournalKind.RESET,
        JournalKind.SHELVED, JournalKind.SUPPRESSED, JournalKind.OUT_OF_SERVICE,
    }
)  # fmt: skip


class Moment(StrEnum):
    """What a notice tells of."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RETURNED = "returned"


class NoticeEvent(Record):
    """A journal entry that routes have not been asked about yet; stored with the entry itself."""

    id: Id = Field(description="Of the journal entry.")
    site_id: Id
    alarm_id: Id
    at: int
    recorded_at: int
    kind: JournalKind
    state: AlarmState


class NoticeState(StrEnum):
    WAITING = "waiting"
    IN_MESSAGE = "in_message"
    VOID = "void"


class Notice(Record):
    """Something to be told to somebody over one channel."""

    id: Id
    site_id: Id
    alarm_id: Id
    route_id: Id
    user_id: Id
    channel: ChannelKind
    moment: Moment
    priority: int
    raised_at: int
    due_at: int
    state: NoticeState = NoticeState.WAITING
    message_id: Id | None = None
    reason: str = Field(default="", max_length=200, description="Why it is void.")
    rota_id: Id | None = Field(default=None, description="Whoever is on call by this rota when it is due is told.")

    @property
    def is_for_rota(self) -> bool:
        """Whether nobody knows yet who is told."""
        return self.rota_id is not None and self.user_id == RECEIVER


class MessageState(StrEnum):
    """How far a message is; *offered* lies ready for the pages of a person until a browser has shown it."""

    READY = "ready"
    SENDING = "sending"
    OFFERED = "offered"
    SENT = "sent"
    DEAD = "dead"


class Message(Record):
    """What leaves for one person over one channel, and how far it is."""

    id: Id
    site_id: Id
    user_id: str = Field(max_length=36, description="Empty for a test to an address.")
    channel: ChannelKind
    address: str = Field(max_length=300)
    subject: str = Field(max_length=SUBJECT_MAX)
    body: str = Field(max_length=BODY_MAX)
    priority: int
    alarms: int = Field(ge=0, description="How many it tells of.")
    created_at: int
    tried_since: int = Field(description="It is given up so and so long after this.")
    state: MessageState = MessageState.READY
    attempts: int = 0
    next_at: int = Field(default=0, description="Not before then.")
    sent_at: int | None = None
    reply: str = Field(default="", max_length=REPLY_MAX, description="Newest answer of the other side.")
    problem: str = Field(default="", max_length=1000)
    is_repeat: bool = Field(default=False, description="It may have arrived before.")
    copy_id: Id | None = Field(default=None, description="The copy of a report that it carries.")
    alarm_id: Id | None = Field(default=None, description="The most urgent alarm that it tells of.")
    read_at: int | None = Field(default=None, description="When its person has put it away, in the pages.")


class Attempt(Record):
    """One line of the log of a message."""

    id: Id
    site_id: Id
    message_id: Id
    at: int
    number: int
    is_sent: bool
    reply: str = Field(default="", max_length=REPLY_MAX)
    problem: str = Field(default="", max_length=1000)


def events_of(entries: Iterable[JournalEntry]) -> list[NoticeEvent]:
    """Return what of the journal concerns notices; stored together with it."""
    return [
        NoticeEvent(
            id=entry.id, site_id=entry.site_id, alarm_id=entry.alarm_id, at=entry.at, recorded_at=entry.recorded_at,
            kind=entry.kind, state=entry.state,
        )
        for entry in entries
        if entry.kind in CONCERNING
    ]  # fmt: skip


def notices_of(
    event: NoticeEvent, alarm: Alarm, routes: Iterable[NoticeRoute], circumstances: Circumstances
) -> list[Notice]:
    """Return what a raised alarm asks for: one notice per step, channel, and person or rota.

    A person whom several routes or steps name for the same time and channel is told once.
    """
    found: dict[str, Notice] = {}
    if event.kind is not JournalKind.RAISED or event.state is not AlarmState.UNACKNOWLEDGED:
        return []
    for route in routes:
        if not route.asks_for(alarm, circumstances):
            continue
        for number, step in enumerate(route.steps):
            told = Moment.RAISED if number == 0 else Moment.ESCALATED
            due_at = event.recorded_at + round(step.after_s * MICROS_PER_S)
            for channel in step.channels:
                for user_id, rota_id in _asked(step, channel):
                    facts = (event.id, told, user_id, channel, str(due_at), *((rota_id,) if rota_id else ()))
                    notice_id = derived_id(Micros(event.at), *facts)
                    found.setdefault(
                        notice_id,
                        Notice(
                            id=notice_id, site_id=alarm.site_id, alarm_id=alarm.id, route_id=route.id, user_id=user_id,
                            channel=channel, moment=told, priority=alarm.priority, raised_at=event.at, due_at=due_at,
                            rota_id=rota_id,
                        ),
                    )  # fmt: skip
    return list(found.values())


def _asked(step: RouteStep, channel: ChannelKind) -> list[tuple[str, str | None]]:
    """Whom a step names for a channel: people, and rotas whose people are found out when it is due."""
    if channel in TO_PROGRAMS:
        return [(RECEIVER, None)]
    return [*((user_id, None) for user_id in step.user_ids), *((RECEIVER, rota_id) for rota_id in step.rota_ids)]


def notices_on_call(notice: Notice, on_call: OnCall, told: Iterable[Notice]) -> tuple[list[Notice], list[Notice]]:
    """Return what a notice to whoever is on call becomes, and what it makes void.

    Each of them is told once: who was to be told of the same as a person, and has not been, is told as the one on call
    instead, whom no quiet hours protect.

    Args:
        notice: To a rota, due now.
        on_call: Who is on call now.
        told: All notices of its alarm.
    """
    same = {
        each.user_id: each
        for each in told
        if not each.is_for_rota
        and each.state is not NoticeState.VOID
        and (each.channel, each.moment, each.due_at) == (notice.channel, notice.moment, notice.due_at)
    }
    new, void = [], []
    for user_id in on_call.user_ids:
        other = same.get(user_id)
        if other is not None and other.state is NoticeState.IN_MESSAGE:
            continue
        if other is not None:
            void.append(other.model_copy(update={"state": NoticeState.VOID, "reason": "told as the one on call"}))
        own_id = derived_id(Micros(notice.raised_at), notice.id, user_id)
        new.append(notice.model_copy(update={"id": own_id, "user_id": user_id}))
    return new, void


def returns_of(event: NoticeEvent, told: Iterable[Notice], routes: Iterable[NoticeRoute]) -> list[Notice]:
    """Return what those are owed who were told of an alarm whose process is normal again."""
    wanting = {route.id for route in routes if route.tells_return}
    found: dict[str, Notice] = {}
    for notice in told:
        if notice.route_id in wanting and notice.moment is not Moment.RETURNED:
            notice_id = derived_id(Micros(event.at), event.id, Moment.RETURNED, notice.user_id, notice.channel)
            found[notice_id] = notice.model_copy(
                update={
                    "id": notice_id, "moment": Moment.RETURNED, "due_at": event.recorded_at,
                    "state": NoticeState.WAITING, "message_id": None,
                }
            )  # fmt: skip
    return list(found.values())


def voids(event: NoticeEvent, notice: Notice) -> str:
    """Return why an event makes a waiting notice of its alarm pointless; empty where it does not.

    What was to be told at once is told although the process has returned meanwhile: it did happen. A step of
    escalation is for alarms that nobody has seen to.
    """
    if notice.state is not NoticeState.WAITING or notice.moment is Moment.RETURNED:
        return ""
    if event.kind is JournalKind.ACKNOWLEDGED:
        return "acknowledged"
    if event.kind in (JournalKind.SHELVED, JournalKind.SUPPRESSED, JournalKind.OUT_OF_SERVICE):
        return str(event.kind)
    if event.kind in (JournalKind.CLEARED, JournalKind.RESET) and notice.moment is Moment.ESCALATED:
        return str(event.kind)
    return ""


def sending(message: Message) -> Message:
    """What is stored before a message is handed over."""
    return message.model_copy(update={"state": MessageState.SENDING, "attempts": message.attempts + 1})


def sent(message: Message, at: Micros, reply: str) -> Message:
    return message.model_copy(
        update={"state": MessageState.SENT, "sent_at": at, "reply": reply[:REPLY_MAX], "problem": ""}
    )


def offered(message: Message, reply: str) -> Message:
    return message.model_copy(update={"state": MessageState.OFFERED, "reply": reply[:REPLY_MAX], "problem": ""})


def failed(message: Message, at: Micros, error: DeliveryError) -> Message:
    """Say when to try again, or give up: where the other side refuses for good, and after three days."""
    wait_s = error.retry_after_s or WAITS_S[min(message.attempts, len(WAITS_S)) - 1]
    too_old = at + wait_s * MICROS_PER_S > message.tried_since + GIVEN_UP_AFTER_S * MICROS_PER_S
    return message.model_copy(
        update={
            "state": MessageState.DEAD if error.is_final or too_old else MessageState.READY,
            "next_at": round(at + wait_s * MICROS_PER_S),
            "tried_since": min(message.tried_since, at),  # Later where the clock was set back meanwhile.
            "reply": error.reply,
            "problem": error.message[:1000],
            "is_repeat": message.is_repeat or error.is_unknown,
        }
    )


def interrupted(message: Message, at: Micros) -> Message:
    """What becomes of a message that was being handed over when the process died."""
    return message.model_copy(update={"state": MessageState.READY, "next_at": at, "is_repeat": True})


def revived(message: Message, at: Micros) -> Message:
    """Try a message again that was given up."""
    return message.model_copy(
        update={"state": MessageState.READY, "next_at": at, "attempts": 0, "tried_since": at, "problem": ""}
    )


class MessageQuery(Record):
    """Which page of the delivery log is asked for, newest first."""

    states: tuple[MessageState, ...] = Field(default=(), max_length=len(MessageState))
    channel: ChannelKind | None = None
    user_id: Id | None = None
    site_id: Id | None = None
    before: Id | None = Field(default=None, description="Cursor: last id of the page before.")
    limit: int = Field(default=50, ge=1, le=200)


class OutboxFigures(Record):
    """How the outbox is doing."""

    events: int = Field(description="Journal entries not looked at yet.")
    waiting: int = Field(description="Messages not handed over yet.")
    waiting_since: int | None = Field(description="Of the oldest of them.")
    dead: int = Field(description="Messages given up, and not tried again.")
    sent: int


class Outbox(Protocol):
    """Routes, contacts, and everything on its way; contacts are read by those alone who see all sites."""

    async def routes(self) -> Sequence[NoticeRoute]: ...
    async def route(self, route_id: str) -> NoticeRoute | None: ...
    async def put_route(self, route: NoticeRoute) -> None: ...
    async def remove_route(self, route_id: str) -> bool: ...
    async def contacts(self) -> Sequence[Contact]: ...
    async def contact(self, user_id: str) -> Contact | None: ...
    async def put_contact(self, contact: Contact) -> None: ...
    async def add_events(self, events: Sequence[NoticeEvent]) -> None: ...
    async def events(self, limit: int) -> Sequence[NoticeEvent]:
        """Return the oldest that nobody has looked at."""
        ...

    async def drop_events(self, ids: Sequence[str]) -> int: ...
    async def add(self, notices: Sequence[Notice]) -> None:
        """Store what is not there yet."""
        ...

    async def put(self, notices: Sequence[Notice]) -> None: ...
    async def of_alarm(self, alarm_id: str) -> Sequence[Notice]: ...
    async def due(self, at: Micros, limit: int) -> Sequence[Notice]: ...
    async def put_message(self, message: Message) -> None: ...
    async def message(self, message_id: str) -> Message | None: ...
    async def messages(self, query: MessageQuery) -> Sequence[Message]: ...
    async def to_send(self, at: Micros, limit: int) -> Sequence[Message]: ...
    async def interrupted(self) -> Sequence[Message]:
        """Return what was being handed over when nobody was there to note the outcome."""
        ...

    async def last_made(self, user_id: str, channel: ChannelKind) -> int | None:
        """Return when the newest message to a person over a channel was made."""
        ...

    async def forget(self, before: Micros, limit: int) -> int:
        """Remove what was done with before a moment, at most so many messages and so many notices; return how many.

        What waits, and what is being handed over, stays however old it is.
        """
        ...

    async def unread(self, user_id: str) -> int:
        """Return how many messages in the pages a person has not put away."""
        ...

    async def put_away(self, user_id: str, until: str, at: Micros) -> int:
        """Note that a person has read what is in their pages, up to a message; return how many that were."""
        ...

    async def add_attempt(self, attempt: Attempt) -> None: ...
    async def attempts(self, message_id: str) -> Sequence[Attempt]: ...
    async def figures(self) -> OutboxFigures: ...
