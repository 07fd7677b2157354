"""Remaining life of a machine that runs: which reading tells it, when there is a number, and how far off that is."""

import numpy as np
import pytest

from pdm_app.domain.asset_health import OutlookState
from pdm_app.domain.assets import Asset
from pdm_app.domain.outlooks import HOUR_US, WearReading, outlook_of, wear_reading
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, Micros
from pdm_app.domain.signals import Signal
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.physics import acting
from pdm_app.simulation.plant import MACHINES

DAY_US = 24 * HOUR_US
BORN = 1_763_596_800_000_000
LIMIT_DAY = 26.14
"""√(1.9² + (9.3·e^((t-27)/7.4))²) = 8.5 mm/s: t = 27 + 7.4·ln(√(8.5² - 1.9²) / 9.3)."""
PUMP = next(machine for machine in MACHINES if machine.asset.code == "P-101A")


def hourly(seed: int, until_day: float) -> F8:
    """Return the vibration of P-101A, hour by hour, from 11 days before its bearing begins to wear."""
    fault = InjectedFault("wear", acting.BEARING_WEAR, "P-101A", "", Micros(BORN), 0.0)
    begin, end = BORN - 11 * DAY_US, BORN + round(until_day * DAY_US)
    told = list(plant_columns(begin, end, 600, since=BORN + 19 * DAY_US, faults=(fault,), codes={"P-101A"}, seed=seed))
    number = next(signal.id for signal in PUMP.signals if signal.name == "Vibration_mm_s")
    values = np.concatenate([part.values[part.signal_ids == number][0] for part in told])
    return np.asarray(values[: len(values) // 6 * 6].reshape(-1, 6).mean(axis=1), dtype=np.float64)


def test_of_several_vibrations_the_first_one_of_a_pump_is_carried_to_the_border_of_zone_d() -> None:
    wear = wear_reading(PUMP.asset, PUMP.signals)
    assert wear is not None
    assert [signal.name for signal in PUMP.signals if signal.id == wear.signal_id] == ["Vibration_mm_s"]
    assert wear.limit == 8.5
    assert "10816-7" in wear.source


def test_what_no_table_of_zones_knows_has_no_outlook() -> None:
    asset = Asset(id="m", site_id="graz", line_id="l", code="M-1", name="Mixer", asset_class="Mixer, 7 kW")
    shaking = Signal(id=1, site_id="graz", asset_id="m", name="Vibration_mm_s", label="Vibration", unit="mm/s")
    assert wear_reading(asset, [shaking]) is None
    assert wear_reading(PUMP.asset, [signal for signal in PUMP.signals if signal.unit != "mm/s"]) is None


@pytest.mark.parametrize("seed", [42, 7])
def test_a_bearing_has_a_number_from_day_19_on_within_a_quarter_from_day_20_and_none_before(seed: int) -> None:
    wear = wear_reading(PUMP.asset, PUMP.signals)
    assert wear is not None
    whole = hourly(seed, 25.5)
    for day in (*range(-8, 19, 2), 18.5):
        told = outlook_of(wear, whole[: round((day + 11) * 24)], BORN + round(day * DAY_US))
        assert told.state is OutlookState.NOT_ENOUGH_TREND, day
    for day in (19.25, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0):
        told = outlook_of(wear, whole[: round((day + 11) * 24)], BORN + round(day * DAY_US))
        assert told.state is OutlookState.KNOWN, day
        assert told.middle_s is not None
        assert told.low_10_s is not None
        assert told.high_90_s is not None
        assert told.low_10_s < told.middle_s < told.high_90_s, "an interval, not a point"
        true = LIMIT_DAY - day
        assert told.middle_s / 86_400 == pytest.approx(true, rel=0.25), day
        if day < 23.5:  # Until the bearing seizes on day 27; the limit lies most of a day before that.
            assert told.middle_s / 86_400 == pytest.approx(27 - day, rel=0.25), day


def test_readings_that_are_missing_are_said_to_be_too_few() -> None:
    told = outlook_of(WearReading(1, 8.5, "ISO 10816-7"), np.full(200, np.nan), BORN)
    assert (told.state, told.reading, told.middle_s) == (OutlookState.TOO_FEW_READINGS, None, None)
