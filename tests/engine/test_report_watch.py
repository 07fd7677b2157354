"""Reports at their dates: once each, also after a time when nothing ran, and with the rights their owner has then."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import FencedError
from pdm_app.domain.notices import ChannelKind, OutgoingMessage
from pdm_app.domain.ports import Fence
from pdm_app.domain.reports import CopyQuery, CopyState, ReportCopy
from pdm_app.engine.notifier import Notifier
from pdm_app.engine.report_watch import ReportWatch
from pdm_app.storage.lease import SqlLease
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.counterparts.report_plant import MONDAY, MONDAYS, ReportPlant, facts, wall
from tests.engine.notice_plant import Script


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def plant(sqlite_url: str, clock: HandClock) -> AsyncIterator[ReportPlant]:
    async with stored_plant(sqlite_url) as work:
        plant = ReportPlant(work, clock)
        await plant.fill()
        await plant.reports.add(plant.people["mia"], facts(schedule=MONDAYS, recipient_ids=["mia"]))
        yield plant


@pytest.fixture
async def fence(plant: ReportPlant, clock: HandClock) -> Fence:
    held = await SqlLease(plant.work._database, clock).acquire("test", 1e9)
    assert held is not None
    return held


@pytest.fixture
def watch(plant: ReportPlant, fence: Fence) -> ReportWatch:
    return plant.watch(fence)


async def copies(plant: ReportPlant) -> list[ReportCopy]:
    return list(await plant.reports.copies(plant.people["mia"], CopyQuery(site_id="pune")))


async def test_a_report_is_made_at_its_date_and_once(plant: ReportPlant, watch: ReportWatch, clock: HandClock) -> None:
    await watch.step()
    assert await copies(plant) == []
    clock.at = wall(MONDAY)
    await watch.step()
    await watch.step()
    [copy] = await copies(plant)
    assert (copy.due_at, copy.missed, copy.state, copy.made_by) == (wall(MONDAY), 0, CopyState.DONE, "mia")
    assert [message.copy_id for message in await plant.messages()] == [copy.id]


async def test_what_was_missed_is_made_once_for_the_newest_date(
    plant: ReportPlant, watch: ReportWatch, clock: HandClock
) -> None:
    clock.at = wall("2026-12-02T12:00:00")
    await watch.step()
    await watch.step()
    [copy] = await copies(plant)
    assert (copy.due_at, copy.missed) == (wall("2026-11-30T06:30:00"), 2)
    assert copy.start_at == wall("2026-11-23T00:00:00"), "the week before its date, not before the day it was made"


async def test_a_report_whose_owner_is_gone_leaves_its_reason_and_does_not_come_again(
    plant: ReportPlant, watch: ReportWatch, clock: HandClock
) -> None:
    async with plant.work(EVERY_SITE) as work:
        mia = await work.users.get("mia")
        assert mia is not None
        await work.users.put(mia.model_copy(update={"is_active": False}))
        await work.commit()
    clock.at = wall(MONDAY)
    await watch.step()
    await watch.step()
    [copy] = await plant.reports.copies(plant.people["vera"], CopyQuery(site_id="pune"))
    assert copy.state is CopyState.FAILED
    assert "owner does not sign in" in copy.problem
    assert await plant.messages() == []


async def test_who_lost_the_sight_of_the_site_gets_nothing_and_the_copy_says_so(
    plant: ReportPlant, watch: ReportWatch, clock: HandClock
) -> None:
    await plant.reports.add(plant.people["ada"], facts(name="Other", schedule=MONDAYS, recipient_ids=["vera"]))
    async with plant.work(EVERY_SITE) as work:
        vera = await work.users.get("vera")
        assert vera is not None
        await work.users.put(vera.model_copy(update={"site_ids": ("graz",)}))
        await work.commit()
    clock.at = wall(MONDAY)
    await watch.step()
    other = next(copy for copy in await copies(plant) if copy.name == "Other")
    assert other.problem == "Not sent to vera (does not see the site any more)."


async def test_a_process_that_lost_the_lease_makes_nothing(plant: ReportPlant, fence: Fence, clock: HandClock) -> None:
    clock.at = wall(MONDAY)
    with pytest.raises(FencedError):
        await plant.watch(Fence(fence.token - 1)).step()
    assert await copies(plant) == []
    assert await plant.messages() == []


async def test_copies_whose_time_is_over_are_removed(plant: ReportPlant, watch: ReportWatch, clock: HandClock) -> None:
    clock.at = wall(MONDAY)
    await watch.step()
    await watch.tidy()
    assert len(await copies(plant)) == 1
    clock.at = wall("2028-11-16T06:30:00")
    await watch.tidy()
    assert await copies(plant) == []


async def test_the_notifier_hands_the_file_over_with_its_message(
    plant: ReportPlant, fence: Fence, watch: ReportWatch, clock: HandClock
) -> None:
    clock.at = wall(MONDAY)
    await watch.step()
    script = Script()

    async def channel(kind: ChannelKind) -> Script:
        return script

    async def held() -> Fence:
        return fence

    await Notifier(plant.work, channel, clock, held).step()
    [message] = script.taken
    assert isinstance(message, OutgoingMessage)
    assert message.attachment is not None
    [copy] = await copies(plant)
    _, content, _ = await plant.reports.file(plant.people["mia"], copy.id)
    assert (message.attachment.name, message.attachment.content) == (copy.file_name, content)
    [delivery] = (await plant.reports.copy(plant.people["mia"], copy.id)).deliveries
    assert (delivery.name, delivery.reply) == ("Mia", "250 1")
