"""Figures for Prometheus: what runs is counted where it happens, and read when the page is asked for.

A figure whose part does not exist (yet) is left out, never shown as zero.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from pdm_app.services.latency_series import LatencySeries

log = logging.getLogger(__name__)

LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Read = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    description: str
    read: Read
    is_counter: bool


class _Figures(Collector):
    """Asks each part for its figure at the moment of the scrape."""

    def __init__(self) -> None:
        self.figures: list[_Figure] = []

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for figure in self.figures:
            family = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            try:
                value = figure.read()
            except Exception:  # One part that is starting or stopping must not take the whole page with it.
                log.exception("figure cannot be read", extra={"figure": figure.name})
                continue
            yield family(figure.name, figure.description, value=value)


class Metrics:
    """The figures of one process.

    Attributes:
        api_latency_seconds: Time per HTTP request, by route, method and status.
        rpc_latency_seconds: Time per call of a procedure, by procedure and code; of a subscription until it started.
        query_latency_seconds: Time per question to the historian; observe it where the question is answered.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # A second series per histogram, of use to nobody.
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # process_cpu_seconds_total, process_resident_memory_bytes, …
        GCCollector(registry=self._registry)
        self._figures = _Figures()
        self._registry.register(self._figures)
        self._lasting = _Figures()
        self._registry.register(self._lasting)
        self.api_latency_seconds = LatencySeries(
            "api_latency_seconds",
            "Time to answer one HTTP request.",
            ["route", "method", "status"],
            LATENCY_S,
        )
        self._registry.register(self.api_latency_seconds)
        self.rpc_latency_seconds = LatencySeries(
            "rpc_latency_seconds",
            "Time to answer one call of a procedure.",
            ["procedure", "code"],
            LATENCY_S,
        )
        self._registry.register(self.rpc_latency_seconds)
        self.query_latency_seconds = Histogram(
            "query_latency_seconds",
            "Time to answer one question to the historian.",
            buckets=LATENCY_S,
            registry=self._registry,
        )

    def answered(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count one request. The caller names few routes and methods: each with its status is a series of its own."""
        self.api_latency_seconds.labels(route, method, str(status)).observe(took_s)

    def gauge(self, name: str, description: str, read: Read) -> None:
        """Add a figure that goes up and down, such as ``signals`` or ``buffer_depth_samples``."""
        self._figures.figures.append(_Figure(name, description, read, is_counter=False))

    def counter(self, name: str, description: str, read: Read) -> None:
        """Add a figure that only grows; ``name`` ends in ``_total``, such as ``sensor_readings_total``."""
        self._figures.figures.append(_Figure(name, description, read, is_counter=True))

    def lasting_gauge(self, name: str, description: str, read: Read) -> None:
        """Add a figure that goes up and down, of what serves the product; `clear` leaves it."""
        self._lasting.figures = [figure for figure in self._lasting.figures if figure.name != name]
        self._lasting.figures.append(_Figure(name, description, read, is_counter=False))

    def lasting_counter(self, name: str, description: str, read: Read) -> None:
        """Add a counter of what serves the product rather than belongs to it; `clear` leaves it."""
        self._lasting.figures = [figure for figure in self._lasting.figures if figure.name != name]
        self._lasting.figures.append(_Figure(name, description, read, is_counter=True))

    def clear(self) -> None:
        """Forget the figures of parts that have stopped."""
        self._figures.figures.clear()

    def page(self) -> bytes:
        """Return all figures in the text format of Prometheus."""
        return generate_latest(self._registry)
