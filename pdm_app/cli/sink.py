"""`sink`: where copies of samples go. How each is doing is known to the running product: see its settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from pdm_app.cli.installation import DataOption, print_table, with_installation

if TYPE_CHECKING:
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.domain.sinks import Sink

sink = typer.Typer(name="sink", no_args_is_help=True, help="Where copies of samples go.")


@sink.callback()
def sinks() -> None:
    """Where copies of samples go."""


@sink.command("list")
def list_all(data: DataOption = None) -> None:
    """List the sinks with what they take and where it goes."""
    from pdm_app.domain.samples import moment

    rows = [
        (
            one.id, one.site_id, one.name, str(one.kind), "on" if one.enabled else "off", one.pattern,
            f"{moment(one.begins_at):%Y-%m-%d %H:%M}",
        )
        for one in with_installation(data, _all)
    ]  # fmt: skip
    print_table(("SINK", "SITE", "NAME", "KIND", "SENDS", "SIGNALS", "FROM (UTC)"), rows)


async def _all(work: "UnitOfWork", clock: "Clock") -> "Sequence[Sink]":  # noqa: ARG001 - as installations are opened
    from pdm_app.domain.access import EVERY_SITE

    async with work(EVERY_SITE) as reading:
        return await reading.sinks.all()
