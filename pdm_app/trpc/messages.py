"""Messages of the WebSocket: one request of a client, and the text of its answer.

Source: tRPC v11, ``rpc/parseTRPCMessage.ts``.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

import orjson

from pdm_app.trpc.connection import checked_connection_params
from pdm_app.trpc.dispatch import Outcome
from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.values import MISSING, Missing


class Message(NamedTuple):
    """One well-formed request of a client."""

    key: str | int | float
    head: str
    method: str
    path: str
    input: bytes | Missing
    last_event_id: str = ""


NO_KEY: Any = object()


def read_message(element: Any) -> Message:
    """Check one request, in the order and with the words of tRPC's ``parseTRPCMessage``."""
    if not isinstance(element, dict):
        raise TrpcError("PARSE_ERROR", "Not an object")
    key = element.get("id", MISSING)
    if key is not None and not is_id(key):
        raise TrpcError("PARSE_ERROR", "Invalid request id")
    if element.get("jsonrpc", "2.0") != "2.0":
        raise TrpcError("PARSE_ERROR", "Must be JSONRPC 2.0")
    head = head_of(element)
    if key is None:
        key = NO_KEY
    method = element.get("method")
    if method == "subscription.stop":
        return Message(key, head, method, "", MISSING)
    if method not in ("query", "mutation", "subscription"):
        raise TrpcError("PARSE_ERROR", "Invalid procedure type")
    params = element.get("params")
    if not isinstance(params, dict):
        raise TrpcError("PARSE_ERROR", "Not an object")
    path = params.get("path")
    last_event_id = params.get("lastEventId", MISSING)
    if not isinstance(path, str) or not (last_event_id is MISSING or isinstance(last_event_id, str)):
        raise TrpcError("PARSE_ERROR", "Invalid string")
    raw: bytes | Missing = MISSING
    if "input" in params:
        try:
            raw = orjson.dumps(params["input"])
        except orjson.JSONEncodeError:
            raise TrpcError("PARSE_ERROR", "The input is nested too deep") from None
    return Message(key, head, method, path, raw, "" if last_event_id is MISSING else last_event_id)


def is_id(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def head_of(element: Mapping[str, Any]) -> str:
    """Return the members that every answer repeats: the id with its type, and jsonrpc if it was sent."""
    head = f'"id":{orjson.dumps(element["id"]).decode()}'
    return f'{head},"jsonrpc":"2.0"' if element.get("jsonrpc") == "2.0" else head


def answer(head: str, outcome: Outcome) -> str:
    if outcome.error:
        return f'{{{head},"error":{outcome.error.decode()}}}'
    if outcome.data is None:
        return f'{{{head},"result":{{"type":"data"}}}}'
    return f'{{{head},"result":{{"type":"data","data":{outcome.data.decode()}}}}}'


def read_connection_params(text: str | bytes) -> Mapping[str, str] | None:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = MISSING
    if not isinstance(parsed, dict):
        raise TrpcError("PARSE_ERROR", "Malformed TRPCConnectionParamsMessage")
    return checked_connection_params(parsed.get("data", MISSING))
