"""What a pump of ten sensors says: its readings now and then, and what was found in them.

The names are those that a pump controller sends and that programs of a pump-monitoring system read.
"""

from typing import Final

from pydantic import Field

from pdm_app.domain.record import Id, Name, Record

PUMP_KEYS: Final = (
    "Motor_RPM",
    "Bearing_Temperature_C",
    "Oil_Pressure_bar",
    "Vibration_mm_s",
    "Flow_Rate_L_min",
    "Suction_Pressure_bar",
    "Discharge_Pressure_bar",
    "Motor_Current_A",
    "Casing_Temperature_C",
    "Ambient_Temperature_C",
)
"""The names of the ten signals that make a machine a pump here; a controller's body is whole with all ten."""


class Pump(Record):
    """A machine with all ten signals; ``signals`` gives the number of each by its name."""

    asset_id: Id
    site_id: Id
    code: str
    name: Name
    simulated: bool
    signals: dict[str, int]


class PumpReading(Record):
    """The newest values of one pump.

    A value that must not be taken for a live one (bad quality) is None; ``quality`` then says why. ``at`` is the newest
    source time among the ten in microseconds UTC, None if there never was a value.
    """

    pump: Pump
    at: int | None
    values: dict[str, float | None]
    quality: dict[str, str]


class PumpRow(Record):
    """All ten at one time, or over one bucket that begins there: ``values`` are then means, beside the extremes."""

    at: int
    values: dict[str, float | None]
    low: dict[str, float | None]
    high: dict[str, float | None]


class PumpHistory(Record):
    """Rows of one pump, oldest first. ``bucket_us`` is 0 where each row is one moment and nothing was averaged."""

    pump: Pump
    start_at: int
    end_at: int
    bucket_us: int
    rows: tuple[PumpRow, ...]


class SensorState(Record):
    """How far one sensor contributed to an anomaly."""

    state: str = Field(description="normal, warning or critical.")
    contribution: float = Field(ge=0, le=1, description="Share of the loss.")
    anomalies: int = Field(ge=0, description="How often this sensor has been anomalous so far.")


class Anomaly(Record):
    """What a model made of one window of readings."""

    id: Id
    asset_id: Id
    at: int = Field(description="End of the window; microseconds UTC.")
    is_anomaly: bool
    loss: float
    threshold: float
    sensors: dict[str, SensorState]


class MaintenanceEvent(Record):
    """What a rule or a model has opened for somebody to look at."""

    id: Id
    asset_id: Id
    at: int = Field(description="Microseconds UTC.")
    type: str
    severity: str
    sensor: str | None
    description: str
    estimated_cost: float | None
    currency: str
    resolved_at: int | None
