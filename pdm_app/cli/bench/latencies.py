"""Percentiles of latencies."""

from dataclasses import asdict, dataclass

import numpy as np

from pdm_app.domain.samples import I8


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of many latencies the percentiles and the worst, in milliseconds; None where there were none."""

    count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    worst_ms: float | None = None

    @classmethod
    def of_micros(cls, micros: I8) -> "Latencies":
        """Summarise latencies in microseconds, shape (samples,)."""
        if not len(micros):
            return cls()
        p50, p95, p99, worst = (float(value) / 1000 for value in np.percentile(micros, (50, 95, 99, 100)))
        return cls(len(micros), p50, p95, p99, worst)

    def as_message(self) -> dict[str, float | None]:
        """Return what rebuilds it in another process: ``Latencies(**message)``."""
        return asdict(self)
