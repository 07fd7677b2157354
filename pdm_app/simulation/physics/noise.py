"""Noise that is a function of seed, channel and absolute time alone.

Between lattice points that lie one correlation time apart, noise turns from one independent draw into the next along a
quarter of a circle, so that its variance is 1 at every moment. Any moment can be asked for without those before it: a
series of ten seconds is a part of the series of one second, and a start in the middle meets what was there before.
"""

import zlib

import numpy as np
import numpy.typing as npt

from pdm_app.domain.samples import F8, I8, MICROS_PER_S

SEED = 42

U8 = npt.NDArray[np.uint64]

_GOLDEN = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
_FIRST = np.array([0xBF58476D1CE4E5B9], dtype=np.uint64)
_SECOND = np.array([0x94D049BB133111EB], dtype=np.uint64)
_HALF = float(2**32)


def channel_key(name: str) -> int:
    """Return the number that stands for a channel's name."""
    return zlib.crc32(name.encode())


def _mixed(word: U8) -> U8:
    """Scatter the bits of every word. Source: SplitMix64, Steele, Lea and Flood, OOPSLA 2014."""
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    mixed: U8 = word ^ (word >> np.uint64(31))
    return mixed


def _words(seed: int, keys: U8, index: I8) -> U8:
    own = _mixed(keys * _GOLDEN + np.uint64(seed))
    return _mixed(own + index.astype(np.uint64) * _GOLDEN)


def uniform(seed: int, keys: U8, index: I8) -> F8:
    """Return draws from 0 to 1, one per pair of channel and index; both arrays are broadcast."""
    drawn: F8 = (_words(seed, keys, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn


def normal(seed: int, keys: U8, index: I8) -> F8:
    """Return standard normal draws, one per pair of channel and index; both arrays are broadcast.

    Source: Box and Muller, Ann. Math. Statist. 29(2), 1958; both uniform numbers come from the halves of one word.
    """
    word = _words(seed, keys, index)
    radius = ((word >> np.uint64(32)).astype(np.float64) + 0.5) / _HALF
    turn = (word & np.uint64(0xFFFFFFFF)).astype(np.float64) * (2 * np.pi / _HALF)
    drawn: F8 = np.sqrt(-2.0 * np.log(radius)) * np.cos(turn)
    return drawn


def lattice(seed: int, keys: U8, correlation_s: float, at: I8) -> F8:
    """Return noise of unit variance.

    Args:
        seed: Of the plant.
        keys: Channels, shape (channels,).
        correlation_s: Distance of the lattice's points; values twice as far apart are independent.
        at: Moments in microseconds UTC, ascending, shape (times,).

    Returns:
        Shape (channels, times).
    """
    place = at / (MICROS_PER_S * correlation_s)
    point = np.floor(place).astype(np.int64)
    turn = (place - point) * (np.pi / 2)
    if not len(at):
        return np.empty((len(keys), 0))
    first, last = int(point[0]), int(point[-1]) + 1
    if last - first < len(at):  # Denser than the lattice: draw each of its points once.
        drawn = normal(seed, keys[:, None], np.arange(first, last + 1))
        before, after = drawn[:, point - first], drawn[:, point - first + 1]
    else:
        before, after = (normal(seed, keys[:, None], point + ahead) for ahead in (0, 1))
    noise: F8 = np.cos(turn) * before + np.sin(turn) * after
    return noise


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
