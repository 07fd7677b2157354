"""Units of measure: UCUM code, the symbol people read and the name they say.

The browser reads the same table as JSON, so that a value looks alike on screen, in a mail and in a report.

Source: The Unified Code for Units of Measure, version 2.1 (case sensitive codes).
"""

import re
from dataclasses import dataclass

DIMENSIONLESS = "1"
_ANNOTATION = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit.

    Attributes:
        code: UCUM code, case sensitive.
        symbol: What stands after a number; empty for a plain number.
        name: In words, for a person who does not know the symbol.
    """

    code: str
    symbol: str
    name: str


UNITS: tuple[Unit, ...] = (
    Unit("1", "", "number"),
    Unit("%", "%", "per cent"),
    Unit("[ppm]", "ppm", "parts per million"),
    # time and rate
    Unit("ms", "ms", "milliseconds"),
    Unit("s", "s", "seconds"),
    Unit("min", "min", "minutes"),
    Unit("h", "h", "hours"),
    Unit("d", "d", "days"),
    Unit("Hz", "Hz", "hertz"),
    Unit("kHz", "kHz", "kilohertz"),
    Unit("/s", "/s", "per second"),
    Unit("/min", "/min", "per minute"),
    Unit("/h", "/h", "per hour"),
    Unit("{rpm}", "rpm", "revolutions per minute"),
    Unit("{rev}/min", "rpm", "revolutions per minute"),
    Unit("[rpm]", "rpm", "revolutions per minute"),
    # length, area, volume, mass
    Unit("um", "µm", "micrometres"),
    Unit("mm", "mm", "millimetres"),
    Unit("cm", "cm", "centimetres"),
    Unit("m", "m", "metres"),
    Unit("m2", "m²", "square metres"),
    Unit("m3", "m³", "cubic metres"),
    Unit("L", "L", "litres"),
    Unit("l", "L", "litres"),
    Unit("g", "g", "grams"),
    Unit("kg", "kg", "kilograms"),
    Unit("t", "t", "tonnes"),
    # motion and vibration
    Unit("mm/s", "mm/s", "millimetres per second"),
    Unit("m/s", "m/s", "metres per second"),
    Unit("m/min", "m/min", "metres per minute"),
    Unit("m/s2", "m/s²", "metres per second squared"),
    Unit("[g]", "g", "times the acceleration of free fall"),
    Unit("N", "N", "newtons"),
    Unit("kN", "kN", "kilonewtons"),
    Unit("N.m", "N·m", "newton metres"),
    # flow
    Unit("L/min", "L/min", "litres per minute"),
    Unit("l/min", "L/min", "litres per minute"),
    Unit("L/h", "L/h", "litres per hour"),
    Unit("m3/h", "m³/h", "cubic metres per hour"),
    Unit("m3/min", "m³/min", "cubic metres per minute"),
    Unit("kg/h", "kg/h", "kilograms per hour"),
    # pressure
    Unit("Pa", "Pa", "pascals"),
    Unit("kPa", "kPa", "kilopascals"),
    Unit("MPa", "MPa", "megapascals"),
    Unit("mbar", "mbar", "millibars"),
    Unit("bar", "bar", "bars"),
    Unit("[psi]", "psi", "pounds per square inch"),
    # temperature
    Unit("Cel", "°C", "degrees Celsius"),
    Unit("K", "K", "kelvins"),
    Unit("[degF]", "°F", "degrees Fahrenheit"),
    # electricity and energy
    Unit("mA", "mA", "milliamperes"),
    Unit("A", "A", "amperes"),
    Unit("mV", "mV", "millivolts"),
    Unit("V", "V", "volts"),
    Unit("kV", "kV", "kilovolts"),
    Unit("Ohm", "Ω", "ohms"),
    Unit("W", "W", "watts"),
    Unit("kW", "kW", "kilowatts"),
    Unit("MW", "MW", "megawatts"),
    Unit("kW.h", "kWh", "kilowatt hours"),
    Unit("V.A", "VA", "volt amperes"),
    Unit("kV.A", "kVA", "kilovolt amperes"),
    # level, chemistry, data
    Unit("dB", "dB", "decibels"),
    Unit("dB[mW]", "dBm", "decibels above one milliwatt"),
    Unit("[pH]", "pH", "acidity"),
    Unit("uS/cm", "µS/cm", "microsiemens per centimetre"),
    Unit("By", "B", "bytes"),
    Unit("kBy", "kB", "kilobytes"),
    Unit("MBy", "MB", "megabytes"),
    Unit("GBy", "GB", "gigabytes"),
)

_BY_CODE = {unit.code: unit for unit in UNITS}


def unit(code: str) -> Unit:
    """Return the unit of a UCUM code.

    A code that is not in the table is shown as it is, with annotations such as ``{shots}`` taken as words: a plant
    may bring units that nobody has foreseen, and an honest code beats an empty space.
    """
    known = _BY_CODE.get(code)
    if known is not None:
        return known
    words = _ANNOTATION.sub(r"\1", code)
    return Unit(code, words, words)


def table() -> dict[str, dict[str, str]]:
    """Return code → symbol and name, as the browser reads it."""
    return {unit.code: {"symbol": unit.symbol, "name": unit.name} for unit in UNITS}
