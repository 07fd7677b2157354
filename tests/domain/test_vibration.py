"""Windows of acceleration whose answers are known from theory."""

import numpy as np
import pytest

from pdm_app.domain.bearings import Bearing
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.domain.vibration import (
    STANDARD_GRAVITY,
    WindowTooShortError,
    envelope_spectrum,
    spectrum,
    velocity_rms_mm_s,
    waveform,
)
from pdm_app.domain.vibration_zones import ZONE_TABLES, Zone, ZoneTable

RATE_HZ = 8192.0


def sine(frequency_hz: float, amplitude: float, samples: int = 8192) -> F8:
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE_HZ), dtype=np.float64)


def test_a_sine_has_the_shape_of_a_sine() -> None:
    told = waveform(7 + sine(50, 2))
    assert told.rms == pytest.approx(2 / np.sqrt(2))
    assert told.crest == pytest.approx(np.sqrt(2), rel=1e-3)
    assert told.kurtosis == pytest.approx(1.5)


def test_blows_show_in_crest_and_kurtosis() -> None:
    blows = 0.1 * np.random.default_rng(0).standard_normal(8192)
    blows[::500] += 5
    told = waveform(blows)
    assert told.crest is not None
    assert told.crest > 10
    assert told.kurtosis is not None
    assert told.kurtosis > 20


def test_a_flat_window_has_no_shape() -> None:
    told = waveform(np.full(300, 9.81))
    assert told.rms == pytest.approx(0, abs=1e-9)
    assert (told.crest, told.kurtosis) == (None, None)


def test_a_sine_on_a_bin_reads_its_amplitude_and_its_rms() -> None:
    told = spectrum(5 + sine(120, 2), RATE_HZ)
    assert told.frequency_hz[told.amplitude.argmax()] == 120
    assert told.amplitude.max() == pytest.approx(2)
    assert told.amplitude[0] == pytest.approx(0, abs=1e-9)
    assert told.peak_near(121) == pytest.approx(2)
    assert told.rms_between(100, 140) == pytest.approx(2 / np.sqrt(2))
    assert told.rms_between(500, 900) == pytest.approx(0, abs=1e-9)


def test_all_bands_together_have_the_energy_of_the_window() -> None:
    noise = np.random.default_rng(1).standard_normal(16384)
    assert spectrum(noise, RATE_HZ).rms_between(0, RATE_HZ) == pytest.approx(1.0, rel=0.05)


def test_the_envelope_shows_how_often_a_resonance_is_struck() -> None:
    ringing = sine(3000, 1, 256) * np.exp(-np.arange(256) / 40)
    window = 0.05 * np.random.default_rng(2).standard_normal(8192) + sine(25, 3)  # An unbalance ten times as large.
    for start in range(0, 8192 - 256, 82):  # 99.9 blows a second.
        window[start : start + 256] += 0.6 * ringing
    told = envelope_spectrum(window, RATE_HZ, 2000, 4000)
    seen = told.amplitude.copy()
    seen[told.frequency_hz < 20] = 0
    assert told.frequency_hz[seen.argmax()] == pytest.approx(99.9, abs=1.5)


def test_an_envelope_beyond_half_of_the_sample_rate_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="between 0 and 4096 Hz"):
        envelope_spectrum(sine(50, 1), RATE_HZ, 3000, 5000)


def test_acceleration_turns_into_velocity() -> None:
    # 1 g peak at 100 Hz: 9806.65 / (2π · 100) = 15.608 mm/s peak, 11.036 RMS.
    assert velocity_rms_mm_s(sine(100, 1), RATE_HZ) == pytest.approx(11.036, rel=1e-3)
    assert STANDARD_GRAVITY == 9.80665
    assert velocity_rms_mm_s(sine(2000, 1), RATE_HZ) == pytest.approx(0, abs=1e-6)


def test_short_broken_and_huge_windows_are_refused() -> None:
    with pytest.raises(WindowTooShortError, match="256"):
        spectrum(np.zeros(255), RATE_HZ)
    with pytest.raises(InvalidInputError, match="no numbers"):
        waveform(np.full(300, np.nan))
    with pytest.raises(InvalidInputError, match="are the most"):
        waveform(np.zeros((1 << 20) + 1))


def test_a_bearing_of_the_6205_class_strikes_at_its_known_rates() -> None:
    rates = Bearing(balls=9, ball_mm=7.94, pitch_mm=39.04).rates(1.0)
    assert [rates.outer_hz, rates.inner_hz, rates.ball_hz] == pytest.approx([3.585, 5.415, 2.357], abs=0.01)
    assert rates.cage_hz == pytest.approx(0.398, abs=0.001)
    # The rings share the balls: both rates together are balls times shaft.
    assert rates.outer_hz + rates.inner_hz == pytest.approx(9)


def test_balls_larger_than_their_circle_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Bearing(balls=9, ball_mm=40, pitch_mm=39)


def test_zones_end_on_their_borders() -> None:
    table = next(table for table in ZONE_TABLES if table.name == "Pumps, category II, up to 200 kW")
    assert [table.zone(value) for value in (3.2, 3.3, 5.1, 5.2, 8.5, 8.6)] == [
        Zone.A, Zone.B, Zone.B, Zone.C, Zone.C, Zone.D,
    ]  # fmt: skip
    assert [table.alarm_mm_s, table.trip_mm_s] == pytest.approx([6.4, 10.6], abs=0.03)


def test_borders_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="do not ascend"):
        ZoneTable(name="x", source="y", a_b=2, b_c=2, c_d=3)
