"""Inputs as JSON, and JSON as values, with what Python alone brings."""

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from typing import Any


def encode_json(value: Any) -> str:
    """Write JSON as servers in Python read it: times in ISO 8601, bytes in base64, decimals and UUIDs as text.

    Raises:
        TypeError, ValueError: A value that JSON cannot hold, such as NaN.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def decode_json(text: bytes | str) -> Any:
    """Read JSON.

    Raises:
        ValueError: It is none.
    """
    return json.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | decimal.Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"A {type(value).__name__} cannot be sent as JSON.")
