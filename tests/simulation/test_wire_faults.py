"""Servers of the plant that hang, are cut off or restart, as a client of theirs sees it."""

from pathlib import Path

from pdm_app.simulation.fleet import running_fleet
from pdm_app.simulation.plant import PlantPorts
from tests.simulation.conftest import WallClock, listens, until
from tests.simulation.readers import first_values, modbus_words


async def test_a_server_of_the_plant_hangs_is_cut_off_and_restarts_by_faults_of_its_line(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet:
        await first_values(fleet)

        async def answers() -> bool:
            return isinstance(await modbus_words(fleet, 0, 2), list)

        async def is_dumb() -> bool:
            return listens(ports.modbus) and await modbus_words(fleet, 0, 2) == -1

        async def is_gone() -> bool:
            return not listens(ports.modbus)

        before = fleet.child("modbus")
        hanging = await fleet.inject("line_frozen", "C-201", "", 1.0)
        await until(is_dumb, within_s=120, what="the Modbus server takes connections and answers nothing")
        await fleet.clear(hanging.id)
        await until(answers, within_s=120, what="it answers again")
        assert fleet.child("modbus").pid == before.pid, "the same process"

        cut = await fleet.inject("line_cut", "C-201", "", 1.0)
        await until(is_gone, within_s=120, what="nobody listens any more")
        assert fleet.child("opcua").is_ready
        await fleet.clear(cut.id)
        await until(answers, within_s=120, what="it is back")
        cut_pid = fleet.child("modbus").pid
        await fleet.inject("line_restart", "C-201", "", 1.0)

        async def is_back() -> bool:
            return fleet.child("modbus").pid != cut_pid and await answers()

        await until(is_back, within_s=120, what="another process answers")
