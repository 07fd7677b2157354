"""`bench rpc`: what a call costs, beside a tRPC server on Node that does the same work.

Both servers stay up for the whole run and are measured in turns, so that both see the same machine. Processor time is
that of the server's process alone; callers, viewers and the simulated plant are processes of their own.
"""

import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.live import token_of
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.cli.bench.node_peer import NodePeer, node_peer
from pdm_app.cli.bench.plant import USERNAME, in_machines, install
from pdm_app.cli.bench.processes import Child, allow_files, child, serving
from pdm_app.cli.bench.usage import Usage, metered
from pdm_app.domain.errors import UnavailableError
from pdm_app.runtime.process import SystemClock
from pdm_app.simulation.children.load_server import PUBLISHES_PER_S
from pdm_app.simulation.load_server import running_load_server

MODULE = "pdm_app.cli.bench."
ROWS = 10  # Live values of one frame, as the peer sends.
BATCH = 10
SITE = "load"
WARM_UP_S = 2.0  # Node compiles what runs often while it runs.
LIVE_S_MIN = 4.0  # Several periods of a value that comes each second, or a turn may see none.
OTHER_FILES = 500  # Of one process, beside its connections.
START_S_MAX = 60.0
CONNECT_S_MAX = 120.0  # A thousand sockets, also on a busy machine.
NO_USAGE = Usage(0.0, 0.0, 0.0)
BOUNDED_CALLERS, BOUNDED_SUBSCRIPTIONS = 100, 1000  # The load for which figures are asked.
UNLIMITED = 900_000_000  # Calls a minute: the rate of a caller is counted but never reached.
RATIO_MUST, RATIO_GOAL = 1, 3  # Of the peer's calls per CPU-second.


@dataclass(frozen=True, slots=True)
class RpcLoad:
    """What is run: ``rounds`` turns of ``seconds`` for each case and server."""

    seconds: float = 5.0
    rounds: int = 3
    callers: int = BOUNDED_CALLERS
    subscriptions: int = BOUNDED_SUBSCRIPTIONS


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two, as the load generators see it."""

    pid: int
    address: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of call.

    Attributes:
        name: How figures call it.
        path: Path and query below the server's address, of ours and of the peer's.
        wanted: How a right answer begins.
        calls: In one request.
    """

    name: str
    path: str
    peer_path: str
    wanted: str
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """What one server did in one turn: calls or messages, their latencies, and the processor time of the server."""

    count: float
    seconds: float
    latencies: Latencies
    usage: Usage

    @property
    def per_cpu_s(self) -> float:
        return self.count / self.usage.cpu_s if self.usage.cpu_s else 0.0

    @property
    def per_s(self) -> float:
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Side:
    """The turns of ours and of the peer's in one case."""

    own: tuple[Turn, ...]
    peer: tuple[Turn, ...]


def cases() -> tuple[Case, Case, Case]:
    """Return the trivial query, the same signed in with input, and a batch of those."""
    asked = {"site_id": SITE}
    one = f"/trpc/alarms.active?input={quote(json.dumps(asked))}"
    inputs = quote(json.dumps({str(index): asked for index in range(BATCH)}))
    batch = f"/trpc/{','.join(['alarms.active'] * BATCH)}?batch=1&input={inputs}"
    nothing = '{"result":{"data":[]}}'
    return (
        Case("trivial query", "/now", "/trpc/now", '{"result":{"data":1'),
        Case("signed in, validated, logged", one, one, nothing),
        Case(f"batch of {BATCH} of those", batch, batch, f"[{nothing},{nothing}", BATCH),
    )


