"""Noise that is a function of seed and tick alone, so that two runs agree to the last bit.

A counter-based generator gives the draws of any tick without those before it; no generator state has to be carried.
"""

import numpy as np

from pdm_app.domain.samples import F8

SEED = 42


def standard_normal(seed: int, tick: int, count: int) -> F8:
    """Return ``count`` independent standard normal draws that belong to this tick."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, tick])).standard_normal(count)


def autoregress(noise: F8, draws: F8, time_constant_s: F8, dt_s: float) -> F8:
    """Advance AR(1) noise of unit variance by one step of any length.

    Args:
        noise: Values before the step, shape (channels,), standard deviation 1.
        draws: Standard normal draws, shape (channels,).
        time_constant_s: Correlation time of each channel, shape (channels,).
        dt_s: Length of the step.

    Source: exact discretisation of the Ornstein-Uhlenbeck process; the variance does not depend on ``dt_s``.
    """
    kept = np.exp(-dt_s / time_constant_s)
    advanced: F8 = kept * noise + np.sqrt(1.0 - kept * kept) * draws
    return advanced
