"""What is told in one site is nobody's business in another, and contacts are read by those alone who see all sites."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.alarms import AlarmState, JournalKind
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.notice_routes import Contact, NoticeRoute, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import (
    Attempt,
    Message,
    MessageQuery,
    MessageState,
    Moment,
    Notice,
    NoticeEvent,
    Outbox,
    OutboxFigures,
)
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from tests.storage.data import MINE, NOON, THEIRS

ONLY_MINE = Scope(sites=frozenset({f"site-{MINE}"}))
EMAIL = ChannelKind.EMAIL
LATER = Micros(NOON + 1)
NOTHING = OutboxFigures(events=0, waiting=0, waiting_since=None, dead=0, sent=0)


def route(name: str) -> NoticeRoute:
    step = RouteStep(user_ids=(f"user-{name}",), channels=(EMAIL,))
    return NoticeRoute(id=f"route-{name}", site_id=f"site-{name}", name=f"Night {name}", steps=(step,))


def event(name: str) -> NoticeEvent:
    return NoticeEvent(
        id=f"event-{name}", site_id=f"site-{name}", alarm_id=f"alarm-{name}", at=NOON, recorded_at=NOON,
        kind=JournalKind.RAISED, state=AlarmState.UNACKNOWLEDGED,
    )  # fmt: skip


def notice(name: str) -> Notice:
    return Notice(
        id=f"notice-{name}", site_id=f"site-{name}", alarm_id=f"alarm-{name}", route_id=f"route-{name}",
        user_id=f"user-{name}", channel=EMAIL, moment=Moment.RAISED, priority=2, raised_at=NOON, due_at=NOON,
    )  # fmt: skip


def message(name: str, state: MessageState = MessageState.SENDING) -> Message:
    return Message(
        id=f"message-{name}-{state}", site_id=f"site-{name}", user_id=f"user-{name}", channel=EMAIL,
        address=f"{name}@plant.example", subject=name, body=name, priority=2, alarms=1, created_at=NOON,
        tried_since=NOON, next_at=NOON, state=state,
    )  # fmt: skip


def attempt(name: str) -> Attempt:
    return Attempt(
        id=f"attempt-{name}",
        site_id=f"site-{name}",
        message_id=f"message-{name}-sending",
        at=NOON,
        number=1,
        is_sent=True,
    )


READS: dict[str, Callable[[Work], Awaitable[object]]] = {
    "routes": lambda w: w.outbox.routes(),
    "route": lambda w: w.outbox.route("route-linz"),
    "remove_route": lambda w: w.outbox.remove_route("route-linz"),
    "contacts": lambda w: w.outbox.contacts(),
    "contact": lambda w: w.outbox.contact("user-linz"),
    "events": lambda w: w.outbox.events(9),
    "drop_events": lambda w: w.outbox.drop_events(["event-linz"]),
    "of_alarm": lambda w: w.outbox.of_alarm("alarm-linz"),
    "due": lambda w: w.outbox.due(LATER, 9),
    "message": lambda w: w.outbox.message("message-linz-sending"),
    "messages": lambda w: w.outbox.messages(MessageQuery(site_id="site-linz")),
    "to_send": lambda w: w.outbox.to_send(LATER, 9),
    "interrupted": lambda w: w.outbox.interrupted(),
    "last_made": lambda w: w.outbox.last_made("user-linz", EMAIL),
    "attempts": lambda w: w.outbox.attempts("message-linz-sending"),
    "figures": lambda w: w.outbox.figures(),
    "unread": lambda w: w.outbox.unread("user-linz"),
    "put_away": lambda w: w.outbox.put_away("user-linz", "message-linz-zz", LATER),
    "forget": lambda w: w.outbox.forget(LATER, 9),
}
WRITES: dict[str, Callable[[Work], Awaitable[object]]] = {
    "put_route": lambda w: w.outbox.put_route(route(THEIRS)),
    "put_contact": lambda w: w.outbox.put_contact(Contact(id="user-linz")),
    "add_events": lambda w: w.outbox.add_events([event(THEIRS).model_copy(update={"id": "new"})]),
    "add": lambda w: w.outbox.add([notice(THEIRS).model_copy(update={"id": "new"})]),
    "put": lambda w: w.outbox.put([notice(THEIRS)]),
    "put_message": lambda w: w.outbox.put_message(message(THEIRS)),
    "add_attempt": lambda w: w.outbox.add_attempt(attempt(THEIRS).model_copy(update={"id": "new"})),
}


@pytest.fixture
async def told(plants: UnitOfWork) -> UnitOfWork:
    """In Linz there is one of everything; in Graz there is nothing."""
    async with plants(EVERY_SITE) as work:
        await work.outbox.put_route(route(THEIRS))
        await work.outbox.put_contact(Contact(id="user-linz", email="linz@plant.example"))
        await work.outbox.add_events([event(THEIRS)])
        await work.outbox.add([notice(THEIRS)])
        for state in MessageState:
            await work.outbox.put_message(message(THEIRS, state))
        in_page = {"id": "message-linz-page", "channel": ChannelKind.PAGE}
        await work.outbox.put_message(message(THEIRS, MessageState.OFFERED).model_copy(update=in_page))
        await work.outbox.add_attempt(attempt(THEIRS))
        await work.commit()
    return plants


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Outbox, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_all_is_there_for_who_sees_every_site(told: UnitOfWork) -> None:
    for name, read in READS.items():
        async with told(EVERY_SITE) as work:
            assert await read(work) not in (None, [], 0, False, NOTHING), name


async def test_nothing_of_another_site_is_found_or_changed(told: UnitOfWork) -> None:
    for name, read in READS.items():
        async with told(ONLY_MINE) as work:
            assert await read(work) in (None, [], 0, False, NOTHING), name
            await work.commit()
    for write in WRITES.values():
        async with told(ONLY_MINE) as work:
            with pytest.raises(NotFoundError):
                await write(work)
    await test_all_is_there_for_who_sees_every_site(told)
