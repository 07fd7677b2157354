"""Describe a whole router as JSON schemas that share one set of named definitions.

Generated clients, the OpenAPI description and tables for people are all drawn from this. Inputs are described as they
may be sent (defaults may be left out), results as they arrive (defaults are always there). Two models of one name get
names that tell them apart, and a model that looks different going in and coming out becomes ``XInput`` and ``X``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_origin

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema
from typing_extensions import TypedDict

from pdm_app.trpc.errors import Issue
from pdm_app.trpc.introspection_names import definition_names, pascal_case
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.router import Router
from pdm_app.trpc.signatures import adapter_of, unwrapped
from pdm_app.trpc.values import Missing, Tracked

JsonSchema = dict[str, Any]
Part = Literal["input", "plain", "tracked", "error"]

REF: Final = "#/$defs/"
_MODES: Final[Mapping[Part, JsonSchemaMode]] = {
    "input": "validation",
    "plain": "serialization",
    "tracked": "serialization",
    "error": "serialization",
}
_ERROR: Final[tuple[str, Part]] = ("", "error")


class ErrorData(TypedDict, total=False):
    """Facts about an error, beside ``code``, ``httpStatus`` and ``path``."""

    issues: Annotated[list[Issue], Field(description="What is wrong with the input.")]
    issuesTotal: Annotated[int, Field(description="How many issues there are, where not all are sent.")]
    retryAfterS: Annotated[int, Field(description="Call again after so many seconds.")]
    correlationId: Annotated[str, Field(description="To be quoted when reporting a failure of the server.")]


@dataclass(frozen=True, slots=True)
class ProcedureSchema:
    """What crosses the wire for one procedure; schemas may refer to the definitions of their ``RouterSchema``.

    Attributes:
        input: What may be sent; None when nothing is taken or when the body is a stream of bytes.
        plain: A result, or an event without an id; None when there is none.
        tracked: The data of an event with an id; None when no event has one.
        may_be_missing: The result can be ``undefined``.
    """

    procedure: Procedure
    input: JsonSchema | None
    plain: JsonSchema | None
    tracked: JsonSchema | None
    may_be_missing: bool


@dataclass(frozen=True, slots=True)
class RouterSchema:
    """A router as its clients see it.

    Attributes:
        procedures: In the order of declaration.
        definitions: Named schemas in alphabetical order; names are identifiers in PascalCase.
        sent: The names of the definitions of which inputs are made; results may use them as well.
        error_data: The object schema of what ``error.data`` may hold beside the protocol's own keys.
    """

    procedures: tuple[ProcedureSchema, ...]
    definitions: Mapping[str, JsonSchema]
    sent: frozenset[str]
    error_data: JsonSchema


def describe_router(
    router: Router[Any], *, error_data: type | None = None, reserved: Collection[str] = ()
) -> RouterSchema:
    """Describe every procedure of a router.

    Args:
        router: The root.
        error_data: TypedDict, model or dataclass of what ``error.data`` may hold; ``ErrorData`` for None.
        reserved: Names that no definition may have.

    Raises:
        TypeError: ``error_data`` does not describe a JSON object.
    """
    procedures = tuple(router.procedures())
    adapters = {(procedure.path, part): adapter for procedure in procedures for part, adapter in _parts(procedure)}
    adapters[_ERROR] = adapter_of(error_data or ErrorData)
    found, defined = _WireSchema(ref_template=REF + "{model}").generate_definitions(
        [(key, _MODES[key[1]], adapter.core_schema) for key, adapter in adapters.items()]
    )
    definitions = {str(key): schema for key, schema in defined.items()}
    schemas = {key: found[key, _MODES[key[1]]] for key in adapters}
    schemas[_ERROR] = _inlined(schemas[_ERROR], definitions)
    if schemas[_ERROR].get("type") != "object":
        raise TypeError(f"error_data must be a type whose JSON is an object, not {error_data!r}.")
    own = _give_inputs_their_own_definition(procedures, schemas, definitions)
    _require_discriminators([*schemas.values(), *definitions.values()], definitions)
    used = {key: definitions[key] for key in _reachable(schemas.values(), definitions)}
    names = definition_names(used, own, reserved)

    inputs = [schema for (_, part), schema in schemas.items() if part == "input"]

    def part(path: str, part: Part) -> JsonSchema | None:
        schema = schemas.get((path, part))
        return None if schema is None else _renamed(schema, names)

    return RouterSchema(
        procedures=tuple(
            ProcedureSchema(
                procedure=procedure,
                input=part(procedure.path, "input"),
                plain=part(procedure.path, "plain"),
                tracked=part(procedure.path, "tracked"),
                may_be_missing=Missing in procedure.output.members,
            )
            for procedure in procedures
        ),
        definitions=dict(sorted((names[key], _renamed(schema, names)) for key, schema in used.items())),
        sent=frozenset(names[key] for key in _reachable(inputs, definitions)),
        error_data=_renamed(schemas[_ERROR], names),
    )


class _WireSchema(GenerateJsonSchema):
    """JSON schemas as the wire has them.

    Results always carry their defaulted fields. The titles that pydantic makes up from field names say nothing new and
    are left out; those of a named tuple's positions are its field names.
    """

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as in the base class

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        if self.mode == "serialization" and field["type"] != "typed-dict-field":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class's signature
        return False

    def named_tuple_schema(self, schema: Any) -> JsonSchema:
        described = super().named_tuple_schema(schema)
        for position, field in zip(described.get("prefixItems", ()), schema["fields"], strict=True):
            position["title"] = field["name"]
        if self.mode == "serialization":
            described["minItems"] = len(schema["fields"])
        doc = schema["cls"].__doc__ or ""
        if not doc.startswith(f"{schema['cls'].__name__}("):  # What Python writes where there is no docstring.
            described["description"] = doc
        return described


def _parts(procedure: Procedure) -> Iterator[tuple[Part, TypeAdapter[Any]]]:
    """Yield what of a procedure has a schema."""
    if procedure.input.adapter is not None:
        yield "input", procedure.input.adapter
    members = [member for member in procedure.output.members if member is not Missing]
    tracked = [member for member in members if get_origin(member) is Tracked or member is Tracked]
    plain = [member for member in members if member not in tracked]
    if tracked:
        yield "tracked", _adapter_of_any(tracked)
    if plain:
        yield "plain", _adapter_of_any(plain)


def _adapter_of_any(members: Iterable[Any]) -> TypeAdapter[Any]:
    return adapter_of(Union[tuple(unwrapped(member) for member in members)])  # noqa: UP007 - built at run time


def _inlined(schema: JsonSchema, definitions: Mapping[str, JsonSchema]) -> JsonSchema:
    """Return the definition that a schema does nothing but refer to, or else the schema itself."""
    return definitions[schema["$ref"].removeprefix(REF)] if schema.keys() == {"$ref"} else schema


def _give_inputs_their_own_definition(
    procedures: Iterable[Procedure], schemas: dict[tuple[str, Part], JsonSchema], definitions: dict[str, JsonSchema]
) -> dict[str, str]:
    """Define the input of each procedure that takes fields anew, under its path; return key and name of each.

    The object that such fields form has the function's name, and functions of one name are many in a large router.
    """
    own = {}
    for procedure in procedures:
        if procedure.input.form in ("fields", "form"):
            at: tuple[str, Part] = (procedure.path, "input")
            key = f"input of {procedure.path}"
            own[key] = f"{pascal_case(procedure.path)}Input"
            definitions[key] = {word: of for word, of in _inlined(schemas[at], definitions).items() if word != "title"}
            schemas[at] = {"$ref": REF + key}
    return own


def _require_discriminators(schemas: Iterable[JsonSchema], definitions: Mapping[str, JsonSchema]) -> None:
    """Require the field by which a union's members are told apart, though it has a default in each of them.

    A member alone may leave it out; pydantic needs it wherever it must choose.
    """
    for node in schemas:
        for choice in _nodes(node):
            if "oneOf" not in choice or "discriminator" not in choice:
                continue
            tag = choice["discriminator"]["propertyName"]
            for member in choice["oneOf"]:
                target = definitions.get(str(member.get("$ref", "")).removeprefix(REF), member)
                if tag in target.get("properties", {}) and tag not in target.get("required", ()):
                    target["required"] = [tag, *target.get("required", ())]


def _reachable(schemas: Iterable[JsonSchema], definitions: Mapping[str, JsonSchema]) -> list[str]:
    """Return the keys of all definitions that schemas refer to, also through other definitions."""
    reached: dict[str, None] = {}
    waiting = [ref for schema in schemas for ref in _refs(schema)]
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached[key] = None
            waiting.extend(_refs(definitions[key]))
    return sorted(reached)


def _refs(node: JsonSchema) -> Iterator[str]:
    return (found["$ref"].removeprefix(REF) for found in _nodes(node) if isinstance(found.get("$ref"), str))


def _nodes(node: Any) -> Iterator[JsonSchema]:
    """Yield every object inside a schema, itself first."""
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(value)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return a copy of a schema whose references have the definitions' new names."""
    if isinstance(node, dict):
        copy = {word: _renamed(value, names) for word, value in node.items()}
        if isinstance(node.get("$ref"), str):
            copy["$ref"] = REF + names[node["$ref"].removeprefix(REF)]
        mapping = (node.get("discriminator") or {}).get("mapping") if "oneOf" in node else None
        if isinstance(mapping, dict):
            copy["discriminator"]["mapping"] = {
                value: REF + names[ref.removeprefix(REF)] for value, ref in mapping.items() if isinstance(ref, str)
            }
        return copy
    return [_renamed(value, names) for value in node] if isinstance(node, list) else node
