"""`bench ota`: what thousands of devices that ask for firmware take, with hundreds that load it, and what viewers see.

The product is `pdm_app serve` as a user starts it, on a plant with devices, each with a key of its own; a campaign is
under way to those that load. The fleet and the viewers are processes of their own.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.live import CONNECT_S_MAX, MODULE, token_of
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.cli.bench.ota_fleet import IMAGE, install_fleet
from pdm_app.cli.bench.plant import USERNAME, in_machines, install, screens
from pdm_app.cli.bench.processes import allow_files, child, serving
from pdm_app.cli.bench.usage import Usage, metered, split
from pdm_app.runtime.process import SystemClock
from pdm_app.simulation.load_server import running_load_server

BOUNDED_DEVICES, BOUNDED_LOADS, BOUNDED_POLL_S, BOUNDED_BYTES = 10_000, 500, 60.0, 2_000_000
LOADS_S = 30.0
"""So long one download takes: the pace of a device is what makes it so."""
SPARE_FILES = 500
NO_USAGE = Usage(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class OtaLoad:
    """What is run; the bounds are for this."""

    seconds: float = 60.0
    devices: int = BOUNDED_DEVICES
    loads: int = BOUNDED_LOADS
    poll_s: float = BOUNDED_POLL_S
    image_bytes: int = BOUNDED_BYTES
    viewers: int = 5
    signals: int = 50
    plant_signals: int = 250

    @property
    def is_bounded(self) -> bool:
        """Whether this is the load for which bounds are given."""
        asked = (self.devices, self.loads, self.poll_s, self.image_bytes)
        return asked == (BOUNDED_DEVICES, BOUNDED_LOADS, BOUNDED_POLL_S, BOUNDED_BYTES)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the fleet, the viewers and the server's process showed at the same time."""

    polls_per_s: float
    failed: int
    loading: int
    loaded_mb_per_s: float
    polls: Latencies
    live: Latencies
    usage: dict[str, Usage]


async def bench_ota(load: OtaLoad) -> Report:
    """Run the whole benchmark; everything it starts has ended when it returns, is cancelled or fails."""
    busy = busy_percent()
    allow_files(2 * (load.loads + round(load.devices / load.poll_s)) + SPARE_FILES)
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        alone, beside = await _product(load, folder)
        where = machine(folder)
    return Report(
        title="bench ota: devices that ask for firmware, and load it",
        machine=where,
        load=f"{load.devices:,} devices ask every {load.poll_s:g} s, {load.loads} load {load.image_bytes / 1e6:g} MB "
        f"each in {LOADS_S:g} s, again and again; {load.viewers} viewers of {load.signals} live values; "
        f"{load.seconds:g} s each; CPU in % of one core",
        peer="the same devices asking while nothing is loaded",
        figures=tuple(_figures(load, alone, beside)),
        notes=(
            f"CPU: {split(beside.usage)}.",
            f"Before the run the machine was {busy:.0f} % busy with other work.",
        ),
        facts={"asking alone": asdict(alone), "with downloads": asdict(beside)},
    )


async def _product(load: OtaLoad, folder: Path) -> tuple[Measured, Measured]:
    clock, data_dir = SystemClock(), folder / "data"
    database_url = f"sqlite+aiosqlite:///{(data_dir / 'pdm.sqlite').as_posix()}"
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_load_server(folder / "load", clock, load.plant_signals))
        plant = in_machines(simulator.definition, load.signals)
        password = await install(data_dir, database_url, plant, clock)
        site_id = plant.sites[0].id
        codes = await install_fleet(load.devices, load.loads, load.image_bytes, data_dir, database_url, site_id, clock)
        variables = {"PDM_DATABASE_URL": database_url, "PDM_LOG__LEVEL": "warning"}
        pid, address = await stack.enter_async_context(serving(data_dir, variables, folder / "serve.log"))
        token = await token_of(address, {"username": USERNAME, "password": password})
        watching = {
            "url": f"{address.replace('http', 'ws', 1)}/trpc", "headers": {"Authorization": f"Bearer {token}"},
            "viewers": screens(plant, load.viewers, load.signals),
        }  # fmt: skip
        found = []
        for loads in (0, load.loads):
            base = "/DEFAULT/controller/v1"
            asking = {
                "url": address, "poll_s": load.poll_s, "bytes_per_s": load.image_bytes / LOADS_S,
                "devices": [(f"{base}/{code}", secret) for code, secret in codes],
                "loaders": [(f"{base}/{code}/{IMAGE}", secret) for code, secret in codes[:loads]],
            }  # fmt: skip
            async with child("fleet", MODULE + "ota_devices", asking, folder) as fleet:
                await fleet.hear(CONNECT_S_MAX)
                await fleet.ask(load.poll_s + CONNECT_S_MAX, seconds=min(load.poll_s, load.seconds))  # Everybody once.
                async with child("viewers", MODULE + "viewers", watching, folder) as viewers:
                    await viewers.hear(CONNECT_S_MAX)
                    with metered({"server": pid, "fleet": fleet.pid}) as meter:
                        said, watched = await asyncio.gather(
                            *(each.ask(load.seconds + CONNECT_S_MAX, seconds=load.seconds) for each in (fleet, viewers))
                        )
                found.append(
                    Measured(
                        **{key: said[key] for key in ("polls_per_s", "failed", "loading", "loaded_mb_per_s")},
                        polls=Latencies(**said["polls"]), live=Latencies(**watched["whole"]), usage=meter.usage,
                    )
                )  # fmt: skip
    return found[0], found[1]


def _figures(load: OtaLoad, alone: Measured, beside: Measured) -> list[Figure]:
    def figure(
        name: str,
        unit: str,
        value: float | None,
        peer: float | None,
        must: float | None = None,
        goal: float | None = None,
    ) -> Figure:
        bounds = (must, goal) if load.is_bounded else (None, None)
        return Figure(name, value, unit, *bounds, peer, note="nothing arrived")

    server, calm = beside.usage.get("server", NO_USAGE), alone.usage.get("server", NO_USAGE)
    return [
        figure("a device asks, p50", "ms", beside.polls.p50_ms, alone.polls.p50_ms),
        figure("a device asks, p95", "ms", beside.polls.p95_ms, alone.polls.p95_ms, 200, 20),
        figure("a device asks, p99", "ms", beside.polls.p99_ms, alone.polls.p99_ms),
        figure("devices that ask", "/s", beside.polls_per_s, alone.polls_per_s),
        figure("questions and downloads refused", "", beside.failed, alone.failed),
        figure("downloads at once", "", beside.loading, alone.loading),
        figure("loaded", "MB/s", beside.loaded_mb_per_s, alone.loaded_mb_per_s),
        figure("device to viewer meanwhile, p95", "ms", beside.live.p95_ms, alone.live.p95_ms, 150, 50),
        figure("CPU of the server", "%", server.cpu_percent, calm.cpu_percent),
        figure("memory of the server", "MB", server.rss_mb, calm.rss_mb),
    ]
