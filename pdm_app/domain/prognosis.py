"""When a degrading quantity will reach its limit, or that nobody can tell yet.

A line, or an exponential, is carried on to the limit with the uncertainty of its slope. Readings of neighbouring hours
are not independent, so the spread counts the independent ones only. Where the slope may as well be zero the answer is
"not enough trend": a number nobody should plan with is worse than none.
Source: ISO 13381-1:2015, on prognosis and confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8

READINGS_MIN = 20
INDEPENDENT_MIN = 4.0
SLOPE_SPREADS = 1.96  # The 95 % interval of the slope must not hold zero.
DRAWS = 2_000
WINDOW_SHARES = (1.0, 0.5, 0.25)
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
    curve: Curve
    start: int
    at_last: float
    slope: float
    at_last_spread: float
    slope_spread: float
    together: float
    roughness: float
    independent: float


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
    fits = _chosen(at - at[-1], told)
    fit = fits[0]
    if fit.independent < INDEPENDENT_MIN or fit.slope - SLOPE_SPREADS * fit.slope_spread <= 0:
        return NoPrognosis.NOT_ENOUGH_TREND
    lives = np.concatenate(
        [_lives(each, limit, weight, seed) for each, weight in zip(fits, _weights(fits), strict=True)]
    )
    low, middle, high = (float(life) for life in np.quantile(lives, (0.1, 0.5, 0.9), method="nearest"))
    if middle > horizon_s:
        return NoPrognosis.BEYOND_HORIZON
    return Prognosis(low, middle, high if high <= horizon_s else None, fit.curve, float(at[fit.start]))


def _lives(fit: _Fit, limit: float, weight: float, seed: int) -> F8:
    """Draw seconds until the limit, as many as the fit's weight asks for."""
    goal = limit if fit.curve is Curve.LINE else (float(np.log(limit)) if limit > 0 else -np.inf)
    spread = np.array([[fit.at_last_spread**2, fit.together], [fit.together, fit.slope_spread**2]])
    random = np.random.default_rng(seed)
    draws = random.multivariate_normal([fit.at_last, fit.slope], spread, round(DRAWS * weight), method="eigh")
    left = goal - draws[:, 0]
    return np.where(left <= 0, 0.0, np.where(draws[:, 1] > 0, left / np.maximum(draws[:, 1], 1e-300), np.inf))


def _weights(fits: Sequence[_Fit]) -> F8:
    """Return how much each curve is believed, by what it leaves over: exp(-n·ln roughness), n independent readings.

    Over a short stretch a line and an exponential fit alike and part only far ahead; one alone would be too sure.
    Source: Akaike weights, Burnham & Anderson, Model Selection and Multimodel Inference, 2.9; curves of equal freedom.
    """
    likely = np.array([-fit.independent * np.log(max(fit.roughness, 1e-300)) for fit in fits])
    weights: F8 = np.exp(likely - likely.max())
    return weights / weights.sum()


def _chosen(at: F8, told: F8) -> list[_Fit]:
    """Return the fits, the best first, of the longest stretch up to now that one curve still describes."""
    shares = sorted(WINDOW_SHARES)
    stretches = [_fits(at, told, max(len(at) - max(READINGS_MIN, int(len(at) * share)), 0)) for share in shares]
    limit = ROUGHER * stretches[0][0].roughness
    return next((fits for fits in reversed(stretches) if fits[0].roughness <= limit), stretches[0])


def _fits(at: F8, told: F8, start: int) -> list[_Fit]:
    """Fit a line, and an exponential where all readings are above zero; the one that leaves less over comes first."""
    fits = [_line(at[start:], told[start:], Curve.LINE, start, told[start:])]
    if (told[start:] > 0).all():
        fits.append(_line(at[start:], np.log(told[start:]), Curve.EXPONENTIAL, start, told[start:]))
    return sorted(fits, key=lambda fit: fit.roughness)


def _line(at: F8, height: F8, curve: Curve, start: int, told: F8) -> _Fit:
    count = len(at)
    centre = float(at.mean())
    square = float(((at - centre) ** 2).sum())
    slope = float(((at - centre) * height).sum()) / square
    mean = float(height.mean())
    fitted = mean + slope * (at - centre)
    left = height - fitted
    shown = fitted if curve is Curve.LINE else np.exp(fitted)
    kept = float((left[1:] * left[:-1]).sum() / max(float((left**2).sum()), 1e-300))
    kept = min(max(kept, 0.0), 0.99)
    independent = count * (1 - kept) / (1 + kept)
    variance = float((left**2).sum()) / max(count - 2, 1) * (count / independent)
    slope_variance = variance / square
    return _Fit(
        curve, start, mean - slope * centre, slope,
        at_last_spread=float(np.sqrt(variance / count + slope_variance * centre**2)),
        slope_spread=float(np.sqrt(slope_variance)), together=-slope_variance * centre,
        roughness=float(np.sqrt(np.mean((told - shown) ** 2))), independent=independent,
    )  # fmt: skip
