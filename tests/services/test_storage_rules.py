"""Storage rules: which one counts for a signal, and what one would come to on real samples."""

import math
from typing import Any

import numpy as np
import pytest

from pdm_app.domain.access import SYSTEM
from pdm_app.domain.errors import ConflictError, InvalidInputError
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.domain.storage_rules import Method, StorageRuleFacts
from pdm_app.services.storage_rules import StorageRuleService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501, SIGNALS

FLOW = SIGNALS[0]
S = MICROS_PER_S
MINUTES = 60


class Office:
    """The service over a real database."""

    def __init__(self, work: SqlUnitOfWork, url: str, clock: HandClock) -> None:
        self.clock, self.database = clock, Database(url)
        self.historian = SqlHistorian(self.database, clock)
        self.reloads = 0
        self.rules = StorageRuleService(work, self.historian, clock, self._reload, dict, self._size)

    async def _reload(self) -> None:
        self.reloads += 1

    async def _size(self) -> float:
        return 8.0

    async def record_an_hour(self) -> None:
        """Store a slow wave, a value each second, that ends now."""
        fence = await SqlLease(self.database, self.clock).acquire("tests", 86_400)
        assert fence is not None
        count = MINUTES * 60
        at = self.clock.now() - np.arange(count, 0, -1, dtype=np.int64) * S
        value = np.array([10 * math.sin(place / 300) for place in range(count)])
        signal = np.full(count, FLOW.id, np.uint32)
        await self.historian.write([Batch("plc", signal, at, value, np.zeros(count, np.uint16), Micros(1), 1)], fence)


def facts(**given: Any) -> StorageRuleFacts:
    return StorageRuleFacts.model_validate(
        {"site_id": P_501.site_id, "name": "Slow ones", "pattern": f"P-501.{FLOW.name}", "bound": 0.5, **given}
    )


@pytest.fixture
async def office(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> Any:
    office = Office(sqlite_work, sqlite_url, clock)
    yield office
    await office.database.close()


async def test_an_estimate_is_made_of_what_was_recorded(office: Office) -> None:
    await office.record_an_hour()
    found = await office.rules.estimate(SYSTEM, facts())
    assert (found.signals, found.signals_read, found.names) == (1, 1, (f"P-501.{FLOW.name}",))
    assert found.samples_per_day == pytest.approx(86_400, rel=0.01)
    assert found.share is not None
    assert found.share < 0.05, "a slow wave is a few lines"
    assert found.error_max is not None
    assert 0 < found.error_max <= 0.5
    assert found.bytes_per_month == pytest.approx(found.bytes_per_month_now * found.share)
    assert found.bytes_per_month_now == pytest.approx(8.0 * 86_400 * 30.44, rel=0.01)
    whole = await office.rules.estimate(SYSTEM, facts(method=Method.ALL))
    assert (whole.share, whole.error_max) == (1.0, 0.0)


async def test_an_estimate_of_nothing_says_so(office: Office) -> None:
    found = await office.rules.estimate(SYSTEM, facts(pattern="X-*.*"))
    assert (found.signals, found.share, found.error_max, found.bytes_per_month) == (0, None, None, 0)


async def test_the_first_rule_that_fits_a_signal_counts(office: Office) -> None:
    await office.rules.create(SYSTEM, facts(name="All of it", pattern="P-501.*", position=2))
    await office.rules.create(SYSTEM, facts(name="The flow", position=1))
    await office.rules.create(SYSTEM, facts(name="Off", position=0, enabled=False))
    views = {view.rule.name: view.signals for view in await office.rules.all(SYSTEM)}
    of_pump = sum(1 for signal in SIGNALS if signal.asset_id == P_501.id)
    assert views == {"Off": 0, "The flow": 1, "All of it": of_pump - 1}
    assert office.reloads == 3


async def test_a_rule_that_cannot_be_is_refused(office: Office) -> None:
    with pytest.raises(InvalidInputError, match="bound"):
        await office.rules.create(SYSTEM, facts(bound=0))
    rule = await office.rules.create(SYSTEM, facts())
    with pytest.raises(InvalidInputError, match="every_s"):
        await office.rules.change(SYSTEM, rule.id, {"method": "interval"})
    await office.rules.change(SYSTEM, rule.id, {"bound": 1.0}, rule.revision)
    with pytest.raises(ConflictError, match="after you had read it"):
        await office.rules.change(SYSTEM, rule.id, {"bound": 2.0}, rule.revision)
    await office.rules.delete(SYSTEM, rule.id)
    assert await office.rules.all(SYSTEM) == ()
    await office.rules.restore(SYSTEM, rule.id)
    with pytest.raises(ConflictError, match="nothing to restore"):
        await office.rules.restore(SYSTEM, rule.id)
