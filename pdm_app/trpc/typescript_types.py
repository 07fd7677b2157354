"""Turn JSON schemas into TypeScript: a type for each schema, a declaration for each named one, and its comment."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pdm_app.trpc.introspection import REF, JsonSchema

INDENT: Final = "  "
WIDTH: Final = 110  # Longer unions are written one member a line.
SAFE_INTEGER_MAX: Final = 2**53 - 1  # Number.MAX_SAFE_INTEGER: JavaScript has one type of number, a double.
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|.', re.DOTALL)
_PRIMITIVES: Final[Mapping[str, str]] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_LIMITS: Final = (
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems",
)  # fmt: skip


class TypeWriter:
    """Writes the types of values that cross the wire in one direction.

    Args:
        is_sent: Clients send these values: the comments tell limits and defaults, by which a result is not bound.
        is_rich: superjson carries them, so dates and sets are what they are in JavaScript.
    """

    def __init__(self, *, is_sent: bool, is_rich: bool = False) -> None:
        self._is_sent = is_sent
        self._is_rich = is_rich

    def declaration(self, name: str, schema: JsonSchema) -> str:
        """Return the exported declaration of a named schema: an interface for an object of known keys, else a type."""
        comment = doc_comment(str(schema.get("description", "")))
        if schema.get("properties"):
            return f"{comment}export interface {name} {self._members(schema, 0)}"
        written = f" {self.type_of(schema)}"
        if len(name) + len(written) > WIDTH and "enum" in schema:
            written = "".join(f"\n{INDENT}| {_literal(value)}" for value in schema["enum"])
        return f"{comment}export type {name} ={written};"

    def type_of(self, schema: Any, depth: int = 0) -> str:
        """Return the type of a schema. What a schema leaves open is ``unknown``, never ``any``.

        Args:
            schema: A JSON schema of draft 2020-12, as pydantic writes it.
            depth: How far the members of an inline object are indented.
        """
        if schema is False:
            return "never"
        if schema is True or not schema:
            return "unknown"
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix(REF)
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return union(_literal(value) for value in schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return union(self.type_of(member, depth) for member in schema[word])
        if "allOf" in schema:
            return " & ".join(_grouped(self.type_of(member, depth)) for member in schema["allOf"])
        return self._type_of_kind(schema.get("type"), schema, depth)

    def _type_of_kind(self, kind: Any, schema: JsonSchema, depth: int) -> str:
        if isinstance(kind, list):
            return union(self._type_of_kind(one, schema, depth) for one in kind)
        if self._is_rich and kind == "string" and schema.get("format") == "date-time":
            return "Date"
        if self._is_rich and kind == "array" and schema.get("uniqueItems"):
            return f"Set<{self.type_of(schema.get('items', True), depth)}>"
        if kind == "array":
            return self._tuple(schema, depth) if "prefixItems" in schema else self._array(schema, depth)
        if kind == "object":
            return self._members(schema, depth) if schema.get("properties") else self._record(schema, depth)
        return _PRIMITIVES.get(str(kind), "unknown")

    def _record(self, schema: JsonSchema, depth: int) -> str:
        """Return the type of an object whose keys are not known; of those it may have, none need be there."""
        patterns = schema.get("patternProperties", {})
        others = schema.get("additionalProperties", bool(patterns))
        if patterns:
            others = {"anyOf": [*patterns.values()]}
        if others is False:
            return "Record<string, never>"
        key = self.type_of({"type": "string", **schema.get("propertyNames", {})}, depth)
        held = f"Record<{key}, {self.type_of(others, depth)}>"
        return held if key == "string" else f"Partial<{held}>"

    def _members(self, schema: JsonSchema, depth: int) -> str:
        """Return an object type with its known keys, and with what others may hold where there may be others."""
        required = set(schema.get("required", ()))
        written = ""
        for name, held in schema["properties"].items():
            optional = "" if name in required else "?"
            written += doc_comment(_description(held), depth + 1, self._tags(held))
            written += f"{INDENT * (depth + 1)}{property_name(name)}{optional}: {self.type_of(held, depth + 1)};\n"
        if schema.get("additionalProperties") or schema.get("patternProperties"):
            written += f"{INDENT * (depth + 1)}[key: string]: unknown;\n"
        return f"{{\n{written}{INDENT * depth}}}"

    def _array(self, schema: JsonSchema, depth: int) -> str:
        return "[]" if schema.get("maxItems") == 0 else f"{_grouped(self.type_of(schema.get('items', True), depth))}[]"

    def _tuple(self, schema: JsonSchema, depth: int) -> str:
        """Return a tuple type; the positions of a named tuple have their names, which are the titles."""
        positions = schema["prefixItems"]
        needed = schema.get("minItems", 0)
        labels = [str(position.get("title", "")) for position in positions]
        labelled = all(_IDENTIFIER.fullmatch(label) for label in labels)
        parts = []
        for number, (label, position) in enumerate(zip(labels, positions, strict=True)):
            written, optional = self.type_of(position, depth), "" if number < needed else "?"
            parts.append(
                f"{label}{optional}: {written}"
                if labelled
                else f"{_grouped(written) if optional else written}{optional}"
            )
        if schema.get("items", False) is not False and schema.get("maxItems") != len(positions):
            others = f"{_grouped(self.type_of(schema['items'], depth))}[]"
            parts.append(f"...others: {others}" if labelled else f"...{others}")
        return f"[{', '.join(parts)}]"

    def _tags(self, schema: Any) -> list[str]:
        """Say as tags what the type of a member cannot."""
        if not isinstance(schema, dict):
            return []
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        facts = {**choices[0], **schema} if len(choices) == 1 else schema
        tags = [f"@format {facts['format']}"] if "format" in facts else []
        if self._is_sent:
            tags += [f"@{word} {facts[word]}" for word in _LIMITS if word in facts and "prefixItems" not in facts]
            if facts.get("default") is not None and "const" not in facts:
                tags.append(f"@default {json.dumps(facts['default'])}")
        bounds = (facts.get("minimum", 0), facts.get("maximum", 0))
        if facts.get("type") == "integer" and max(map(abs, bounds)) > SAFE_INTEGER_MAX:
            tags.append("@remarks Not exact in JavaScript beyond Number.MAX_SAFE_INTEGER.")
        return tags


def doc_comment(text: str, depth: int = 0, tags: Iterable[str] = ()) -> str:
    """Return a comment with its indentation and line break, or nothing where there is nothing to say."""
    lines = [line.rstrip() for line in text.strip().replace("``", "`").splitlines()]
    lines = [line.replace("*/", "*\\/") for line in (*lines, *tags)]
    margin = INDENT * depth
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{margin}/** {lines[0]} */\n"
    return f"{margin}/**\n" + "".join(f"{margin} * {line}".rstrip() + "\n" for line in lines) + f"{margin} */\n"


def union(types: Iterable[str]) -> str:
    """Join types, each once; ``unknown`` takes up all others."""
    members = list(dict.fromkeys(types))
    if "unknown" in members:
        return "unknown"
    return " | ".join(member for member in members if member != "never") or "never"


def property_name(name: str) -> str:
    """Return a key as it is written in an object type."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


def _grouped(written: str) -> str:
    """Put a type in parentheses where ``[]``, ``?`` or ``&`` would otherwise bind to its last member only."""
    depth, outermost = 0, ""
    for part in _PARTS.findall(written):  # A bracket inside a text is none.
        depth += (part in "([{<") - (part in ")]}>")
        outermost += part if depth == 0 and len(part) == 1 else ""
    return f"({written})" if " | " in outermost or " & " in outermost else written


def _literal(value: Any) -> str:
    """Return the type of one value; a list has none of its own."""
    return json.dumps(value) if value is None or isinstance(value, str | int | float) else "unknown"


def _description(schema: Any) -> str:
    return str(schema.get("description", "")) if isinstance(schema, dict) else ""
