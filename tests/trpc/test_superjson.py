"""superjson as the real package from npm writes and reads it."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl

from pdm_app.trpc import MISSING
from pdm_app.trpc.superjson import SuperJsonError, plain_json, serialize
from tests.trpc.node_superjson import installed_folder, node

NODES_MAX = 10_000
WHEN = datetime(2026, 11, 21, 6, 0, 0, 123_000, UTC)


class Colour(Enum):
    RED = "red"


def plain(payload: Any) -> Any:
    """Return what the annotations of procedures are given to read."""
    found = plain_json(payload, NODES_MAX)
    return MISSING if found is None else json.loads(found)


SHARED = {"n": 1}
CIRCULAR: dict[str, Any] = {"name": "own"}
CIRCULAR["self"] = CIRCULAR
WRITTEN: dict[str, tuple[Any, str]] = {
    "plain": ({"a": [1, "x", None, True, 1.5]}, "{ a: [ 1, 'x', null, true, 1.5 ] }"),
    "date": (WHEN, "2026-11-21T06:00:00.123Z"),
    "other zone": (WHEN.astimezone(timezone(timedelta(hours=5))), "2026-11-21T06:00:00.123Z"),
    "no zone": (WHEN.replace(tzinfo=None), "2026-11-21T06:00:00.123Z"),
    "undefined": (MISSING, "undefined"),
    "members": ({"gone": MISSING, "here": None}, "{ gone: undefined, here: null }"),
    "big": ([2**53, -(2**64), 2**53 - 1], "[ 9007199254740992n, -18446744073709551616n, 9007199254740991 ]"),
    "set": ({3}, "Set(1) { 3 }"),
    "set of dates": ({WHEN}, "Set(1) { 2026-11-21T06:00:00.123Z }"),
    "map": ({1: "one", 2: {"two"}}, "Map(2) { 1 => 'one', 2 => Set(1) { 'two' } }"),
    "map of dates": ({WHEN: 2**60}, "Map(1) { 2026-11-21T06:00:00.123Z => 1152921504606846976n }"),
    "numbers": ([math.nan, math.inf, -math.inf, -0.0, 0.0], "[ NaN, Infinity, -Infinity, -0, 0 ]"),
    "regexp": (re.compile(r"a.b/c", re.IGNORECASE), "/a.b\\/c/i"),
    "url": ({"at": AnyUrl("https://plant.example/a?b=c")}, "https://plant.example/a?b=c"),
    "dots": ({"a.b": WHEN, "c\\d": {"e.f": 2**60}}, "'c\\\\d': { 'e.f': 1152921504606846976n }"),
    "nested": ({"deep": [{"set": {frozenset({2**60})}}]}, "Set(1) { Set(1) { 1152921504606846976n } }"),
    "shared": ({"a": SHARED, "b": [SHARED, SHARED]}, "{ a: { n: 1 }, b: [ { n: 1 }, { n: 1 } ] }"),
    "circular": (CIRCULAR, "[Circular *1]"),
    "text": (
        [UUID(int=1), Decimal("1.50"), date(2026, 1, 2), b"abc", Colour.RED],
        "'1.50', '2026-01-02', 'YWJj', 'red'",
    ),
}
MADE: dict[str, Any] = {
    "date": "2026-11-21T06:00:00.123Z",
    "bigint": 12345678901234567890,
    "undefined": MISSING,
    "members": {"here": None, "list": [None, 1]},
    "set": [1, "1970-01-01T00:00:00.000Z", 3],
    "map": {"1": "one", "2": ["two"]},
    "mapOfObjects": [[{"a": 1}, "one"]],
    "mapOfDates": {"1970-01-01T00:00:00.000Z": 1},
    "regexp": "/a.b\\/c/gi",
    "url": "https://plant.example/a?b=c",
    "bytes": "AAH_",
    "floats": [1.5, 2],
    "dots": {"a.b": "1970-01-01T00:00:00.000Z", "c\\d": {"e.f": 1}},
    "nested": {"deep": [{"deeper": {"when": "1970-01-01T00:00:00.000Z", "set": [{"k": 1}]}}]},
    "shared": {"a": {"n": 1}, "b": [{"n": 1}, {"n": 1}]},
    "deduplicated": {"a": {"n": 1}, "b": [{"n": 1}, {"n": 1}]},
}


@pytest.fixture(scope="module")
def folder(need: Callable[[str, object], None]) -> Path:
    """The folder in which the real packages are installed."""
    installed = installed_folder()
    need(installed if isinstance(installed, str) else "npm packages", isinstance(installed, Path))
    assert isinstance(installed, Path)
    return installed


async def test_the_real_package_reads_what_is_written_here_and_would_write_the_same(folder: Path) -> None:
    payloads = {name: serialize(value) for name, (value, _) in WRITTEN.items()}
    understood = await node(folder, "echo", given=payloads)
    for name, (_, words) in WRITTEN.items():
        assert words in understood[name]["words"], name
        if name != "regexp":  # JavaScript escapes the slash.
            assert understood[name]["again"] == payloads[name], name


async def test_what_the_real_package_writes_is_read_here(folder: Path) -> None:
    made = await node(folder, "make")
    for name, expected in MADE.items():
        assert plain(made[name]) == expected, name
    numbers = plain(made["numbers"])
    assert math.isnan(numbers[0])
    assert numbers[1:] == [math.inf, -math.inf, 0.0, 1.5]
    assert math.copysign(1, numbers[3]) == -1
    assert plain(made["error"])["message"] == "broken"
    with pytest.raises(SuperJsonError, match="holds itself"):
        plain(made["own"])
    with pytest.raises(SuperJsonError, match="Press"):
        plain(made["ofAClass"])


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"jso": 1},
        {"json": 1, "meta": 5},
        {"json": 1, "meta": {"values": 5}},
        {"json": 1, "meta": {"values": ["nothing known"]}},
        {"json": 1, "meta": {"values": [["class", "Press"]]}},
        {"json": 1, "meta": {"values": ["set"]}},
        {"json": {"a": 1}, "meta": {"values": {"b": ["Date"]}}},
        {"json": {"a": 1}, "meta": {"values": {"a.b.c": ["Date"]}}},
        {"json": [1], "meta": {"values": {"7": ["Date"]}}},
        {"json": [1], "meta": {"values": {"x": ["Date"]}}},
        {"json": "x", "meta": {"values": ["bigint"]}},
        {"json": "9" * 5000, "meta": {"values": ["bigint"]}},
        {"json": [300], "meta": {"values": [["typed-array", "Uint8Array"]]}},
        {"json": [1], "meta": {"values": ["map"]}},
        {"json": {"a": 1}, "meta": {"values": {"a\\x": ["Date"]}, "v": 1}},
        {"json": {"a": 1}, "meta": {"referentialEqualities": {"a": ["b"]}}},
        {"json": {"a": {}}, "meta": {"referentialEqualities": [["a"]]}},
        {"json": {"a": 1}, "meta": {"referentialEqualities": 5}},
        {"json": {"a": 1}, "meta": {"values": {"a": {"b": 5}}}},
    ],
)
def test_what_is_no_superjson_is_refused(payload: Any) -> None:
    with pytest.raises(SuperJsonError):
        plain(payload)


def test_a_little_text_cannot_become_a_lot_of_values() -> None:
    levels = 40
    laughs: dict[str, Any] = {f"l{n}": [None, None] for n in range(levels)}
    laughs[f"l{levels}"] = ["ha"] * 10
    same = {f"l{n + 1}": [f"l{n}.0", f"l{n}.1"] for n in range(levels)}
    with pytest.raises(SuperJsonError, match="too large"):
        plain({"json": laughs, "meta": {"referentialEqualities": same, "v": 1}})


def test_what_superjson_cannot_write_is_told() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    for value in (deep, object(), {"__proto__": 1}):
        with pytest.raises(SuperJsonError):
            serialize(value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda key: "proto" not in key and key != "constructor"), inner, max_size=4)
        | st.dictionaries(st.integers(), inner, min_size=1, max_size=4)
    ),
    max_leaves=20,
)


def natural(value: Any) -> Any:
    """Return a value as plain JSON has it."""
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if isinstance(value, dict):
        return {str(key): natural(held) for key, held in value.items()}
    return [natural(held) for held in value] if isinstance(value, list) else value


@given(VALUES)
def test_what_is_written_here_is_read_here(value: Any) -> None:
    assert plain(json.loads(json.dumps(serialize(value)))) == natural(value)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["json", "meta", "values", "referentialEqualities", "v", "a", "0", "a.0"]), inner
            )
        ),
    )
)
def test_nothing_breaks_the_reader(payload: Any) -> None:
    try:
        plain(payload)
    except SuperJsonError:
        return
    assert "json" in payload
