"""When a degrading quantity will reach its limit, or that nobody can tell yet.

A line, or an exponential, over the level of the sound machine is carried on to the limit; every rate that fits counts
as much as it fits, for many fit alike and part only far ahead. Readings of neighbouring hours are not independent, so
the spread counts the independent ones only. Where there may as well be no growth the answer is "not enough trend": a
number nobody should plan with is worse than none. Source: ISO 13381-1:2015, on prognosis and confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8

READINGS_MIN = 20
INDEPENDENT_MIN = 12.0  # Below it a wander looks like growth: of 60 random walks 2 do, of 60 with 4 it were 17.
SLOPE_SPREADS = 2.95  # The 95 % interval of the growth must not hold zero, for sixteen shapes at once (Bonferroni).
DRAWS = 2_000
SEEN_SHARE = 0.25
"""Of the way from the sound machine's level to the limit, so much must lie behind: a curve is carried on at most three
times as far as it has been seen to rise. Of a hundredth many rates fit alike, and the first of them wins by chance."""
SOUND_QUANTILE = 0.1  # A tenth of the readings lies below: the level from which wear is counted.
MISSED_FROM = (0.8, 0.85, 0.9, 0.95)
"""Shares of the readings from which the present one is foretold: how far off that was widens the interval."""
CURRENT_SHARE = 1 / 50  # The newest readings whose middle says where the wear stands now; three at least.
WINDOW_SHARES = (1.0, 0.5, 0.25)
RATES = tuple(step / 6 for step in range(61))
"""Powers of e by which wear may grow over a stretch; 0 is a line. Closer together than readings can tell them apart."""
ROUGHER = 1.5
"""A longer stretch is believed while its line fits no worse than so many times the shortest one's."""


class NoPrognosis(StrEnum):
    """Why there is no number."""

    TOO_FEW_READINGS = "too_few_readings"
    NOT_ENOUGH_TREND = "not_enough_trend"
    BEYOND_HORIZON = "beyond_horizon"


class Curve(StrEnum):
    """How wear goes on."""

    LINE = "line"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Prognosis:
    """Seconds from the last reading until the limit is reached; 0 where it has been.

    Attributes:
        low_10_s: One in ten reaches it before.
        middle_s: As likely before as after.
        high_90_s: One in ten lasts longer; None beyond the horizon.
        curve: What was carried on.
        from_s: Where the stretch begins that it was fitted to.
    """

    low_10_s: float
    middle_s: float
    high_90_s: float | None
    curve: Curve
    from_s: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """Readings to a power as floor + growth · shape(t): the shape is t, or e^(rate·t), and t is 0 at the last one.

    To the power of 2 they are energies: vibrations of two causes add so, and not by their sizes.
    """

    rate: float
    power: int
    floor: float
    growth: float
    spread: F8
    """Shape (2, 2), of floor and growth."""
    roughness: float
    independent: float

    @property
    def curve(self) -> Curve:
        return Curve.EXPONENTIAL if self.rate else Curve.LINE

    @property
    def growth_spread(self) -> float:
        return float(np.sqrt(self.spread[1, 1]))


def prognosis(at_s: F8, value: F8, limit: float, horizon_s: float, seed: int = 0) -> Prognosis | NoPrognosis:
    """Carry a wear reading on to its limit.

    Args:
        at_s: Shape (readings,), ascending seconds.
        value: Shape (readings,), the reading, whose growth means wear; NaN is left out.
        limit: Where the machine counts as failed, such as the border of zone C/D.
        horizon_s: Farther ahead nothing is said.
        seed: Of the draws, so that the same readings give the same answer.

    Raises:
        InvalidInputError: Times that do not ascend, or arrays of different lengths.
    """
    if at_s.shape != value.shape or at_s.ndim != 1:
        raise InvalidInputError(
            f"Times and readings go in pairs; arrays of shapes {at_s.shape} and {value.shape} came."
        )
    if len(at_s) > 1 and not (np.diff(at_s) > 0).all():
        raise InvalidInputError("Readings must be in the order of their times, each later than the one before.")
    good = np.isfinite(value)
    at, told = at_s[good], value[good]
    if len(at) < READINGS_MIN:
        return NoPrognosis.TOO_FEW_READINGS
    fits, start = _chosen(at - at[-1], told)
    best = fits[0]
    if best.independent < INDEPENDENT_MIN or best.growth <= SLOPE_SPREADS * best.growth_spread:
        return NoPrognosis.NOT_ENOUGH_TREND
    lives = _lives(fits, limit, seed)
    low, middle, high = (float(life) for life in np.quantile(lives, (0.1, 0.5, 0.9), method="nearest"))
    if middle > horizon_s:
        return NoPrognosis.BEYOND_HORIZON
    if seen_share(told, limit) < SEEN_SHARE:
        return NoPrognosis.NOT_ENOUGH_TREND
    missed = _missed(at, told, seed)
    low, high = min(low, middle / missed), max(high, middle * missed)
    return Prognosis(low, middle, high if high <= horizon_s else None, best.curve, float(at[start]))


