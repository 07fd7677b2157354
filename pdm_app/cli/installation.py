"""The installation that a command works on: its settings and its database, beside a product that may be running."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pdm_app.bootstrap.problems import explained
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.domain.samples import Micros

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data directory; the demo's is the folder demo in the usual one.")
]

T = TypeVar("T")


class CommandClock:
    """The wall clock of a command; `pdm_app.runtime.process` has the product's, and would load every driver with it."""

    def now(self) -> "Micros":
        from pdm_app.domain.samples import Micros

        return Micros(time.time_ns() // 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def with_installation(data: Path | None, work: "Callable[[UnitOfWork, Clock], Awaitable[T]]") -> T:
    """Open the database, run ``work``, close it again.

    Raises:
        SetupError: The data directory cannot be made.
        PdmError: The settings or the database cannot be used; says what to do.
    """
    from pdm_app.storage.database import Database
    from pdm_app.storage.migrations import migrate
    from pdm_app.storage.unit_of_work import SqlUnitOfWork

    settings = load_settings(data_dir=data)

    async def run() -> T:
        with explained("Opening the data directory", settings.data_dir, "Choose another with --data DIR."):
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = Database(settings.database_url)
        try:
            await migrate(database)
            return await work(SqlUnitOfWork(database), CommandClock())
        finally:
            await database.close()

    return asyncio.run(run())


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
