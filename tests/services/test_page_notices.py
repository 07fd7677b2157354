"""Messages in the pages: they come at once, a browser's receipt is the proof, and nobody sees those of others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.alarms import JournalKind
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import MessageState
from pdm_app.domain.page_notices import SHOWN, PageNotices
from pdm_app.domain.samples import Micros
from pdm_app.engine.notifier import Notifier
from pdm_app.services.page_notices import PageNoticeService
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.page_bell import PageBell
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.engine.notice_plant import Plant, step
from tests.storage import data
from tests.storage.data import MINE, THEIRS, S, put_plant

PAGE = ChannelKind.PAGE


def actor(name: str = "olga", site: str = MINE) -> Actor:
    scope = Scope(sites=frozenset({f"site-{site}"}))
    return Actor(id=name, name=name, role=Role.OPERATOR, scope=scope, permissions=ROLE_PERMISSIONS[Role.OPERATOR])


class Pages(Plant):
    """A plant whose alarms are told in the pages."""

    def started(self) -> Notifier:
        notifier = super().started()
        self.bell = PageBell()
        notifier._offered_to = self.bell.ring
        self.service = PageNoticeService(self.work, self.clock, self.bell)
        return notifier

    async def told(self, number: int = 1, **more: object) -> None:
        await self.raised(number, **more)
        await self.notifier.step()

    async def now(self, who: str = "olga", site: str = MINE) -> PageNotices:
        return await self.service.now(actor(who, site))


@pytest.fixture
async def pages(database_url: str) -> AsyncIterator[Pages]:
    database = Database(database_url)
    await begin_migrated(database)
    work, clock = SqlUnitOfWork(database), HandClock(data.NOON)
    for name, number in ((MINE, 1), (THEIRS, 2)):
        await put_plant(work, name, number)
    fence = await SqlLease(database, clock).acquire("test", 1e6)
    assert fence is not None
    plant = Pages(work, clock, fence)
    await plant.route(step(channels=(PAGE,)))
    yield plant
    await database.close()


async def test_an_alarm_lies_in_the_pages_of_a_person_who_gave_no_address_until_it_is_shown_and_read(
    pages: Pages,
) -> None:
    await pages.told(cause="Worn bearing", action="Check oil.")
    found = await pages.now()
    [notice] = found.newest
    assert (found.unread, found.sounds_to, notice.is_shown, notice.is_read) == (1, 2, False, False)
    assert notice.subject == "P2 Bearing hot · P-101A · 86.1 (limit 85.5)"
    assert notice.body.split("\n")[-2:] == ["Cause: Worn bearing", "What to do: Check oil."]
    assert notice.alarm_id == data.alarm(MINE, 1).id
    [message] = await pages.messages()
    assert (message.state, message.attempts) == (MessageState.OFFERED, 1)

    pages.clock.at += 7 * S
    assert await pages.service.shown(actor(), [message.id, message.id, "gone"]) == 1
    assert await pages.service.shown(actor(), [message.id]) == 0, "once, whatever other pages say"
    [message] = await pages.messages()
    assert (message.state, message.sent_at, message.reply) == (MessageState.SENT, pages.clock.at, SHOWN)
    async with pages.work(EVERY_SITE) as work:
        log = await work.outbox.attempts(message.id)
    assert sorted((line.at, line.is_sent) for line in log) == [(data.NOON, True), (data.NOON + 7 * S, True)]

    assert (await pages.now()).unread == 1, "shown is not read"
    assert await pages.service.put_away(actor(), notice.id) == 1
    assert await pages.service.put_away(actor(), notice.id) == 0
    found = await pages.now()
    assert (found.unread, found.newest[0].is_read) == (0, True)


async def test_nobody_sees_or_settles_what_is_of_others_or_of_a_site_that_they_may_not_see_any_more(
    pages: Pages,
) -> None:
    await pages.told()
    [notice] = (await pages.now()).newest
    for other in (actor("max"), actor("olga", THEIRS)):
        assert await pages.service.now(other) == PageNotices(unread=0, sounds_to=2, newest=())
        assert await pages.service.page(other, None, 50) == ()
        assert await pages.service.shown(other, [notice.id]) == 0
        assert await pages.service.put_away(other, notice.id) == 0
    [message] = await pages.messages()
    assert (message.state, message.read_at) == (MessageState.OFFERED, None)


async def test_who_has_switched_it_off_is_told_nothing_in_the_pages(pages: Pages) -> None:
    await pages.contact(in_page=False, sounds_to=4)
    await pages.told()
    assert await pages.now() == PageNotices(unread=0, sounds_to=0, newest=())
    assert await pages.messages() == []
    assert pages.notifier.status.untold == (), "which is as they want it"


async def test_a_flood_is_one_message_in_quiet_hours_too(pages: Pages) -> None:
    await pages.contact(quiet_from="00:00", quiet_to="23:59", quiet_exempt=1)
    await pages.told(1)
    for number in range(2, 12):
        await pages.raised(number)
    await pages.notifier.step()
    assert len(await pages.messages()) == 1
    await pages.later(5)
    assert [message.alarms for message in await pages.messages()] == [1, 10]


async def test_open_pages_hear_of_it_at_once_and_of_what_another_page_has_read(pages: Pages) -> None:
    pictures = pages.service.watch(actor())
    elsewhere = pages.service.watch(actor("max"))
    assert (await anext(pictures)).unread == (await anext(elsewhere)).unread == 0
    coming, not_coming = asyncio.ensure_future(anext(pictures)), asyncio.ensure_future(anext(elsewhere))
    await pages.told()
    async with asyncio.timeout(30):
        found = await coming
        assert found.unread == 1
        await pages.service.put_away(actor(), found.newest[0].id)
        assert (await anext(pictures)).unread == 0
    assert not not_coming.done()
    not_coming.cancel()
    await asyncio.wait([not_coming])
    await pictures.aclose()
    await elsewhere.aclose()
    assert not pages.bell._listening


async def test_what_was_on_its_way_when_the_process_died_is_offered_by_the_next_one(pages: Pages) -> None:
    await pages.told()
    [message] = await pages.messages()
    async with pages.work(EVERY_SITE) as work:
        await work.outbox.put_message(message.model_copy(update={"state": MessageState.SENDING}))
        await work.commit()
    assert (await pages.now()).unread == 0
    pages.notifier = pages.started()
    await pages.notifier.recover()
    await pages.notifier.step()
    assert (await pages.now()).unread == 1


async def test_what_nobody_came_for_is_forgotten_with_the_log_and_does_not_count_as_late(pages: Pages) -> None:
    await pages.told()
    await pages.journal(JournalKind.ACKNOWLEDGED)
    async with pages.work(EVERY_SITE) as work:
        assert (await work.outbox.figures()).waiting == 0
        assert await work.outbox.forget(Micros(data.NOON + 1), 9) == 2  # The message and its notice.
        await work.commit()
    assert await pages.messages() == []
