"""`bench live`, `alarms`, `record`, `history`, `infer`, `ota` and `rpc`: measure this machine, each beside a peer."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from pdm_app.domain.errors import FieldIssue, InvalidInputError

T = TypeVar("T")

bench = typer.Typer(name="bench", no_args_is_help=True, help="Measure the product on this machine, beside a peer.")

SECONDS_MAX = 3600.0
VIEWERS_MAX = 1000
ROUNDS_MAX = 100
SIGNALS_MAX = 500  # Of one viewer; as the server has it for one subscription.
PLANT_SIGNALS_MAX = 20_000
POINTS_MIN, POINTS_MAX = 50_000, 200_000_000

Seconds = Annotated[float, typer.Option(min=0.5, max=SECONDS_MAX, help="Length of each measurement.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file, too.")]


@bench.command()
def live(
    seconds: Seconds = 20.0,
    viewers: Annotated[str, typer.Option(help="Numbers of viewers, one measurement each.")] = "1,10,100",
    signals: Annotated[int, typer.Option(min=1, max=SIGNALS_MAX, help="Live values of each viewer.")] = 50,
    plant_signals: Annotated[int, typer.Option(min=1, max=PLANT_SIGNALS_MAX, help="Signals of the plant.")] = 1000,
    browser: Annotated[bool, typer.Option(help="Measure a real Chromium, too.")] = True,
    json_file: JsonFile = None,
) -> None:
    """Device to viewer: latency, CPU and memory for some numbers of viewers, and in a real browser."""
    from pdm_app.cli.bench.live import LiveLoad, bench_live

    load = LiveLoad(seconds, _counts(viewers), signals, plant_signals, browser)
    run_to_end(bench_live(load)).put_out(json_file)


@bench.command()
def alarms(
    seconds: Seconds = 30.0,
    rules: Annotated[int, typer.Option(min=1, max=50_000, help="Alarm rules in force.")] = 5_000,
    samples: Annotated[int, typer.Option(min=20, max=200_000, help="Samples a second.")] = 10_000,
    json_file: JsonFile = None,
) -> None:
    """Samples to alarms: how much of a core judging them by thousands of rules takes."""
    from pdm_app.cli.bench.alarms import AlarmLoad, bench_alarms

    bench_alarms(AlarmLoad(rules, samples, seconds)).put_out(json_file)


@bench.command()
def notices(
    alarms: Annotated[int, typer.Option(min=1, max=10_000, help="Alarms, one after the other.")] = 100,
    json_file: JsonFile = None,
) -> None:
    """Limit to person: how long an alarm takes to a screen, and to the mail server."""
    from pdm_app.cli.bench.notices import bench_notices

    run_to_end(bench_notices(alarms)).put_out(json_file)


@bench.command()
def journal(
    entries: Annotated[int, typer.Option(min=1_000, max=100_000_000, help="Entries of the journal.")] = 10_000_000,
    mariadb: Annotated[bool, typer.Option(help="On a MariaDB server of its own, not on SQLite.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Alarm journal: how long a page takes by each filter, and what keeping its words costs."""
    from pdm_app.cli.bench.journal import JournalLoad, bench_journal

    run_to_end(bench_journal(JournalLoad(entries, mariadb))).put_out(json_file)


@bench.command()
def oee(
    machines: Annotated[int, typer.Option(min=1, max=10_000, help="Machines whose year is reckoned.")] = 200,
    shifts: Annotated[int, typer.Option(min=1, max=100_000, help="Shifts that are derived.")] = 1_095,
    json_file: JsonFile = None,
) -> None:
    """Effectiveness: how long a year of machines takes to be derived, and a quarter to be summed up."""
    from pdm_app.cli.bench.oee import OeeLoad, bench_oee

    bench_oee(OeeLoad(machines, shifts)).put_out(json_file)


@bench.command()
def record(
    seconds: Seconds = 20.0,
    database_url: Annotated[
        str, typer.Option(help="An empty MySQL or MariaDB database to fill; without it a private MariaDB is started.")
    ] = "",
    json_file: JsonFile = None,
) -> None:
    """Buffer to database: samples per second recorded and rolled up, on SQLite and on MariaDB or MySQL.

    With --seconds 600 it shows what is sustained.
    """
    from pdm_app.cli.bench.record import bench_record

    run_to_end(bench_record(seconds, database_url)).put_out(json_file)


