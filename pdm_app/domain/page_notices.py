"""Messages as a person's pages show them: the bell with its count, the list behind it, and what pops up."""

from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.outbox import Attempt, Message, MessageState, sent
from pdm_app.domain.record import Id, Record
from pdm_app.domain.samples import Micros

SHOWN = "Shown by a browser of the person."


class PageNotice(Record):
    """One message in somebody's pages."""

    id: Id
    at: int
    priority: int
    subject: str
    body: str
    alarm_id: Id | None
    alarms: int
    is_shown: bool
    is_read: bool


class PageNotices(Record):
    """What a person's pages show of their messages: how many are not read, the newest, and which of them sound.

    Attributes:
        unread: Also of those that are older than the newest.
        sounds_to: Least priority at which the pages sound; 0 where none does.
        newest: Newest first.
    """

    unread: int
    sounds_to: int
    newest: tuple[PageNotice, ...]


def in_page(message: Message) -> PageNotice:
    """Return a message as the pages show it."""
    return PageNotice(
        id=message.id, at=message.created_at, priority=message.priority, subject=message.subject, body=message.body,
        alarm_id=message.alarm_id, alarms=message.alarms, is_shown=message.state is MessageState.SENT,
        is_read=message.read_at is not None,
    )  # fmt: skip


def shown(message: Message, at: Micros) -> tuple[Message, Attempt]:
    """Return what becomes of a message that a browser has shown, and the line of the log that proves it."""
    told = sent(message, at, SHOWN)
    receipt = Attempt(
        id=derived_id(Micros(message.created_at), message.id, "shown"), site_id=message.site_id, message_id=message.id,
        at=at, number=message.attempts, is_sent=True, reply=SHOWN,
    )  # fmt: skip
    return told, receipt