async def bench_rpc(load: RpcLoad) -> Report:
    """Run the whole benchmark; everything it starts has ended when it returns, is cancelled or fails."""
    allow_files(max(load.callers, load.subscriptions) + OTHER_FILES)
    busy = busy_percent()
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        where = machine(folder)
        async with AsyncExitStack() as stack:
            peer = await peer_of(stack, folder, notes)
            engine = await stack.enter_async_context(child("engine", MODULE + "engine", {"host": "127.0.0.1"}, folder))
            alone = Server(engine.pid, f"http://127.0.0.1:{(await engine.hear(START_S_MAX))['port']}", "")
            product, watched = await stack.enter_async_context(_product(folder))
            callers = await stack.enter_async_context(child("callers", MODULE + "calls", {"ready": True}, folder))
            await callers.hear(START_S_MAX)
            other = Server(peer.pid, peer.address, peer.token) if peer else None
            sides = {
                case.name: await _calls(load, case, product if case.calls > 1 or index else alone, other, callers)
                for index, case in enumerate(cases())
            }
            live = await _subscriptions(load, product, other, watched, folder)
    notes.append(f"Before the run the machine was {busy:.0f} % busy with other work.")
    return Report(
        title="bench rpc: what a call costs",
        machine=where,
        load=f"{load.rounds} turns of {load.seconds:g} s each, median [least–most]; {load.callers} callers that call "
        f"again at once; {load.subscriptions:,} sockets with one subscription each at 1 Hz; CPU of the server alone",
        peer=f"{peer.version}: the same checks, its log through pino" if peer else "not run",
        figures=(*call_figures(load, sides), *_live_figures(load, live)),
        notes=tuple(notes),
        facts={name: asdict(side) for name, side in {**sides, "subscriptions": live}.items()},
    )


async def peer_of(stack: AsyncExitStack, folder: Path, notes: list[str]) -> NodePeer | None:
    """Start the peer for as long as ``stack`` lasts; None, and a note why, where it cannot run."""
    try:
        return await stack.enter_async_context(node_peer(folder / "node"))
    except UnavailableError as error:
        notes.append(f"Peer not run: {error}")
        return None


@asynccontextmanager
async def _product(folder: Path) -> AsyncIterator[tuple[Server, list[int]]]:
    """Run the product as a user starts it, its log with a line for each request; yields it and the signals to watch."""
    clock, data_dir = SystemClock(), folder / "data"
    database_url = f"sqlite+aiosqlite:///{(data_dir / 'pdm.sqlite').as_posix()}"
    async with running_load_server(folder / "load", clock, ROWS * PUBLISHES_PER_S) as simulator:
        plant = in_machines(simulator.definition, ROWS)
        password = await install(data_dir, database_url, plant, clock)
        variables = {
            "PDM_DATABASE_URL": database_url,
            "PDM_LOG__REQUESTS": "true",
            "PDM_HTTP__CREDENTIAL_PER_MINUTE": str(UNLIMITED),
            "PDM_RPC__CALLS_PER_MINUTE": str(UNLIMITED),
        }
        async with serving(data_dir, variables, folder / "serve.log") as (pid, address):
            token = await token_of(address, {"username": USERNAME, "password": password})
            together = [signal.id for signal in plant.signals[::PUBLISHES_PER_S]]  # All of one publish.
            yield Server(pid, address, token), together


async def _calls(load: RpcLoad, case: Case, own: Server, peer: Server | None, callers: Child) -> Side:
    """Measure both in turns."""

    async def turn(server: Server, path: str, seconds: float) -> Turn:
        order = {"url": server.address + path, "headers": server.headers, "wanted": case.wanted,
                 "callers": load.callers, "seconds": seconds}  # fmt: skip
        with metered({"server": server.pid}) as meter:
            found = await callers.ask(seconds + START_S_MAX, **order)
        latencies = Latencies(**found["latencies"])
        return Turn(latencies.count * case.calls, found["seconds"], latencies, meter.usage.get("server", NO_USAGE))

    both = [(own, case.path), *([(peer, case.peer_path)] if peer else [])]
    for server, path in both:
        await turn(server, path, min(WARM_UP_S, load.seconds))
    turns = [[await turn(server, path, load.seconds) for server, path in both] for _ in range(load.rounds)]
    return _side(turns)


