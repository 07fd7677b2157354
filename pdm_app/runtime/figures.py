"""Figures of the product that no single part registers by itself."""

from collections.abc import Callable

from pdm_app.domain.history import CacheFigures
from pdm_app.services.metrics import Metrics


def of_cache(figures: CacheFigures) -> dict[str, object]:
    """Return what the page of the system says of the history's cache."""
    ratio = figures.hit_ratio
    return {"history_cache_percent": None if ratio is None else 100 * ratio, "history_cache_bytes": figures.bytes}


def register_history(metrics: Metrics, cache: Callable[[], CacheFigures]) -> None:
    """Have the metrics show how well the history's cache does."""
    metrics.counter("history_cache_hits_total", "Closed stretches answered from memory.", lambda: cache().hits)
    metrics.counter("history_cache_misses_total", "Closed stretches that were read.", lambda: cache().misses)
    metrics.counter("history_cache_dropped_total", "Stretches forgotten after a change.", lambda: cache().dropped)
    metrics.gauge("history_cache_bytes", "Size of the stretches kept in memory.", lambda: cache().bytes)
