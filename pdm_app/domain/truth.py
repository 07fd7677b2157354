"""What really happened on a simulated plant, told by the simulation and not by the product.

Times are microseconds UTC.
"""

from pydantic import Field

from pdm_app.domain.record import Record


class FaultTruth(Record):
    """A fault that acts at the moment asked for, and how far it has come."""

    id: str
    key: str
    asset_code: str
    signal: str = Field(description="Of a sensor's fault, else empty.")
    began_at: int
    severity: float = Field(description="0 is the onset, 1 the full fault.")


class ShiftTruth(Record):
    """One shift of a machine so far as the plant knows it: the whole shift. Times in seconds, counts in parts.

    The ratios follow ISO 22400-2; None where the base is zero.
    """

    begin: int
    end: int
    planned_s: float
    running_s: float
    lost_s: dict[str, float] = Field(description="Lost availability by reason.")
    made: int
    good: int
    availability: float | None
    performance: float | None
    quality: float | None
    oee: float | None


class MachineTruth(Record):
    """What a machine that makes parts really does."""

    asset_code: str
    state: str
    state_since: int
    shift: ShiftTruth


class PlantTruth(Record):
    """The plant at one moment."""

    at: int
    faults: tuple[FaultTruth, ...]
    machines: tuple[MachineTruth, ...]
    remaining_life_s: dict[str, float] = Field(description="Of bearings that wear, by machine.")
