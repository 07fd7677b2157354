"""Write the text of paths and query strings as the JSON that a procedure's input takes.

Each field is written as its type asks for: ``limit=5`` is a number where a number is taken and a string where a string
is. A list is its key repeated, an object is JSON. Text that fits nothing stays a string, and validation says what is
wrong with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from pdm_app.trpc.errors import Issue

REFS_MAX: Final = 20  # Of definitions through each other; deeper is a recursive type, of which the outermost is enough.
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_REF: Final = "#/$defs/"

JsonSchema = dict[str, Any]


@dataclass(slots=True)
class Taken:
    """What one field takes.

    Attributes:
        types: JSON's names of them.
        constants: The only values of an enum, if there are any.
        item: What the members of a list take.
    """

    types: set[str] = field(default_factory=set)
    constants: list[Any] = field(default_factory=list)
    item: "Taken | None" = None

    @property
    def is_list(self) -> bool:
        """Whether the field is written as a repeated key."""
        return "array" in self.types and self.types <= {"array", "null"}

    def many(self, texts: Sequence[str]) -> str:
        """Return the JSON of a list's members."""
        item = self.item or Taken({"string"})
        return f"[{','.join(item.one(text) for text in texts)}]"

    def one(self, text: str) -> str:
        """Return the JSON of one text."""
        for constant in self.constants:
            if text == (constant if isinstance(constant, str) else orjson.dumps(constant).decode()):
                return orjson.dumps(constant).decode()
        types = self.types
        is_number = bool(types & {"integer", "number"}) and _NUMBER.fullmatch(text) is not None
        is_boolean = "boolean" in types and text in ("true", "false")
        is_null = text == "null" and "null" in types and "string" not in types
        if is_number or is_boolean or is_null:
            return text
        if ("object" in types and text.startswith("{")) or ("array" in types and text.startswith("[")):
            try:
                orjson.loads(text)
            except orjson.JSONDecodeError:
                pass  # It is told as a string that is no object.
            else:
                return text
        return orjson.dumps(text).decode()


class TextFields:
    """The fields of one procedure's input; its schema is read when somebody asks, which most procedures are spared.

    Args:
        adapter: Of the input; None where nothing is taken.
        parameter: The name of an input that is no object.

    Attributes:
        names: Of all fields as they are written on the wire.
        is_bare: The input is one value and no object; its only name is that of the function's parameter.
    """

    def __init__(self, adapter: TypeAdapter[Any] | None, parameter: str = "") -> None:
        self._adapter = adapter
        self._parameter = parameter

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return {} if self._adapter is None else self._adapter.json_schema(mode="validation")

    @cached_property
    def _objects(self) -> list[dict[str, Any]]:
        definitions = self._schema.get("$defs", {})
        return [found.get("properties", {}) for found in objects_of(self._schema, definitions)]

    @cached_property
    def is_bare(self) -> bool:
        return bool(self._parameter) and not self._objects

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self._taken)

    @cached_property
    def _taken(self) -> dict[str, Taken]:
        found: dict[str, list[Any]] = {}
        if self.is_bare:
            found[self._parameter] = [self._schema]
        for properties in self._objects:
            for name, held in properties.items():
                found.setdefault(name, []).append(held)
        definitions = self._schema.get("$defs", {})
        return {name: _taken({"anyOf": schemas}, definitions) for name, schemas in found.items()}

    def is_json(self, name: str) -> bool:
        """Whether a field is written as JSON, because it can be nothing but an object or a list of them."""
        taken = self.taken(name)
        shape = taken.item if taken.is_list and taken.item is not None else taken
        return not taken.constants and bool(shape.types) and shape.types <= {"object", "null"}

    def taken(self, name: str) -> Taken:
        """Return what a field takes; one that nobody knows is a string, which validation refuses or passes on."""
        return self._taken.get(name) or Taken({"string"})

    def encode(self, given: Mapping[str, Sequence[str]], issues: list[Issue]) -> dict[str, str]:
        """Return the JSON text of each field; what is given twice and is no list becomes an issue."""
        encoded = {}
        for name, texts in given.items():
            taken = self.taken(name)
            if taken.is_list or ("array" in taken.types and len(texts) > 1):
                encoded[name] = taken.many(texts)
            elif len(texts) > 1:
                issues.append(Issue(loc=[name], msg="Given more than once", type="multiple_values"))
            else:
                encoded[name] = taken.one(texts[0])
        return encoded


def objects_of(schema: JsonSchema, definitions: Mapping[str, Any]) -> Iterator[JsonSchema]:
    """Yield each object that a schema describes."""
    for choice in _choices(schema, definitions):
        if "properties" in choice or choice.get("type") == "object":
            yield choice


def _taken(schema: Any, definitions: Mapping[str, Any], *, is_item: bool = False) -> Taken:
    """Read a schema; lists within a list are JSON, so what they hold does not matter."""
    taken = Taken()
    items: list[Any] = []
    for choice in _choices(schema, definitions):
        if "const" in choice or "enum" in choice:
            taken.constants += [choice["const"]] if "const" in choice else choice["enum"]
            continue
        types = choice.get("type", "string")
        taken.types.update([types] if isinstance(types, str) else types)
        items += [*choice.get("prefixItems", ()), *([choice["items"]] if "items" in choice else [])]
    if items and not is_item:
        taken.item = _taken({"anyOf": items}, definitions, is_item=True)
    return taken


def _choices(schema: Any, definitions: Mapping[str, Any], refs: int = 0) -> Iterator[JsonSchema]:
    """Yield the schemas of which a value fits one, references followed."""
    if not isinstance(schema, dict) or refs > REFS_MAX:
        yield {}
        return
    if "$ref" in schema:
        yield from _choices(definitions.get(schema["$ref"].removeprefix(_REF), {}), definitions, refs + 1)
        return
    parts = [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, ())]
    for part in parts:
        yield from _choices(part, definitions, refs)
    if not parts:
        yield schema
