"""The ground truth: every fault ever injected, in ``labels.json`` of the data directory.

The file is replaced as a whole, so that a crash leaves the old one or the new one. It also carries the moment of the
plant's first start, its size, and the values at which stuck sensors stand, which the physics needs after a restart.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pdm_app.domain.errors import NotFoundError, UnavailableError
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import Micros
from pdm_app.simulation import faults

FILE_NAME = "labels.json"
VERSION = 1
FAULTS_MAX = 10_000  # Cleared labels beyond this are forgotten, oldest first; standing ones never.


@dataclass(frozen=True, slots=True)
class Labels:
    """What was done to the plant, oldest first."""

    since: Micros
    faults: tuple[InjectedFault, ...] = ()
    held: dict[str, float] = field(default_factory=dict)
    plant: PlantSize = PlantSize.WHOLE

    def standing(self, at: Micros) -> tuple[InjectedFault, ...]:
        """Return the faults that act at ``at``."""
        return tuple(fault for fault in self.faults if faults.is_standing(fault, at))

    def between(self, start_at: Micros, end_at: Micros) -> tuple[InjectedFault, ...]:
        """Return the faults that acted at some moment of a span; the end is excluded."""
        return tuple(
            fault
            for fault in self.faults
            if fault.injected_at < end_at and (fault.cleared_at is None or fault.cleared_at > start_at)
        )

    def with_fault(self, fault: InjectedFault) -> "Labels":
        """Return the labels with one fault more."""
        return replace(self, faults=(*self.faults, fault)).trimmed()

    def trimmed(self) -> "Labels":
        """Forget the oldest cleared labels beyond the limit."""
        surplus = len(self.faults) - FAULTS_MAX
        if surplus <= 0:
            return self
        cleared = [fault.id for fault in self.faults if fault.cleared_at is not None][:surplus]
        return replace(self, faults=tuple(fault for fault in self.faults if fault.id not in set(cleared)))

    def get(self, fault_id: str) -> InjectedFault:
        """Return one label.

        Raises:
            NotFoundError: No such label.
        """
        for fault in self.faults:
            if fault.id == fault_id:
                return fault
        raise NotFoundError(f"There is no injected fault {fault_id!r}.", fault_id=fault_id)

    def cleared(self, fault_id: str, at: Micros) -> "Labels":
        """Return the labels with the end of one fault; a fault that has ended keeps its end."""
        fault = self.get(fault_id)
        if fault.cleared_at is not None:
            return self
        ended = replace(fault, cleared_at=Micros(max(at, fault.injected_at)))
        held = {key: value for key, value in self.held.items() if key != fault_id}
        return replace(self, held=held, faults=tuple(ended if other.id == fault_id else other for other in self.faults))

    def healed(self, at: Micros) -> "Labels":
        """Return the labels with the ends of all faults that have healed by themselves by ``at``."""
        labels = self
        for fault in self.standing(at):
            end = faults.heals_at(fault)
            if end is not None and end <= at:
                labels = labels.cleared(fault.id, end)
        return labels


def read_labels(folder: Path) -> Labels | None:
    """Return the labels kept in ``folder``; None if there are none yet.

    Raises:
        UnavailableError: The file is there but is not a labels file.
    """
    path = folder / FILE_NAME
    try:
        kept = json.loads(path.read_text("utf-8"))
        return Labels(
            since=Micros(int(kept["since"])),
            faults=tuple(_known(InjectedFault(**row)) for row in kept["faults"]),
            held={str(key): float(value) for key, value in kept["held"].items()},
            plant=PlantSize(kept.get("plant", PlantSize.WHOLE)),  # Files of before there was a choice do not say.
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(
            f"The fault labels of the demo plant in {path} cannot be read: {error.strerror}.", path=str(path)
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnavailableError(
            f"The fault labels of the demo plant in {path} cannot be read: {error}."
            " Move the file away to start with new ones.",
            path=str(path),
        ) from error


def _known(fault: InjectedFault) -> InjectedFault:
    if fault.key not in faults.SCRIPTS:
        raise ValueError(f"{fault.key!r} is not a fault of this plant")
    return fault


def write_labels(folder: Path, labels: Labels) -> None:
    """Replace the labels file; it is on disk when this returns.

    Raises:
        UnavailableError: The folder takes no file; what was kept before is still there.
    """
    kept = {
        "version": VERSION,
        "since": labels.since,
        "faults": [asdict(fault) for fault in labels.faults],
        "held": labels.held,
        "plant": labels.plant,
    }
    draft = folder / f"{FILE_NAME}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / FILE_NAME)
    except OSError as error:
        raise UnavailableError(
            f"The fault labels of the demo plant cannot be written to {folder}: {error.strerror}."
            " Free space there or allow writing.",
            path=str(folder),
        ) from error
