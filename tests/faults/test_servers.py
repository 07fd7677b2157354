"""Each process of the demo plant is killed in turn: its values go bad with age and heal, the others never notice."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest

from pdm_app.domain.samples import MICROS_PER_S, QUALITY_UNCERTAIN_MIN
from tests.counterparts.clocks import WallClock
from tests.faults.installations import Installation
from tests.faults.waiting import eventually
from tests.faults.watching import Screen, watching

OPERATOR = "olga.operator"
OPCUA, MODBUS, MQTT = "graz-cooling-opcua", "graz-air-modbus", "pune-mqtt"
CONNECTIONS = (OPCUA, MODBUS, MQTT)
FIRST_VALUES_S_MAX = 60.0
SEEN_S_MAX = 5.0
HEALED_S_MAX = 10.0
CHILDREN = 5
ORPHANS_S_MAX = 5.0
SILENT_S_MAX = 15.0  # MQTT that only falls silent is stale after 10 s.
FRAME_US = 4 * MICROS_PER_S  # Modbus values are dated when they are read, until the server calls them missing.
PAUSE_S_MAX = 2.5  # Machines speak once a second; a busy machine for tests is late now and then.


@dataclass(frozen=True)
class Victim:
    """A process, by the module it runs, and the connections whose values come from it."""

    module: str
    connections: tuple[str, ...]


OPCUA_SERVER = "the OPC UA server"
"""Its clients come back after a longest back-off; they alone take as long as all the others."""
VICTIMS = {
    OPCUA_SERVER: Victim("opcua_server", (OPCUA,)),
    "the Modbus server": Victim("modbus_server", (MODBUS,)),
    "the MQTT broker": Victim("mqtt_broker", (MQTT,)),
    "the MQTT clients": Victim("mqtt_publishers", (MQTT,)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(OPCUA_SERVER, marks=pytest.mark.long), *sorted({*VICTIMS} - {OPCUA_SERVER})]
)
async def test_a_killed_server_is_bad_with_age_heals_by_itself_and_nobody_else_notices(
    demo: Installation, name: str, within: Callable[[float], float]
) -> None:
    victim = VICTIMS[name]
    async with await demo.client(OPERATOR) as olga, watching(olga) as screen:
        await all_good(screen)
        killed_at, killed_wall_us = time.monotonic(), WallClock().now()
        kill(demo, victim.module)
        for connection in victim.connections:

            async def was_bad(connection: str = connection) -> bool:
                return screen.each_was_bad(connection, killed_at)

            await eventually(was_bad, within_s=within(SEEN_S_MAX), what=f"bad values of {connection}")
            for shown in screen.bad_since(connection, killed_at):
                assert shown.value is not None, "the last value stays on the screen"
                assert shown.source_at < killed_wall_us, "with its age"
        await all_good(screen, killed_at + within(HEALED_S_MAX) - time.monotonic())
        ended_at = time.monotonic()
        for connection in set(CONNECTIONS) - set(victim.connections):
            assert screen.bad_since(connection, killed_at) == []
            assert screen.longest_pause_s(connection, killed_at, ended_at) < within(PAUSE_S_MAX)


async def test_without_its_physics_the_plant_invents_nothing_and_heals(
    demo: Installation, within: Callable[[float], float]
) -> None:
    async with await demo.client(OPERATOR) as olga, watching(olga) as screen:
        await all_good(screen)
        physics = process(demo, "physics")
        physics.suspend()  # A killed one is back before the servers call it missing.
        frozen_at, frozen_wall_us = time.monotonic(), WallClock().now()

        async def is_honest() -> bool:
            uncertain = all(shown.quality >= QUALITY_UNCERTAIN_MIN for shown in screen.newest(screen.of(OPCUA)))
            return uncertain and screen.each_was_bad(MODBUS, frozen_at) and screen.each_was_bad(MQTT, frozen_at)

        await eventually(is_honest, within_s=within(SILENT_S_MAX), what="values that say that they are not good")
        newest = screen.newest(screen.signals)
        assert max(shown.source_at for shown in newest) < frozen_wall_us + FRAME_US, "nothing was invented"
        physics.kill()
        await all_good(screen, within(HEALED_S_MAX))


async def test_kill_9_of_the_product_leaves_no_process_of_the_plant_behind(
    demo: Installation, within: Callable[[float], float]
) -> None:
    async with await demo.client(OPERATOR) as olga, watching(olga) as screen:
        await all_good(screen)
    children = psutil.Process(demo.product.pid).children(recursive=True)
    assert len(children) >= CHILDREN
    demo.product.kill()
    _, left = await asyncio.to_thread(psutil.wait_procs, children, within(ORPHANS_S_MAX))
    assert left == []
    await demo.start()
    async with await demo.client(OPERATOR) as olga, watching(olga) as screen:
        await all_good(screen)


async def all_good(screen: Screen, within_s: float = FIRST_VALUES_S_MAX) -> None:
    """Wait until every signal of every connection shows a good value."""

    async def is_good() -> bool:
        return all(screen.all_good(connection) for connection in CONNECTIONS)

    await eventually(is_good, within_s=within_s, what="good values everywhere")


def kill(demo: Installation, module: str) -> None:
    """End the child that runs a module as a crash would."""
    process(demo, module).kill()


def process(demo: Installation, module: str) -> psutil.Process:
    children = psutil.Process(demo.product.pid).children(recursive=True)
    found = [child for child in children if child.cmdline()[-1].endswith(f".{module}")]
    assert len(found) == 1, [child.cmdline() for child in children]
    return found[0]
