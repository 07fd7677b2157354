"""What is answered about production: lines over a time, their machines, losses, reasons and stops."""

from pydantic import Field

from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import LossBar, OeePeriod
from pdm_app.domain.record import Finite, Record


class ReasonLoss(Record):
    """Time lost for one reason; ``name`` is empty where nobody has said why."""

    state: MachineState
    reason_id: str | None
    name: str
    names: dict[str, str]
    seconds: Finite
    count: int
    cost: Finite | None


class MachinePeriod(Record):
    """One machine over the time asked for."""

    asset_id: str
    code: str
    name: str
    is_constraint: bool
    state: MachineState = Field(description="Now, or at the end of the time.")
    state_since: int
    period: OeePeriod


class LineOverview(Record):
    """A line over a time against its target and the same time a week before.

    ``rated_by`` are the codes of the machines whose sums these are: the constraint, or all that work beside each other.
    """

    line_id: str
    area: str
    name: str
    rated_by: tuple[str, ...]
    target_oee: float | None
    period: OeePeriod
    week_before: OeePeriod
    biggest: LossBar | None
    uncategorised: int = Field(description="Stops that wait for a reason.")
    currency: str


class LineProduction(Record):
    """All of a line over a time."""

    overview: LineOverview
    machines: tuple[MachinePeriod, ...]
    reasons: tuple[ReasonLoss, ...] = Field(description="Of the machines that rate the line, the longest first.")
    shifts: tuple["ShiftView", ...]


class ShiftView(Record):
    """A shift of one machine, for lists and for being locked."""

    shift_id: str
    asset_id: str
    name: str
    crew: str
    day: str
    begin_at: int
    end_at: int
    known_to: int
    oee: float | None
    is_locked: bool
    locked_by: str


class StopView(Record):
    """One stop, with what is known of why."""

    shift_id: str
    asset_id: str
    code: str
    begin_at: int
    end_at: int
    state: MachineState
    reason_id: str | None
    by_hand: bool
    goes_on: bool
    is_locked: bool
    alarm: str = Field(description="The alarm that came first around its beginning; empty where none did.")
    suggested_reason_id: str | None = Field(description="What people said of stops that began with the same alarm.")
    edit_ids: tuple[str, ...] = Field(description="What people said of it, for taking back.")


class Timeline(Record):
    """What a machine did, as columns: interval k lasts from ``edge_at[k]`` to ``edge_at[k + 1]``."""

    asset_id: str
    edge_at: list[int]
    state: list[MachineState]
    reason_id: list[str | None]
