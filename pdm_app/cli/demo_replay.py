"""`demo replay`: days of the demo plant, played through the product's engine at many times the speed of life."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdm_app.bootstrap.exclusive import claimed
from pdm_app.bootstrap.problems import explained
from pdm_app.cli.installation import CommandClock
from pdm_app.cli.moments import moment_of, written
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.settings import Settings, default_data_dir, load_settings

if TYPE_CHECKING:
    from pdm_app.domain.plant_replay import ReplayProgress
    from pdm_app.runtime.plant_replay import Replaying
    from pdm_app.simulation.labels import Labels
    from pdm_app.simulation.replay import Replayed

USUAL_DAYS = 14.0
DAYS_MAX = 60.0  # As far as the demo's history goes.
SPEED_MAX = 600.0
HOUR_US, DAY_US = 3_600 * MICROS_PER_S, 86_400 * MICROS_PER_S
LOCK_FILE = "in_use.lock"
LOG_FILE = "log.jsonl"
TOLD_EVERY_S = 2.0
TOLD_TO_FILE_EVERY_S = 30.0


def replay(
    data: Annotated[
        Path | None, typer.Option("--data", help="A new directory, for everything that comes of it.")
    ] = None,
    begin: Annotated[str, typer.Option("--from", help="Moment such as 2026-03-01T06:00:00Z.")] = "",
    end: Annotated[str, typer.Option("--to", help="Moment; the last full hour, where it is left out.")] = "",
    days: Annotated[float | None, typer.Option(min=0.01, max=DAYS_MAX, help="So many days until --to; 14.")] = None,
    speed: Annotated[
        float, typer.Option(min=1, max=SPEED_MAX, help="How many times as fast as life, at most.")
    ] = SPEED_MAX,
    every: Annotated[int, typer.Option(min=1, max=60, help="Seconds between two samples of a signal.")] = 10,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="A fault, such as cavitation@day2.5-day3:P-502=30%; may be repeated."),
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="A file with a fault on each line; # begins a remark.")] = None,
    calm: Annotated[bool, typer.Option("--calm", help="Nothing goes wrong but what is asked for.")] = False,
    plant: Annotated[PlantSize, typer.Option(help="How much of it there is.")] = PlantSize.WHOLE,
) -> None:
    """Play days of the plant through the engine, fast, into a directory of its own that `demo --data` opens."""
    from pdm_app.runtime.plant_replay import refuse_used
    from pdm_app.simulation.labels import Labels
    from pdm_app.simulation.replay import Replayed
    from pdm_app.simulation.schedule import scheduled, story

    folder = data or default_data_dir() / "replay"
    start_at, end_at = _span(begin, end, days)
    asked = scheduled([*_lines(faults), *(fault or ())], start_at, end_at, plant)
    wanted = {(one.key, one.asset_code) for one in asked}
    told = () if calm else story(start_at, end_at, plant)
    own = tuple(one for one in told if (one.key, one.asset_code) not in wanted)
    labels = Labels(start_at, (*own, *asked), plant=plant).healed(end_at)
    source = Replayed(labels, start_at, end_at, every)
    refuse_used(folder)
    settings = load_settings(demo=True, data_dir=folder, database_url="", host="127.0.0.1")
    with explained("Opening the data directory", folder, "Choose another with --data DIR."):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with claimed(folder / LOCK_FILE, f"The data directory {folder} is in use by {{holder}}.\nChoose another."):
        asyncio.run(_replayed(settings, labels, source, speed))
    typer.echo(f"Look at it: pdm-app demo --data {folder}")


def _span(begin: str, end: str, days: float | None) -> tuple[Micros, Micros]:
    """Return the first moment of the replay, and the one after its last."""
    if begin and end and days is not None:
        raise _refused("days", "--from, --to and --days say the same thing twice", "leave one out")
    now = CommandClock().now()
    length_us = round((USUAL_DAYS if days is None else days) * DAY_US)
    start_at = moment_of("from", begin) if begin else None
    if end:
        end_at = moment_of("to", end)
    elif start_at is not None and days is not None:
        end_at = Micros(start_at + length_us)
    else:
        end_at = Micros(now - now % HOUR_US)
    start_at = Micros(end_at - length_us) if start_at is None else start_at
    if end_at > now:
        raise _refused("to", f"The replay would end in the future, {written(end_at)}", "choose an earlier end")
    if end_at <= start_at:
        raise _refused("from", f"The replay would end before it begins, {written(start_at)}", "choose a later end")
    if end_at - start_at > DAYS_MAX * DAY_US:
        raise _refused("days", f"A replay has {DAYS_MAX:g} days at most", "choose a shorter span")
    return start_at, end_at


def _refused(option: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"{problem}; {fix}.", [FieldIssue(option, problem, fix)])


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"The file of faults {path} cannot be read ({error}). Give a text file.") from error


async def _replayed(settings: Settings, labels: "Labels", source: "Replayed", speed: float) -> None:
    from pdm_app.engine.supervisor import first_of
    from pdm_app.runtime.plant_replay import paced, replaying
    from pdm_app.runtime.process import SystemClock
    from pdm_app.services.logs import set_up_logging

    wall = SystemClock()
    with (settings.data_dir / LOG_FILE).open("w", encoding="utf-8", buffering=1) as log:
        set_up_logging(settings.log, log)
        async with replaying(settings, labels, source, paced(speed, wall)) as running:
            typer.echo(f"Replaying {written(source.start_at)} to {written(source.end_at)}; Ctrl+C ends it there.")
            began = wall.now()
            _stop_on_signals(running)
            await first_of(running.run(), _tell(running, began))
            done, took_us = running.progress, wall.now() - began
    _line("", is_last=True)
    typer.echo(
        f"{'Done' if done.at == done.end_at else 'Stopped'}: {written(done.start_at)} to {written(done.at)} in "
        f"{took_us / 60 / MICROS_PER_S:.1f} min, ×{_factor(done, took_us):.0f}; {done.samples:,} samples, "
        f"{done.alarms} alarms."
    )


def _stop_on_signals(running: "Replaying") -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: there Ctrl+C cuts it short.
            loop.add_signal_handler(number, running.stop)


async def _tell(running: "Replaying", began: int) -> None:
    """Say how far it is, on one line of a terminal, or now and then in a file."""
    clock = CommandClock()
    while True:
        await clock.sleep(TOLD_EVERY_S if sys.stdout.isatty() else TOLD_TO_FILE_EVERY_S)
        now = running.progress
        day = (now.at - now.start_at) / DAY_US
        _line(
            f"{written(now.at)}  day {day:.1f}  {now.share:.0%}  ×{_factor(now, clock.now() - began):.0f}  "
            f"{now.samples:,} samples  {now.alarms} alarms, {now.standing} stand"
        )


def _line(words: str, *, is_last: bool = False) -> None:
    if not sys.stdout.isatty():
        if words:
            typer.echo(words)
        return
    typer.echo(f"\r\x1b[K{words}", nl=is_last)


def _factor(progress: "ReplayProgress", took_us: int) -> float:
    return (progress.at - progress.start_at) / max(took_us, 1)
