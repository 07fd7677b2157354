"""Whoever is on call when a step is due is told: after a handover the next one, in quiet hours too, and once."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import JournalKind
from pdm_app.domain.notice_routes import RouteStep
from pdm_app.domain.notice_words import usual
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import NoticeState
from pdm_app.domain.rotas import CrewTurn, Rota, Turn
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftDay
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.engine.notice_plant import Plant, step
from tests.storage import data
from tests.storage.data import MINE, NOON, put_plant

EMAIL = ChannelKind.EMAIL
SITE = "site-graz"
HOUR_S = 3600.0


@pytest.fixture
async def plant(database_url: str) -> AsyncIterator[Plant]:
    """Thursday, 13:00 at the site; who is on call changes at 14:00, to Bob."""
    database = Database(database_url)
    await begin_migrated(database)
    work, clock = SqlUnitOfWork(database), HandClock(NOON)
    await put_plant(work, MINE, 1)
    fence = await SqlLease(database, clock).acquire("test", 1e6)
    assert fence is not None
    plant = Plant(work, clock, fence)
    for user in ("ann", "bob", "olga"):
        await plant.contact(user)
    await keep(plant)
    yield plant
    await database.close()


async def keep(plant: Plant, **more: Any) -> None:
    given = {
        "id": "rota", "site_id": SITE, "name": "Fitters", "anchor": date(2025, 11, 20), "handover": "14:00",
        "turn_days": 1, "turns": (Turn(user_ids=("bob",)), Turn(user_ids=("ann",))), **more,
    }  # fmt: skip
    async with plant.work(EVERY_SITE) as work:
        await work.rotas.put(Rota.model_validate(given))
        await work.commit()


def on_call(after_s: float = 0, users: tuple[str, ...] = ()) -> RouteStep:
    return RouteStep(after_s=after_s, user_ids=users, rota_ids=("rota",), channels=(EMAIL,))


def told(plant: Plant) -> list[str]:
    return [mail.to.partition("@")[0] for mail in plant.taken]


def untold(plant: Plant) -> list[str]:
    return list(plant.notifier.status.untold)


async def test_an_escalation_after_the_handover_reaches_whoever_has_taken_over(plant: Plant) -> None:
    await plant.route(on_call(), on_call(2 * HOUR_S))
    await plant.raised()
    await plant.notifier.step()
    assert told(plant) == ["ann"]
    await plant.later(2 * HOUR_S)
    assert told(plant) == ["ann", "bob"]
    assert "NOT ACKNOWLEDGED" in plant.taken[1].subject
    await plant.later(48 * HOUR_S)
    assert told(plant) == ["ann", "bob"]


async def test_nobody_is_told_of_what_was_acknowledged_before_the_step(plant: Plant) -> None:
    await plant.route(on_call(HOUR_S))
    await plant.raised()
    await plant.notifier.step()
    await plant.journal(JournalKind.ACKNOWLEDGED)
    await plant.later(2 * HOUR_S)
    assert told(plant) == []


async def test_who_is_on_call_has_no_quiet_hours_and_is_told_once(plant: Plant) -> None:
    await plant.contact("ann", quiet_from="12:00", quiet_to="18:00", zone="Europe/Vienna")
    await plant.contact("olga", quiet_from="12:00", quiet_to="18:00", zone="Europe/Vienna")
    await plant.route(on_call(users=("ann", "olga")))
    await plant.raised()
    await plant.notifier.step()
    assert told(plant) == ["ann"]
    await plant.later(6 * HOUR_S)
    assert told(plant) == ["ann", "olga"]


async def test_everybody_who_was_told_on_call_is_told_that_it_is_over(plant: Plant) -> None:
    await plant.route(on_call(), tells_return=True)
    await plant.raised()
    await plant.notifier.step()
    await plant.journal(JournalKind.RETURNED)
    await plant.later(120)
    assert told(plant) == ["ann", "ann"]
    assert "normal again" in plant.taken[1].subject


async def test_a_crash_while_it_is_found_out_tells_nobody_twice(plant: Plant) -> None:
    await plant.route(on_call())
    await plant.raised()
    gatherer = plant.notifier._gatherer
    await gatherer.ask_routes()
    await gatherer.find_on_call()
    plant.notifier = plant.started()  # The process died here, and began anew.
    await plant.notifier.step()
    await plant.notifier.step()
    assert told(plant) == ["ann"]


async def test_where_nobody_is_on_call_that_is_known_until_somebody_is(plant: Plant) -> None:
    await keep(plant, turns=(), crews=(CrewTurn(crew="A", user_ids=("ann",)),))
    await plant.route(on_call())
    await plant.raised()
    await plant.notifier.step()
    assert told(plant) == []
    assert untold(plant) == ["Fitters by email: nobody is on call"]
    async with plant.work(EVERY_SITE) as work:
        [notice] = await work.outbox.of_alarm(data.alarm(MINE, 1).id)
        assert (notice.state, notice.reason) == (NoticeState.VOID, "nobody is on call")
        day = ShiftDay(shifts=(Shift(name="Day", begin="06:00", end="18:00", crew="A"),))
        await work.shifts.put(ShiftCalendar(id=SITE, site_id=SITE, anchor=date(2025, 11, 17), days=(day,)))
        await work.commit()
    await plant.raised(2)
    await plant.later(120)
    assert told(plant) == ["ann"]
    assert untold(plant) == []


async def test_a_person_without_an_address_is_known_until_there_is_one(plant: Plant) -> None:
    await plant.contact("olga", email="")
    await plant.route(step(users=("olga",)))
    await plant.raised()
    await plant.notifier.step()
    assert untold(plant) == ["somebody by email: no address is kept"]
    await plant.contact("olga")
    await plant.raised(2)
    await plant.later(120)
    assert untold(plant) == []


async def test_messages_say_what_the_template_of_their_channel_says(plant: Plant) -> None:
    async with plant.work(EVERY_SITE) as work:
        words = usual(EMAIL).model_copy(update={"subject": "{alarm} in {area}", "body": "{machine}: {urgency}, {time}"})
        await work.notice_templates.put(words)
        await work.commit()
    await plant.route(step())
    await plant.raised()
    await plant.notifier.step()
    assert plant.taken[0].subject == "Bearing hot in Utilities"
    assert plant.taken[0].body == "P-101A: high, 2025-11-20 13:00:00 CET"
