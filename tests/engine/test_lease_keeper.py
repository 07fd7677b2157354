"""The lease keeper: one collector per database, through outages and takeovers."""

import pytest

from pdm_app.domain.errors import FencedError
from pdm_app.domain.ports import Fence
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.supervisor import Supervisor
from tests.counterparts.clocks import HandClock, settle
from tests.engine.memory import MemoryLease


class Keeping:
    """A keeper under a supervisor."""

    def __init__(self, holder: str = "here") -> None:
        self.clock = HandClock()
        self.lease = MemoryLease()
        self.fatal: list[BaseException] = []
        self.supervisor = Supervisor(self.clock, lambda _, error: self.fatal.append(error))
        self.keeper = LeaseKeeper(self.lease, self.clock, holder, ttl_s=15.0)

    async def start(self) -> None:
        self.supervisor.start("lease", self.keeper.run)
        await settle()


@pytest.fixture
def keeping() -> Keeping:
    return Keeping()


async def test_a_free_lease_is_taken_at_once_and_given_back_at_the_end(keeping: Keeping) -> None:
    await keeping.start()
    assert await keeping.keeper.held() == Fence(1)
    await keeping.supervisor.stop()
    await keeping.keeper.release()
    assert keeping.lease.released == [Fence(1)]
    assert keeping.keeper.fence is None
    await keeping.keeper.release()
    assert len(keeping.lease.released) == 1


async def test_a_standby_waits_and_takes_over_within_about_a_second(keeping: Keeping) -> None:
    keeping.lease.holder = "there"
    await keeping.start()
    await keeping.clock.advance(100)
    assert keeping.keeper.fence is None
    assert keeping.keeper.waiting
    keeping.lease.holder = None
    await keeping.clock.advance(1.1)
    assert keeping.keeper.fence == Fence(1)
    assert not keeping.keeper.waiting
    await keeping.supervisor.stop()


async def test_collection_goes_on_while_the_database_is_away(keeping: Keeping) -> None:
    await keeping.start()
    keeping.lease.away = True
    await keeping.clock.advance(3600)
    assert keeping.keeper.fence == Fence(1), "nobody else can have taken it: it is the same database"
    assert keeping.keeper.last_error
    keeping.lease.away = False
    await keeping.clock.advance(2)
    assert not keeping.keeper.last_error
    assert not keeping.fatal
    await keeping.supervisor.stop()


async def test_a_lease_that_another_took_meanwhile_ends_the_process(keeping: Keeping) -> None:
    await keeping.start()
    keeping.lease.away = True
    await keeping.clock.advance(60)
    keeping.lease.away = False
    keeping.lease.holder = "there"
    await keeping.clock.advance(2)
    assert isinstance(keeping.fatal[0], FencedError)
    await keeping.supervisor.stop()


async def test_a_database_that_is_away_at_the_start_is_waited_for(keeping: Keeping) -> None:
    keeping.lease.away = True
    await keeping.start()
    await keeping.clock.advance(10)
    assert keeping.keeper.fence is None
    keeping.lease.away = False
    await keeping.clock.advance(1)
    assert keeping.keeper.fence == Fence(1)
    await keeping.supervisor.stop()
