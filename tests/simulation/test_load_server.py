"""The load server of the benchmarks, read by a real client."""

from itertools import pairwise
from pathlib import Path

import pytest
from asyncua.client.client import Client as OpcuaClient

from pdm_app.domain.samples import MICROS_PER_S, micros
from pdm_app.simulation.load_server import running_load_server
from tests.simulation.conftest import WallClock, until


@pytest.mark.parametrize("slack_s", [None, pytest.param(0.3, marks=[pytest.mark.long, pytest.mark.alone])])
async def test_load_server_publishes_its_own_age_once_a_second(
    tmp_path: Path, clock: WallClock, slack_s: float | None
) -> None:
    """Its pace is measured in the long gate; where others run beside it, it may be late."""
    async with running_load_server(tmp_path, clock, signals=25) as server:
        assert len(server.definition.signals) == 25
        async with OpcuaClient(server.definition.connections[0].endpoint) as client:
            node = client.get_node(str(server.definition.signals[7].address["node"]))
            seen: list[float] = []

            async def three_came() -> bool:
                read = await node.read_data_value()
                assert read.Value is not None
                assert read.SourceTimestamp is not None
                if read.Value.Value and read.Value.Value not in seen:
                    assert read.Value.Value == micros(read.SourceTimestamp)
                    seen.append(read.Value.Value)
                return len(seen) == 3

            await until(three_came, within_s=120, what="three values of one signal")
        gaps_s = [(later - sooner) / MICROS_PER_S for sooner, later in pairwise(seen)]
        assert min(gaps_s) > 0
        assert slack_s is None or gaps_s == [pytest.approx(1.0, abs=slack_s)] * 2
