"""What a cell says as a time: ISO 8601, day or month first, or counted since 1970; in a zone where it names none.

An hour that a clock passes twice is settled by the order of the rows: a time that would lie before the row above it is
the second one. A time that a clock leaps over does not exist and is refused.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pdm_app.domain.imports import TimeFormat
from pdm_app.domain.samples import MICROS_PER_S, micros

PER_UNIT = {"epoch_s": float(MICROS_PER_S), "epoch_ms": 1_000.0, "epoch_us": 1.0}
AT_MAX = 2**53
NUMBERS = re.compile(
    r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})"
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*([ap]m)?)?$",
    re.IGNORECASE,
)
CENTURY_TURN = 70  # 69 is 2069, 70 is 1970.
MOST = 0.8
"""Of the cells of a column that say something, so many must be times for it to be one of times."""
EXAMPLES = {"iso": "2026-03-01T06:00:00+01:00", "dmy": "1.3.2026 06:00:00", "mdy": "3/1/2026 6:00:00 AM"}


class Times:
    """Reads one column, from the top down.

    Args:
        form: Not ``auto``.
        zone: Of times that name none.
    """

    def __init__(self, form: TimeFormat, zone: ZoneInfo) -> None:
        self._form = form
        self._zone = zone
        self._last: int | None = None

    def read(self, written: str) -> int:
        """Return a time in microseconds UTC.

        Raises:
            ValueError: It is none; says what was expected.
        """
        text = written.strip()
        if not text:
            raise ValueError("it has no time")
        at = self._counted(text) if self._form in PER_UNIT else self._dated(text)
        if not 0 <= at < AT_MAX:
            raise ValueError(f"its time {text[:40]!r} lies before 1970 or after 2255")
        self._last = at
        return at

    def _counted(self, text: str) -> int:
        try:
            at = float(text) * PER_UNIT[self._form]
        except ValueError:
            raise ValueError(f"its time {text[:40]!r} is no number") from None
        if not math.isfinite(at):
            raise ValueError(f"its time {text[:40]!r} is no time")
        return int(text) * int(PER_UNIT[self._form]) if text.isdecimal() else round(at)

    def _dated(self, text: str) -> int:
        try:
            read = _iso(text) if self._form == "iso" else _numbers(text, is_day_first=self._form == "dmy")
        except ValueError:
            raise ValueError(f"its time {text[:40]!r} is not like {EXAMPLES.get(self._form, '')}") from None
        if read.tzinfo is not None:
            return int(micros(read))
        first = read.replace(tzinfo=self._zone, fold=0)
        if first.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != read:
            raise ValueError(f"its time {text[:40]!r} does not exist in {self._zone.key}: clocks were put forward")
        at, again = int(micros(first)), int(micros(first.replace(fold=1)))
        return again if self._last is not None and at < self._last <= again and again != at else at


def format_of(cells: Sequence[str]) -> TimeFormat | None:
    """Tell from some cells how times are written; None where they are no times, or day and month cannot be told."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    enough = max(1, MOST * len(texts))  # A bad row does not hide what the others are.
    counted = [text for text in texts if _is_number(text)]
    if len(counted) >= enough:
        size = max(abs(float(text)) for text in counted)
        if size < 1e8:  # Before 1973 there are no seconds that big: these are other numbers.
            return None
        return "epoch_s" if size < 1e11 else "epoch_ms" if size < 1e14 else "epoch_us"
    if sum(map(_is_iso, texts)) >= enough:
        return "iso"
    found = [one for one in map(NUMBERS.match, texts) if one is not None]
    if len(found) < enough:
        return None
    pairs = [(int(one[1]), int(one[2])) for one in found]
    if any(second > 12 for _, second in pairs):
        return "mdy"
    is_german = all("." in one[0].split(" ")[0] for one in found)
    return "dmy" if is_german or any(first > 12 for first, _ in pairs) else None


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("/", "-", 2) if text[4:5] == "/" else text)


def _numbers(text: str, *, is_day_first: bool) -> datetime:
    found = NUMBERS.match(text)
    if found is None:
        raise ValueError
    one, two, year = int(found[1]), int(found[2]), int(found[3])
    if len(found[3]) == 2:
        year += 1900 if year >= CENTURY_TURN else 2000
    hour = int(found[4] or 0)
    if found[8]:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if found[8].lower() == "pm" else 0)
    day, month = (one, two) if is_day_first else (two, one)
    fraction = timedelta(microseconds=int((found[7] or "0").ljust(6, "0")))
    read = datetime(year, month, day, hour, int(found[5] or 0), int(found[6] or 0))  # noqa: DTZ001 - the zone follows.
    return read + fraction


def _is_iso(text: str) -> bool:
    try:
        _iso(text)
    except ValueError:
        return False
    return len(text) >= 10 and not text.isdecimal()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