@bench.command()
def history(
    points: Annotated[
        int, typer.Option(min=POINTS_MIN, max=POINTS_MAX, help="About how many samples each store gets.")
    ] = 30_000_000,
    turns: Annotated[int, typer.Option(min=1, max=ROUNDS_MAX, help="How often each question is asked.")] = 20,
    database_url: Annotated[
        str, typer.Option(help="An empty MySQL or MariaDB database to fill; without it a private MariaDB is started.")
    ] = "",
    json_file: JsonFile = None,
) -> None:
    """A long past: what trends, zooms and latest values take, beside DuckDB, PostgreSQL and InfluxDB."""
    from pdm_app.cli.bench.history import bench_history

    run_to_end(bench_history(points, turns, database_url)).put_out(json_file)


@bench.command()
def rpc(
    seconds: Seconds = 5.0,
    rounds: Annotated[int, typer.Option(min=1, max=ROUNDS_MAX, help="Turns of each server in each case.")] = 3,
    callers: Annotated[int, typer.Option(min=1, max=VIEWERS_MAX, help="Connections that call at the same time.")] = 100,
    subscriptions: Annotated[
        int, typer.Option(min=1, max=VIEWERS_MAX, help="Sockets with a subscription each.")
    ] = 1000,
    json_file: JsonFile = None,
) -> None:
    """Calls and subscriptions: what each costs the server, beside a tRPC server on Node."""
    from pdm_app.cli.bench.rpc import RpcLoad, bench_rpc

    run_to_end(bench_rpc(RpcLoad(seconds, rounds, callers, subscriptions))).put_out(json_file)


@bench.command()
def infer(
    seconds: Seconds = 5.0,
    training: Annotated[bool, typer.Option(help="Train a model on a day of one asset, too.")] = True,
    json_file: JsonFile = None,
) -> None:
    """Models: latency and windows a second of the LSTM autoencoder, and how late the event loop is meanwhile."""
    from pdm_app.cli.bench.infer import InferLoad, bench_infer

    bench_infer(InferLoad(seconds, training)).put_out(json_file)


@bench.command()
def ota(
    seconds: Seconds = 60.0,
    devices: Annotated[int, typer.Option(min=1, max=50_000, help="Devices that ask.")] = 10_000,
    loads: Annotated[int, typer.Option(min=1, max=5_000, help="Devices of them that load an image meanwhile.")] = 500,
    poll_s: Annotated[float, typer.Option(min=1, max=3600, help="Each device asks so often.")] = 60.0,
    image_bytes: Annotated[int, typer.Option(min=1_000, max=200_000_000, help="Size of the image.")] = 2_000_000,
    json_file: JsonFile = None,
) -> None:
    """Firmware: thousands of devices that ask for it, hundreds that load it, and what viewers notice of that."""
    from pdm_app.cli.bench.ota import OtaLoad, bench_ota

    if loads > devices:
        raise InvalidInputError(
            f"--loads {loads} cannot be more than --devices {devices}.",
            [FieldIssue("loads", "is more than there are devices", "name fewer")],
        )
    run_to_end(bench_ota(OtaLoad(seconds, devices, loads, poll_s, image_bytes))).put_out(json_file)


def run_to_end(work: Coroutine[object, object, T]) -> T:
    """Run ``work``; Ctrl+C and SIGTERM cancel it, so that it ends what it has started."""
    from pdm_app.services.logs import set_up_logging
    from pdm_app.settings import LogSettings

    set_up_logging(LogSettings(level="warning", format="text"))

    async def cancellable() -> T:
        task = asyncio.current_task()
        if task is not None and sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("\nStopped; everything that was started has ended.\n")
        raise typer.Exit(130) from None


def _counts(text: str) -> tuple[int, ...]:
    """Read numbers of viewers such as ``1,10,100``."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= VIEWERS_MAX for count in counts):
        raise InvalidInputError(
            f"--viewers {text!r} cannot be used: write numbers from 1 to {VIEWERS_MAX} with commas, such as 1,10,100.",
            [FieldIssue("viewers", "is no list of numbers", "write it like 1,10,100")],
        )
    return counts
