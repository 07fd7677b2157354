"""What a rule could look like that somebody wants on a value: its side, its limit, its deadband and delays.

A proposal is a beginning to be dragged about beside the past of the signal, never a rule by itself.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pdm_app.domain.rationale import DEFAULTS
from pdm_app.domain.record import Record
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.domain.units import DIMENSIONLESS

CLASS_OF_UNIT = {
    "mm/s": "vibration", "[in_i]/s": "vibration", "m/s2": "vibration", "[g]": "vibration",
    "Cel": "temperature", "K": "temperature", "[degF]": "temperature",
    "bar": "pressure", "mbar": "pressure", "Pa": "pressure", "kPa": "pressure", "MPa": "pressure", "[psi]": "pressure",
    "m3/h": "flow", "m3/min": "flow", "m3/s": "flow", "L/min": "flow", "L/s": "flow", "L/h": "flow", "kg/h": "flow",
    "t/h": "flow", "[gal_us]/min": "flow",
    "A": "electrical", "mA": "electrical", "V": "electrical", "kV": "electrical", "W": "electrical", "kW": "electrical",
}  # fmt: skip
STATES_MAX = 16  # A step signal that says such a number is a mode or a switch; one that says more counts something.
AIR = 0.1  # Of what the signal has spanned: a limit at its highest value would call at the next like it.


class Basis(StrEnum):
    """Where a proposed limit comes from."""

    NORMAL_BAND = "normal_band"
    HISTORY = "history"
    VALUE = "value"
    STATE = "state"
    NOTHING = "nothing"


class RuleProposal(Record):
    """A condition and delays for a rule; ``limit`` is None where nothing is known of the signal."""

    kind: Literal["high", "low", "discrete"]
    limit: float | None = Field(default=None, description="In the signal's own unit.")
    deadband: float = 0.0
    abnormal: tuple[float, ...] = Field(default=(), description="Of a signal that only has states.")
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    basis: Basis


def class_of(signal: Signal) -> str | None:
    """Return the class of a signal by which deadbands and delays are chosen; None where its unit names none."""
    found = CLASS_OF_UNIT.get(signal.unit)
    is_level = signal.unit in ("%", "m", "mm", "cm") and "level" in f"{signal.name} {signal.label}".lower()
    return "level" if found is None and is_level else found


def proposed_rule(
    signal: Signal, value: float | None = None, lowest: float | None = None, highest: float | None = None
) -> RuleProposal:
    """Propose a rule on a signal.

    A bound of the normal band wins over what the signal has done, and that over the value that was pointed at. A limit
    that the value is beyond already would call at once, so it is put beyond what the signal has done.

    Args:
        signal: Its bounds, unit and decimals.
        value: What was pointed at: the upper or the lower side is proposed by it, the upper one without it.
        lowest: The least it was in the time looked at; None where there is no history.
        highest: The most it was.
    """
    if signal.data_type is DataType.BOOLEAN:
        pointed = value is None or bool(value)
        return RuleProposal(kind="discrete", abnormal=(1.0 if pointed else 0.0,), basis=Basis.STATE)
    if value is not None and _is_state(signal, value):
        return RuleProposal(kind="discrete", abnormal=(value,), basis=Basis.STATE)
    is_high = _is_upper(signal, value, lowest, highest)
    limit, basis = _limit(signal, value, lowest, highest, is_high=is_high)
    settled = DEFAULTS.get(class_of(signal) or "")
    kind: Literal["high", "low"] = "high" if is_high else "low"
    if limit is None:
        return RuleProposal(kind=kind, basis=basis)
    limit = round(limit, signal.decimals)
    if settled is None:
        return RuleProposal(kind=kind, limit=limit, basis=basis)
    low = signal.range_low if signal.range_low is not None else lowest
    high = signal.range_high if signal.range_high is not None else highest
    return RuleProposal(
        kind=kind,
        limit=limit,
        deadband=settled.deadband(low, high, limit),
        on_delay_s=settled.delay_s,
        off_delay_s=settled.delay_s,
        basis=basis,
    )


def _is_state(signal: Signal, value: float) -> bool:
    steps = signal.shape is Shape.STEP and signal.unit == DIMENSIONLESS
    return steps and value.is_integer() and 0 <= value < STATES_MAX


def _is_upper(signal: Signal, value: float | None, lowest: float | None, highest: float | None) -> bool:
    low = signal.normal_low if signal.normal_low is not None else lowest
    high = signal.normal_high if signal.normal_high is not None else highest
    if value is None or low is None or high is None:
        return signal.normal_high is not None or signal.normal_low is None
    return value >= (low + high) / 2


def _limit(
    signal: Signal, value: float | None, lowest: float | None, highest: float | None, *, is_high: bool
) -> tuple[float | None, Basis]:
    band = signal.normal_high if is_high else signal.normal_low
    reached = highest if is_high else lowest
    if band is not None and (value is None or not _is_beyond(value, band, is_high=is_high)):
        return band, Basis.NORMAL_BAND
    if reached is not None and lowest is not None and highest is not None:
        air = AIR * ((highest - lowest) or abs(reached) or 1.0)
        return reached + air if is_high else reached - air, Basis.HISTORY
    if value is not None:
        air = AIR * (abs(value) or 1.0)
        return value + air if is_high else value - air, Basis.VALUE
    return None, Basis.NOTHING


def _is_beyond(value: float, limit: float, *, is_high: bool) -> bool:
    return value > limit if is_high else value < limit
