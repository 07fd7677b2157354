"""Turn JSON schemas into Python types: an annotation for each schema, and a class or an alias for each named one."""

import json
import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from pdm_app.trpc.introspection import REF, JsonSchema

INDENT: Final = "    "
WIDTH: Final = 100  # Longer signatures and unions are written one part a line.
BUILTINS: Final = frozenset({"bool", "dict", "float", "int", "list", "str", "tuple"})
_PRIMITIVES: Final[Mapping[str, str]] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_BOUNDS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)
_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "ISO 8601",
    "date": "ISO 8601",
    "time": "ISO 8601",
    "duration": "ISO 8601",
    "base64url": "base64",
    "uuid": "UUID",
}


class PythonTypes:
    """Writes annotations.

    Args:
        shadowed: Built-in names that mean something else where the annotation stands, such as a method ``list``.
        is_sent: Programs send these values, so any sequence or mapping will do.
    """

    def __init__(self, shadowed: Collection[str] = (), *, is_sent: bool = False) -> None:
        self._shadowed = frozenset(shadowed) & BUILTINS
        self._is_sent = is_sent

    def of(self, schema: Any) -> str:
        """Return the type of a schema. What a schema leaves open is ``Any``.

        Args:
            schema: A JSON schema of draft 2020-12, as pydantic writes it.
        """
        if schema is False:
            return "Never"
        if schema is True or not schema:
            return "Any"
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix(REF)
        if "const" in schema:
            return self._literal([schema["const"]])
        if "enum" in schema:
            return self._literal(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return either(self.of(member) for member in schema[word])
        if "allOf" in schema:
            return self.of(schema["allOf"][0]) if len(schema["allOf"]) == 1 else "Any"
        return self._of_kind(schema.get("type"), schema)

    def _of_kind(self, kind: Any, schema: JsonSchema) -> str:
        if isinstance(kind, list):
            return either(self._of_kind(one, schema) for one in kind)
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._mapping(schema)
        name = _PRIMITIVES.get(str(kind), "Any")
        return self._builtin(name)

    def _array(self, schema: JsonSchema) -> str:
        positions = schema.get("prefixItems")
        if positions is not None and (is_tuple(schema) or (self._is_sent and schema.get("maxItems") == len(positions))):
            lengths = range(schema.get("minItems", 0), len(positions) + 1)  # Who reads always finds all.
            return either(self._tuple(positions[:length]) for length in lengths)
        if positions is not None:
            items = either([*(self.of(position) for position in positions), self.of(schema.get("items", True))])
        elif schema.get("maxItems") == 0:
            items = "Never"
        else:
            items = self.of(schema.get("items", True))
        return f"Sequence[{items}]" if self._is_sent else f"{self._builtin('list')}[{items}]"

    def _tuple(self, positions: list[Any]) -> str:
        return f"{self._builtin('tuple')}[{', '.join(self.of(position) for position in positions) or '()'}]"

    def _mapping(self, schema: JsonSchema) -> str:
        patterns = schema.get("patternProperties", {})
        others = schema.get("additionalProperties", bool(patterns))
        if schema.get("properties"):
            others = True
        elif patterns:
            others = {"anyOf": [*patterns.values()]}
        key = self.of({"type": "string", **schema.get("propertyNames", {})})
        name = "Mapping" if self._is_sent else self._builtin("dict")
        return f"{name}[{key}, {self.of(others)}]"

    def _literal(self, values: Iterable[Any]) -> str:
        """Return the type of some values; a number with a fraction or a list has none of its own."""
        exact = [value for value in values if value is None or isinstance(value, str | int)]
        others = [
            self._builtin("float") if isinstance(value, float) else "Any"
            for value in values
            if not (value is None or isinstance(value, str | int))
        ]
        written = [f"Literal[{', '.join(map(literal, exact))}]"] if exact else []
        return either([*written, *others])

    def _builtin(self, name: str) -> str:
        return f"builtins.{name}" if name in self._shadowed else name


def declaration(name: str, schema: JsonSchema, *, is_sent: bool) -> str:
    """Return the definition of a named schema: a TypedDict, a NamedTuple, or an alias.

    Args:
        name: A class name.
        schema: As pydantic writes it.
        is_sent: Programs send it and never get it.
    """
    doc = str(schema.get("description", ""))
    is_open = bool(schema.get("additionalProperties") or schema.get("patternProperties"))
    if schema.get("type") == "object" and (schema.get("properties") or not is_open):
        return _typed_dict(name, schema, is_sent=is_sent)
    labels = tuple_labels(schema)
    if labels:
        shadowed = set(labels) & BUILTINS
        types = PythonTypes(shadowed, is_sent=is_sent)
        body = _class_doc(doc) + "".join(
            f"{INDENT}{label}: {types.of(position)}\n{docstring(facts_words(position, is_sent=is_sent), 1)}"
            for label, position in zip(labels, schema["prefixItems"], strict=True)
        )
        return f"class {name}(NamedTuple):\n{body}"
    if "enum" in schema:
        written = PythonTypes().of(schema)
        if len(written) > WIDTH and written.startswith("Literal["):
            values = "".join(f"{INDENT}{literal(value)},\n" for value in schema["enum"])
            written = f"Literal[\n{values}]"
        return f"{name}: TypeAlias = {written}\n{docstring(doc, 0)}"
    written = PythonTypes(is_sent=is_sent).of(schema)
    return f"{name}: TypeAlias = {json.dumps(written, ensure_ascii=False)}\n" + docstring(doc, 0)


def _typed_dict(name: str, schema: JsonSchema, *, is_sent: bool) -> str:
    doc = str(schema.get("description", ""))
    required = set(schema.get("required", ()))
    fields = schema.get("properties", {})
    if any(not key.isidentifier() or keyword.iskeyword(key) or key.startswith("__") for key in fields):
        members = ", ".join(
            f"{json.dumps(key)}: {_quoted(PythonTypes(is_sent=is_sent).of(held), is_required=key in required)}"
            for key, held in fields.items()
        )
        return f'{name} = TypedDict("{name}", {{{members}}})\n{docstring(doc, 0)}'
    types = PythonTypes(fields, is_sent=is_sent)
    body = _class_doc(doc)
    for key, held in fields.items():
        written = types.of(held)
        body += f"{INDENT}{key}: {written if key in required else f'NotRequired[{written}]'}\n"
        body += docstring(facts_words(held, is_sent=is_sent), 1)
    return f"class {name}(TypedDict):\n{body or INDENT + 'pass' + chr(10)}"


def is_tuple(schema: JsonSchema) -> bool:
    """Whether an array has a fixed length, so that each of its positions has a type of its own."""
    positions = schema.get("prefixItems")
    return positions is not None and schema.get("minItems", 0) == len(positions) == schema.get("maxItems", -1)


def tuple_labels(schema: JsonSchema) -> list[str]:
    """Return the names of a tuple's positions, or nothing where not all have one that Python can use."""
    if not is_tuple(schema) or not schema["prefixItems"]:
        return []
    labels = [str(position.get("title", "")) for position in schema["prefixItems"]]
    is_named = all(
        label.isidentifier()
        and not keyword.iskeyword(label)
        and not label.startswith("_")
        and not hasattr(tuple, label)
        for label in labels
    )
    return labels if is_named and len(set(labels)) == len(labels) else []


def facts_words(schema: Any, *, is_sent: bool) -> str:
    """Say what the type of a value does not: its meaning and format, and limits and default of what is sent."""
    if not isinstance(schema, dict):
        return ""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    facts = {**choices[0], **schema} if len(choices) == 1 else schema
    said = [str(facts.get("description", "")).strip()]
    if facts.get("format") in _FORMATS:
        said.append(f"In {_FORMATS[facts['format']]}." if facts["format"] != "uuid" else "A UUID.")
    if not is_sent:
        return " ".join(part for part in said if part)
    bounds = [text for bound in _BOUNDS for text in _bound_words(facts, *bound)] if "prefixItems" not in facts else []
    above, below = facts.get("exclusiveMinimum"), facts.get("exclusiveMaximum")
    bounds += [f"above {above}"] if above is not None else []
    bounds += [f"below {below}"] if below is not None else []
    if bounds:
        said.append(f"{' and '.join(bounds)}.".capitalize())
    if facts.get("default") is not None and "const" not in facts:
        said.append(f"{literal(facts['default'])} by default.")
    return " ".join(part for part in said if part)


def _bound_words(facts: JsonSchema, least: str, most: str, words: str) -> Iterator[str]:
    if least in facts and most in facts:
        yield f"{facts[least]} to {facts[most]}{words}"
    elif least in facts or most in facts:
        yield f"at least {facts[least]}{words}" if least in facts else f"at most {facts[most]}{words}"


def either(types: Iterable[str]) -> str:
    """Join types, each once; ``Any`` takes up all others, and ``None`` comes last."""
    members = list(dict.fromkeys(types))
    if "Any" in members:
        return "Any"
    kept = [member for member in members if member not in ("Never", "None")] + [m for m in members if m == "None"]
    return " | ".join(kept) or "Never"


def _class_doc(text: str) -> str:
    return f"{docstring(text, 1)}\n" if text.strip() else ""


def docstring(text: str, depth: int) -> str:
    """Return a docstring with its indentation, or nothing where there is nothing to say."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    if not lines:
        return ""
    lines = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines]
    margin = INDENT * depth
    if len(lines) == 1:
        padding = " " if lines[0].endswith('"') else ""
        return f'{margin}"""{lines[0]}{padding}"""\n'
    return f'{margin}"""' + "\n".join(f"{margin}{line}".rstrip() for line in lines).strip() + f'\n{margin}"""\n'


def literal(value: Any) -> str:
    """Return a value as Python writes it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """Return a name that Python can use: ``from`` and ``by-id`` become ``from_`` and ``by_id``."""
    written = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in name)
    written = f"_{written}" if not written or written[0].isdigit() else written
    return f"{written}_" if keyword.iskeyword(written) or written in taken else written


def _quoted(written: str, *, is_required: bool) -> str:
    return json.dumps(written) if is_required else f"NotRequired[{json.dumps(written)}]"
