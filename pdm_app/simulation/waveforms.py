"""What the accelerometer at a pump's drive end says within a fraction of a second, at any moment of the plant.

``vibration_window(labels, code, at)`` makes the window from what the physics says of that moment, so that it fits the
readings of the same pump: its velocity has their RMS from 10 to 1,000 Hz, the envelope of its ringing has their
amplitude at the rate at which balls pass the outer race, and its kurtosis is theirs as far as blows can make it so. The
same moment of the same plant has the same window.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.domain.vibration import STANDARD_GRAVITY, envelope_spectrum, velocity_rms_mm_s, waveform
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import acted
from pdm_app.simulation.physics import bearing, pumping, pumps
from pdm_app.simulation.physics.moments import Moments
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.world import World

SAMPLES = 8192
SAMPLE_RATE_HZ = 20_480.0
BPFO_PER_TURN = 3.05
"""Balls that pass the outer race in a turn: 6310, 8 balls."""
RINGING_HZ = (2500.0, 6500.0)
"""The band whose envelope shows the blows."""

_RESONANCE_HZ = 4300.0
_DECAYS_S = (0.0004, 0.02)
_HALVINGS = 12
_STANDING_HZ = 1.0
_SLIP = 0.008  # Balls slide a little: blows come this share of their distance early or late.
_NOISE_G = 0.03
_BUBBLES_HZ = (2000.0, 6000.0)
_BUBBLES_G = 1.2  # RMS at full cavitation.
_ONCE, _TWICE, _THRICE = 0.93, 0.33, 0.16  # Of a sound pump's velocity; in quadrature 1.


@dataclass(frozen=True, slots=True)
class VibrationWindow:
    """One axis, radial, at the drive end.

    Attributes:
        at: Its first moment, microseconds UTC.
        turns_hz: Turns of the shaft per second.
        acceleration_g: Shape (8192,), at 20,480 samples a second.
    """

    at: int
    turns_hz: float
    acceleration_g: F8

    @property
    def is_turning(self) -> bool:
        return self.turns_hz >= _STANDING_HZ

    @property
    def bpfo_hz(self) -> float:
        return BPFO_PER_TURN * self.turns_hz


def vibration_window(labels: Labels, code: str, at: int) -> VibrationWindow:
    """Return 0.4 s of a pump's acceleration.

    Args:
        labels: What was done to the plant.
        code: Of the pump.
        at: The first moment, microseconds UTC, also one before the plant's first start.

    Raises:
        NotFoundError: No such pump has an accelerometer.
    """
    if code not in pumps.CODES:
        raise NotFoundError(f"No accelerometer is at {code!r}; there are some at {', '.join(pumps.CODES)}.", code=code)
    row = pumps.CODES.index(code)
    inputs, told = _told(labels, at)
    draws = np.random.Generator(np.random.Philox(key=SEED, counter=[crc32(code.encode()), at, 0, 0]))
    noise = _NOISE_G * draws.standard_normal(SAMPLES)
    turns_hz = float(told.rpm[0, row]) / 60
    if turns_hz < _STANDING_HZ:
        return VibrationWindow(at, turns_hz, noise)
    turning_sq = float(told.rpm[0, row] / pumps.TYPES.rpm_rated[row]) ** 2
    day = inputs.bearing_day[:, row]
    struck_g = float(bearing.envelope_g(day)[0] ** 2 - bearing.ENVELOPE_FLOOR_G**2) ** 0.5 * turning_sq
    others = noise + _BUBBLES_G * float(told.cavitation[0, row]) * _band(draws, *_BUBBLES_HZ)
    lines = _lines(
        turns_hz,
        once_mm_s=float(pumps.TYPES.vibration_mm_s[row]),
        twice_mm_s=pumps.MISALIGNED_MM_S * float(inputs.misaligned[0, row]),
        struck_mm_s=float(bearing.vibration_mm_s(day)[0]),
        phases=draws.uniform(0, 2 * np.pi, 6),
    )
    struck_s = _struck_s(turns_hz, draws)
    shortest, longest = _DECAYS_S
    window = others
    for _ in range(_HALVINGS):
        decay_s = (shortest * longest) ** 0.5
        blows = _ringing(struck_s, decay_s)
        rate_hz = BPFO_PER_TURN * turns_hz
        blows *= struck_g / envelope_spectrum(blows, SAMPLE_RATE_HZ, *RINGING_HZ).peak_near(rate_hz)
        rest = others + blows
        window = rest + lines * _scale(lines, rest, float(told.vibration_mm_s[0, row]))
        if (waveform(window).kurtosis or 0.0) > float(told.kurtosis[0, row]):
            shortest = decay_s  # What rings longer fills the gaps between the blows.
        else:
            longest = decay_s
    return VibrationWindow(at, turns_hz, window)


def _told(labels: Labels, at: int) -> tuple[pumps.PumpInputs, pumps.PumpReadings]:
    faults, world = acted(labels), World(labels.since)
    before = world.remembered(at, faults)
    moment = np.array([at], dtype=np.int64)
    moments = Moments(SEED, labels.since, moment, (at - before.at) / MICROS_PER_S, faults)
    inputs = pumping.inputs(moments)
    return inputs, pumps.read(pumping.followed(moments, inputs, before.pumps), inputs)


def _struck_s(turns_hz: float, draws: np.random.Generator) -> F8:
    """Return when balls strike, in seconds of the window, from before it on."""
    every_s = 1 / (BPFO_PER_TURN * turns_hz)
    count = int(SAMPLES / SAMPLE_RATE_HZ / every_s) + 4
    struck_s: F8 = (np.arange(count) - 2 - draws.uniform() + _SLIP * draws.standard_normal(count)) * every_s
    return struck_s


def _ringing(struck_s: F8, decay_s: float) -> F8:
    """Return a resonance that is struck again and again, at unit height, shape (samples,)."""
    since_s = np.arange(SAMPLES) / SAMPLE_RATE_HZ - struck_s[:, None]
    rings = np.where(since_s >= 0, np.exp(-np.maximum(since_s, 0) / decay_s), 0.0)
    ringing: F8 = (rings * np.sin(2 * np.pi * _RESONANCE_HZ * since_s)).sum(axis=0)
    return ringing


def _band(draws: np.random.Generator, low_hz: float, high_hz: float) -> F8:
    """Return noise of a band, RMS 1."""
    white = np.fft.rfft(draws.standard_normal(SAMPLES))
    frequency_hz = np.fft.rfftfreq(SAMPLES, 1 / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(np.where((frequency_hz >= low_hz) & (frequency_hz <= high_hz), white, 0), SAMPLES)
    banded: F8 = noise / noise.std()
    return banded


def _lines(turns_hz: float, *, once_mm_s: float, twice_mm_s: float, struck_mm_s: float, phases: F8) -> F8:
    """Return turning, its harmonics and the rate of the blows as acceleration, from velocities in mm/s RMS."""
    bpfo_hz = BPFO_PER_TURN * turns_hz
    parts = (
        (turns_hz, _ONCE * once_mm_s),
        (2 * turns_hz, float(np.hypot(_TWICE * once_mm_s, twice_mm_s))),
        (3 * turns_hz, _THRICE * once_mm_s),
        (bpfo_hz, 0.85 * struck_mm_s),
        (2 * bpfo_hz, 0.45 * struck_mm_s),
        (3 * bpfo_hz, 0.27 * struck_mm_s),
    )
    at_s = np.arange(SAMPLES) / SAMPLE_RATE_HZ
    lines = np.zeros(SAMPLES)
    for (frequency_hz, rms_mm_s), phase in zip(parts, phases, strict=True):
        peak_g = np.sqrt(2) * rms_mm_s / 1000 * 2 * np.pi * frequency_hz / STANDARD_GRAVITY
        lines += peak_g * np.cos(2 * np.pi * frequency_hz * at_s + phase)
    return lines


def _scale(lines: F8, rest: F8, wanted_mm_s: float) -> float:
    """Return by how much the lines are to be taken so that all of it has the velocity that the sensor says."""
    of_rest, of_lines = (velocity_rms_mm_s(part, SAMPLE_RATE_HZ) for part in (rest, lines))
    return float(np.sqrt(max(wanted_mm_s**2 - of_rest**2, 0.0))) / of_lines
