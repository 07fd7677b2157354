"""`demo`: the simulated plant on real protocols, with accounts of its own, on loopback."""

from pathlib import Path
from typing import Annotated

import typer

from pdm_app.cli.demo_break import break_machine, faults, mend
from pdm_app.cli.demo_replay import replay
from pdm_app.cli.demo_truth import truth
from pdm_app.cli.demo_waveform import waveform
from pdm_app.cli.serving import serve_product
from pdm_app.domain.plant_size import PlantSize
from pdm_app.settings import default_data_dir, load_settings

USUAL_PORT = 8000
USUAL_DAYS = 30

demo = typer.Typer(
    name="demo", invoke_without_command=True, help="Run the demo plant and its pages; Ctrl+C ends both, data stay."
)

DemoData = Annotated[Path | None, typer.Option("--data", help="Directory for everything the demo keeps.")]

demo.command()(truth)
demo.command()(waveform)
demo.command()(replay)
demo.command("break")(break_machine)
demo.command()(mend)
demo.command()(faults)


@demo.callback()
def run(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the pages.")] = USUAL_PORT,
    data: DemoData = None,
    browser: Annotated[bool, typer.Option(help="Open the pages in the browser.")] = True,
    https: Annotated[bool, typer.Option("--https", help="Serve HTTPS with a certificate of its own.")] = False,
    history: Annotated[int, typer.Option(min=0, max=60, help="Days that the plant has behind it.")] = USUAL_DAYS,
    plant: Annotated[
        PlantSize | None, typer.Option(help="How much of it runs; kept with the data, whole where nothing is said.")
    ] = None,
) -> None:
    """Run the demo plant and its pages; Ctrl+C ends both and keeps the data."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(
        demo=True,
        demo_history_days=history,
        demo_plant=plant,
        host="127.0.0.1",
        port=port,
        data_dir=data or default_data_dir() / "demo",
        database_url="",
        tls={"enabled": True} if https else None,
    )
    raise typer.Exit(serve_product(settings, open_pages=browser))
