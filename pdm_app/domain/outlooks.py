"""The remaining life of a machine that runs: which reading shows its wear, where it ends, and what can be said now.

A vibration velocity is carried on to the border of zone D; which table of zones holds follows from the class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.asset_health import Outlook, OutlookState
from pdm_app.domain.assets import Asset
from pdm_app.domain.prognosis import Prognosis, prognosis
from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.domain.signals import Signal
from pdm_app.domain.vibration_zones import ZONE_TABLES

HOUR_US = 3600 * MICROS_PER_S
OUTLOOK_EVERY_US = HOUR_US
READ_DAYS = 30
HORIZON_S = 60 * 86_400.0
VELOCITY_UNIT = "mm/s"
PUMPS = "Pumps, category II, up to 200 kW"
"""Of `pdm_app.domain.vibration_zones`: pumps of ordinary duty, which those that name no category are."""


@dataclass(frozen=True, slots=True)
class WearReading:
    """A signal whose growth means wear.

    Attributes:
        signal_id: Read as means of an hour.
        limit: In its unit, where the machine counts as failed.
        source: Where the limit is from.
    """

    signal_id: int
    limit: float
    source: str


def wear_reading(asset: Asset, signals: Sequence[Signal]) -> WearReading | None:
    """Return which reading of a machine shows its wear; None where nothing does that a table of zones knows.

    Of several vibrations the one that stands first on the page of the machine is meant.
    """
    words = asset.asset_class.casefold()
    table = next((table for table in ZONE_TABLES if "pump" in words and table.name == PUMPS), None)
    velocities = [signal for signal in signals if signal.unit == VELOCITY_UNIT and signal.formula is None]
    if table is None or not velocities:
        return None
    first = min(velocities, key=lambda signal: (signal.position, signal.id))
    return WearReading(first.id, table.c_d, f"{table.source}, {table.name}: border C/D")


def outlook_of(wear: WearReading, means: F8, at: int) -> Outlook:
    """Say when a reading will reach its limit, or why nobody can tell.

    Args:
        wear: The reading.
        means: Of each hour, the last of which ends ``at``; NaN where there is none. Shape (hours,).
        at: Microseconds UTC.
    """
    hours = np.arange(len(means), dtype=np.float64) * 3600.0
    answer = prognosis(hours, means, wear.limit, HORIZON_S)
    told = means[np.isfinite(means)]
    said: dict[str, object] = {
        "signal_id": wear.signal_id, "limit": wear.limit, "source": wear.source, "at": at,
        "reading": float(told[-1]) if len(told) else None,
    }  # fmt: skip
    if isinstance(answer, Prognosis):
        said |= {
            "state": OutlookState.KNOWN, "low_10_s": answer.low_10_s, "middle_s": answer.middle_s,
            "high_90_s": answer.high_90_s,
        }  # fmt: skip
    else:
        said["state"] = OutlookState(answer.value)
    return Outlook.model_validate(said)
