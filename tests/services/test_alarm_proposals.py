"""A rule is proposed from what its signal has really been in the last week, and to nobody who may not make one."""

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.rule_proposals import Basis
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality
from pdm_app.services.alarm_proposals import AlarmProposalService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import SUCTION
from tests.counterparts.clocks import NOON, HandClock
from tests.services.plant_desk import ERIN, GUSTAV, VERA, refusal

DAY_S = 86_400


async def recorded(historian: SqlHistorian, database: Database, clock: HandClock) -> None:
    """Ten days ago a spike to 99; since yesterday between 10 and 30; one bad value of 500 among them."""
    fence = await SqlLease(database, clock).acquire("tests", 60)
    assert fence is not None
    at = np.array([-10 * DAY_S, -DAY_S, -DAY_S + 60, -3600, -1800], dtype=np.int64)
    quality = np.array([0, 0, 0, int(Quality.BAD), 0], dtype=np.uint16)
    batch = Batch(
        device="plc",
        signal=np.full(5, SUCTION, dtype=np.uint32),
        source_at=NOON + at * MICROS_PER_S,
        value=np.array([99.0, 10.0, 30.0, 500.0, 20.0]),
        quality=quality,
        received_at=Micros(NOON),
        seq=1,
    )
    await historian.write([batch], fence)


async def test_the_proposal_lies_beyond_the_good_samples_of_the_last_week(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    database = Database(sqlite_url)
    try:
        historian = SqlHistorian(database, clock)
        clock.at = NOON
        await recorded(historian, database, clock)
        proposals = AlarmProposalService(sqlite_work, historian, clock)
        high, low = await proposals.propose(ERIN, SUCTION, 29.0), await proposals.propose(ERIN, SUCTION, 11.0)
        assert (high.kind, high.limit, high.basis) == ("high", 32.0, Basis.HISTORY)
        assert (low.kind, low.limit, low.basis) == ("low", 8.0, Basis.HISTORY)
        assert (await proposals.propose(ERIN, SUCTION, float("nan"))).kind == "high"
    finally:
        await database.close()


async def test_nothing_is_proposed_to_strangers_nor_of_what_is_not_there(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    database = Database(sqlite_url)
    try:
        proposals = AlarmProposalService(sqlite_work, SqlHistorian(database, clock), clock)
        assert isinstance(await refusal(proposals.propose(GUSTAV, SUCTION)), NotFoundError)
        assert isinstance(await refusal(proposals.propose(VERA, SUCTION)), PermissionDeniedError)
        with pytest.raises(NotFoundError, match="no signal 4000"):
            await proposals.propose(ERIN, 4000)
        with pytest.raises(InvalidInputError, match="text"):
            await proposals.propose(ERIN, 64)
    finally:
        await database.close()
