"""The raw acceleration of the plant's pumps: it fits the readings of the same moment, and shows what is broken."""

from dataclasses import replace

import numpy as np
import pytest

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import Micros
from pdm_app.domain.vibration import envelope_spectrum, spectrum, velocity_rms_mm_s, waveform
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import DAY_US, HOUR_US, acted
from pdm_app.simulation.physics import acting
from pdm_app.simulation.readings import PlantReader
from pdm_app.simulation.waveforms import RINGING_HZ, SAMPLE_RATE_HZ, SAMPLES, VibrationWindow, vibration_window

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49 UTC, day 19 of the bearing.
LABELS = labels_at_start(None, SINCE)


def reading(labels: Labels, code: str, name: str, at: int) -> float:
    """What the slow sensor of the same pump says, without lags of its own."""
    told = PlantReader(labels.since, codes={code}).read(np.array([at], dtype=np.int64), acted(labels))
    return float(told.columns[code][name][0])


def at_bpfo_g(window: VibrationWindow) -> float:
    return envelope_spectrum(window.acceleration_g, SAMPLE_RATE_HZ, *RINGING_HZ).peak_near(window.bpfo_hz)


@pytest.mark.parametrize("day", [-18, -5, 0, 4, 7.9])
def test_a_window_fits_what_the_slow_sensors_of_the_pump_say(day: float) -> None:
    at = round(SINCE + day * DAY_US)
    window = vibration_window(LABELS, "P-101A", at)
    assert window.acceleration_g.shape == (SAMPLES,)
    assert window.turns_hz * 60 == pytest.approx(reading(LABELS, "P-101A", "Motor_RPM", at), rel=0.002)
    velocity = velocity_rms_mm_s(window.acceleration_g, SAMPLE_RATE_HZ)
    assert velocity == pytest.approx(reading(LABELS, "P-101A", "Vibration_mm_s", at), rel=0.08)
    kurtosis = waveform(window.acceleration_g).kurtosis
    assert kurtosis == pytest.approx(reading(LABELS, "P-101A", "Kurtosis", at), abs=0.6)
    defect_g = np.sqrt(max(reading(LABELS, "P-101A", "Envelope_BPFO_g", at) ** 2 - 0.1**2, 0.0))
    assert at_bpfo_g(window) == pytest.approx(defect_g, abs=0.03), "without the floor of the slow sensor"


def test_the_blows_of_a_worn_bearing_stand_out_of_its_envelope_and_of_no_sound_one() -> None:
    worn, sound = (vibration_window(LABELS, code, SINCE) for code in ("P-101A", "P-501"))
    envelope = envelope_spectrum(worn.acceleration_g, SAMPLE_RATE_HZ, *RINGING_HZ)
    around = (envelope.frequency_hz > 20) & (envelope.frequency_hz < 500)
    assert worn.bpfo_hz == pytest.approx(75.2, abs=0.3), "3.05 times 1,478 turns a minute"
    assert at_bpfo_g(worn) > 20 * float(np.median(envelope.amplitude[around]))
    assert envelope.peak_near(2 * worn.bpfo_hz) > 5 * float(np.median(envelope.amplitude[around])), "and its harmonic"
    assert at_bpfo_g(sound) < 0.01


def test_a_pump_out_of_line_shakes_at_twice_its_speed() -> None:
    fault = InjectedFault("m", acting.MISALIGNMENT, "P-101B", "", Micros(SINCE - HOUR_US), 1.0)
    labels = replace(LABELS, faults=(*LABELS.faults, fault))
    out_of_line, in_line = vibration_window(labels, "P-101B", SINCE), vibration_window(LABELS, "P-101A", SINCE)
    twice, usual = (
        spectrum(window.acceleration_g, SAMPLE_RATE_HZ).peak_near(2 * window.turns_hz)
        for window in (out_of_line, in_line)
    )
    assert twice > 4 * usual


def test_cavitation_hisses_between_two_and_six_kilohertz_and_gives_no_line() -> None:
    fault = InjectedFault("c", acting.CAVITATION, "P-502", "", Micros(SINCE - HOUR_US), 1.0)
    labels = replace(LABELS, faults=(*LABELS.faults, fault))
    hissing, quiet = vibration_window(labels, "P-502", SINCE), vibration_window(LABELS, "P-502", SINCE)
    loud, still = (
        spectrum(window.acceleration_g, SAMPLE_RATE_HZ).rms_between(2000, 6000) for window in (hissing, quiet)
    )
    assert loud > 10 * still
    assert at_bpfo_g(hissing) < 0.2 * loud


def test_the_same_moment_has_the_same_window_and_the_next_another() -> None:
    window = vibration_window(LABELS, "P-101A", SINCE)
    assert np.array_equal(window.acceleration_g, vibration_window(LABELS, "P-101A", SINCE).acceleration_g)
    later = vibration_window(LABELS, "P-101A", SINCE + 1_000_000)
    assert abs(float(np.corrcoef(window.acceleration_g, later.acceleration_g)[0, 1])) < 0.9


def test_a_pump_that_stands_says_noise_alone_and_what_has_no_sensor_is_refused() -> None:
    standing = vibration_window(LABELS, "P-101B", SINCE)
    assert not standing.is_turning
    assert velocity_rms_mm_s(standing.acceleration_g, SAMPLE_RATE_HZ) < 0.3
    with pytest.raises(NotFoundError, match="P-101A"):
        vibration_window(LABELS, "C-42", SINCE)
