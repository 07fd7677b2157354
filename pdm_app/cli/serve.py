"""`serve`: the product for a plant of one's own, configured by PDM_* variables and a TOML file."""

from pathlib import Path
from typing import Annotated

import typer

from pdm_app.cli.serving import serve_product
from pdm_app.settings import load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data: Annotated[Path | None, typer.Option(help="Directory for everything that must survive a restart.")] = None,
    https: Annotated[bool | None, typer.Option("--https/--no-https", help="Serve HTTPS; see `cert`.")] = None,
) -> None:
    """Serve without the demo plant; without an admin yet, a one-time set-up link is printed."""
    tls = None if https is None else {"enabled": https}
    raise typer.Exit(serve_product(load_settings(host=host, port=port, data_dir=data, tls=tls), open_pages=False))
