"""The past, asked through the service: in the order asked, in reach only, and timed."""

import numpy as np
import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.services.history import HistoryService
from pdm_app.services.signals import SignalService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, HEADER, SUCTION, person
from tests.counterparts.clocks import NOON, HandClock


def minute_of(signal: int, peak: float) -> Batch:
    """Sixty samples, a second apart, level at 1.0 but for one peak at second 30."""
    value = np.full(60, 1.0)
    value[30] = peak
    return Batch(
        device="plc",
        signal=np.full(60, signal, dtype=np.uint32),
        source_at=NOON + np.arange(60, dtype=np.int64) * MICROS_PER_S,
        value=value,
        quality=np.zeros(60, dtype=np.uint16),
        received_at=Micros(NOON + 60 * MICROS_PER_S),
        seq=signal,
    )


async def test_history_is_answered_in_the_order_asked_with_every_peak_and_for_own_sites_only(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    database, took_s = Database(database_url), list[float]()
    historian = SqlHistorian(database, clock)
    fence = await SqlLease(database, clock).acquire("tests", 60)
    assert fence is not None
    await historian.write([minute_of(SUCTION, 9.0), minute_of(HEADER, 7.0)], fence)
    service = HistoryService(historian, SignalService(work), took_s.append)

    span = {"start_at": NOON, "end_at": NOON + 60 * MICROS_PER_S, "buckets": 4}
    answer = await service.envelope(ADA, HistoryQuery(signals=(SUCTION, HEADER), **span))
    assert [envelope.signal for envelope in answer.series] == [SUCTION, HEADER]
    assert [max(high for high in envelope.high if high is not None) for envelope in answer.series] == [9.0, 7.0]
    assert answer.points_read == 120
    turned = await service.envelope(ADA, HistoryQuery(signals=(HEADER, SUCTION), **span))
    assert [envelope.signal for envelope in turned.series] == [HEADER, SUCTION]
    assert len(took_s) == 2

    for signal in (HEADER, 4_000_000_000):
        with pytest.raises(NotFoundError, match=f"There is no signal {signal}"):
            await service.envelope(ANNA, HistoryQuery(signals=(SUCTION, signal), **span))
    with pytest.raises(PermissionDeniedError, match=r"history\.read"):
        await service.envelope(person("p-501", Role.SERVICE), HistoryQuery(signals=(SUCTION,), **span))
    assert len(took_s) == 2, "what is refused asks the historian nothing"
    await database.close()
