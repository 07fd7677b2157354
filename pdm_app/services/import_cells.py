"""What a cell says as a number, with the marks that programs and countries put into numbers."""

import math
import re
from collections.abc import Sequence
from typing import Literal

TRUE_WORDS = frozenset({"true", "yes", "on"})
FALSE_WORDS = frozenset({"false", "no", "off"})
NO_VALUE_WORDS = frozenset({"", "null", "none", "na", "n/a", "nan", "-", "--", "#n/a", "bad", "no data"})
BETWEEN_THOUSANDS = str.maketrans(
    "", "", "' \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}"
)
WITH_COMMA = re.compile(r"^[+-]?\d{1,3}(\.\d{3})*,\d+$|^[+-]?\d+,\d+$")
WITH_POINT = re.compile(r"^[+-]?\d+\.\d+([eE][+-]?\d+)?$")


def number(written: str, decimal: Literal[".", ","] = ".") -> float | None:
    """Return what a cell says as a number: true and false are 1 and 0; None for an empty cell.

    Raises:
        ValueError: It is no finite number.
    """
    word = written.strip().casefold()
    if word in NO_VALUE_WORDS:
        return None
    if word in TRUE_WORDS:
        return 1.0
    if word in FALSE_WORDS:
        return 0.0
    text = word.translate(BETWEEN_THOUSANDS).replace("\N{MINUS SIGN}", "-")
    if decimal == ",":
        text = text.replace(".", "").replace(",", ".")
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        hint = " (is the comma its decimal mark?)" if "," in text else ""
        raise ValueError(f"{written.strip()[:40]!r} is no number{hint}") from None
    if not math.isfinite(value):
        raise ValueError(f"{written.strip()[:40]!r} is no finite number")
    return value


def decimal_of(cells: Sequence[str], separator: str) -> Literal[".", ","]:
    """Tell from some cells which mark stands before the fraction; where none says so, the comma goes with ``;``."""
    commas = sum(WITH_COMMA.match(cell.strip()) is not None for cell in cells)
    points = sum(WITH_POINT.match(cell.strip()) is not None for cell in cells)
    if commas == points:
        return "," if commas and separator == ";" else "."
    return "," if commas > points else "."
