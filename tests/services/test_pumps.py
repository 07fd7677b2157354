"""Pumps by their ten names: which machines they are, what they read, and nothing of another site."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.domain.samples import MICROS_PER_S, Micros, Quality
from pdm_app.domain.signals import Signal
from pdm_app.services.pumps import ROWS_MAX, SPAN_DAYS_MAX
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, GRETA, person
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.pumps import PumpRoom, pump_room

RPM, BEARING, OIL = 41, 42, 43
SECOND = MICROS_PER_S
DAY = 86_400 * SECOND


@pytest.fixture
async def room(work: SqlUnitOfWork, database_url: str, clock: HandClock) -> AsyncIterator[PumpRoom]:
    async with pump_room(work, database_url, clock) as room:
        yield room


async def second_pump(work: SqlUnitOfWork) -> None:
    """Put another pump beside the first."""
    async with work(EVERY_SITE) as transaction:
        await transaction.assets.put(
            Asset(id="p-502", site_id="pune", line_id="pune-line", code="P-502", name="P-502", asset_class="Pump")
        )
        await transaction.signals.put(
            [
                Signal(id=141 + place, site_id="pune", asset_id="p-502", name=name, label=name)
                for place, name in enumerate(PUMP_KEYS)
            ]
        )
        await transaction.commit()


async def test_a_machine_with_all_ten_signals_is_a_pump_and_no_other_is(room: PumpRoom) -> None:
    (pump,) = await room.pumps.all(ADA)
    assert (pump.code, list(pump.signals)) == ("P-501", list(PUMP_KEYS))
    assert pump.signals["Motor_RPM"] == RPM
    assert await room.pumps.all(GRETA) == (), "the only pump stands in a site out of reach"


async def test_a_pump_is_found_by_id_by_code_or_because_it_is_the_only_one(room: PumpRoom) -> None:
    for asset in ("p-501", "P-501", None):
        assert (await room.pumps.one(ANNA, asset)).asset_id == "p-501"


async def test_of_several_pumps_one_must_be_named(room: PumpRoom, work: SqlUnitOfWork) -> None:
    await second_pump(work)
    with pytest.raises(InvalidInputError, match=r"2 pumps.*\?asset=P-501") as refused:
        await room.pumps.one(ANNA, None)
    assert refused.value.issues[0].fix == "name one of P-501, P-502"
    assert [reading.pump.code for reading in await room.pumps.readings(ANNA)] == ["P-501", "P-502"]


async def test_what_is_no_pump_and_what_is_out_of_reach_are_refused(room: PumpRoom) -> None:
    with pytest.raises(InvalidInputError, match="C-201 is no pump of ten sensors: it has no Motor_RPM, "):
        await room.pumps.one(ADA, "C-201")
    for asset in ("C-201", "no-such-thing"):
        with pytest.raises(NotFoundError, match=f"There is no asset '{asset}'"):
            await room.pumps.one(ANNA, asset)
    with pytest.raises(NotFoundError, match="No machine in your reach has the ten signals"):
        await room.pumps.one(GRETA, None)
    with pytest.raises(PermissionDeniedError, match=r"assets\.read"):
        await room.pumps.readings(person("p-501", Role.SERVICE))


async def test_a_reading_has_all_ten_and_shows_no_value_that_is_not_true_any_more(room: PumpRoom) -> None:
    room.measure(RPM, 1480.0, NOON)
    room.measure(BEARING, 66.5, NOON + SECOND, Quality.UNCERTAIN_CLAMPED)
    room.measure(OIL, 4.1, NOON, Quality.GOOD)
    room.latest.mark([OIL], Quality.BAD_CONNECTION_LOST, Micros(NOON + SECOND))
    (reading,) = await room.pumps.readings(ANNA, "P-501")
    assert reading.at == NOON + SECOND
    assert list(reading.values) == list(PUMP_KEYS)
    assert (reading.values["Motor_RPM"], reading.quality["Motor_RPM"]) == (1480.0, "good")
    assert (reading.values["Bearing_Temperature_C"], reading.quality["Bearing_Temperature_C"]) == (
        66.5,
        "uncertain_clamped",
    )
    assert (reading.values["Oil_Pressure_bar"], reading.quality["Oil_Pressure_bar"]) == (None, "bad_connection_lost")
    assert reading.quality["Motor_Current_A"] == "bad_waiting"


async def test_a_pump_that_never_sent_anything_has_no_time(room: PumpRoom) -> None:
    (reading,) = await room.pumps.readings(ANNA)
    assert reading.at is None
    assert set(reading.values.values()) == {None}


async def test_a_short_span_is_answered_with_every_moment_that_was_recorded(room: PumpRoom) -> None:
    await room.record(RPM, [1480.0, 1481.0], NOON)
    await room.record(OIL, [4.0], NOON + SECOND)
    history = await room.pumps.history(ANNA, None, NOON, NOON + 10 * SECOND)
    assert history.bucket_us == 0
    assert [(row.at, row.values["Motor_RPM"], row.values["Oil_Pressure_bar"]) for row in history.rows] == [
        (NOON, 1480.0, None),
        (NOON + SECOND, 1481.0, 4.0),
    ]


async def test_a_long_span_is_answered_in_buckets_that_lose_no_peak(room: PumpRoom) -> None:
    # 40 s of one sample a second into 4 rows: buckets of 10 s; the peak of 99 stands at second 25.
    values = [float(second % 2) for second in range(40)]
    values[25] = 99.0
    await room.record(RPM, values, NOON)
    await room.record(OIL, [4.0, 6.0], NOON, every_s=2.0)  # Two points within the first bucket.
    history = await room.pumps.history(ANNA, None, NOON, NOON + 40 * SECOND, rows=4)
    assert history.bucket_us == 10 * SECOND
    assert [row.at - NOON for row in history.rows] == [0, 10 * SECOND, 20 * SECOND, 30 * SECOND]
    assert [row.high["Motor_RPM"] for row in history.rows] == [1.0, 1.0, 99.0, 1.0]
    assert [row.low["Motor_RPM"] for row in history.rows] == [0.0, 0.0, 0.0, 0.0]
    assert history.rows[0].values["Motor_RPM"] == 0.5
    first = history.rows[0]
    assert (first.low["Oil_Pressure_bar"], first.values["Oil_Pressure_bar"], first.high["Oil_Pressure_bar"]) == (
        4,
        5,
        6,
    )


async def test_raw_points_of_a_seldom_signal_go_into_the_buckets_of_the_others(room: PumpRoom) -> None:
    # Below 10 s a bucket comes from raw: 20 samples into 10 rows of 1 s, while oil has but two points.
    await room.record(RPM, [float(number) for number in range(20)], NOON, every_s=0.5)
    await room.record(OIL, [4.0, 8.0], NOON + 100_000, every_s=0.5)
    history = await room.pumps.history(ANNA, None, NOON, NOON + 10 * SECOND, rows=10)
    assert history.bucket_us == SECOND
    assert len(history.rows) == 10
    assert (history.rows[0].values["Motor_RPM"], history.rows[0].values["Oil_Pressure_bar"]) == (0.5, 6.0)


async def test_spans_and_rows_have_limits(room: PumpRoom) -> None:
    with pytest.raises(InvalidInputError, match="ends before it starts"):
        await room.pumps.history(ANNA, None, NOON, NOON)
    with pytest.raises(InvalidInputError, match=f"longer than {SPAN_DAYS_MAX} days"):
        await room.pumps.anomalies(ANNA, None, NOON, NOON + SPAN_DAYS_MAX * DAY + 1)
    for rows in (0, ROWS_MAX + 1):
        with pytest.raises(InvalidInputError, match=f"{rows} rows"):
            await room.pumps.history(ANNA, None, NOON, NOON + SECOND, rows)


async def test_what_models_and_rules_open_is_asked_for_with_the_same_rights(room: PumpRoom) -> None:
    assert await room.pumps.anomalies(ANNA, "P-501", NOON, NOON + DAY) == ()
    assert await room.pumps.maintenance_events(ANNA, "P-501") == ()
    with pytest.raises(NotFoundError):
        await room.pumps.anomalies(GRETA, "P-501", NOON, NOON + DAY)
    with pytest.raises(NotFoundError):
        await room.pumps.maintenance_events(GRETA, "P-501")
    device = person("p-501", Role.SERVICE)
    with pytest.raises(PermissionDeniedError, match=r"history\.read"):
        await room.pumps.anomalies(device, None, NOON, NOON + DAY)
    with pytest.raises(PermissionDeniedError, match=r"assets\.read"):
        await room.pumps.maintenance_events(device, None)
