"""`demo`: the simulated plant on real protocols, with accounts of its own, on loopback."""

from pathlib import Path
from typing import Annotated

import typer

from pdm_app.cli.serving import serve_product
from pdm_app.settings import default_data_dir, load_settings

USUAL_PORT = 8000


def demo(
    port: Annotated[int, typer.Option(help="Port of the pages.")] = USUAL_PORT,
    data: Annotated[Path | None, typer.Option(help="Directory for everything the demo keeps.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the pages in the browser.")] = True,
    https: Annotated[bool, typer.Option("--https", help="Serve HTTPS with a certificate of its own.")] = False,
) -> None:
    """Run the demo plant and its pages; Ctrl+C ends both and keeps the data."""
    settings = load_settings(
        demo=True,
        host="127.0.0.1",
        port=port,
        data_dir=data or default_data_dir() / "demo",
        database_url="",
        tls={"enabled": True} if https else None,
    )
    raise typer.Exit(serve_product(settings, open_pages=browser))
