"""What a signal measures on its machine: patterns of faults speak of roles, machines of names.

A role is told from the unit and the words of the name, for templates, imports and other plants name the same thing
differently. What is not recognised is OTHER: it may be named as what moved, and no pattern is built on it.
"""

import re
from enum import StrEnum


class Role(StrEnum):
    """What is measured."""

    VIBRATION = "vibration"
    VIBRATION_1X = "vibration_1x"
    VIBRATION_AXIAL = "vibration_axial"
    ENVELOPE = "envelope"
    IMPULSES = "impulses"
    """Kurtosis and crest factor: how much of a vibration is knocks."""
    BEARING_TEMPERATURE = "bearing_temperature"
    AMBIENT_TEMPERATURE = "ambient_temperature"
    MELT_TEMPERATURE = "melt_temperature"
    TEMPERATURE = "temperature"
    OIL_PRESSURE = "oil_pressure"
    SUCTION_PRESSURE = "suction_pressure"
    PRESSURE_DROP = "pressure_drop"
    PRESSURE = "pressure"
    AIR_USE = "air_use"
    FLOW = "flow"
    CURRENT = "current"
    POWER = "power"
    SPEED = "speed"
    LOAD = "load"
    COOLING_TIME = "cooling_time"
    CYCLE_TIME = "cycle_time"
    DIMENSION = "dimension"
    TOOL_LIFE = "tool_life"
    SCRAP = "scrap"
    STOPS = "stops"
    """How often it stopped, counted from its state."""
    RADIO = "radio"
    OTHER = "other"


# Units (none: any), words of which one must be in the name (none: any), role; the first that fits counts.
_RULES: tuple[tuple[frozenset[str], frozenset[str], Role], ...] = tuple(
    (frozenset(units.split()), frozenset(words.split()), role)
    for units, words, role in (
        ("mm/s", "1x", Role.VIBRATION_1X),
        ("mm/s", "axial", Role.VIBRATION_AXIAL),
        ("mm/s [in_i]/s", "", Role.VIBRATION),
        ("", "envelope bpfo bpfi bsf ftf", Role.ENVELOPE),
        ("", "kurtosis crest", Role.IMPULSES),
        ("Cel K [degF]", "bearing", Role.BEARING_TEMPERATURE),
        ("Cel K [degF]", "ambient room", Role.AMBIENT_TEMPERATURE),
        ("Cel K [degF]", "melt", Role.MELT_TEMPERATURE),
        ("Cel K [degF]", "", Role.TEMPERATURE),
        ("bar kPa Pa MPa [psi]", "oil lubricant", Role.OIL_PRESSURE),
        ("bar kPa Pa MPa [psi]", "suction inlet", Role.SUCTION_PRESSURE),
        ("bar kPa Pa MPa [psi]", "differential drop", Role.PRESSURE_DROP),
        ("bar kPa Pa MPa [psi]", "", Role.PRESSURE),
        ("", "air", Role.AIR_USE),
        ("m3/h m3/min L/min L/s m3/s", "", Role.FLOW),
        ("A mA kA", "", Role.CURRENT),
        ("kW W MW", "", Role.POWER),
        ("{rev}/min 1/min Hz", "", Role.SPEED),
        ("", "load", Role.LOAD),
        ("s ms min", "cooling", Role.COOLING_TIME),
        ("s ms min", "cycle", Role.CYCLE_TIME),
        ("um mm", "deviation diameter", Role.DIMENSION),
        ("", "tool", Role.TOOL_LIFE),
        ("", "scrap reject", Role.SCRAP),
        ("", "stops", Role.STOPS),
        ("dB[mW] dB", "", Role.RADIO),
    )
)  # fmt: skip


def role_of(name: str, unit: str = "1") -> Role:
    """Return what a signal measures.

    Args:
        name: Of the signal, such as Bearing_Temperature_C or rssi_dbm.
        unit: Its UCUM code.
    """
    words = frozenset(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    for units, wanted, role in _RULES:
        if (not units or unit in units) and (not wanted or wanted & words):
            return role
    return Role.OTHER
