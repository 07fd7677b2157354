"""`bench live`: how long a value takes from the device to a viewer, and what serving it costs.

The plant is an OPC UA server in a process of its own; the product is `pdm_app serve` as a user starts it; viewers come
from a third process, so that no one's work counts as another's. Each sample carries the time of its birth, and all
processes share one clock.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from pdm_app.cli.bench.browser import Seen, find_chromium, watch_page
from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.cli.bench.plant import USERNAME, in_machines, install, screens
from pdm_app.cli.bench.processes import child, serving
from pdm_app.cli.bench.usage import Usage, metered, split
from pdm_app.runtime.process import SystemClock
from pdm_app.simulation.children.load_server import PUBLISHES_PER_S
from pdm_app.simulation.load_server import running_load_server

MODULE = "pdm_app.cli.bench."
SETTLE_S = 1.0
CONNECT_S_MAX = 60.0
NO_USAGE = Usage(0.0, 0.0, 0.0)
BOUNDED_VIEWERS, BOUNDED_SIGNALS, BOUNDED_PLANT = 100, 50, 1000  # The load for which figures are asked.


Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class LiveLoad:
    """What is run: each of ``viewers`` watches ``signals`` of a plant of ``plant_signals`` for ``seconds``."""

    seconds: float = 20.0
    viewers: tuple[int, ...] = (1, 10, 100)
    signals: int = BOUNDED_SIGNALS
    plant_signals: int = BOUNDED_PLANT
    browser: bool = True

    @property
    def is_bounded(self) -> bool:
        """Whether the plant and the screens are those for which bounds are given."""
        return self.signals == BOUNDED_SIGNALS and self.plant_signals == BOUNDED_PLANT


@dataclass(frozen=True, slots=True)
class Watched:
    """What some viewers saw, and what each process took meanwhile."""

    viewers: int
    messages_per_s: float
    values_per_s: float
    whole: Latencies
    to_collector: Latencies
    to_viewer: Latencies
    usage: dict[str, Usage]


async def bench_live(load: LiveLoad) -> Report:
    """Run the whole benchmark; everything it starts has ended when it returns, is cancelled or fails."""
    busy = busy_percent()
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        ours, seen, notes = await _product(load, folder)
        peers = [await _peer(load, viewers, folder) for viewers in load.viewers]
        where = machine(folder)
    notes.append(f"Before the run the machine was {busy:.0f} % busy with other work.")
    figures = [figure for own, peer in zip(ours, peers, strict=True) for figure in _figures(load, own, peer)]
    return Report(
        title="bench live: from the device to the viewer",
        machine=where,
        load=f"{load.plant_signals:,} signals at 1 Hz over OPC UA in {PUBLISHES_PER_S} publishes/s; each viewer "
        f"{load.signals} live values of its own; {load.seconds:g} s each; CPU in % of one core",
        peer="plain WebSocket broadcast of frames of the same shape and rate, encoded once for all viewers",
        figures=(*figures, *_browser_figures(load, seen)),
        notes=tuple(notes),
        facts={"watched": [asdict(own) for own in ours], "peer": [asdict(peer) for peer in peers]},
    )


async def _product(load: LiveLoad, folder: Path) -> tuple[list[Watched], Seen | None, list[str]]:
    clock, data_dir = SystemClock(), folder / "data"
    database_url = f"sqlite+aiosqlite:///{(data_dir / 'pdm.sqlite').as_posix()}"
    notes = []
    async with running_load_server(folder / "load", clock, load.plant_signals) as simulator:
        plant = in_machines(simulator.definition, load.signals)
        password = await install(data_dir, database_url, plant, clock)
        variables = {"PDM_DATABASE_URL": database_url, "PDM_LOG__LEVEL": "warning"}
        async with serving(data_dir, variables, folder / "serve.log") as (pid, address):
            sign_in = {"username": USERNAME, "password": password}
            pids = {"server": pid, "simulator": simulator.status.pid or 0}
            ours = []
            for viewers in load.viewers:
                token = await token_of(address, sign_in)
                url, headers = f"{address.replace('http', 'ws', 1)}/trpc", {"Authorization": f"Bearer {token}"}
                sets = screens(plant, viewers, load.signals)
                ours.append(await _watched(load, url, headers, sets, pids, folder))
            notes += [f"CPU with {own.viewers} viewers: {split(own.usage)}." for own in ours]
            chromium = find_chromium() if load.browser else None
            if chromium is None:
                return ours, None, notes
            page = f"/asset/{plant.assets[0].id}?tab=live"
            seen = await watch_page(chromium, address, page, sign_in, load.seconds, pid)
    if seen.server and seen.chromium:
        notes.append(f"CPU with Chromium: {split({'server': seen.server, 'chromium': seen.chromium})}.")
    return ours, seen, notes


async def token_of(address: str, sign_in: dict[str, str]) -> str:
    """Sign in as a program does and return the access token."""
    async with httpx.AsyncClient(timeout=CONNECT_S_MAX) as client:
        answer = await client.post(f"{address}/api/auth/token", json=sign_in)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


async def _watched(
    load: LiveLoad, url: str, headers: dict[str, str], sets: Sequence[Sequence[int]], pids: dict[str, int], folder: Path
) -> Watched:
    configuration = {"url": url, "headers": headers, "viewers": sets}
    async with child("viewers", MODULE + "viewers", configuration, folder) as generator:
        await generator.hear(CONNECT_S_MAX)
        await generator.ask(SETTLE_S + CONNECT_S_MAX, seconds=SETTLE_S)
        with metered({**pids, "viewers": generator.pid}) as meter:
            found = await generator.ask(load.seconds + CONNECT_S_MAX, seconds=load.seconds)
    return Watched(
        viewers=len(sets),
        messages_per_s=found["messages_per_s"],
        values_per_s=found["values_per_s"],
        whole=Latencies(**found["whole"]),
        to_collector=Latencies(**found["to_collector"]),
        to_viewer=Latencies(**found["to_viewer"]),
        usage=meter.usage,
    )


async def _peer(load: LiveLoad, viewers: int, folder: Path) -> Watched:
    rows = max(1, load.signals // PUBLISHES_PER_S)
    configuration = {"rows": rows, "frames_per_s": PUBLISHES_PER_S}
    async with child("broadcast", MODULE + "broadcast", configuration, folder) as peer:
        port = (await peer.hear(CONNECT_S_MAX))["port"]
        sets = [list(range(1, rows + 1))] * viewers
        return await _watched(load, f"ws://127.0.0.1:{port}", {}, sets, {"server": peer.pid}, folder)


def _figures(load: LiveLoad, own: Watched, peer: Watched) -> list[Figure]:
    who = f"{own.viewers} viewer{'' if own.viewers == 1 else 's'}"
    is_bounded = load.is_bounded and own.viewers == BOUNDED_VIEWERS

    def figure(
        name: str, unit: str, value: float | None, floor: float | None = None, bounds: Bounds = (None, None)
    ) -> Figure:
        must, goal = bounds if is_bounded else (None, None)
        return Figure(f"{name}, {who}", value, unit, must, goal, floor, note="nothing arrived")

    server, floor = own.usage.get("server", NO_USAGE), peer.usage.get("server", NO_USAGE)
    born_per_s = own.viewers * min(load.signals, load.plant_signals)
    return [
        figure("device to viewer, p50", "ms", own.whole.p50_ms, peer.whole.p50_ms),
        figure("device to viewer, p95", "ms", own.whole.p95_ms, peer.whole.p95_ms, (150, 50)),
        figure("device to viewer, p99", "ms", own.whole.p99_ms, peer.whole.p99_ms),
        figure("of it device to collector, p95", "ms", own.to_collector.p95_ms),
        figure("of it collector to viewer, p95", "ms", own.to_viewer.p95_ms),
        figure("messages", "/s", own.messages_per_s, peer.messages_per_s),
        figure("values delivered of those born", "%", 100 * own.values_per_s / born_per_s),
        figure("CPU of the server", "%", server.cpu_percent, floor.cpu_percent, (50, 25)),
        figure("memory of the server", "MB", server.rss_mb, floor.rss_mb, (512, 256)),
    ]


def _browser_figures(load: LiveLoad, seen: Seen | None) -> list[Figure]:
    if not load.browser:
        return []
    note = "nothing was painted" if seen else "needs chromium and playwright"
    late = seen.latencies if seen else Latencies()
    cold_s, warm_s = (seen.load_cold_ms / 1000, seen.load_warm_ms / 1000) if seen else (None, None)
    return [
        Figure("device to paint in Chromium, p50", late.p50_ms, "ms", note=note),
        Figure("device to paint in Chromium, p95", late.p95_ms, "ms", 150, 50, note=note),
        Figure("device to paint in Chromium, p99", late.p99_ms, "ms", note=note),
        Figure("page load to first live value, cold", cold_s, "s", 2, 1, note=note),
        Figure("page load to first live value, warm", warm_s, "s", 2, 1, note=note),
    ]
