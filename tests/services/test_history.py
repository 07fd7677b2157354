"""The past, asked through the service: in the order asked, in reach only, and timed."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.history import AggregateQuery, HistoryQuery, MomentQuery, Tier, TimeAtValue, ValueAt, Way
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
    service = HistoryService(historian, SignalService(work), took_s.append, clock)

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


@pytest.fixture
async def asked(work: SqlUnitOfWork, database_url: str, clock: HandClock) -> AsyncIterator[HistoryService]:
    """A service over a minute of a continuous signal with one peak."""
    database = Database(database_url)
    historian = SqlHistorian(database, clock)
    fence = await SqlLease(database, clock).acquire("tests", 60)
    assert fence is not None
    await historian.write([minute_of(SUCTION, 9.0)], fence)
    yield HistoryService(historian, SignalService(work), lambda _: None, clock)
    await database.close()


async def test_figures_of_a_span_are_worked_out_by_hand(asked: HistoryService, clock: HandClock) -> None:
    await clock.advance(60.0)
    half = 30 * MICROS_PER_S
    query = AggregateQuery(
        signals=(SUCTION,), start_at=NOON, end_at=NOON + 2 * half, every_us=half, percentile=50, states=True
    )
    answer = await asked.aggregate(ADA, query)
    [figures] = answer.series
    assert figures.count == figures.good == figures.usable == [30, 30]
    assert figures.high == [1.0, 9.0]
    assert figures.total == [30.0, 38.0]
    # The line rises from 1 to 9 in the last second of the first half, and falls in the first one of the second.
    assert figures.average == pytest.approx([(29 + 5) / 30, (5 + 29) / 30])
    assert figures.known_s == [30.0, 30.0]
    assert figures.percentile == [1.0, 1.0]
    assert figures.states == [
        TimeAtValue(value=1.0, seconds=59.0, entered=1),
        TimeAtValue(value=9.0, seconds=1.0, entered=1),
    ]
    assert (answer.tiers, answer.rows_read) == ([Tier.RAW], 60)


async def test_a_value_between_two_samples_lies_on_the_line_and_beyond_the_last_it_is_held_until_now(
    asked: HistoryService, clock: HandClock
) -> None:
    await clock.advance(100.0)

    async def at(seconds: float) -> ValueAt:
        asked_at = NOON + round(seconds * MICROS_PER_S)
        return (await asked.at(ADA, MomentQuery(signals=(SUCTION,), at=asked_at))).values[0]

    assert ((await at(30)).value, (await at(30)).way) == (9.0, Way.SAMPLE)
    assert ((await at(29.25)).value, (await at(29.25)).way) == (3.0, Way.INTERPOLATED)
    assert ((await at(75)).value, (await at(75)).way) == (1.0, Way.HELD)
    assert ((await at(-1)).value, (await at(-1)).way) == (None, Way.UNKNOWN)
    assert ((await at(101)).value, (await at(101)).way) == (None, Way.UNKNOWN), "the future is not known"


async def test_a_progressive_answer_is_coarse_first_and_then_the_one_asked_for(asked: HistoryService) -> None:
    query = HistoryQuery(signals=(SUCTION,), start_at=NOON, end_at=NOON + 60 * MICROS_PER_S, buckets=240)
    answers = [answer async for answer in asked.progressive(ADA, query)]
    assert [answer.is_final for answer in answers] == [True], "sixty samples are all there is"
    few = [answer async for answer in asked.progressive(ADA, query.model_copy(update={"buckets": 50}))]
    assert [answer.is_final for answer in few] == [True]
    assert answers[0].points == answers[0].points_read == 60


async def test_a_question_that_cannot_be_answered_in_bounds_says_what_to_change(asked: HistoryService) -> None:
    with pytest.raises(ValueError, match="more than 20000"):
        AggregateQuery(signals=(SUCTION,), start_at=0, end_at=10**12, every_us=1000)
    with pytest.raises(ValueError, match="after start_at"):
        AggregateQuery(signals=(SUCTION,), start_at=5, end_at=5)
    with pytest.raises(NotFoundError):
        await asked.at(ANNA, MomentQuery(signals=(HEADER,), at=NOON))