def _missed(at: F8, told: F8, seed: int) -> float:
    """Return by which factor the present reading was foretold too early or too late, from some moments before it.

    The readings' noise says nothing of wear that changes its way; what was foretold and has come true since does.
    """
    now = _present(told)
    factors = [1.0]
    for share in MISSED_FROM:
        kept = int(len(at) * share)
        if kept < READINGS_MIN or now <= _present(told[:kept]):
            continue
        fits, _ = _chosen(at[:kept] - at[kept - 1], told[:kept])
        foretold = float(np.quantile(_lives(fits, now, seed), 0.5, method="nearest"))
        if np.isfinite(foretold) and foretold > 0:
            ratio = foretold / float(at[-1] - at[kept - 1])
            factors.append(max(ratio, 1 / ratio))
    return float(np.median(factors))


def _present(told: F8) -> float:
    """Return the middle of the newest readings."""
    return float(np.median(told[-max(3, int(len(told) * CURRENT_SHARE)) :]))


def seen_share(told: F8, limit: float) -> float:
    """Return how much of the way from the sound machine's level to the limit the readings have come.

    Args:
        told: Shape (readings,), in the order of their times; no NaN.
        limit: Where the machine counts as failed.

    Returns:
        1 at the limit and 0 at the sound level; 1 also where the sound level itself lies at the limit or above.
    """
    sound = float(np.quantile(told, SOUND_QUANTILE))
    return (_present(told) - sound) / (limit - sound) if limit > sound else 1.0


def _lives(fits: Sequence[_Fit], limit: float, seed: int) -> F8:
    """Draw seconds until the limit from all shapes, each as often as it is believed; infinite where none is reached."""
    random = np.random.default_rng(seed)
    counts = random.multinomial(DRAWS, _weights(fits))
    lives: list[F8] = []
    for fit, count in zip(fits, counts, strict=True):
        if not count:
            continue
        floor, growth = random.multivariate_normal([fit.floor, fit.growth], fit.spread, count, method="eigh").T
        left = (limit**fit.power - floor) / np.where(growth > 0, growth, np.nan)  # What the shape has to grow to.
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.log(left) / fit.rate if fit.rate else left
        lives.append(np.where(np.isnan(left), np.inf, np.where(np.nan_to_num(left) <= 0, 0.0, np.maximum(reached, 0))))
    return np.nan_to_num(np.concatenate(lives), nan=0.0, posinf=np.inf)


def _weights(fits: Sequence[_Fit]) -> F8:
    """Return how much each shape is believed, by what it leaves over: exp(-n·ln roughness), n independent readings.

    Over a short stretch many rates fit alike and part only far ahead; one of them alone would be too sure.
    Source: Akaike weights, Burnham & Anderson, Model Selection and Multimodel Inference, 2.9; shapes of equal freedom.
    """
    count = fits[0].independent
    likely = np.array([-count * np.log(max(fit.roughness, 1e-300)) for fit in fits])
    weights: F8 = np.exp(likely - likely.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _chosen(at: F8, told: F8) -> tuple[list[_Fit], int]:
    """Return the fits, the best first, of the longest stretch that one shape still describes, and where it begins."""
    starts = [max(len(at) - max(READINGS_MIN, int(len(at) * share)), 0) for share in sorted(WINDOW_SHARES)]
    stretches = [(_fits(at[start:], told[start:]), start) for start in starts]
    limit = ROUGHER * stretches[0][0][0].roughness
    return next((each for each in reversed(stretches) if each[0][0].roughness <= limit), stretches[0])


def _fits(at: F8, told: F8) -> list[_Fit]:
    """Fit each shape over a floor, the sound machine's level; the one that leaves least over comes first."""
    rates = np.array(RATES) / -at[0]
    powers = (1, 2) if (told > 0).all() else (1,)
    fits = [_fit(at, told, float(rate), power) for rate in rates for power in powers]
    return sorted(fits, key=lambda fit: fit.roughness)


def _fit(at: F8, told: F8, rate: float, power: int) -> _Fit:
    shape = np.exp(rate * at) if rate else at
    count = len(at)
    columns = np.stack([np.ones(count), shape], axis=1)
    square = np.linalg.inv(columns.T @ columns)
    floor, growth = (float(value) for value in square @ columns.T @ told**power)
    fitted = floor + growth * shape
    left = told**power - fitted
    energy = max(float((left**2).sum()), 1e-300)
    kept = min(max(float((left[1:] * left[:-1]).sum()) / energy, 0.0), 0.99)
    independent = count * (1 - kept) / (1 + kept)
    variance = energy / max(count - 2, 1) * (count / independent)
    seen = told - np.sqrt(np.maximum(fitted, 0)) if power == 2 else left
    roughness = float(np.sqrt(np.mean(seen**2)))
    return _Fit(rate, power, floor, growth, square * variance, roughness, independent)
