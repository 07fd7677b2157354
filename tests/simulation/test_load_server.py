"""The load server of the benchmarks, read by a real client."""

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
            seen: set[float] = set()

            async def two_values() -> bool:
                read = await node.read_data_value()
                assert read.Value is not None
                assert read.SourceTimestamp is not None
                if read.Value.Value:
                    assert read.Value.Value == micros(read.SourceTimestamp)
                    seen.add(read.Value.Value)
                return len(seen) == 3

            await until(two_values, within_s=20, what="three values of one signal")
        first, second, third = sorted(seen)
        assert (second - first) / MICROS_PER_S == pytest.approx(1.0, abs=0.3)
        assert (third - second) / MICROS_PER_S == pytest.approx(1.0, abs=0.3)
