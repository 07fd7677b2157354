"""superjson, the richer JSON that many tRPC servers speak: dates, undefined, big integers, sets, maps, NaN.

A value is ``{"json": plain, "meta": {"values": …, "referentialEqualities": …, "v": 1}}``: plain JSON, and beside it
what of it is more than that, by dotted path. The real package and this module read each other.

========================  =========================================================
Python                    JavaScript
========================  =========================================================
``datetime``              ``Date``: milliseconds, UTC; without a zone it is UTC
``MISSING``               ``undefined``
``int`` beyond 2**53      ``BigInt``
``set``, ``frozenset``    ``Set``
``dict``, keys no text    ``Map``
``nan``, ``inf``, -0.0    ``NaN``, ``Infinity``, -0
``re.Pattern``            ``RegExp`` (of the flags ``i``, ``m`` and ``s``)
pydantic's ``Url``        ``URL``
``Decimal``, ``UUID``, …  text, as in plain JSON
========================  =========================================================

One list or dict in several places is one object there, too. What comes in is turned into the plain JSON that the
annotations of the procedure ask for; classes, symbols and custom types of a client's own are refused.

Source: superjson 2.2, ``plainer.ts``, ``transformer.ts`` and ``pathstringifier.ts``.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import orjson
from pydantic import AnyUrl
from pydantic_core import MultiHostUrl, Url, to_jsonable_python

from pdm_app.trpc.values import MISSING, LooseJson

SAFE_INT_MAX: Final = 2**53 - 1  # Number.MAX_SAFE_INTEGER
DEPTH_MAX: Final = 200
_FORBIDDEN: Final = frozenset({"__proto__", "constructor", "prototype"})  # The other end refuses them.
_FLAGS: Final = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"))
_URLS: Final = (Url, MultiHostUrl, AnyUrl)
_VERSION: Final = 1

Path = tuple[str | int, ...]
Annotations = list[Any] | dict[str, Any] | None


class SuperJsonError(ValueError):
    """Something that superjson cannot write, or that is no superjson."""


def serialize(value: Any) -> dict[str, Any]:
    """Return the JSON object of a value.

    Raises:
        SuperJsonError: It holds something that has no JSON, or is nested too deep.
    """
    writer = _Writer()
    plain, annotations = writer.write(value, (), ())
    meta: dict[str, Any] = {}
    if annotations:
        meta["values"] = annotations
    equalities = writer.equalities()
    if equalities:
        meta["referentialEqualities"] = equalities
    return {"json": plain, "meta": {**meta, "v": _VERSION}} if meta else {"json": plain}


class _Writer:
    """Writes one value, and remembers where each list, set and dict in it stood."""

    def __init__(self) -> None:
        self._paths: dict[int, list[Path]] = {}
        self._written: dict[int, tuple[Any, Annotations]] = {}
        self._kept: list[Any] = []  # An id is good as long as its object lives.

    def write(self, value: Any, path: Path, above: tuple[int, ...]) -> tuple[Any, Annotations]:
        """Return the plain JSON of a value and the annotations of what is more than JSON in it."""
        value = value.value if isinstance(value, Enum) and value is not MISSING else value
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return _leaf(value)
        identity = id(value)
        self._kept.append(value)
        self._paths.setdefault(identity, []).append(path)
        if identity in self._written:
            return self._written[identity]
        if identity in above:
            return None, None  # It holds itself; the equalities say so.
        if len(above) >= DEPTH_MAX:
            raise SuperJsonError(f"A value is nested deeper than {DEPTH_MAX} levels.")
        kind, members = _members(value)
        plain: Any = {} if kind == "object" else []
        inner: dict[str, Any] = {}
        for key, member in members:
            written, annotations = self.write(member, (*path, key), (*above, identity))
            if kind == "object":
                plain[key] = written
            else:
                plain.append(written)
            if isinstance(annotations, list):
                inner[_escaped(key)] = annotations
            elif annotations:
                inner.update({f"{_escaped(key)}.{below}": found for below, found in annotations.items()})
        own: Annotations = inner or None
        if kind in ("set", "map"):
            own = [kind, inner] if inner else [kind]
        self._written[identity] = (plain, own)
        return plain, own

    def equalities(self) -> Any:
        """Return which places hold the same object: shortest path to the others."""
        root: list[str] | None = None
        others: dict[str, list[str]] = {}
        for paths in self._paths.values():
            if len(paths) > 1:
                first, *same = sorted(paths, key=len)
                if not first:
                    root = [_written_path(path) for path in same]
                else:
                    others[_written_path(first)] = [_written_path(path) for path in same]
        if root is not None:
            return [root, others] if others else [root]
        return others


def _members(value: Any) -> tuple[str, Iterator[tuple[Any, Any]]]:
    """Return what a container is in JavaScript, and its members by key."""
    if isinstance(value, set | frozenset):
        return "set", iter(enumerate(value))
    if not isinstance(value, dict):
        return "array", iter(enumerate(value))
    keys = [key.value if isinstance(key, Enum) else key for key in value]
    if not all(isinstance(key, str) for key in keys):
        return "map", iter(enumerate([list(pair) for pair in zip(keys, value.values(), strict=True)]))
    if _FORBIDDEN & set(keys):
        raise SuperJsonError(f"A key may not be one of {', '.join(sorted(_FORBIDDEN))}.")
    return "object", iter(zip(keys, value.values(), strict=True))


def _leaf(value: Any) -> tuple[Any, Annotations]:
    if value is MISSING:
        return None, ["undefined"]
    if value is None or isinstance(value, bool | str):
        return value, None
    if isinstance(value, int):
        return (value, None) if -SAFE_INT_MAX <= value <= SAFE_INT_MAX else (str(value), ["bigint"])
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z", ["Date"]
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        flags = "".join(letter for flag, letter in _FLAGS if value.flags & flag)
        return f"/{value.pattern}/{flags}", ["regexp"]
    if isinstance(value, _URLS):
        return str(value), ["URL"]
    try:
        return to_jsonable_python(value, bytes_mode="base64"), None
    except ValueError as error:
        raise SuperJsonError(str(error)) from None


def _number(value: float) -> tuple[Any, Annotations]:
    if math.isnan(value):
        return "NaN", ["number"]
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity", ["number"]
    return ("-0", ["number"]) if value == 0 and math.copysign(1, value) < 0 else (value, None)


def _escaped(key: str | int) -> str:
    return str(key).replace("\\", "\\\\").replace(".", "\\.")


def _written_path(path: Path) -> str:
    return ".".join(map(_escaped, path))


# --- Reading --------------------------------------------------------------------------------------------------------


def plain_json(payload: Any, nodes_max: int) -> LooseJson | None:
    """Return the plain JSON that annotations of procedures read, None for ``undefined``.

    Dates are their text, sets and typed arrays lists, maps objects (or lists of pairs, where a key is no text, number
    or date), big integers numbers, and members that are undefined are left out.

    Args:
        payload: What the sender's superjson made.
        nodes_max: Of values in the result: one object in many places is written in each of them.

    Raises:
        SuperJsonError: It is no superjson, or holds what only its sender knows.
    """
    if not isinstance(payload, Mapping) or "json" not in payload:
        raise SuperJsonError('Input must be superjson: {"json": …}')
    meta = payload.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise SuperJsonError("meta must be an object")
    version = meta.get("v", 0)
    root = [payload["json"]]
    for path, kind in _annotated(meta.get("values"), version, (), 0):
        parent, key = _place(root, path)
        parent[key] = _read(parent[key], kind)
    for source, target in _equal(meta.get("referentialEqualities"), version):
        above, last = _place(root, source)
        parent, key = _place(root, target)
        parent[key] = above[last]
    try:
        value = _Plain(nodes_max).of(root[0], 0)
        return None if value is MISSING else LooseJson(json.dumps(value, ensure_ascii=False).encode())
    except (UnicodeEncodeError, ValueError) as error:
        raise SuperJsonError(str(error)) from None


class _Map(list[Any]):
    """The pairs of a map."""


def _annotated(tree: Any, version: int, above: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield path and kind of each annotation, inner ones first."""
    if not tree:
        return
    if depth > DEPTH_MAX:
        raise SuperJsonError("meta.values is nested too deep")
    kind: Any = None
    inner = tree
    if isinstance(tree, list):
        kind, inner = tree[0], tree[1] if len(tree) > 1 else {}
    if not isinstance(inner, Mapping):
        raise SuperJsonError("meta.values must be lists and objects")
    for path, below in inner.items():
        yield from _annotated(below, version, (*above, *_parsed_path(path, version)), depth + 1)
    if isinstance(tree, list):
        yield above, kind


