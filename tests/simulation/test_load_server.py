"""The load server of the benchmarks, read by a real client."""

from itertools import pairwise
from pathlib import Path

import pytest
from asyncua.client.client import Client as OpcuaClient

from pdm_app.domain.samples import MICROS_PER_S, micros
from pdm_app.simulation.load_server import running_load_server
from tests.simulation.conftest import WallClock, until


async def test_load_server_publishes_its_own_age(tmp_path: Path, clock: WallClock) -> None:
    async with running_load_server(tmp_path, clock, signals=25) as server:
        assert len(server.definition.signals) == 25
        async with OpcuaClient(server.definition.connections[0].endpoint) as client:
            node = client.get_node(str(server.definition.signals[7].address["node"]))
            seen: list[float] = []

            async def came_at_the_pace_of_a_second() -> bool:
                """A busy machine publishes late now and then, or is not looked at in time; not for long."""
                read = await node.read_data_value()
                assert read.Value is not None
                assert read.SourceTimestamp is not None
                if read.Value.Value and read.Value.Value not in seen:
                    assert read.Value.Value == micros(read.SourceTimestamp)
                    seen.append(read.Value.Value)
                gaps_s = [(later - sooner) / MICROS_PER_S for sooner, later in pairwise(seen[-3:])]
                return gaps_s == [pytest.approx(1.0, abs=0.3)] * 2

            await until(came_at_the_pace_of_a_second, within_s=60, what="three values, a second apart each")
        assert seen == sorted(seen)
