"""JSON payloads of MQTT topics: which value of an object belongs to which signal, and when it was measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import Field, ValidationError, field_validator

from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S, Quality, micros
from pdm_app.domain.signals import DataType, Signal

PAYLOAD_BYTES_MAX = 1_000_000


class MqttAddress(Record):
    """Where a signal's value lies in a topic's JSON object.

    ``path`` and ``time`` are keys, with dots into nested objects and numbers into arrays; an empty ``path`` is the
    payload itself. ``status`` is the topic where the sender, or its last will, says that it is gone; empty is ``topic``
    with the connection's suffix.
    """

    topic: str = Field(min_length=1, max_length=1000)
    path: str = Field(default="", max_length=200)
    time: str = Field(default="timestamp", max_length=200)
    status: str = Field(default="", max_length=1000)

    @field_validator("topic", "status")
    @classmethod
    def _names_one_topic(cls, topic: str) -> str:
        if "+" in topic or "#" in topic or "\0" in topic:
            raise ValueError("a signal comes from one topic: + and # are not allowed")
        return topic


def address_of(signal: Signal) -> MqttAddress | str:
    """Return the signal's address, or what is wrong with it."""
    try:
        return MqttAddress.model_validate(signal.address)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "address"
        return f"The MQTT address is wrong at {where}: {first['msg']}."


class PayloadError(ValueError):
    """A payload, or one value in it, is not what the signal's address says."""


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """One signal's place in the payload of a topic, ready to be looked up."""

    signal: int
    name: str
    data_type: DataType
    path: tuple[str, ...]
    time: tuple[str, ...]


def place_of(signal: Signal, address: MqttAddress) -> ValuePlace:
    return ValuePlace(signal.id, signal.name, signal.data_type, _keys(address.path), _keys(address.time))


def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def parsed(payload: bytes) -> Any:
    """Read JSON.

    Raises:
        PayloadError: It is too large, or no JSON.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError(f"the payload of {len(payload)} bytes is larger than {PAYLOAD_BYTES_MAX}")
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise PayloadError(f"the payload is no JSON ({error})") from None


@dataclass(frozen=True, slots=True)
class Reading:
    """A value found in a payload: a number (NaN for null) or text."""

    value: float
    text: str | None
    quality: Quality


def reading(found: Any, place: ValuePlace) -> Reading:
    """Return the value of ``place`` in a parsed payload.

    Raises:
        PayloadError: It is missing, or of another type than the signal's.
    """
    value = look_up(found, place.path)
    if value is None:
        return Reading(math.nan, None, Quality.BAD)
    if place.data_type is DataType.TEXT:
        if isinstance(value, dict | list):
            raise PayloadError(f"{_named(place.path)} is {_kind(value)}, not text")
        return Reading(math.nan, str(value), Quality.GOOD)
    if isinstance(value, int | float):
        return Reading(float(value), None, Quality.GOOD)
    if isinstance(value, str):
        try:
            return Reading(float(value), None, Quality.GOOD)
        except ValueError:
            pass
    raise PayloadError(f"{_named(place.path)} is {_kind(value)}, not a number")


_MISSING = object()


def look_up(found: Any, path: Sequence[str]) -> Any:
    """Follow keys and indexes.

    Raises:
        PayloadError: There is nothing at the end of the path.
    """
    for key in path:
        if isinstance(found, Mapping):
            found = found.get(key, _MISSING)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            found = _MISSING
        if found is _MISSING:
            raise PayloadError(f"the payload has no {_named(path)}")
    return found


def time_in(found: Any, path: Sequence[str], received_at: int) -> int:
    """Return the source time in microseconds UTC: ISO 8601, or seconds or milliseconds since 1970; else receipt.

    A time without a zone is UTC. Numbers from 1e11 up are milliseconds (as seconds they would lie after the year 5000).

    Raises:
        PayloadError: There is a time, but it cannot be read.
    """
    if not path:
        return received_at
    try:
        written = look_up(found, path)
    except PayloadError:
        return received_at
    if written is None:
        return received_at
    if isinstance(written, str):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            raise PayloadError(f"the time {written[:40]!r} is not ISO 8601, such as 2026-11-20T09:30:00Z") from None
        return micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    if isinstance(written, int | float) and not isinstance(written, bool) and abs(written) < 1e15:
        in_seconds = abs(written) < 1e11
        return round(written * MICROS_PER_S) if in_seconds else round(written * 1000)
    raise PayloadError(f"the time is {_kind(written)}, not ISO 8601 or seconds or milliseconds since 1970")


def _named(path: Sequence[str]) -> str:
    return repr(".".join(path)) if path else "value"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, int | float):
        return "a number"
    return f"the text {str(value)[:40]!r}"
