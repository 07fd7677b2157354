"""The truth of a moment, as records: the labels of faults, and what the physics says of machines that make parts."""

from collections.abc import Collection

from pdm_app.domain.truth import FaultTruth, MachineTruth, PlantTruth, ShiftTruth
from pdm_app.simulation import faults
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import acted
from pdm_app.simulation.plant import machines_of
from pdm_app.simulation.truth import CODES, Truth

BEFORE_US = 86_400_000_000  # A state that has lasted longer is told as a day old.


def told(labels: Labels, at: int, codes: Collection[str] | None = None) -> PlantTruth:
    """Tell the truth of one moment; it takes a second or two, because whole days are played.

    Args:
        labels: What was done to the plant.
        at: The moment, microseconds UTC, also one before the plant's first start.
        codes: Machines; None for all of the plant.
    """
    if codes is None:
        codes = {machine.asset.code for machine in machines_of(labels.plant)}
    acting = acted(labels)
    truth = Truth(acting)
    standing = [fault for fault in acting if faults.severity(fault, at) > 0 and fault.asset_code in codes]
    lives = {
        fault.asset_code: left
        for fault in standing
        if fault.key == faults.BEARING_WEAR and (left := truth.remaining_life_s(at)) is not None
    }
    return PlantTruth(
        at=at,
        faults=tuple(
            FaultTruth(
                id=fault.id,
                key=fault.key,
                asset_code=fault.asset_code,
                signal=fault.signal,
                began_at=fault.injected_at,
                severity=faults.severity(fault, at),
            )
            for fault in standing
        ),
        machines=tuple(_machine(truth, code, at) for code in CODES if code in codes),
        remaining_life_s=lives,
    )


def _machine(truth: Truth, code: str, at: int) -> MachineTruth:
    span = truth.spans(code, at - BEFORE_US, at + 1)[-1]
    shift = truth.shift(code, at)
    return MachineTruth(
        asset_code=code,
        state=span.reason.name.lower(),
        state_since=span.begin,
        shift=ShiftTruth(
            begin=shift.begin,
            end=shift.end,
            planned_s=shift.planned_s,
            running_s=shift.running_s,
            lost_s={reason.name.lower(): lost_s for reason, lost_s in shift.lost_s.items()},
            made=shift.made,
            good=shift.good,
            availability=shift.availability,
            performance=shift.performance,
            quality=shift.quality,
            oee=shift.oee,
        ),
    )
