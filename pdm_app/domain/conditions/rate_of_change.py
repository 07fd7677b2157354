"""A signal that moves faster than its process can.

The slope is fitted over a window, so that one noisy sample does not raise an alarm.
"""

from typing import Literal

from pydantic import Field
from typing_extensions import override

from pdm_app.domain.conditions.base import Condition, Recall, Verdict
from pdm_app.domain.samples import MICROS_PER_S, Sample

POINTS_MAX = 16  # Kept of a window, evenly; each is stored with the rule's memory.
SPAN_MIN = 0.5  # Share of the window that must be known: a slope over less is mostly noise.


class RateOfChange(Condition):
    """Abnormal while the slope fitted over ``window_s`` is steeper than ``limit_per_s``.

    Recall: times and values in turn, oldest first: ``(at, value, at, value, ...)``, at most 16 pairs.
    """

    kind: Literal["rate_of_change"] = "rate_of_change"
    limit_per_s: float = Field(gt=0, allow_inf_nan=False, description="Steepest slope allowed, in units per second.")
    deadband_per_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    window_s: float = Field(default=60.0, ge=1, le=86_400)
    direction: Literal["either", "rising", "falling"] = "either"

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        if value is None:
            return recall, Verdict.UNKNOWN
        window_us = self.window_s * MICROS_PER_S
        points = [
            (at, then)
            for at, then in zip(recall[::2], recall[1::2], strict=True)
            if at is not None and then is not None and at >= sample.source_at - window_us
        ]
        known = [*points, (float(sample.source_at), value)]
        if not points or sample.source_at - points[-1][0] >= window_us / POINTS_MAX:
            points = known[-POINTS_MAX:]
        kept = tuple(number for point in points for number in point)
        if len(known) < 3 or known[-1][0] - known[0][0] < SPAN_MIN * window_us:
            return kept, Verdict.BETWEEN
        slope = _slope(known)
        steep = {"either": abs(slope), "rising": slope, "falling": -slope}[self.direction]
        if steep > self.limit_per_s:
            return kept, Verdict.ABNORMAL
        calm = self.limit_per_s - self.deadband_per_s
        return kept, Verdict.NORMAL if (steep < calm if self.deadband_per_s else steep <= calm) else Verdict.BETWEEN


def _slope(points: list[tuple[float, float]]) -> float:
    """Return the least-squares slope in units per second."""
    first_at, first = points[0]
    xs = [(at - first_at) / MICROS_PER_S for at, _ in points]
    ys = [value - first for _, value in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - x_mean) ** 2 for x in xs)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / across if across else 0.0