async def _subscriptions(load: RpcLoad, own: Server, peer: Server | None, signals: Sequence[int], folder: Path) -> Side:
    """Let all watch the same signals, so that what is encoded once for all shows."""
    seconds = max(load.seconds, LIVE_S_MIN)

    async def turn(server: Server) -> Turn:
        url = f"{server.address.replace('http', 'ws', 1)}/trpc"
        configuration = {"url": url, "headers": server.headers, "viewers": [signals] * load.subscriptions}
        async with child("viewers", MODULE + "viewers", configuration, folder) as viewers:
            await viewers.hear(CONNECT_S_MAX)
            await viewers.ask(WARM_UP_S + CONNECT_S_MAX, seconds=WARM_UP_S)
            with metered({"server": server.pid}) as meter:
                found = await viewers.ask(seconds + CONNECT_S_MAX, seconds=seconds)
        return Turn(
            found["messages_per_s"] * seconds,
            seconds,
            Latencies(**found["to_viewer"]),
            meter.usage.get("server", NO_USAGE),
        )

    both = [own, *([peer] if peer else [])]
    return _side([[await turn(server) for server in both] for _ in range(load.rounds)])


def _side(turns: Sequence[Sequence[Turn]]) -> Side:
    own, *peer = zip(*turns, strict=True)
    return Side(tuple(own), tuple(peer[0]) if peer else ())


def call_figures(load: RpcLoad, sides: Mapping[str, Side]) -> list[Figure]:
    """Return the figures of every kind of call."""
    figures = []
    for name, side in sides.items():
        is_bounded = name == cases()[1].name
        rate = _figure(f"calls per CPU-second, {name}", "/s", [turn.per_cpu_s for turn in side.own],
                       [turn.per_cpu_s for turn in side.peer], more_is_better=True)  # fmt: skip
        if is_bounded and rate.peer:
            rate = rate.bounded(RATIO_MUST * rate.peer, RATIO_GOAL * rate.peer)
        late = _figure(f"p95, {name}, {load.callers} callers", "ms", _late(side.own, "p95_ms"),
                       _late(side.peer, "p95_ms"))  # fmt: skip
        if is_bounded and load.callers == BOUNDED_CALLERS:
            late = late.bounded(200, 20)
        figures += [
            rate,
            _figure(f"p50, {name}, {load.callers} callers", "ms", _late(side.own, "p50_ms"),
                    _late(side.peer, "p50_ms")),
            late,
            _figure(f"p99, {name}, {load.callers} callers", "ms", _late(side.own, "p99_ms"),
                    _late(side.peer, "p99_ms")),
        ]  # fmt: skip
    return figures


def _live_figures(load: RpcLoad, live: Side) -> list[Figure]:
    who = f"{load.subscriptions:,} subscriptions"
    cpu = _figure(f"CPU of the server, {who} at 1 Hz", "%", [turn.usage.cpu_percent for turn in live.own],
                  [turn.usage.cpu_percent for turn in live.peer])  # fmt: skip
    if load.subscriptions == BOUNDED_SUBSCRIPTIONS:
        cpu = cpu.bounded(50, 25)
    return [
        cpu,
        _figure(f"messages, {who}", "/s", [turn.per_s for turn in live.own], [turn.per_s for turn in live.peer]),
        _figure(f"server to viewer, p50, {who}", "ms", _late(live.own, "p50_ms"), _late(live.peer, "p50_ms")),
        _figure(f"server to viewer, p99, {who}", "ms", _late(live.own, "p99_ms"), _late(live.peer, "p99_ms")),
        _figure(f"memory of the server, {who}", "MB", [turn.usage.rss_mb for turn in live.own],
                [turn.usage.rss_mb for turn in live.peer]),
    ]  # fmt: skip


def _late(turns: Sequence[Turn], percentile: str) -> list[float]:
    found = (getattr(turn.latencies, percentile) for turn in turns)
    return [late_ms for late_ms in found if late_ms is not None]


def _figure(
    name: str, unit: str, own: Sequence[float], peer: Sequence[float], *, more_is_better: bool = False
) -> Figure:
    """Take the median of the turns and keep them all."""
    return Figure(
        name, median(own) if own else None, unit, peer=median(peer) if peer else None, more_is_better=more_is_better,
        note="nothing arrived", turns=tuple(own), peer_turns=tuple(peer),
    )  # fmt: skip
