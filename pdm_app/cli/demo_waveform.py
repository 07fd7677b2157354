"""`demo waveform`: what the accelerometer of a pump says within 0.4 s, for who would look at a spectrum."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdm_app.cli.installation import CommandClock, print_table
from pdm_app.cli.moments import moment_of, written
from pdm_app.domain.errors import NotFoundError, UnavailableError
from pdm_app.settings import default_data_dir

if TYPE_CHECKING:
    from pdm_app.simulation.waveforms import VibrationWindow


def waveform(
    pump: Annotated[str, typer.Argument(help="Code of a pump, such as P-101A.")],
    at: Annotated[str, typer.Option(help="Moment such as 2026-03-01T06:00:00Z; now, where it is left out.")] = "",
    out: Annotated[Path | None, typer.Option(help="A CSV file for all 8,192 samples.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Directory for everything the demo keeps.")] = None,
) -> None:
    """Take 8,192 samples of a pump's acceleration at 20,480 a second, and say which lines its spectrum shows."""
    from pdm_app.simulation.labels import read_labels
    from pdm_app.simulation.waveforms import vibration_window

    folder = data or default_data_dir() / "demo"
    labels = read_labels(folder)
    if labels is None:
        raise NotFoundError(f"There is no demo plant in {folder}. Start one with `pdm-app demo --data {folder}`.")
    window = vibration_window(labels, pump, moment_of("at", at) if at else CommandClock().now())
    if out is not None:
        _keep(window, out)
    _print(pump, window)


def _keep(window: "VibrationWindow", path: Path) -> None:
    from pdm_app.simulation.waveforms import SAMPLE_RATE_HZ

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("time_s", "acceleration_g"))
            rows.writerows(
                (f"{number / SAMPLE_RATE_HZ:.7f}", f"{value:.6f}")
                for number, value in enumerate(window.acceleration_g.tolist())
            )
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}. Give --out another file.") from error


def _print(code: str, window: "VibrationWindow") -> None:
    from pdm_app.domain.vibration import envelope_spectrum, spectrum, velocity_rms_mm_s, waveform
    from pdm_app.simulation.waveforms import RINGING_HZ, SAMPLE_RATE_HZ

    told, shape = spectrum(window.acceleration_g, SAMPLE_RATE_HZ), waveform(window.acceleration_g)
    typer.echo(f"{code}, {written(window.at)}\n")
    rows = [
        ("velocity, 10 to 1,000 Hz", "", f"{velocity_rms_mm_s(window.acceleration_g, SAMPLE_RATE_HZ):.2f} mm/s RMS"),
        ("kurtosis", "", "–" if shape.kurtosis is None else f"{shape.kurtosis:.2f}"),
    ]
    if window.is_turning:
        envelope = envelope_spectrum(window.acceleration_g, SAMPLE_RATE_HZ, *RINGING_HZ)
        rows += [
            (f"{times}× speed", f"{times * window.turns_hz:.1f} Hz", f"{told.peak_near(times * window.turns_hz):.4f} g")
            for times in (1, 2, 3)
        ]
        rows.append(("envelope, balls past the outer race", f"{window.bpfo_hz:.1f} Hz",
                     f"{envelope.peak_near(window.bpfo_hz):.4f} g"))  # fmt: skip
    print_table(("WHAT", "AT", "AMPLITUDE"), rows)
