"""`history`: what history takes, days into files, and what the rules of retention would delete, or delete it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdm_app.cli.installation import CommandClock, DataOption, print_table
from pdm_app.domain.access import SYSTEM
from pdm_app.domain.errors import ConflictError
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.domain.ports import Fence
    from pdm_app.services.retention import RetentionService
    from pdm_app.services.secret_store import SecretStore
    from pdm_app.storage.cold import ColdTier
    from pdm_app.storage.compaction import Compaction
    from pdm_app.storage.database import Database
    from pdm_app.storage.historian import SqlHistorian
    from pdm_app.storage.removal import Removal
    from pdm_app.storage.storage_facts import SqlStorageFacts
    from pdm_app.storage.unit_of_work import SqlUnitOfWork

history = typer.Typer(
    name="history", no_args_is_help=True, help="The long memory: what it takes, and how long it stays."
)

HOLDER = "command history"
LEASE_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class _Memory:
    """The long memory of an installation, beside a product that may be running."""

    database: "Database"
    work: "SqlUnitOfWork"
    historian: "SqlHistorian"
    compaction: "Compaction"
    removal: "Removal"
    facts: "SqlStorageFacts"
    retention: "RetentionService"
    hot_days: int
    cold: "ColdTier"
    secrets: "SecretStore"


@history.command()
def status(data: DataOption = None) -> None:
    """Print what each tier takes, the partitions, which days wait for a file, and which files are damaged."""

    async def look(memory: _Memory) -> None:
        backend, room = await memory.facts.backend(), await memory.facts.room()
        typer.echo(f"{backend.name} {backend.version}, {backend.place}: {backend.bytes:,} bytes")
        typer.echo(f"Free on this disk: {room.free_bytes:,} of {room.total_bytes:,} bytes\n")
        sizes = await memory.facts.sizes()
        rows = [
            (str(size.tier), size.place, f"{size.rows:,}", f"{size.bytes:,}",
             f"{size.bytes_per_row:.1f}" if size.bytes_per_row is not None else "-")
            for size in sizes
        ]  # fmt: skip
        print_table(("tier", "place", "rows", "bytes", "bytes each"), rows)
        parts = await memory.facts.partitions()
        if parts:
            typer.echo("")
            print_table(
                ("partition", "from", "to", "rows, about", "bytes"),
                [
                    (part.name, "-" if part.start_at is None else _day(part.start_at),
                     "-" if part.end_at is None else _day(part.end_at), f"{part.rows:,}", f"{part.bytes:,}")
                    for part in parts
                ],
            )  # fmt: skip
        for day in await memory.facts.due(memory.hot_days):
            typer.echo(
                f"{_day(day.start_at)} waits for its file: {day.samples:,} samples. {day.trouble or ''}".rstrip()
            )
        place = await memory.facts.cold_place()
        typer.echo(f"Closed days are kept in {place.place}." + (f" {place.trouble}" if place.trouble else ""))
        if place.waiting:
            typer.echo(f"{place.waiting} files are still in the folder and go into the bucket.")
        for file in await memory.facts.files(1_000):
            if file.trouble is not None:
                typer.echo(f"{file.name} is damaged: {file.trouble}")

    _with_memory(data, look)


@history.command()
def compact(data: DataOption = None) -> None:
    """Put closed days into files now; the product must not be running."""

    async def go(memory: _Memory) -> None:
        async with _lease(memory) as fence:
            due = await memory.compaction.due(memory.hot_days)
            for day in due:
                done = await memory.compaction.compact(fence, day.start_at)
                told = "stays hot, late samples are to be rolled up first" if done is None else f"is {done.file.name}"
                typer.echo(f"{_day(day.start_at)} {told}")
            typer.echo(f"{len(due)} days were due.")

    _with_memory(data, go)


@history.command()
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    data: DataOption = None,
) -> None:
    """Carry out the rules of retention; without --dry-run the product must not be running, and what goes is gone."""

    async def go(memory: _Memory) -> None:
        plan = await memory.retention.plan(SYSTEM)
        for line in plan.lines:
            typer.echo(
                f"{line.tier}: {line.bytes:,} bytes, {line.rows:,} rows, {line.signals} signals, "
                f"before {_day(line.before_at)} (rule {line.rule_id})"
            )
        typer.echo(f"{'Would delete' if dry_run else 'To delete'}: {plan.bytes:,} bytes, {plan.rows:,} rows.")
        if dry_run or not plan.rows:
            return
        async with _lease(memory) as fence:
            rows = blocked = 0
            for order in await memory.retention.orders():
                async for step in memory.removal.remove(order, fence):
                    rows, blocked = rows + step.rows, blocked + step.blocked
                    if step.reason:
                        typer.echo(f"{_day(step.day_at)}: {step.blocked:,} rows stay. {step.reason}")
            typer.echo(f"Deleted {rows:,} rows; {blocked:,} that are due stay.")

    _with_memory(data, go)


@history.command("bucket-key")
def bucket_key_entered(
    key_id: Annotated[str, typer.Option("--key-id", prompt="Key id", help="As the server of the bucket gave it.")],
    data: DataOption = None,
) -> None:
    """Enter the key to the bucket of closed days; it is kept sealed, and its secret is read from the input."""
    from pdm_app.domain.cold_bucket import BucketKey
    from pdm_app.services.bucket_key import enter_key

    secret = typer.prompt("Secret", hide_input=True)

    async def go(memory: _Memory) -> None:
        await enter_key(SYSTEM, memory.work, memory.secrets, CommandClock(), BucketKey(key_id, secret))
        facts = await memory.cold.place.facts()
        if facts.kind == "folder":
            typer.echo("The key is kept. Name the bucket: PDM_HISTORY__BUCKET__ENDPOINT and PDM_HISTORY__BUCKET__NAME.")
        else:
            typer.echo(f"The key is kept. {facts.trouble or f'{facts.place} can be used.'}")

    _with_memory(data, go)


@history.command("to-bucket")
def to_bucket(data: DataOption = None) -> None:
    """Move closed days from the folder to the bucket; run again, it goes on. A running product does so by itself."""

    async def go(memory: _Memory) -> None:
        facts = await memory.cold.place.facts()
        if facts.kind == "folder":
            raise ConflictError(
                "No bucket is set. Name it: PDM_HISTORY__BUCKET__ENDPOINT and PDM_HISTORY__BUCKET__NAME."
            )
        async with _lease(memory) as fence:
            moved = await memory.compaction.move(fence)
        left = (await memory.cold.place.facts()).waiting
        typer.echo(f"{moved} files were moved to {facts.place}; {left} are left in the folder.")

    _with_memory(data, go)


@history.command("to-folder")
def to_folder(data: DataOption = None) -> None:
    """Fetch every file of a closed day from the bucket to the folder; run again, it goes on. Then unset the bucket."""

    async def go(memory: _Memory) -> None:
        async with _lease(memory):
            fetched = await memory.cold.bring_back()
        typer.echo(f"{fetched} files were fetched. Unset PDM_HISTORY__BUCKET__NAME and PDM_HISTORY__BUCKET__ENDPOINT.")

    _with_memory(data, go)


@history.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file whose first line names the columns.", exists=True)],
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=CODE.Signal, as often as needed; else by the names.")
    ] = None,
    signal_column: Annotated[str, typer.Option(help="Of a long table: the column that names the signal.")] = "",
    value_column: Annotated[str, typer.Option(help="Of a long table: the column of the value.")] = "",
    time_column: Annotated[str, typer.Option(help="Found by its name where it is not given.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of times that name none.")] = "UTC",
    separator: Annotated[str, typer.Option(help="Found where it is not given.")] = "auto",
    decimal: Annotated[str, typer.Option(help="What stands before the fraction: . or ,")] = ".",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    data: DataOption = None,
) -> None:
    """Put the history in a CSV file into place; without --dry-run the product must not be running."""
    from pdm_app.cli.history_import import Asked, import_table

    asked = Asked(file, tuple(mapped or ()), signal_column, value_column, time_column, zone, separator, decimal)

    async def go(memory: _Memory) -> None:
        if dry_run:
            await import_table(memory.work, memory.historian, None, asked)
            return
        async with _lease(memory) as fence:
            await import_table(memory.work, memory.historian, fence, asked)

    _with_memory(data, go)


def _with_memory(data: Path | None, go: Callable[[_Memory], Awaitable[None]]) -> None:
    from pdm_app.services.bucket_key import bucket_key
    from pdm_app.services.retention import RetentionService
    from pdm_app.services.secret_store import SecretStore
    from pdm_app.services.secrets import key_ring
    from pdm_app.storage.cold import ColdTier
    from pdm_app.storage.cold_bucket import place_of
    from pdm_app.storage.database import Database
    from pdm_app.storage.historian import SqlHistorian
    from pdm_app.storage.migrations import migrate
    from pdm_app.storage.storage_facts import SqlStorageFacts
    from pdm_app.storage.unit_of_work import SqlUnitOfWork

    settings = load_settings(data_dir=data)

    async def run() -> None:
        database, clock, place = Database(settings.database_url), CommandClock(), None
        try:
            await migrate(database)
            work = SqlUnitOfWork(database)
            ring = key_ring(settings.data_dir, settings.secrets.key, settings.secrets.key_file)
            store = SecretStore(work, clock, ring)
            place = place_of(settings.history.bucket, settings.data_dir, bucket_key(work, store), clock)
            cold = ColdTier(database, place)
            historian = SqlHistorian(database, clock, cold=cold)
            compaction, removal = historian.ways_to_cold()
            await go(
                _Memory(
                    database=database, work=work, historian=historian, compaction=compaction, removal=removal,
                    facts=SqlStorageFacts(database, compaction, historian.partitions, settings.data_dir, place),
                    retention=RetentionService(work, removal, clock), hot_days=settings.history.hot_days,
                    cold=cold, secrets=store,
                )
            )  # fmt: skip
        finally:
            if place is not None:
                await place.close()
            await database.close()

    asyncio.run(run())


@asynccontextmanager
async def _lease(memory: _Memory) -> "AsyncIterator[Fence]":
    from pdm_app.storage.lease import SqlLease

    lease = SqlLease(memory.database, CommandClock())
    fence = await lease.acquire(HOLDER, LEASE_S)
    if fence is None:
        raise ConflictError(
            "The product is running on this installation and changes its history itself. Use its storage page, or stop "
            "it and try again in a minute."
        )
    try:
        yield fence
    finally:
        await lease.release(fence)


def _day(at: int) -> str:
    from pdm_app.domain.samples import moment

    return f"{moment(at):%Y-%m-%d}"
