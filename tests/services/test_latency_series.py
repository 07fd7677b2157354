"""Histograms say the same as those of the metrics library."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from pdm_app.services.latency_series import LatencySeries

BOUNDS_S = (0.001, 0.01, 0.5, 1.0)


def test_readers_see_what_the_librarys_own_histogram_would_show() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    series = LatencySeries("took_seconds", "Time.", ("route", "status"), BOUNDS_S)
    ours.register(series)
    histogram = Histogram("took_seconds", "Time.", ("route", "status"), buckets=BOUNDS_S, registry=theirs)
    chance = random.Random(7)
    for _ in range(500):
        took_s, route = chance.choice((*BOUNDS_S, 0.0, 2.0, chance.random())), chance.choice(("/a", "/b"))
        series.labels(route, "200").observe(took_s)
        histogram.labels(route, "200").observe(took_s)
    expected = [line for line in generate_latest(theirs).decode().splitlines() if "_created" not in line]
    assert generate_latest(ours).decode().splitlines() == expected


def test_labels_that_are_not_its_own_are_refused() -> None:
    with pytest.raises(ValueError, match="route, status"):
        LatencySeries("took_seconds", "Time.", ("route", "status"), BOUNDS_S).labels("/a")
