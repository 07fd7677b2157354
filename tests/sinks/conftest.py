"""Servers for sinks, and a clock moved by hand."""

import pytest

from tests.counterparts.clocks import HandClock
from tests.counterparts.sink_servers import influxdb, postgresql

__all__ = ["influxdb", "postgresql"]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
