"""Faults that only a sensor has: it stands still, says nothing, or jumps as no machine can.

They are looked for in samples as they came, not in averages, and before anything is said of the machine: a sensor that
fails is no damage. One that drifts looks like a machine that changes; that is told from what should move with it, see
`pdm_app.domain.diagnosis`.
"""

from enum import StrEnum

import numpy as np

from pdm_app.domain.samples import F8

SAMPLES_MIN = 60
"""Fewer tell nothing of how a sensor moves."""
MISSING_SHARE = 0.15
STILL_SHARE = 1e-3
"""Of its usual movement within as many samples: less is standing still."""
JUMP_NOISES = 6.0
"""Away from both neighbours, in the spread of usual steps."""
JUMP_SHARE = (0.004, 0.2)
"""Of the samples; fewer are chance, more are how the signal is."""


class SensorFault(StrEnum):
    """How a sensor fails."""

    STUCK = "stuck"
    DROPOUT = "dropout"
    SPIKES = "spikes"
    DRIFT = "drift"


def sensor_fault(usual: F8, recent: F8) -> SensorFault | None:
    """Return the fault of a sensor, told from its own samples alone.

    Args:
        usual: Samples of a sound time while the machine ran, shape (samples,); NaN where its quality was bad.
        recent: Samples to be judged, with the same seconds between two.

    Returns:
        None where it looks sound, or where there are too few samples to tell.
    """
    if min(len(usual), len(recent)) < SAMPLES_MIN:
        return None
    missing, usually_missing = (float(np.mean(~np.isfinite(column))) for column in (recent, usual))
    if missing >= usually_missing + MISSING_SHARE:
        return SensorFault.DROPOUT
    sound, now = usual[np.isfinite(usual)], recent[np.isfinite(recent)]
    if min(len(sound), len(now)) < SAMPLES_MIN:
        return None
    pieces = sound[: len(sound) // SAMPLES_MIN * SAMPLES_MIN].reshape(-1, SAMPLES_MIN)
    moves = np.ptp(pieces, axis=1)
    tail = now[-SAMPLES_MIN:]
    if moves.min() > 0 and np.ptp(tail) <= STILL_SHARE * float(np.median(moves)):
        return SensorFault.STUCK
    if _jumps(now, sound) >= max(JUMP_SHARE[0], 5 * _jumps(sound, sound)) and _jumps(now, sound) <= JUMP_SHARE[1]:
        return SensorFault.SPIKES
    return None


def _jumps(samples: F8, usual: F8) -> float:
    """Return the share of samples that lie far from both neighbours, which lie near each other."""
    steps = np.abs(np.diff(usual))
    noise = max(float(np.median(steps)) / 0.6745, 1e-9 * max(float(np.abs(usual).max()), 1.0))
    before, middle, after = samples[:-2], samples[1:-1], samples[2:]
    away = np.minimum(np.abs(middle - before), np.abs(middle - after)) > JUMP_NOISES * noise
    same_side = (middle - before) * (middle - after) > 0
    near = np.abs(after - before) < JUMP_NOISES * noise
    return float(np.mean(away & same_side & near))
