"""The scene with which a demo opens: somebody on shift shelves an alarm that has come, once, by the usual service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, Role, User
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.samples import Micros
from pdm_app.engine.opening import LOOK_EVERY_S, LOOKS_MAX, Opening
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.simulation.faults import SCRIPTS
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.story import SHELVING, Shelving, opening
from tests.counterparts.alarms import ADA, SUCTION, Running, running, with_rules
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import stored_plant

LOW = Shelving("suction-low", "erin", 3600.0, "Strainer is being changed.")
ERIN = User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("pune",))


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with stored_plant(sqlite_url) as work:
        switched = await with_rules(work)
        async with running(switched, HandClock(), sqlite_url, tmp_path) as product:
            yield product


def scene(product: Running) -> Opening:
    def has_come(rule_id: str) -> bool:
        known = product.book.rule(rule_id)
        return known is not None and known[1].alarm_id is not None

    holds = AlarmHoldService(product.service, product.work, product.book, product.clock)
    return Opening(LOW, has_come, holds, product.work, product.clock)


async def with_erin(product: Running) -> None:
    async with product.work(EVERY_SITE) as work:
        await work.users.put(ERIN, "a hash")
        await work.commit()


async def played(product: Running, playing: "asyncio.Task[None]") -> int:
    """Let time pass until the scene is over; return how often a look's time has passed."""
    looks = 0

    async def pass_time() -> None:
        nonlocal looks
        while not playing.done():
            await product.clock.advance(LOOK_EVERY_S)
            looks += 1
            await asyncio.sleep(0)

    await asyncio.wait_for(pass_time(), 60)
    await playing
    return looks


async def shelvings(product: Running) -> list[tuple[str, str]]:
    async with product.work(EVERY_SITE) as work:
        return [(entry.actor, entry.reason) for entry in await work.audit.page(AuditQuery(action="alarms.shelved"))]


async def test_an_alarm_is_shelved_once_it_has_come_and_never_again(product: Running) -> None:
    await with_erin(product)
    playing = asyncio.create_task(scene(product).run())
    await product.clock.advance(10)
    assert not playing.done()
    await product.see(SUCTION, 1.0, 20)
    await played(product, playing)
    alarm = product.book.get(product.book.rule("suction-low")[1].alarm_id or "")  # type: ignore[index]
    assert alarm is not None
    assert alarm.held_by == "erin"
    assert alarm.shelved_until is not None
    await until(lambda: product.book.unsaved == 0)
    assert await shelvings(product) == [("erin", LOW.reason)]
    await AlarmHoldService(product.service, product.work, product.book, product.clock).unshelve(ADA, "suction-low")
    await scene(product).run()
    await until(lambda: product.book.unsaved == 0)
    assert await shelvings(product) == [("erin", LOW.reason)]


async def test_without_the_person_nothing_is_done_and_an_alarm_that_never_comes_is_not_awaited_for_ever(
    product: Running,
) -> None:
    await scene(product).run()
    await with_erin(product)
    playing = asyncio.create_task(scene(product).run())
    assert await played(product, playing) >= LOOKS_MAX
    assert await shelvings(product) == []


def test_what_the_whole_plant_opens_with_is_possible_there() -> None:
    plant = northfield()
    assert SHELVING.rule_id in {rule.id for rule in plant.rules}
    for fault in opening(Micros(NOON)):
        assert fault.asset_code in SCRIPTS[fault.key].kind.asset_codes
        assert plant.asset(fault.asset_code) is not None
