"""The clock is set while notices are pending: nothing is lost, told twice, or held back by what was told."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.alarms import JournalKind
from pdm_app.domain.notices import DeliveryError
from pdm_app.domain.outbox import MessageState
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.engine.notice_plant import Plant, Script, step
from tests.storage import data
from tests.storage.data import MINE, put_plant

HOUR_S = 3600


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


async def test_an_alarm_right_after_the_clock_went_back_an_hour_is_told_at_once(plant: Plant) -> None:
    await plant.route(priorities=(2,))
    await plant.contact()
    await plant.raised(1)
    await plant.notifier.step()
    plant.clock.at -= HOUR_S * 1_000_000
    await plant.raised(2)
    await plant.later(1)
    assert len(plant.taken) == 2, "the message of a later hour makes nobody wait for that hour"


async def test_an_escalation_pending_when_the_clock_is_set_is_told_once(plant: Plant) -> None:
    await plant.route(step(), step(600, ("max",)))
    await plant.contact()
    await plant.contact("max")
    await plant.raised(1, priority=1)
    await plant.notifier.step()
    await plant.later(-HOUR_S)
    await plant.later(HOUR_S + 599)
    assert [mail.to for mail in plant.taken] == ["olga@plant.example"]
    await plant.later(2)
    await plant.later(-HOUR_S)
    await plant.later(2 * HOUR_S)
    assert [mail.to for mail in plant.taken] == ["olga@plant.example", "max@plant.example"]


async def test_what_was_acknowledged_while_the_clock_was_wrong_is_not_escalated(plant: Plant) -> None:
    await plant.route(step(), step(600, ("max",)))
    await plant.contact()
    await plant.contact("max")
    await plant.raised(1, priority=1)
    await plant.notifier.step()
    plant.clock.at -= HOUR_S * 1_000_000
    await plant.journal(JournalKind.ACKNOWLEDGED, 1)
    await plant.later(2 * HOUR_S)
    assert len(plant.taken) == 1


async def test_a_message_put_off_before_the_clock_went_back_a_day_is_tried_again_soon(plant: Plant) -> None:
    await plant.route()
    await plant.contact()
    assert isinstance(plant.script, Script)
    plant.script.fails.append(DeliveryError("Come back later.", reply="451 later", retry_after_s=HOUR_S))
    await plant.raised()
    await plant.later(0)
    plant.clock.at -= 24 * HOUR_S * 1_000_000
    await plant.later(1)
    [message] = await plant.messages()
    assert (message.state, len(plant.taken)) == (MessageState.SENT, 1)
