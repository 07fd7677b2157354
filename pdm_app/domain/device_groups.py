"""Groups of devices: named one by one, or found by a filter; either way it can be asked why a device is in it.

A filter is a small language over attributes of a device, read here and run here, never by a database:

    model = "GW-4" and version < 2.4.1
    (code ~ gw-* or code in (plc-1, plc-2)) and not simulated = true
    attr.site_link != "" and hardware_revision >= 3

Comparisons ignore case. ``~`` is a pattern with ``*`` and ``?``. ``<`` and its kin compare numbers as numbers inside a
text, as versions want: 2.10 is above 2.9. A field that a device does not have is empty.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from pydantic import Field, model_validator

from pdm_app.domain.assets import Device
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.record import Facts, Id, Instant, Name, Record, Revision, Text

MEMBERS_MAX = 10_000
GROUPS_MAX = 500
FILTER_CHARACTERS_MAX = 1_000
TERMS_MAX = 100
DEPTH_MAX = 20
WORDS_MAX = 400

FIELDS = (
    "code", "name", "model", "asset", "client", "hardware", "hardware_revision", "version", "address", "simulated",
)  # fmt: skip
OPERATORS = ("=", "!=", "<=", ">=", "<", ">", "~", "in")
WORD = re.compile(r'\s*(?:(?P<text>"[^"]*")|(?P<mark>!=|<=|>=|[=<>~(),])|(?P<word>[^\s"=<>~(),!]+))')
PIECE = re.compile(r"\d+|[^\d.\-_+\s]+")


class DeviceGroupFacts(Facts):
    """What is said of a group: its members, or a filter that finds them."""

    site_id: Id
    name: Name
    note: Text = ""
    device_ids: tuple[Id, ...] = Field(default=(), max_length=MEMBERS_MAX)
    filter: str | None = Field(default=None, max_length=FILTER_CHARACTERS_MAX, description="None: members are named.")

    @model_validator(mode="after")
    def _one_way(self) -> "DeviceGroupFacts":
        if self.filter is not None and self.device_ids:
            raise ValueError("a group has a filter or named members, not both")
        return self


class DeviceGroup(DeviceGroupFacts):
    """Devices of one site that are updated and looked at together."""

    id: Id
    changed_at: Instant = 0
    changed_by: str = Field(default="", max_length=120)
    revision: Revision = 0


class Told(Record):
    """Whether one device is in a group, and which comparisons decided it."""

    device_id: Id
    code: str = Field(max_length=40)
    is_member: bool
    why: str = Field(max_length=500)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a field with a value, or with several."""

    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, of: Mapping[str, str]) -> tuple[bool, str]:
        """Say whether it holds, and in words why."""
        found = of.get(self.field, "")
        folded, values = found.casefold(), [value.casefold() for value in self.values]
        if self.operator in ("=", "in"):
            holds = folded in values
        elif self.operator == "!=":
            holds = folded != values[0]
        elif self.operator == "~":
            holds = fnmatchcase(folded, values[0].replace("[", "[[]"))
        else:
            left, right = natural(folded), natural(values[0])
            holds = (
                bool(found)
                and {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[self.operator]
            )
        shown = ", ".join(self.values[:3]) + (", …" if len(self.values) > 3 else "")
        return holds, f"{self.field} is {found or 'empty'}, {'as' if holds else 'not'} {self.operator} {shown}"


@dataclass(frozen=True, slots=True)
class Both:
    """All of several hold, or, with ``any_of``, one of them."""

    parts: tuple["Term", ...]
    any_of: bool

    def holds(self, of: Mapping[str, str]) -> tuple[bool, str]:
        """Say whether it holds; the words are those of the parts that decided."""
        told = [part.holds(of) for part in self.parts]
        result = any(holds for holds, _ in told) if self.any_of else all(holds for holds, _ in told)
        return result, "; ".join(why for holds, why in told if holds is result)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Term"

    def holds(self, of: Mapping[str, str]) -> tuple[bool, str]:
        """Say whether it holds, in the words of the part."""
        holds, why = self.part.holds(of)
        return not holds, why


Term = Comparison | Both | Not


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key by which versions sort: numbers as numbers, above words, so that 2.0-rc1 is below 2.0.1."""
    return [(1, int(piece[:18]), "") if piece.isascii() and piece.isdigit() else (0, 0, piece)
            for piece in PIECE.findall(text)]  # fmt: skip


def parse(text: str) -> Term:
    """Read a filter.

    Raises:
        InvalidInputError: Says at which word it stops being one, and what is expected there.
    """
    if len(text) > FILTER_CHARACTERS_MAX:
        raise _wrong(f"is longer than {FILTER_CHARACTERS_MAX} characters", "use named members")
    reader = _Reader(_words(text))
    term = reader.alternatives(0)
    if reader.next is not None:
        raise _wrong(f"ends before {reader.next!r}", "join comparisons by 'and' or 'or'")
    return term


def facts_of(device: Device, firmware: FirmwareTwin | None) -> dict[str, str]:
    """Return what a filter can ask of a device."""
    told = {"code": device.code, "name": device.name, "model": device.model, "asset": device.asset_id or "",
            "simulated": str(device.simulated).lower()}  # fmt: skip
    if firmware is not None:
        told |= {
            "client": str(firmware.client), "hardware": firmware.hardware, "version": firmware.version,
            "hardware_revision": firmware.hardware_revision, "address": firmware.address,
            **{f"attr.{key}": value for key, value in firmware.attributes.items()},
        }  # fmt: skip
    return told


def members(
    group: DeviceGroupFacts, devices: Sequence[Device], firmwares: Mapping[str, FirmwareTwin]
) -> tuple[Told, ...]:
    """Say of each device of the group's site whether it is a member, and why.

    Raises:
        InvalidInputError: The filter cannot be read.
    """
    term = parse(group.filter) if group.filter is not None else None
    named = frozenset(group.device_ids)
    found = []
    for device in devices:
        if device.site_id != group.site_id:
            continue
        if term is None:
            is_member = device.id in named
            why = "is named" if is_member else "is not named"
        else:
            is_member, why = term.holds(facts_of(device, firmwares.get(device.id)))
        found.append(Told(device_id=device.id, code=device.code, is_member=is_member, why=why[:500]))
    return tuple(found)


class _Reader:
    """Reads words into terms: ``or`` binds least, ``not`` most."""

    def __init__(self, words: list[tuple[str, bool]]) -> None:
        self._words, self._at, self._terms = words, 0, 0

    @property
    def next(self) -> str | None:
        return self._words[self._at][0] if self._at < len(self._words) else None

    def alternatives(self, depth: int) -> Term:
        return self._joined("or", depth)

    def _joined(self, by: str, depth: int) -> Term:
        if depth > DEPTH_MAX:
            raise _wrong(f"has more than {DEPTH_MAX} levels of brackets", "make it flatter")
        parts = [self._joined("and", depth) if by == "or" else self._single(depth)]
        while self._takes(by):
            parts.append(self._joined("and", depth) if by == "or" else self._single(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts), any_of=by == "or")

    def _single(self, depth: int) -> Term:
        if depth > DEPTH_MAX:
            raise _wrong(f"has more than {DEPTH_MAX} levels of brackets", "make it flatter")
        if self._takes("not"):
            return Not(self._single(depth + 1))
        if self._takes("("):
            term = self.alternatives(depth + 1)
            self._expect(")")
            return term
        return self._comparison()

    def _comparison(self) -> Term:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise _wrong(f"has more than {TERMS_MAX} comparisons", "use named members")
        field = self._any("a field").lower() if not (self.next or "").lower().startswith("attr.") else self._any("")
        field = f"attr.{field[5:]}" if field.lower().startswith("attr.") else field
        if field not in FIELDS and not (field.startswith("attr.") and len(field) > 5):
            raise _wrong(f"asks for {field!r}", f"use one of {', '.join(FIELDS)} or attr.NAME")
        operator = self._any("a comparison").lower()
        if operator not in OPERATORS:
            raise _wrong(f"has {operator!r} after {field}", f"use one of {' '.join(OPERATORS)}")
        if operator != "in":
            return Comparison(field, operator, (self._any("a value"),))
        self._expect("(")
        values = [self._any("a value")]
        while self._takes(","):
            values.append(self._any("a value"))
        self._expect(")")
        return Comparison(field, operator, tuple(values))

    def _takes(self, word: str) -> bool:
        if self._at < len(self._words):
            found, is_text = self._words[self._at]
            if not is_text and found.lower() == word:
                self._at += 1
                return True
        return False

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise _wrong(f"has {self.next!r} where {word!r} is expected" if self.next else f"lacks a {word!r}", "")

    def _any(self, what: str) -> str:
        if self._at >= len(self._words):
            raise _wrong(f"ends where {what} is expected", f"add {what}")
        word, is_text = self._words[self._at]
        if not is_text and word in ("(", ")", ","):
            raise _wrong(f"has {word!r} where {what} is expected", f"add {what}")
        self._at += 1
        return word


def _words(text: str) -> list[tuple[str, bool]]:
    """Cut a filter into words, with whether each was in quotes."""
    found: list[tuple[str, bool]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = WORD.match(text, at)
        if match is None:
            raise _wrong(f"cannot be read from {text[at : at + 20]!r} on", 'put values in quotes: "…"')
        quoted = match.group("text")
        found.append(
            (quoted[1:-1], True) if quoted is not None else (match.group("mark") or match.group("word"), False)
        )
        at = match.end()
        if len(found) > WORDS_MAX:
            raise _wrong(f"has more than {WORDS_MAX} words", "use named members")
    return found


def _wrong(problem: str, fix: str) -> InvalidInputError:
    said = f"The filter {problem}" + (f"; {fix}." if fix else ".")
    return InvalidInputError(said, [FieldIssue("filter", problem, fix)])


class DeviceGroups(Protocol):
    """Where groups are kept."""

    async def all(self) -> Sequence[DeviceGroup]: ...
    async def get(self, group_id: str) -> DeviceGroup | None: ...
    async def put(self, group: DeviceGroup) -> None: ...
    async def remove(self, group_id: str) -> bool: ...
