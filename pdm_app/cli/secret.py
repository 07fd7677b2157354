"""`secret`: what is stored encrypted, and the key it is encrypted with. The secrets themselves are never printed."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pdm_app.cli.installation import DataOption, print_table, with_installation
from pdm_app.domain.access import SYSTEM
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.secrets import SecretFact
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.services.secret_store import Rotation, SecretStore

secret = typer.Typer(name="secret", no_args_is_help=True, help="What is stored encrypted, and its key.")

T = TypeVar("T")


@secret.command("list")
def list_all(data: DataOption = None) -> None:
    """List what is stored encrypted and under which key."""

    async def read(store: "SecretStore") -> Sequence[SecretFact]:
        return await store.all(SYSTEM)

    from pdm_app.domain.samples import moment

    rows = [
        (fact.purpose, fact.record_id, fact.site_id or "all", fact.key_id, f"{moment(fact.changed_at):%Y-%m-%d %H:%M}")
        for fact in _with_store(data, read)
    ]
    print_table(("PURPOSE", "RECORD", "SITE", "KEY", "CHANGED (UTC)"), rows)


@secret.command("rotate-key")
def rotate_key(data: DataOption = None) -> None:
    """Make a new key and seal everything with it anew; run it again if it was interrupted. The product may run."""

    async def rotate(store: "SecretStore") -> "Rotation":
        return await store.rotate(SYSTEM)

    done = _with_store(data, rotate)
    typer.echo(f"{done.resealed} secrets are sealed with the new key {done.key_id}. Copy the key to a safe place.")


@secret.command("give-up")
def give_up(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them without asking.")] = False, data: DataOption = None
) -> None:
    """Delete secrets whose key is lost, so that they can be entered again."""
    if not yes and not typer.confirm("Secrets whose key is missing are deleted for good. Go on?", default=False):
        raise InvalidInputError("Nothing was deleted.")

    async def forget(store: "SecretStore") -> Sequence[SecretFact]:
        return await store.give_up(SYSTEM)

    lost = _with_store(data, forget)
    for fact in lost:
        typer.echo(f"deleted: {fact.purpose} {fact.record_id}")
    typer.echo(f"{len(lost)} secrets were deleted. Enter them again where they are used.")


def _with_store(data: Path | None, ask: "Callable[[SecretStore], Awaitable[T]]") -> T:
    from pdm_app.services.secret_store import SecretStore
    from pdm_app.services.secrets import key_ring

    settings = load_settings(data_dir=data)

    async def work(unit_of_work: "UnitOfWork", clock: "Clock") -> T:
        ring = key_ring(settings.data_dir, settings.secrets.key, settings.secrets.key_file)
        return await ask(SecretStore(unit_of_work, clock, ring))

    return with_installation(data, work)
