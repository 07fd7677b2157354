"""Round numbers along the axis of a chart."""

import math
from collections.abc import Iterable

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
TICKS = 4


def ticks(values: Iterable[float], *, from_zero: bool) -> list[float]:
    """Return round numbers, rising evenly, between the first and last of which all values lie; at least two.

    Args:
        values: What is drawn; may be empty.
        from_zero: Whether zero is among them however far away the values lie, as for bars.
    """
    found = [*values, 0.0] if from_zero else list(values) or [0.0]
    low, high = min(found), max(found)
    if high - low <= abs(high) * 1e-9:
        high, low = (high + (abs(high) * 0.1 or 1.0)), (low if from_zero and low == 0 else low - abs(low) * 0.1)
    step = _step((high - low) / TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * nice for nice in NICE if size * nice >= rough * (1 - 1e-9))


def number(value: float | None, decimals: int = 1) -> str:
    """Write a number as people read it: thin thousands, a true minus, a dash where there is none."""
    if value is None:
        return "—"
    words = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return words.replace("-", "−")


def short(value: float) -> str:
    """Write a number of an axis with as many digits as it needs."""
    return number(value, 0) if value == round(value) else number(value, 6).rstrip("0")
