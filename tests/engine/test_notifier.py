"""The notifier on either database: nothing is lost, a repeat is marked, a flood is one message."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pdm_app.channels.email import EmailChannel
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmState, JournalKind
from pdm_app.domain.errors import FencedError
from pdm_app.domain.notice_channels import MailServer
from pdm_app.domain.notices import ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.domain.outbox import KEPT_DAYS, MessageState, NoticeState
from pdm_app.domain.ports import Fence
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, settle, until
from tests.counterparts.mail_server import TAKE_AND_HANG_UP, mail_server
from tests.counterparts.templates import begin_migrated
from tests.engine.notice_plant import Plant, Script, step
from tests.storage import data
from tests.storage.data import MINE, S, put_plant

EMAIL, SMS = ChannelKind.EMAIL, ChannelKind.SMS
GREYLISTED = DeliveryError("Come back later.", reply="451 later")
UNKNOWN = DeliveryError("It hung up.", is_unknown=True)
REFUSED = DeliveryError("No such person.", reply="550 no", is_final=True)


@pytest.fixture
async def plant(database_url: str) -> AsyncIterator[Plant]:
    database = Database(database_url)
    await begin_migrated(database)
    work, clock = SqlUnitOfWork(database), HandClock(data.NOON)
    await put_plant(work, MINE, 1)
    fence = await SqlLease(database, clock).acquire("test", 1e6)
    assert fence is not None
    yield Plant(work, clock, fence)
    await database.close()


async def test_an_alarm_reaches_the_person_named_with_what_to_do(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    await plant.raised(cause="Worn bearing", action="Check oil.", simulated=True)
    await plant.notifier.step()
    [mail] = plant.taken
    assert mail.to == "olga@plant.example"
    assert mail.subject == "SIMULATED · P2 Bearing hot · P-101A · 86.1 (limit 85.5)"
    assert "Cause: Worn bearing\nWhat to do: Check oil." in mail.body
    [message] = await plant.messages()
    assert (message.state, message.attempts, message.reply) == (MessageState.SENT, 1, "250 1")
    await plant.later(3600)
    assert len(plant.taken) == 1


async def test_only_alarms_that_a_route_asks_for_are_told_and_only_when_they_are_announced(plant: Plant) -> None:
    await plant.route(priorities=(1,))
    await plant.route(id="other", asset_ids=("another",))
    await plant.route(id="off", enabled=False)
    await plant.contact()
    await plant.raised(1)
    await plant.raised(2, priority=1, state=AlarmState.SHELVED)
    await plant.notifier.step()
    assert plant.taken == []
    await plant.raised(3, priority=1)
    await plant.notifier.step()
    assert [mail.priority for mail in plant.taken] == [1]


async def test_who_is_named_twice_is_told_once(plant: Plant) -> None:
    await plant.route()
    await plant.route(id="again")
    await plant.contact()
    await plant.raised()
    await plant.notifier.step()
    await plant.later(120)
    assert len(plant.taken) == 1


async def test_a_flood_leaves_as_two_messages_and_a_critical_alarm_does_not_wait(plant: Plant) -> None:
    await plant.route(priorities=(1, 2))
    await plant.contact()
    await plant.raised(1)
    await plant.notifier.step()
    for number in range(2, 32):
        await plant.raised(number)
        await plant.later(1)
    assert len(plant.taken) == 1
    await plant.raised(40, priority=1)
    await plant.later(1)
    assert [mail.priority for mail in plant.taken] == [2, 1]
    for _ in range(61):
        await plant.later(1)
    assert len(plant.taken) == 3
    assert plant.taken[-1].subject.startswith("30 alarms, most urgent: P2 Bearing hot")
    assert "and 10 more" in plant.taken[-1].body


async def test_the_next_is_told_unless_somebody_acknowledges(plant: Plant) -> None:
    await plant.route(step(), step(600, ("max",)))
    await plant.contact()
    await plant.contact("max")
    await plant.raised(1)
    await plant.raised(2)
    await plant.notifier.step()
    await plant.journal(JournalKind.ACKNOWLEDGED, 1)
    await plant.later(599)
    assert [mail.to for mail in plant.taken] == ["olga@plant.example"]
    await plant.later(2)
    assert [mail.to for mail in plant.taken] == ["olga@plant.example", "max@plant.example"]
    assert "NOT ACKNOWLEDGED" in plant.taken[-1].subject
    async with plant.work(EVERY_SITE) as work:
        told = await work.outbox.of_alarm("alarm-graz-1")
    assert [(notice.state, notice.reason) for notice in told if notice.user_id == "max"] == [
        (NoticeState.VOID, "acknowledged")
    ]


async def test_who_was_told_is_told_that_it_is_over_where_the_route_says_so(plant: Plant) -> None:
    await plant.route(tells_return=True)
    await plant.contact()
    await plant.raised()
    await plant.notifier.step()
    await plant.clock.advance(120)
    await plant.journal(JournalKind.RETURNED)
    await plant.notifier.step()
    assert "normal again" in plant.taken[-1].subject


async def test_quiet_hours_hold_back_what_can_wait(plant: Plant) -> None:
    await plant.route(priorities=(1, 2))
    await plant.contact(quiet_from="12:00", quiet_to="13:30", zone="UTC")
    await plant.raised(1)
    await plant.raised(2)
    await plant.notifier.step()
    assert plant.taken == []
    await plant.raised(3, priority=1)
    await plant.notifier.step()
    assert len(plant.taken) == 1
    await plant.later(90 * 60)
    assert len(plant.taken) == 2
    assert plant.taken[-1].subject.startswith("2 alarms")


async def test_what_is_put_off_comes_back_with_growing_waits_and_what_is_refused_is_kept_as_such(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    assert isinstance(plant.script, Script)
    plant.script.fails.extend([GREYLISTED, GREYLISTED])
    await plant.raised()
    for seconds in (0, 9, 1, 29, 1):
        await plant.later(seconds)
    [message] = await plant.messages()
    assert (message.state, message.attempts, message.is_repeat) == (MessageState.SENT, 3, False)
    async with plant.work(EVERY_SITE) as work:
        log = await work.outbox.attempts(message.id)
    assert [(line.is_sent, line.reply) for line in log] == [(False, "451 later"), (False, "451 later"), (True, "250 1")]
    plant.script.fails.append(REFUSED)
    await plant.raised(2)
    await plant.later(60)
    assert (await plant.messages())[-1].state is MessageState.DEAD
    async with plant.work(EVERY_SITE) as work:
        figures = await work.outbox.figures()
    assert (figures.sent, figures.dead, figures.waiting, figures.events) == (1, 1, 0, 0)


async def test_after_a_day_without_a_mail_server_everything_arrives(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    assert isinstance(plant.script, Script)
    script, plant.script = plant.script, None
    for number in range(3):
        await plant.raised(number)
        await plant.later(8 * 3600)
    assert {message.state for message in await plant.messages()} == {MessageState.READY}
    assert "not set up" in plant.notifier.status.failing[EMAIL]
    plant.script = script
    for _ in range(4):
        await plant.later(900)
    assert {message.state for message in await plant.messages()} == {MessageState.SENT}
    assert len(script.taken) == 3
    assert not plant.notifier.status.failing


async def test_somebody_without_an_address_is_on_record(plant: Plant) -> None:
    await plant.route(step(users=("olga", "nobody"), channels=(EMAIL, SMS)))
    await plant.contact(phone="")
    await plant.raised()
    await plant.notifier.step()
    assert len(plant.taken) == 1
    async with plant.work(EVERY_SITE) as work:
        told = await work.outbox.of_alarm("alarm-graz-1")
    void = {(notice.user_id, notice.channel, notice.reason) for notice in told if notice.state is NoticeState.VOID}
    assert void == {
        ("olga", SMS, "no telephone number is kept"),
        ("nobody", SMS, "no telephone number is kept"),
        ("nobody", EMAIL, "no address is kept"),
    }


class DiesError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("when", ["before it was taken", "after it was taken"])
async def test_a_process_killed_while_it_hands_over_loses_nothing_and_marks_the_repeat(plant: Plant, when: str) -> None:
    await plant.route()
    await plant.contact()
    script = plant.script
    assert isinstance(script, Script)

    taken = script.taken

    class Dies(Script):
        async def send(self, message: OutgoingMessage) -> str:
            if when.startswith("after"):
                taken.append(message)
            raise DiesError

    plant.script = Dies()
    await plant.raised()
    with pytest.raises(DiesError):
        await plant.notifier.step()
    plant.script = script
    plant.notifier = plant.started()
    await plant.notifier.recover()
    await plant.later(1)
    assert [mail.is_repeat for mail in script.taken] == ([False, True] if when.startswith("after") else [True])
    assert len({mail.id for mail in script.taken}) == 1
    [message] = await plant.messages()
    assert (message.state, message.is_repeat) == (MessageState.SENT, True)


async def test_a_reply_that_was_lost_marks_the_repeat(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    async with mail_server() as server:
        server.at_end.append(TAKE_AND_HANG_UP)
        options = MailServer(host="127.0.0.1", port=server.port, security="none", sender="pdm@plant.example")
        plant.script = EmailChannel(options)
        await plant.raised()
        await plant.notifier.step()
        await plant.later(10)
        await plant.script.close()
    assert len(server.mails) == 2
    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert "may repeat" in server.mails[1].get_content()


async def test_events_that_come_twice_are_told_once(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    await plant.raised()
    await plant.notifier.step()
    plant._entries = 0
    plant.clock.at = data.NOON
    await plant.raised()
    await plant.later(3600)
    assert len(plant.taken) == 1


async def test_a_process_that_no_longer_leads_tells_nobody(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    await plant.raised()
    plant._fence = Fence(plant._fence.token - 1)
    with pytest.raises(FencedError):
        await plant.notifier.step()
    assert plant.taken == []


async def test_what_was_done_with_long_ago_is_forgotten_and_what_waits_never_is(plant: Plant) -> None:
    await plant.route(step(channels=(EMAIL, SMS)))
    await plant.contact()
    await plant.raised()
    await plant.notifier.step()
    plant.script = None  # No channel is set up: the next message waits.
    await plant.raised(2)
    await plant.later(120)
    old = await plant.messages()
    waiting = {message.id for message in old if message.state is MessageState.READY}
    assert len(old) > len(waiting) > 0
    await plant.notifier.tidy()
    assert await plant.messages() == old
    plant.clock.at += (KEPT_DAYS + 1) * 86_400 * S
    await plant.notifier.tidy()
    assert {message.id for message in await plant.messages()} == waiting
    async with plant.work(EVERY_SITE) as work:
        left = [
            *await work.outbox.of_alarm(data.alarm(MINE, 1).id),
            *await work.outbox.of_alarm(data.alarm(MINE, 2).id),
        ]
        assert left == []
        for message in old:
            if message.id not in waiting:
                assert await work.outbox.attempts(message.id) == []


async def test_news_wake_it_at_once_also_while_it_looks(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    runs = asyncio.ensure_future(plant.notifier.run())
    try:
        await settle()
        await plant.raised()
        plant.notifier.wake()  # The clock stands still: nothing but this can make it look.
        await until(lambda: len(plant.taken) == 1 or runs.done())
        plant.clock.at += 3600 * S
        await plant.raised(number=2)
        plant.notifier.wake()
        plant.notifier.wake()
        await until(lambda: len(plant.taken) == 2 or runs.done())
        assert not runs.done()
    finally:
        runs.cancel()
        await asyncio.gather(runs, return_exceptions=True)


async def test_trouble_of_the_product_itself_is_told_by_the_route_made_for_that(plant: Plant) -> None:
    await plant.route(site_id=SYSTEM_ID, classes=())
    await plant.contact()
    await plant.raised()
    await plant.raised(number=2, site_id=SYSTEM_ID, asset_id=SYSTEM_ID, name="Disk almost full", rule_id="system.disk")
    await plant.notifier.step()
    [mail] = plant.taken
    assert "Disk almost full" in mail.subject
