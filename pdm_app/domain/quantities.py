"""Numbers, quantities and spans of time as people read them; the twin of the browser's ``format.js``.

Both are held to one file of examples, ``tests/ui/formats.json``.
"""

import math
from decimal import ROUND_HALF_UP, Decimal

from pdm_app.domain.units import unit

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
FIXED_MAX = 1e9  # From here on digits no longer help a reader; the power of ten does.
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_STEPS_S = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def number(value: float | None, decimals: int = 0) -> str:
    """Write a number with fixed decimals, spaces between thousands and a true minus sign.

    Half-way cases round away from zero on the exact binary value, as browsers do. None, NaN and infinities are a dash.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= FIXED_MAX:
        return _scientific(value)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    digits = f"{rounded:,f}".replace(",", THIN_SPACE)
    if not any(digit in digits for digit in "123456789"):
        return digits.lstrip("-")  # There is no minus zero on a screen.
    return digits.replace("-", MINUS)


def _scientific(value: float) -> str:
    exact = Decimal(value)
    exponent = exact.adjusted()
    mantissa = exact.scaleb(-exponent).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    if abs(mantissa) >= 10:  # 9.999 has rounded up to the next power.
        mantissa, exponent = mantissa / 10, exponent + 1
    power = str(exponent).translate(_SUPERSCRIPTS)
    return f"{mantissa:.2f}".replace("-", MINUS) + f"{NO_BREAK_SPACE}×{NO_BREAK_SPACE}10{power}"


def quantity(value: float | None, decimals: int, unit_code: str) -> str:
    """Write a number with the symbol of its unit, one no-break space between them."""
    symbol = unit(unit_code).symbol
    digits = number(value, decimals)
    return f"{digits}{NO_BREAK_SPACE}{symbol}" if symbol and digits != MISSING else digits


def duration(seconds: float | None) -> str:
    """Write a span in its two largest units, cut down: ``1 min 12 s``, ``2 h``, ``11 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    left = max(0, int(seconds))
    for index, (symbol, size_s) in enumerate(_STEPS_S):
        if left < size_s and symbol != "s":
            continue
        large = f"{number(left // size_s)}{NO_BREAK_SPACE}{symbol}"
        if symbol == "s":
            return large
        small_symbol, small_size_s = _STEPS_S[index + 1]
        small = left % size_s // small_size_s
        return f"{large} {small}{NO_BREAK_SPACE}{small_symbol}" if small else large
    return MISSING


def timer(seconds: float | None) -> str:
    """Write a running time for a table: ``00:12``, ``38:10``, ``1:02:41``."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    left = max(0, int(seconds))
    hours, minutes, rest = left // 3600, left // 60 % 60, left % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
