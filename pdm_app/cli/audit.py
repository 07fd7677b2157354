"""`audit`: check the trail of who changed what, write it to a file, and keep the product from altering it."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from pdm_app.cli.installation import DataOption, with_installation
from pdm_app.domain.access import SYSTEM
from pdm_app.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from pdm_app.domain.audit import Anchor, AuditEntry, ChainCheck
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.services.audit import AuditVerdict

audit = typer.Typer(name="audit", no_args_is_help=True, help="The trail of who changed what.")

BROKEN = 3  # Another exit code than that of a command that failed: the check worked, the trail is not whole.
LINES_AT_ONCE = 1_000
ENTRIES_WARN = 2**53  # Health is not asked here.
STANDARD_OUTPUT = Path("-")

AnchorOption = Annotated[
    str, typer.Option("--anchor", metavar="NUMBER:HASH", help="An entry's number and hash that were kept elsewhere.")
]


@audit.command()
def verify(
    anchor: AnchorOption = "",
    file: Annotated[Path | None, typer.Option(help="A whole export as JSON lines instead of the database.")] = None,
    data: DataOption = None,
) -> None:
    """Check that no entry was altered, removed, inserted or moved; ends with 3 and names the first that was."""
    kept = _anchor(anchor)
    if file is not None:
        check = _check_file(file, kept)
        broken_at, fault, checked, last_hash = check.broken_at, check.fault, check.checked, check.last_hash
    else:
        verdict = _verdict(data, kept)
        broken_at, fault, checked, last_hash = verdict.broken_at, verdict.fault, verdict.checked, verdict.last_hash
    if broken_at is not None:
        typer.echo(f"The audit trail is broken at entry {broken_at}: {fault}. {checked} entries before are whole.")
        raise typer.Exit(BROKEN)
    typer.echo(f"The audit trail is whole: {checked} entries. Keep its end elsewhere to hold it up later:")
    typer.echo(f"{checked}:{last_hash}" if checked else "there is none yet")


@audit.command()
def export(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("audit.jsonl"),
    written_as: Annotated[str, typer.Option("--format", help="jsonl, which can be verified, or csv.")] = "jsonl",
    data: DataOption = None,
) -> None:
    """Write all entries with their hashes; the export goes on record."""
    from pdm_app.domain.audit import AuditQuery
    from pdm_app.services.audit import AuditService, ExportFormat

    if written_as not in set(ExportFormat):
        raise InvalidInputError(f"There is no format {written_as!r}. Choose {' or '.join(ExportFormat)}.")

    async def write(unit_of_work: "UnitOfWork", clock: "Clock") -> None:
        service = AuditService(unit_of_work, clock, ENTRIES_WARN)
        lines = service.export(SYSTEM, AuditQuery(), ExportFormat(written_as))
        sink = sys.stdout.buffer if out == STANDARD_OUTPUT else await asyncio.to_thread(_opened, out)
        try:
            async for portion in lines:
                sink.write(portion)
            sink.flush()
        finally:
            if out != STANDARD_OUTPUT:
                sink.close()

    with_installation(data, write)
    if out != STANDARD_OUTPUT:
        typer.echo(f"{out} is written.", err=True)


@audit.command()
def grants(
    user: Annotated[str, typer.Option(help="Account with which the product connects.")] = "pdm",
    host: Annotated[str, typer.Option(help="Host part of the account.")] = "%",
    database: Annotated[str, typer.Option(help="Name of the database.")] = "pdm",
) -> None:
    """Print SQL for MySQL and MariaDB that leaves the product no UPDATE or DELETE on the entries."""
    from pdm_app.storage.grants import audit_grants

    typer.echo(audit_grants(database, user, host), nl=False)


def _anchor(words: str) -> "Anchor | None":
    from pydantic import ValidationError

    from pdm_app.domain.audit import Anchor

    if not words:
        return None
    number, _, hash_ = words.partition(":")
    try:
        return Anchor(seq=int(number), hash=hash_)
    except (ValueError, ValidationError):
        raise InvalidInputError(
            f"{words[:80]!r} is no anchor. Give the line that an earlier check has printed, such as 1234:9f86d0…"
        ) from None


def _verdict(data: Path | None, anchor: "Anchor | None") -> "AuditVerdict":
    from pdm_app.services.audit import AuditService

    async def ask(unit_of_work: "UnitOfWork", clock: "Clock") -> "AuditVerdict":
        return await AuditService(unit_of_work, clock, ENTRIES_WARN).verify(SYSTEM, anchor)

    return with_installation(data, ask)


def _check_file(file: Path, anchor: "Anchor | None") -> "ChainCheck":
    """Check an export of the whole trail; an export with filters has gaps and is not whole."""
    from pdm_app.domain.audit import AuditHead, ChainCheck

    check = ChainCheck(anchor)
    try:
        with file.open("rb") as lines:
            for entry in _entries(file, lines):
                if not check.take([entry]):
                    return check
    except OSError as error:
        raise InvalidInputError(f"{file} was not read: {error.strerror}.") from error
    check.end(AuditHead(seq=check.checked, hash=check.last_hash))
    return check


def _entries(file: Path, lines: BinaryIO) -> "Iterator[AuditEntry]":
    from pydantic import ValidationError

    from pdm_app.domain.audit import AuditEntry

    for number, line in enumerate(lines, 1):
        try:
            yield AuditEntry.model_validate(json.loads(line))
        except (ValueError, ValidationError):
            raise InvalidInputError(
                f"Line {number} of {file} is no entry of an audit trail. Give an export as JSON lines."
            ) from None


def _opened(out: Path) -> BinaryIO:
    try:
        return out.open("wb")
    except OSError as error:
        raise InvalidInputError(f"{out} was not written: {error.strerror}. Name another file with --out.") from error
