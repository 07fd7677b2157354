"""The rollup loop: fast through a backlog, idle without one, patient without a database."""

from pdm_app.domain.ports import Fence
from pdm_app.engine.rollup import Rollup
from pdm_app.engine.supervisor import Supervisor
from tests.counterparts.clocks import HandClock, settle
from tests.engine.memory import MemoryHistorian


async def lease() -> Fence:
    return Fence(1)


async def test_a_backlog_is_worked_off_and_then_looked_for_every_five_seconds() -> None:
    clock, historian = HandClock(), MemoryHistorian()
    historian.rollups_due = 30
    rollup, supervisor = Rollup(historian, lease, clock), Supervisor(clock, lambda *_: None)
    supervisor.start("rollup", rollup.run, backoff=rollup.backoff)
    await clock.advance(2)
    assert historian.rollups_due == 0
    steps = rollup.steps
    await clock.advance(20)
    assert rollup.steps - steps == 4
    await supervisor.stop()


async def test_without_a_database_it_tries_again_later() -> None:
    clock, historian = HandClock(), MemoryHistorian()
    historian.rollups_due, historian.away = 3, True
    rollup, supervisor = Rollup(historian, lease, clock), Supervisor(clock, lambda *_: None)
    supervisor.start("rollup", rollup.run, backoff=rollup.backoff)
    await clock.advance(100)
    historian.away = False
    await clock.advance(31)
    await settle()
    assert historian.rollups_due == 0
    await supervisor.stop()
