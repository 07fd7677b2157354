"""Figures of the product that no single part registers by itself."""

from collections.abc import Callable

from pdm_app.domain.history import CacheFigures
from pdm_app.services.ingest import IngestService
from pdm_app.services.metrics import Metrics


def of_cache(figures: CacheFigures) -> dict[str, object]:
    """Return what the page of the system says of the history's cache."""
    ratio = figures.hit_ratio
    return {"history_cache_percent": None if ratio is None else 100 * ratio, "history_cache_bytes": figures.bytes}


def register_figures(metrics: Metrics, cache: Callable[[], CacheFigures], ingest: IngestService) -> None:
    """Have the metrics show how well the history's cache does, and what became of what devices send."""
    metrics.counter("history_cache_hits_total", "Closed stretches answered from memory.", lambda: cache().hits)
    metrics.counter("history_cache_misses_total", "Closed stretches that were read.", lambda: cache().misses)
    metrics.counter("history_cache_dropped_total", "Stretches forgotten after a change.", lambda: cache().dropped)
    metrics.gauge("history_cache_bytes", "Size of the stretches kept in memory.", lambda: cache().bytes)
    metrics.counter("ingest_samples_kept_total", "Samples kept of HTTP calls.", lambda: ingest.kept_total)
    metrics.counter("ingest_samples_refused_total", "Samples of HTTP calls not kept.", lambda: ingest.refused_total)
