"""Signals: named, typed, unit-bearing series of an asset."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pdm_app.domain.record import Facts, Finite, Id, Position, Revision, SignalNumber

SignalName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Label = Annotated[
    str, Field(min_length=1, max_length=80, description="What a person calls it, such as Vibration, drive end.")
]
UnitCode = Annotated[str, Field(min_length=1, max_length=24, description="UCUM code; 1 is dimensionless.")]
Decimals = Annotated[int, Field(ge=0, le=9)]
PollEvery = Annotated[float, Field(ge=0.01, le=86_400, description="Seconds.")]
Deadband = Annotated[float, Field(ge=0, allow_inf_nan=False, description="Changes up to this are not recorded.")]
FormulaText = Annotated[
    str, Field(min_length=1, max_length=2000, description="Such as avg(P1.flow, 5m) / P1.rpm; None: it is measured.")
]
StaleAfter = Annotated[float, Field(gt=0, le=3_153_600_000, description="Seconds of silence.")]


class DataType(StrEnum):
    """What a value of the signal is."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"


class Shape(StrEnum):
    """How values between two samples are to be read."""

    CONTINUOUS = "continuous"
    STEP = "step"


class SignalFacts(Facts):
    """What is said of a signal.

    Limits, bands and the scale are in ``unit``; ``scale`` and ``offset`` map the raw reading to it.
    """

    asset_id: Id
    name: SignalName
    label: Label
    unit: UnitCode = "1"
    data_type: DataType = DataType.NUMBER
    shape: Shape = Shape.CONTINUOUS
    decimals: Decimals = 1
    range_low: Finite | None = None
    range_high: Finite | None = None
    normal_low: Finite | None = None
    normal_high: Finite | None = None
    position: Position = Field(default=0, description="Order on the asset page; the first six are its key values.")
    connection_id: Id | None = Field(default=None, description="None: it comes by HTTP ingest only.")
    address: dict[str, Any] = Field(default_factory=dict, description="Where the driver finds it.")
    scale: Finite = 1.0
    offset: Finite = 0.0
    poll_every_s: PollEvery = 1.0
    deadband: Deadband = 0.0
    stale_after_s: StaleAfter = 10.0
    formula: FormulaText | None = Field(
        default=None, description="A derived signal's; its outcome is in ``unit``, and its shape follows from it."
    )

    @model_validator(mode="after")
    def _is_measured_or_derived(self) -> Self:
        if self.formula is None:
            return self
        if self.connection_id is not None or self.address:
            raise ValueError(f"{self.name} has a formula, so it is not read from a connection as well")
        if (self.scale, self.offset, self.deadband) != (1.0, 0.0, 0.0):
            raise ValueError(f"{self.name} has a formula: scale, offset and deadband belong into that")
        if self.data_type not in (DataType.NUMBER, DataType.BOOLEAN):
            raise ValueError(f"{self.name} has a formula, whose outcome is a number, or true or false")
        return self

    @model_validator(mode="after")
    def _bands_are_ordered(self) -> Self:
        for low, high, what in (
            (self.range_low, self.range_high, "range"),
            (self.normal_low, self.normal_high, "normal band"),
        ):
            if low is not None and high is not None and low >= high:
                raise ValueError(f"{what} of {self.name}: {low} is not below {high}")
        return self


class Signal(SignalFacts):
    """One series of one asset. Its number is never given to another one, for history is kept by it."""

    id: SignalNumber
    site_id: Id
    simulated: bool = False
    revision: Revision = 0
    formula_reads: tuple[SignalNumber, ...] = Field(
        default=(), description="What the formula names, in the order of first mention; holds when names change."
    )

    @property
    def is_derived(self) -> bool:
        return self.formula is not None
