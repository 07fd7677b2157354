"""`demo truth`: what really happened on the demo plant, from its labels and its physics; nothing has to run."""

from pathlib import Path
from typing import Annotated

import typer

from pdm_app.cli.installation import CommandClock, print_table
from pdm_app.cli.moments import moment_of, written
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.truth import PlantTruth
from pdm_app.settings import default_data_dir

DAY_S = 86_400.0


def truth(
    at: Annotated[str, typer.Option(help="Moment such as 2026-03-01T06:00:00Z; now, where it is left out.")] = "",
    asset: Annotated[list[str] | None, typer.Option(help="Code of a machine; repeat for several.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Directory for everything the demo keeps.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what really happened: faults, states, counts, losses, OEE of the shift, remaining life."""
    from pdm_app.simulation.labels import read_labels
    from pdm_app.simulation.plant import machines_of
    from pdm_app.simulation.told import told

    folder = data or default_data_dir() / "demo"
    labels = read_labels(folder)
    if labels is None:
        raise NotFoundError(f"There is no demo plant in {folder}. Start one with `pdm-app demo --data {folder}`.")
    codes = frozenset(asset) if asset else None
    unknown = (codes or frozenset()) - {machine.asset.code for machine in machines_of(labels.plant)}
    if unknown:
        raise NotFoundError(f"The demo plant has no machine {', '.join(sorted(unknown))}.")
    plant = told(labels, moment_of("at", at) if at else CommandClock().now(), codes)
    if as_json:
        typer.echo(plant.model_dump_json(indent=2))
    else:
        _print(plant)


def _print(plant: PlantTruth) -> None:
    typer.echo(f"{written(plant.at)}\n")
    print_table(
        ("FAULT", "MACHINE", "SENSOR", "SINCE", "SEVERITY"),
        [
            (fault.key, fault.asset_code, fault.signal, written(fault.began_at), f"{fault.severity:.1%}")
            for fault in plant.faults
        ],
    )
    for code, left_s in plant.remaining_life_s.items():
        typer.echo(f"Remaining life of the bearing of {code}: {left_s / DAY_S:.2f} d")
    typer.echo("")
    print_table(
        ("MACHINE", "STATE", "SINCE", "MADE", "GOOD", "A", "P", "Q", "OEE", "LOST"),
        [
            (
                machine.asset_code, machine.state, written(machine.state_since), str(machine.shift.made),
                str(machine.shift.good), _share(machine.shift.availability), _share(machine.shift.performance),
                _share(machine.shift.quality), _share(machine.shift.oee),
                ", ".join(f"{reason} {lost_s / 60:.0f} min" for reason, lost_s in machine.shift.lost_s.items()),
            )
            for machine in plant.machines
        ],
    )  # fmt: skip


def _share(ratio: float | None) -> str:
    return "—" if ratio is None else f"{ratio:.1%}"
