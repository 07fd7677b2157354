"""Describe a router's REST addresses in OpenAPI 3.1: paths, parameters, bodies, results and problems."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import to_jsonable_python

from pdm_app.trpc.errors import CODES
from pdm_app.trpc.introspection import JsonSchema, ProcedureSchema, RouterSchema
from pdm_app.trpc.introspection_names import pascal_case
from pdm_app.trpc.rest_input import TextFields, objects_of
from pdm_app.trpc.rest_routes import Addresses, RestRoute

REST_CONVENTIONS: Final = """\
Under the REST addresses a result is the bare JSON. A list in a query is its key repeated; a field that may be null is
null where it is left out. A POST that creates answers 201, what returns nothing answers 204. PATCH changes the fields
that are sent and no others. Pages have a `limit` and go on from the `cursor` of the page before. GET answers with an
`ETag`, and with 304 to an `If-None-Match` that names it. An error is `application/problem+json` (RFC 9457): programs
decide by `code`, people read `detail`, and `issues` names each field with what is wrong. A 429 says in `Retry-After`
how many seconds to wait.
"""
_PROBLEMS: Final = {"4XX": "#/components/responses/RefusedProblem", "5XX": "#/components/responses/FailedProblem"}


class RestDescription(NamedTuple):
    """What the addresses add to a description; references are those of ``RouterSchema``."""

    paths: dict[str, dict[str, Any]]
    schemas: dict[str, JsonSchema]
    responses: dict[str, Any]


def describe_rest(described: RouterSchema, prefix: str) -> RestDescription:
    """Describe every procedure that has an address, in the order of declaration.

    Raises:
        RestError: Two procedures claim one address.
    """
    Addresses(schema.procedure for schema in described.procedures)  # Two of one address would hide each other.
    paths: dict[str, dict[str, Any]] = {}
    for schema in described.procedures:
        if (route := schema.procedure.rest) is not None:
            operations = paths.setdefault(prefix + route.path, {})
            operations[route.method.lower()] = _operation(schema, route, described.definitions)
    responses = {
        "RefusedProblem": _failure("The request was refused; `detail` says why."),
        "FailedProblem": _failure("The server failed or cannot serve now; of a fault it tells only what to quote."),
    }
    return RestDescription(paths, {"Problem": _problem(described)}, responses)


def _operation(schema: ProcedureSchema, route: RestRoute, definitions: Mapping[str, Any]) -> dict[str, Any]:
    procedure = schema.procedure
    summary, _, rest = procedure.doc.partition("\n")
    operation: dict[str, Any] = {
        "operationId": pascal_case(procedure.path),
        "tags": [procedure.path.rpartition(".")[0] or "root"],
        "summary": summary,
        "description": rest.strip(),
    }
    in_body = route.method in ("POST", "PUT", "PATCH")
    parameters = _parameters(schema, route, definitions, in_query=not in_body)
    operation["parameters"] = parameters
    body = _body(schema, route, definitions) if in_body else None
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = {
        **_results(schema, route),
        **{status: {"$ref": reference} for status, reference in _PROBLEMS.items()},
    }
    operation["x-procedure"] = procedure.path
    if procedure.rate is not None:
        operation["x-rate-limit"] = {"calls": procedure.rate.calls, "perS": procedure.rate.per_s}
    if procedure.meta:
        operation["x-meta"] = to_jsonable_python(dict(procedure.meta), fallback=str)
    return {word: told for word, told in operation.items() if told not in ("", [])}


def _parameters(
    schema: ProcedureSchema, route: RestRoute, definitions: Mapping[str, Any], *, in_query: bool
) -> list[dict[str, Any]]:
    taken = schema.procedure.input
    texts = TextFields(taken.adapter, taken.parameter)
    if schema.input is None:
        return []
    if texts.is_bare:
        fields, required = {taken.parameter: schema.input}, set() if taken.is_optional else {taken.parameter}
    else:
        fields, required = _fields(schema.input, definitions)
    parameters = []
    for name, held in fields.items():
        if name in route.parameters:
            parameters.append({"name": name, "in": "path", "required": True, "schema": held})
        elif in_query:
            given = _without_null(held)
            told = {"content": {"application/json": {"schema": given}}} if texts.is_json(name) else {"schema": given}
            parameters.append({"name": name, "in": "query", "required": name in required, **told})
    return parameters


def _fields(schema: JsonSchema, definitions: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return all fields of an object, or of each of several it may be, and those that are never left out."""
    found: dict[str, list[Any]] = {}
    required: set[str] | None = None
    for one in objects_of(schema, definitions):
        for name, held in one.get("properties", {}).items():
            if held not in found.setdefault(name, []):
                found[name].append(held)
        needed = set(one.get("required", ()))
        required = needed if required is None else required & needed
    fields = {name: held[0] if len(held) == 1 else {"anyOf": held} for name, held in found.items()}
    return fields, required or set()


def _without_null(schema: JsonSchema) -> JsonSchema:
    """Return what a field of a query may be: null is written by leaving it out."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {word: of for word, of in schema.items() if word != "anyOf" and (word, of) != ("default", None)}
    if not choices:
        return schema
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def _body(schema: ProcedureSchema, route: RestRoute, definitions: Mapping[str, Any]) -> dict[str, Any] | None:
    """Describe the body: the input without the fields that stand in the path."""
    if schema.procedure.input.form == "stream":
        return {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    if schema.input is None:
        return None
    kind = "multipart/form-data" if schema.procedure.input.form == "form" else "application/json"
    if not route.parameters:
        return {"required": not schema.procedure.input.is_optional, "content": {kind: {"schema": schema.input}}}
    left = [_without(one, route.parameters) for one in objects_of(schema.input, definitions)]
    if not any(one.get("properties") or one.get("additionalProperties", True) for one in left):
        return None
    sent = left[0] if len(left) == 1 else {"anyOf": left}
    return {
        "required": kind != "application/json" or any(one.get("required") for one in left),
        "content": {kind: {"schema": sent}},
    }


def _without(schema: JsonSchema, names: tuple[str, ...]) -> JsonSchema:
    left = {name: held for name, held in schema.get("properties", {}).items() if name not in names}
    required = [name for name in schema.get("required", ()) if name not in names]
    rest = {word: of for word, of in schema.items() if word not in ("properties", "required", "title")}
    return {**rest, "properties": left, **({"required": required} if required else {})}


def _results(schema: ProcedureSchema, route: RestRoute) -> dict[str, Any]:
    if schema.procedure.output.is_nothing or schema.plain is None:
        return {"204": {"description": "Done; there is nothing to tell."}}
    result = {"description": "The result.", "content": {"application/json": {"schema": schema.plain}}}
    if route.method != "GET":
        return {str(route.status): result}
    result["headers"] = {"ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}}}
    return {"200": result, "304": {"description": "As the `If-None-Match` of the request has it."}}


def _failure(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _problem(described: RouterSchema) -> JsonSchema:
    return {
        "type": "object",
        "description": "Why a request was not answered with a result. Source: RFC 9457.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened and what to do next, for a person."},
            "code": {"enum": list(CODES), "description": "What programs decide by."},
            **described.error_data.get("properties", {}),
        },
        "required": ["type", "title", "status", "detail", "code", *described.error_data.get("required", ())],
    }
