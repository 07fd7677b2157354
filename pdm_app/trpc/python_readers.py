"""Write the functions that make tuples of the lists of a fixed length that JSON has in their place."""

from collections.abc import Mapping
from typing import Any, Final

from pdm_app.trpc.introspection import REF, JsonSchema
from pdm_app.trpc.python_types import INDENT, is_tuple, literal, tuple_labels

READ: Final = "_read_"


class Readers:
    """Knows which results hold tuples, and what to do with them.

    Args:
        definitions: Named schemas of the router.
    """

    def __init__(self, definitions: Mapping[str, JsonSchema]) -> None:
        self._definitions = definitions
        self._needed: dict[str, bool] = {}
        self._asked_for: dict[str, None] = {}

    def functions(self) -> str:
        """Return the functions that the expressions so far call, and those that these call."""
        written: dict[str, str] = {}
        while missing := [name for name in self._asked_for if name not in written]:
            for name in missing:
                written[name] = f"def {READ}{name}(value: Any) -> Any:\n{self._body(name, self._definitions[name])}"
        return "\n\n".join(written[name] for name in sorted(written))

    def expression(self, schema: Any, value: str, depth: int = 0) -> str | None:
        """Return what turns ``value``, an expression without side effects, into its type; None if it has that type."""
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix(REF)
            if not self._holds_tuples(name):
                return None
            self._asked_for[name] = None
            return f"{READ}{name}({value})"
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._choice(schema[word], value, depth)
        if schema.get("type") == "array":
            return self._array(schema, value, depth)
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            held = self.expression(schema["additionalProperties"], f"v{depth}", depth + 1)
            return held and f"{{k{depth}: {held} for k{depth}, v{depth} in {value}.items()}}"
        return None

    def _array(self, schema: JsonSchema, value: str, depth: int) -> str | None:
        if is_tuple(schema):
            parts = [
                self.expression(position, f"{value}[{number}]", depth) or f"{value}[{number}]"
                for number, position in enumerate(schema["prefixItems"])
            ]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        held = self.expression(schema.get("items"), f"v{depth}", depth + 1) if "prefixItems" not in schema else None
        return held and f"[{held} for v{depth} in {value}]"

    def _choice(self, members: list[Any], value: str, depth: int) -> str | None:
        """Choose by what the JSON is; of two kinds of lists or two kinds of objects, the first is taken."""
        written = value
        is_changed = False
        for member in reversed(members):
            read = self.expression(member, value, depth)
            if read is not None:
                written = f"({read} if {self._test(member, value)} else {written})"
                is_changed = True
        return written if is_changed else None

    def _test(self, schema: JsonSchema, value: str) -> str:
        target = self._definitions.get(str(schema.get("$ref", "")).removeprefix(REF), schema)
        if target.get("type") != "object":
            return f"isinstance({value}, list)"
        tags = [
            f" and {value}.get({literal(key)}) == {literal(held['const'])}"
            for key, held in target.get("properties", {}).items()
            if isinstance(held, dict) and "const" in held
        ]
        return f"isinstance({value}, dict){''.join(tags)}"

    def _body(self, name: str, schema: JsonSchema) -> str:
        if tuple_labels(schema):
            parts = [
                self.expression(position, f"value[{number}]") or f"value[{number}]"
                for number, position in enumerate(schema["prefixItems"])
            ]
            return f"{INDENT}return {name}({', '.join(parts)})\n"
        body = ""
        for key, held in schema.get("properties", {}).items():
            read = self.expression(held, f"value[{literal(key)}]")
            if read is not None:
                body += f"{INDENT}if {literal(key)} in value:\n{INDENT * 2}value[{literal(key)}] = {read}\n"
        if body:
            return f"{body}{INDENT}return value\n"
        return f"{INDENT}return {self.expression(schema, 'value') or 'value'}\n"

    def _holds_tuples(self, name: str) -> bool:
        """Whether a definition holds tuples, also through others, itself among them."""
        if name not in self._needed:
            self._needed = {key: any(is_tuple(node) for node in _nodes(of)) for key, of in self._definitions.items()}
            is_growing = True
            while is_growing:
                more = [
                    key
                    for key, of in self._definitions.items()
                    if not self._needed[key]
                    and any(self._needed.get(str(node.get("$ref", "")).removeprefix(REF)) for node in _nodes(of))
                ]
                self._needed.update(dict.fromkeys(more, True))
                is_growing = bool(more)
        return self._needed[name]


def _nodes(node: Any) -> list[JsonSchema]:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [*([node] if isinstance(node, dict) else []), *(found for held in below for found in _nodes(held))]
