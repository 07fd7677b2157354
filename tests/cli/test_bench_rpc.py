"""`bench rpc`: the served product and a tRPC server on Node under a small load, in turns."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pdm_app.cli.bench.calls import request_of
from pdm_app.cli.bench.figures import Figure
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.node_peer import node_peer
from pdm_app.cli.bench.processes import child, clean_environment
from pdm_app.cli.bench.rpc import RpcLoad, Side, Turn, call_figures, peer_of
from pdm_app.cli.bench.usage import Usage
from pdm_app.domain.errors import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 280.0  # The front end may have to be compiled first.
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.long
def test_every_case_has_its_figure_of_both_servers(tmp_path: Path, need: Callable[[str, object], None]) -> None:
    words = ["--seconds", "0.5", "--rounds", "1", "--callers", "4", "--subscriptions", "5"]
    done = subprocess.run(
        [sys.executable, "-m", "pdm_app", "bench", "rpc", *words, "--json", str(tmp_path / "rpc.json")],
        cwd=ROOT, env=clean_environment({}), capture_output=True, text=True, timeout=START_S_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "rpc.json").read_text())
    need("node, npm and a registry", report["peer"] != "not run")
    assert "@trpc/server 11" in report["peer"]
    figures = {figure["name"]: figure for figure in report["figures"]}
    for case in ("trivial query", "signed in, validated, logged", "batch of 10 of those"):
        for figure in (f"calls per CPU-second, {case}", f"p95, {case}, 4 callers"):
            assert figures[figure]["value"] > 0, figure
            assert figures[figure]["peer"] > 0, figure
    bounded = figures["calls per CPU-second, signed in, validated, logged"]
    assert (bounded["must"], bounded["goal"]) == (bounded["peer"], 3 * bounded["peer"])
    messages = figures["messages, 5 subscriptions"]
    assert 0 < messages["value"] <= 15
    assert 0 < messages["peer"] <= 10


async def test_without_a_registry_the_peer_is_left_out_and_the_report_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", NOWHERE)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "cache"))
    notes: list[str] = []
    async with AsyncExitStack() as stack:
        assert await peer_of(stack, tmp_path, notes) is None
    [note] = notes
    assert note.startswith("Peer not run: ")
    assert len(note) < 600


async def test_a_wrong_answer_ends_the_measurement_and_is_shown(
    tmp_path: Path, need: Callable[[str, object], None]
) -> None:
    try:
        async with (
            node_peer(tmp_path / "node") as peer,
            child("callers", "pdm_app.cli.bench.calls", {"ready": True}, tmp_path) as callers,
        ):
            await callers.hear(60)
            with pytest.raises(UnavailableError, match="401"):
                await callers.ask(
                    60, url=f"{peer.address}/trpc/alarms.active", headers={}, wanted="[", callers=2, seconds=20
                )
    except UnavailableError as error:
        need(str(error), None)


def test_without_a_peer_nothing_is_judged_by_its_rate() -> None:
    turn = Turn(1000, 1.0, Latencies(1000, 1.0, 2.0, 3.0, 4.0), Usage(0.1, 10.0, 50.0))
    names = ("signed in, validated, logged",)
    alone = {figure.name: figure for figure in call_figures(RpcLoad(), dict.fromkeys(names, Side((turn,), ())))}
    rate = alone["calls per CPU-second, signed in, validated, logged"]
    assert (rate.value, rate.peer, rate.verdict) == (10_000, None, "")
    assert alone["p95, signed in, validated, logged, 100 callers"].verdict == "goal"


def test_a_figure_of_several_turns_shows_its_spread() -> None:
    cells = Figure("rate", 20.0, "/s", peer=10.0, turns=(18.0, 20.0, 23.0), peer_turns=(9.0, 10.0)).cells()
    assert cells[1] == "20.0 [18.0–23.0] /s"
    assert cells[5] == "10.0 [9.00–10.0] /s (2×)"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(("hard", "said"), [(4000, "(2000, 4000)"), (1500, "the system allows 1,500")])
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_allows(hard: int, said: str) -> None:
    program = (
        "import resource; from pdm_app.cli.bench.processes import allow_files; kind = resource.RLIMIT_NOFILE; "
        f"resource.setrlimit(kind, (256, {hard})); allow_files(2000); print(resource.getrlimit(kind))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert said in done.stdout + done.stderr


def test_a_request_keeps_its_query_and_its_headers() -> None:
    request = request_of("http://127.0.0.1:8000/trpc/a?batch=1", {"authorization": "Bearer t"})
    assert request.startswith(b"GET /trpc/a?batch=1 HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n")
    assert request.endswith(b"\r\nauthorization: Bearer t\r\n\r\n")
