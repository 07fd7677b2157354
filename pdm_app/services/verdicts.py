"""Judging one sample: is it for a known signal, of the right type, at a time that can be true.

Pure functions on decoded JSON. What cannot be kept is refused with the part at fault, what is wrong with it, and what
to send instead.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pdm_app.domain.samples import MICROS_PER_S, Micros, Quality, micros
from pdm_app.domain.signals import DataType
from pdm_app.services.signal_index import SiteSignals, Target

AHEAD_S_MAX = 600
SOURCE_AT_MIN = 946_684_800 * MICROS_PER_S  # 2000-01-01: an earlier time is a device clock that was never set.
TEXT_CHARACTERS_MAX = 200
ECHO_CHARACTERS_MAX = 80
NAMES_SHOWN_MAX = 12

QUALITIES: Mapping[Any, Quality] = {
    **{quality.name.lower(): quality for quality in (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)},
    **{int(quality): quality for quality in Quality},
}


class RefusedError(Exception):
    """One sample cannot be kept: which part of it, why, and what to send instead."""

    def __init__(self, part: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.part, self.problem, self.fix = part, problem, fix


class UnknownSignalError(RefusedError):
    """The signal is not known (yet)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample that can be kept."""

    signal: int
    source_at: int
    value: float | str
    quality: Quality


def judge(sample: object, site: SiteSignals, asset_id: str | None, now: Micros) -> Judged:
    """Judge ``{"signal", "value", "source_at", "quality"?}`` sent by a device on ``asset_id``.

    Raises:
        RefusedError: It cannot be kept.
    """
    if not isinstance(sample, dict):
        raise RefusedError("", f"is {kind(sample)}", "send an object with signal, value and source_at")
    target = _target(sample, site, asset_id)
    if sample.get("source_at") is None:
        raise RefusedError("source_at", "is missing", "send the time of the reading, such as 2026-01-31T08:00:00.250Z")
    source_at = read_time(sample["source_at"], "source_at", now)
    quality = _quality(sample)
    if "value" not in sample:
        raise RefusedError("value", "is missing", f"send {WANTED[target.data_type]}")
    return Judged(target.id, source_at, read_value(sample["value"], target, quality), quality)


def _target(sample: Mapping[str, Any], site: SiteSignals, asset_id: str | None) -> Target:
    reference = sample.get("signal")
    if isinstance(reference, bool) or not isinstance(reference, (str, int)):
        raise RefusedError("signal", f"is {kind(reference)}", "send the signal's name, ASSET/Name, or its number")
    target = site.find(asset_id, reference)
    if target is None:
        raise unknown(reference, site.of_asset.get(asset_id or "", {}))
    return target


def unknown(reference: str | int, own: Mapping[str, Target]) -> UnknownSignalError:
    """Make the refusal of a name; it lists names that would do."""
    names = ", ".join(list(own)[:NAMES_SHOWN_MAX])
    known = f"this device's asset has {names}" if names else "this device has no asset; send ASSET/Name or a number"
    return UnknownSignalError("signal", f"names no signal of this site: {echo(reference)}", known)


def read_time(given: object, part: str, now: Micros) -> int:
    """Read ISO 8601 with a zone, or whole microseconds UTC, and refuse what cannot be true."""
    if isinstance(given, str):
        try:
            at = int(micros(datetime.fromisoformat(given)))
        except (ValueError, OverflowError):
            problem = f"is no ISO 8601 time with a zone: {echo(given)}"
            raise RefusedError(part, problem, "send a time such as 2026-01-31T08:00:00.250Z") from None
    elif isinstance(given, int) and not isinstance(given, bool):
        at = given
    else:
        raise RefusedError(part, f"is {kind(given)}", "send ISO 8601 with a zone, or whole microseconds since 1970 UTC")
    if at < SOURCE_AT_MIN:
        raise RefusedError(
            part, "lies before 2000", "set the device's clock; a number counts microseconds since 1970 UTC"
        )
    if at > now + AHEAD_S_MAX * MICROS_PER_S:
        raise RefusedError(part, "lies more than 10 min ahead of the time of receipt", "set the device's clock")
    return at


def _quality(sample: Mapping[str, Any]) -> Quality:
    given = sample.get("quality")
    if given is None:
        return Quality.GOOD
    quality = QUALITIES.get(given) if isinstance(given, (str, int)) and not isinstance(given, bool) else None
    if quality is None:
        raise RefusedError("quality", f"is {echo(given)}", "send good, uncertain or bad, or leave it out")
    return quality


def read_value(given: object, target: Target, quality: Quality) -> float | str:
    """Read a value as the signal's type; null only where the quality says that there is none."""
    if target.is_derived:
        raise RefusedError("signal", f"{target.name} is reckoned from a formula", "send the signals that it reads")
    if given is None and quality.is_bad:
        return math.nan
    value = READ[target.data_type](given)
    if value is None:
        raise RefusedError("value", f"is {kind(given)}", f"send {WANTED[target.data_type]}")
    return value


def _number(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _integer(given: object) -> float | None:
    number = _number(given)
    return number if number is not None and number.is_integer() else None


def _boolean(given: object) -> float | None:
    return float(given) if isinstance(given, (bool, int, float)) and given in (0, 1) else None


def _text(given: object) -> str | None:
    if not isinstance(given, str) or len(given) > TEXT_CHARACTERS_MAX:
        return None
    return given if echo(given, TEXT_CHARACTERS_MAX) == given else None


READ: Mapping[DataType, Callable[[object], float | str | None]] = {
    DataType.NUMBER: _number,
    DataType.INTEGER: _integer,
    DataType.BOOLEAN: _boolean,
    DataType.TEXT: _text,
}
WANTED: Mapping[DataType, str] = {
    DataType.NUMBER: "a finite number without quotes; for a failed sensor null with quality bad",
    DataType.INTEGER: "a whole number without quotes; for a failed sensor null with quality bad",
    DataType.BOOLEAN: "true or false",
    DataType.TEXT: f"text of up to {TEXT_CHARACTERS_MAX} characters",
}


def kind(given: object) -> str:
    """Say what JSON calls a value, without repeating much of it."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, (int, float)):
        if isinstance(given, float) and math.isnan(given):
            return "NaN"
        if _number(given) is None:
            return "infinite, or too large"
        return f"the number {echo(given)}"
    if isinstance(given, str):
        return f"the text {echo(given)!r}"
    return "a list" if isinstance(given, list) else "an object"


def echo(given: object, characters_max: int = ECHO_CHARACTERS_MAX) -> str:
    """Return what was sent, cut short and safe to encode: JSON may carry half of a surrogate pair."""
    words = str(given) if not isinstance(given, (dict, list)) else kind(given)
    return words[:characters_max].encode("utf-8", "replace").decode()
