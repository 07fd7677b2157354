"""Say in words what a schema holds, for tables that people read."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pdm_app.trpc.introspection import REF, JsonSchema, ProcedureSchema, RouterSchema

NOTHING: Final = "–"
_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "time",
    "date": "date",
    "time": "time of day",
    "duration": "duration",
    "uuid": "UUID",
    "binary": "file",
    "base64url": "bytes in base64",
}
_PLAIN: Final[Mapping[str, str]] = {
    "integer": "integer",
    "number": "number",
    "boolean": "yes or no",
    "null": "nothing",
}


def input_words(schema: ProcedureSchema, described: RouterSchema) -> str:
    """Return what a procedure takes: the fields of an object, or else what the value is."""
    if schema.procedure.input.form == "stream":
        return "a stream of bytes"
    if schema.input is None:
        return NOTHING
    target = described.definitions.get(str(schema.input.get("$ref", "")).removeprefix(REF), schema.input)
    return fields_words(target) or words_of(schema.input)


def output_words(schema: ProcedureSchema) -> str:
    """Return what a procedure answers with, or what each event of it is."""
    parts = [words_of(schema.plain)] if schema.plain is not None else []
    if schema.tracked is not None:
        parts.append(f"{words_of(schema.tracked)} with an id")
    return " or ".join(parts) or NOTHING


def fields_words(schema: JsonSchema) -> str:
    """Return the fields of an object, those that may be left out with a question mark; empty where none are known."""
    required = set(schema.get("required", ()))
    return ", ".join(
        f"`{name}{'' if name in required else '?'}` {words_of(held)}"
        for name, held in schema.get("properties", {}).items()
    )


def words_of(schema: Any) -> str:
    """Return what a value of the schema is."""
    if not isinstance(schema, dict):
        return "anything"
    for word, say in _SAID.items():
        if word in schema:
            return say(schema)
    return _PLAIN.get(str(schema.get("type")), "anything")


def _choices(schema: JsonSchema) -> str:
    choices = [words_of(choice) for word in ("anyOf", "oneOf") for choice in schema.get(word, ())]
    return " or ".join(dict.fromkeys(choices))


def _typed(schema: JsonSchema) -> str:
    kind = schema["type"]
    if kind == "string":
        return _FORMATS.get(str(schema.get("format")), "text")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_position(position) for position in schema['prefixItems'])}]"
        members = words_of(schema.get("items"))
        return f"list of ({members})" if " or " in members else f"list of {members}"
    if kind == "object":
        others = schema.get("additionalProperties")
        return f"{words_of(others)} by key" if others else "object"
    return _PLAIN.get(str(kind), "anything")


def _position(schema: Any) -> str:
    title = schema.get("title") if isinstance(schema, dict) else None
    return f"`{title}` {words_of(schema)}" if title else words_of(schema)


_SAID: Final[Mapping[str, Callable[[JsonSchema], str]]] = {
    "$ref": lambda schema: f"`{str(schema['$ref']).removeprefix(REF)}`",
    "const": lambda schema: f"“{schema['const']}”",
    "enum": lambda schema: " or ".join(f"“{value}”" for value in schema["enum"]),
    "anyOf": _choices,
    "oneOf": _choices,
    "type": _typed,
}
