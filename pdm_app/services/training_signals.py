"""Which signals of a machine are worth a model's while: how much of them there is, and whether they move."""

from collections.abc import Sequence

import numpy as np

from pdm_app.domain.models import SIGNALS_MAX
from pdm_app.domain.signals import Signal
from pdm_app.domain.training import Grade, GradedSignal, graded
from pdm_app.services.training_rows import Rows

STILL = 1e-9


def grades(signals: Sequence[Signal], rows: Rows) -> tuple[GradedSignal, ...]:
    """Grade signals by the rows in which the machine ran, in their order; the first 64 fitting ones are chosen."""
    live = rows.values[rows.running]
    found: list[GradedSignal] = []
    for place, signal in enumerate(signals):
        column = live[:, place]
        told = column[np.isfinite(column)]
        covered = len(told) / len(column) if len(column) else 0.0
        changes = bool(len(told)) and float(np.ptp(told)) > STILL * max(1.0, float(np.abs(told).max()))
        grade = graded(covered, changes=changes)
        chosen = sum(each.fits for each in found)
        found.append(
            GradedSignal(
                signal_id=signal.id, name=signal.name, label=signal.label, unit=signal.unit, grade=grade,
                covered=covered, changes=changes, fits=grade is not Grade.LOW and chosen < SIGNALS_MAX,
            )
        )  # fmt: skip
    return tuple(found)