def _equal(equalities: Any, version: int) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield where an object is, and where else."""
    if not equalities:
        return
    if isinstance(equalities, list):
        same, *more = equalities
        others = more[0] if more else {}
    else:
        same, others = [], equalities
    if not isinstance(same, list) or not isinstance(others, Mapping):
        raise SuperJsonError("meta.referentialEqualities must be paths")
    for path in same:
        yield (), _parsed_path(path, version)
    for path, paths in others.items():
        for other in paths if isinstance(paths, list) else ():
            yield _parsed_path(path, version), _parsed_path(other, version)


def _parsed_path(path: Any, version: int) -> tuple[str, ...]:
    if not isinstance(path, str):
        raise SuperJsonError("A path must be text")
    parts, part, index = [], "", 0
    while index < len(path):
        letter, following = path[index], path[index + 1 : index + 2]
        if letter == "\\" and (following == "." or (following == "\\" and version >= _VERSION)):
            part += following
            index += 1
        elif letter == "\\" and version >= _VERSION:
            raise SuperJsonError(f"{path[:100]!r} is no path")
        elif letter == ".":
            parts.append(part)
            part = ""
        else:
            part += letter
        index += 1
    return (*parts, part)


def _place(root: list[Any], path: Sequence[str]) -> tuple[Any, Any]:
    """Return the container in which a path ends, and the key there."""
    parent: Any = root
    key: Any = 0
    for part in path:
        try:
            parent = parent[key]
            key = int(part) if isinstance(parent, list) else part
            parent[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise SuperJsonError(f"There is nothing at {'.'.join(path)[:100]!r}") from None
    return parent, key


def _read(value: Any, kind: Any) -> Any:
    """Return what an annotated value is in plain JSON, or ``MISSING``."""
    if kind == "undefined":
        return MISSING
    if kind in ("Date", "regexp", "URL") and isinstance(value, str):
        return value
    if kind == "set" and isinstance(value, list):
        return value
    if kind == "map" and isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return _Map(value)
    if kind == "bigint" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,1000}", value):
        return int(value)
    if kind == "number" and value in ("NaN", "Infinity", "-Infinity", "-0"):
        return float(value)
    if kind == "Error" and isinstance(value, dict):
        return value
    if isinstance(kind, list) and kind[:1] == ["typed-array"] and isinstance(value, list):
        is_bytes = kind[1:] in (["Uint8Array"], ["Uint8ClampedArray"])
        try:
            return to_jsonable_python(bytes(value), bytes_mode="base64") if is_bytes else value
        except (TypeError, ValueError):
            raise SuperJsonError("A byte is not between 0 and 255") from None
    said = orjson.dumps(kind).decode()[:100]
    raise SuperJsonError(f"A value of the kind {said} is not known here")


class _Plain:
    """Turns what was read into lists, objects and JSON's own; objects without their undefined members."""

    def __init__(self, nodes_max: int) -> None:
        self._nodes_left = nodes_max

    def of(self, value: Any, depth: int) -> Any:
        """Return one value."""
        self._nodes_left -= 1
        if depth > DEPTH_MAX or self._nodes_left < 0:
            raise SuperJsonError(f"The input is nested deeper than {DEPTH_MAX} levels, holds itself or is too large")
        if isinstance(value, _Map):
            return self._map([[self.of(part, depth + 1) for part in pair] for pair in value])
        if isinstance(value, dict):
            members = {key: self.of(held, depth + 1) for key, held in value.items()}
            return {key: held for key, held in members.items() if held is not MISSING}
        if isinstance(value, list):
            return [None if held is MISSING else held for held in (self.of(held, depth + 1) for held in value)]
        return value

    @staticmethod
    def _map(pairs: list[list[Any]]) -> Any:
        if all(isinstance(key, str | int | float) for key, _ in pairs):
            named = {key if isinstance(key, str) else json.dumps(key): held for key, held in pairs}
            return {key: held for key, held in named.items() if held is not MISSING}
        return [[None if part is MISSING else part for part in pair] for pair in pairs]
