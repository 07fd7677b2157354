"""Units of measure: UCUM code, the symbol people read and the name they say.

The browser reads the same table as JSON, so that a value looks alike on screen, in a mail and in a report.

Source: The Unified Code for Units of Measure, version 2.1 (case sensitive codes).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    Unit("[mil_i]", "mil", "thousandths of an inch"),
    Unit("[in_i]", "in", "inches"),
    Unit("[ft_i]", "ft", "feet"),
    Unit("[ft_i]2", "ft²", "square feet"),
    Unit("[ft_i]3", "ft³", "cubic feet"),
    Unit("[gal_us]", "gal", "gallons"),
    Unit("[oz_av]", "oz", "ounces"),
    Unit("[lb_av]", "lb", "pounds"),
    Unit("[ston_av]", "ton", "short tons"),
    # motion and vibration
    Unit("mm/s", "mm/s", "millimetres per second"),
    Unit("m/s", "m/s", "metres per second"),
    Unit("m/min", "m/min", "metres per minute"),
    Unit("m/s2", "m/s²", "metres per second squared"),
    Unit("[g]", "g", "times the acceleration of free fall"),
    Unit("N", "N", "newtons"),
    Unit("kN", "kN", "kilonewtons"),
    Unit("N.m", "N·m", "newton metres"),
    Unit("[in_i]/s", "in/s", "inches per second"),
    Unit("[ft_i]/s", "ft/s", "feet per second"),
    Unit("[ft_i]/min", "ft/min", "feet per minute"),
    Unit("[ft_i]/s2", "ft/s²", "feet per second squared"),
    Unit("[lbf_av]", "lbf", "pounds of force"),
    Unit("[lbf_av].[ft_i]", "lbf·ft", "foot pounds"),
    # flow
    Unit("L/min", "L/min", "litres per minute"),
    Unit("l/min", "L/min", "litres per minute"),
    Unit("L/h", "L/h", "litres per hour"),
    Unit("m3/h", "m³/h", "cubic metres per hour"),
    Unit("m3/min", "m³/min", "cubic metres per minute"),
    Unit("kg/h", "kg/h", "kilograms per hour"),
    Unit("[gal_us]/min", "gal/min", "gallons per minute"),
    Unit("[gal_us]/h", "gal/h", "gallons per hour"),
    Unit("[ft_i]3/min", "ft³/min", "cubic feet per minute"),
    Unit("[lb_av]/h", "lb/h", "pounds per hour"),
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
    Unit("[HP]", "hp", "horsepower"),
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


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a value reads in another unit: ``value * factor + offset``.

    Attributes:
        code: UCUM code of the other unit.
        factor: Units of the other one in one of this.
        offset: What the other scale shows where this one shows zero.
    """

    code: str
    factor: float
    offset: float = 0.0

    def of(self, value: float) -> float:
        return value * self.factor + self.offset


_INCH_MM = 25.4
_FOOT_M = 0.3048
_GALLON_L = 3.785411784
_POUND_KG = 0.45359237
_POUND_FORCE_N = _POUND_KG * 9.80665
_PSI_PA = _POUND_FORCE_N / (_INCH_MM / 1000) ** 2
_HORSEPOWER_W = 550 * _POUND_FORCE_N * _FOOT_M

US_CUSTOMARY: Mapping[str, Conversion] = {
    "um": Conversion("[mil_i]", 1 / _INCH_MM),
    "mm": Conversion("[in_i]", 1 / _INCH_MM),
    "cm": Conversion("[in_i]", 10 / _INCH_MM),
    "m": Conversion("[ft_i]", 1 / _FOOT_M),
    "m2": Conversion("[ft_i]2", 1 / _FOOT_M**2),
    "m3": Conversion("[ft_i]3", 1 / _FOOT_M**3),
    "L": Conversion("[gal_us]", 1 / _GALLON_L),
    "l": Conversion("[gal_us]", 1 / _GALLON_L),
    "g": Conversion("[oz_av]", 16 / (_POUND_KG * 1000)),
    "kg": Conversion("[lb_av]", 1 / _POUND_KG),
    "t": Conversion("[ston_av]", 1 / (2 * _POUND_KG)),
    "mm/s": Conversion("[in_i]/s", 1 / _INCH_MM),
    "m/s": Conversion("[ft_i]/s", 1 / _FOOT_M),
    "m/min": Conversion("[ft_i]/min", 1 / _FOOT_M),
    "m/s2": Conversion("[ft_i]/s2", 1 / _FOOT_M),
    "N": Conversion("[lbf_av]", 1 / _POUND_FORCE_N),
    "kN": Conversion("[lbf_av]", 1000 / _POUND_FORCE_N),
    "N.m": Conversion("[lbf_av].[ft_i]", 1 / (_POUND_FORCE_N * _FOOT_M)),
    "L/min": Conversion("[gal_us]/min", 1 / _GALLON_L),
    "l/min": Conversion("[gal_us]/min", 1 / _GALLON_L),
    "L/h": Conversion("[gal_us]/h", 1 / _GALLON_L),
    "m3/h": Conversion("[gal_us]/min", 1000 / _GALLON_L / 60),
    "m3/min": Conversion("[ft_i]3/min", 1 / _FOOT_M**3),
    "kg/h": Conversion("[lb_av]/h", 1 / _POUND_KG),
    "kPa": Conversion("[psi]", 1e3 / _PSI_PA),
    "MPa": Conversion("[psi]", 1e6 / _PSI_PA),
    "mbar": Conversion("[psi]", 1e2 / _PSI_PA),
    "bar": Conversion("[psi]", 1e5 / _PSI_PA),
    "Cel": Conversion("[degF]", 1.8, 32.0),
    "kW": Conversion("[HP]", 1e3 / _HORSEPOWER_W),
}
"""What a reader in the United States sees instead, from the exact definitions; a unit that is not here stays as it is.

It is for the eye alone: what is stored, sent, set and exported keeps the unit of its signal.

Source: NIST Special Publication 811 (2008), appendix B.
"""


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


def table() -> dict[str, dict[str, Any]]:
    """Return code → symbol and name, and what it reads as in US units, as the browser reads it."""
    found: dict[str, dict[str, Any]] = {unit.code: {"symbol": unit.symbol, "name": unit.name} for unit in UNITS}
    for code, other in US_CUSTOMARY.items():
        found[code]["us"] = {"unit": other.code, "factor": other.factor, "offset": other.offset}
    return found
