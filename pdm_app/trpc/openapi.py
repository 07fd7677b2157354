"""Describe a router's HTTP calls in OpenAPI 3.1, for clients of languages that tRPC does not know.

One operation per procedure, called by itself: its input as JSON in the query or the body, its result in tRPC's
envelope. What only tRPC clients do (batches, WebSocket) is told in words. Procedures with a REST address are described
there as well, see ``openapi_rest``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_jsonable_python

from pdm_app.trpc.errors import CODES, TrpcError
from pdm_app.trpc.introspection import REF, JsonSchema, ProcedureSchema, RouterSchema, describe_router
from pdm_app.trpc.openapi_rest import REST_CONVENTIONS, describe_rest
from pdm_app.trpc.router import Router
from pdm_app.trpc.signatures import LAST_EVENT_ID

COMPONENTS: Final = "#/components/schemas/"
RESERVED: Final = frozenset({"ErrorAnswer", "Problem"})
_FAILURES: Final = {"4XX": "#/components/responses/Refused", "5XX": "#/components/responses/Failed"}

CONVENTIONS: Final = """\
Calls follow tRPC v11. A query is a GET with its input as percent-encoded JSON in the parameter `input`; a mutation is a
POST of its input as JSON, and has `content-type: application/json` also where it takes none. A result comes as
`{"result": {"data": …}}`, an error as `{"error": {"message", "code", "data"}}` with the HTTP status of its code.
`error.data.code` is what programs decide by, `error.message` is for people.

Several calls of one kind share a request as `GET …/first,second?batch=1&input={"0": …, "1": …}`; the answer is a list
in their order. A WebSocket at the bare path takes all calls and subscriptions, as `wsLink` of `@trpc/client` does.
"""


def openapi(
    router: Router[Any],
    *,
    title: str,
    version: str,
    description: str = "",
    path: str = "/trpc",
    rest_prefix: str = "",
    servers: Sequence[str] = (),
    security_schemes: Mapping[str, Mapping[str, Any]] | None = None,
    error_data: type | None = None,
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of a router; the same router always gives the same description.

    Args:
        router: The root.
        title: Of the interface.
        version: Of the interface, not of OpenAPI.
        description: Told before the conventions of calls, in CommonMark.
        path: Where the router is mounted.
        rest_prefix: Where its REST addresses begin; empty leaves them out.
        servers: Base URLs below which ``path`` lies; the one that serves the description when there are none.
        security_schemes: How callers identify themselves, by name; any one of them is enough for every call.
        error_data: What the application puts into ``error.data``, see ``describe_router``.
    """
    described = describe_router(router, error_data=error_data, reserved=RESERVED)
    rest = describe_rest(described, rest_prefix) if rest_prefix else None
    schemas = {**described.definitions, "ErrorAnswer": _error_answer(described), **(rest.schemas if rest else {})}
    components: dict[str, Any] = {
        "schemas": {name: _rebased(schema) for name, schema in sorted(schemas.items())},
        "responses": {
            "Refused": _failure("The call was refused; the message says why."),
            "Failed": _failure(
                "The server failed or cannot serve now; of a fault of its own it tells only what to quote."
            ),
            **(rest.responses if rest else {}),
        },
    }
    told = "\n\n".join(filter(None, (description, REST_CONVENTIONS if rest else "", CONVENTIONS)))
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": told},
    }
    if servers:
        document["servers"] = [{"url": url} for url in servers]
    if security_schemes:
        components["securitySchemes"] = {name: dict(scheme) for name, scheme in security_schemes.items()}
        document["security"] = [{name: []} for name in security_schemes]
    nouns = {_noun(schema) for schema in described.procedures}
    document["tags"] = [{"name": noun} for noun in sorted(nouns)]
    calls = {
        f"{path}/{schema.procedure.path}": {_method(schema): _operation(schema)} for schema in described.procedures
    }
    document["paths"] = {**(_rebased(rest.paths) if rest else {}), **calls}
    document["components"] = components
    return document


def _method(schema: ProcedureSchema) -> str:
    return "post" if schema.procedure.type == "mutation" else "get"


def _noun(schema: ProcedureSchema) -> str:
    """Return the router that a procedure belongs to; those of the root itself are of none."""
    above, _, _ = schema.procedure.path.rpartition(".")
    return above or "root"


def _operation(schema: ProcedureSchema) -> dict[str, Any]:
    procedure = schema.procedure
    operation: dict[str, Any] = {"operationId": procedure.path, "tags": [_noun(schema)]}
    summary, _, rest = procedure.doc.partition("\n")
    if summary:
        operation["summary"] = summary
    if rest.strip():
        operation["description"] = rest.strip()
    if procedure.type == "mutation":
        operation["requestBody"] = _body(schema)
    elif parameters := _parameters(schema):
        operation["parameters"] = parameters
    operation["responses"] = {"200": _answer(schema), **{status: {"$ref": ref} for status, ref in _FAILURES.items()}}
    if procedure.rate is not None:
        operation["x-rate-limit"] = {"calls": procedure.rate.calls, "perS": procedure.rate.per_s}
    if procedure.meta:
        operation["x-meta"] = to_jsonable_python(dict(procedure.meta), fallback=str)
    return operation


def _body(schema: ProcedureSchema) -> dict[str, Any]:
    """Describe a mutation's body; it is never left out, since the server looks at its content type."""
    if schema.procedure.input.form == "stream":
        return {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    if schema.procedure.input.form == "form" and schema.input is not None:
        return {"required": True, "content": {"multipart/form-data": {"schema": _rebased(schema.input)}}}
    taken = {"type": "object", "maxProperties": 0} if schema.input is None else _rebased(schema.input)
    return {"required": True, "content": {"application/json": {"schema": taken}}}


def _parameters(schema: ProcedureSchema) -> list[dict[str, Any]]:
    taken = schema.procedure.input
    parameters: list[dict[str, Any]] = []
    if _is_streaming_query(schema):
        parameters += [
            {"name": "batch", "in": "query", "required": True, "schema": {"const": 1}},
            {"name": "trpc-accept", "in": "header", "required": True, "schema": {"const": "application/jsonl"}},
        ]
    if schema.input is not None:
        sent = _rebased(schema.input)
        if _is_streaming_query(schema):
            sent = {"type": "object", "properties": {"0": sent}, "required": [] if taken.is_optional else ["0"]}
        parameters.append(
            {
                "name": "input",
                "in": "query",
                "required": not taken.is_optional,
                "content": {"application/json": {"schema": sent}},
            }
        )
    if schema.procedure.type == "subscription" and taken.takes_last_event_id:
        resumes = "The id after which the events go on."
        parameters.append({"name": LAST_EVENT_ID, "in": "query", "description": resumes, "schema": {"type": "string"}})
    return parameters


def _is_streaming_query(schema: ProcedureSchema) -> bool:
    return schema.procedure.type == "query" and schema.procedure.output.is_iterator


def _answer(schema: ProcedureSchema) -> dict[str, Any]:
    if schema.procedure.type == "subscription":
        return {
            "description": "Server-Sent Events: `connected`, then for each value an event without a name, its data the "
            "JSON of `x-event`; `ping` now and then; at the end `return`, or `serialized-error` with the error's JSON.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "x-event": _rebased(_value(schema))}},
        }
    if _is_streaming_query(schema):
        return {
            "description": "Lines of JSON as `httpBatchStreamLink` reads them; each value is as in `x-item`.",
            "content": {"application/json": {"schema": {"type": "string"}, "x-item": _rebased(_value(schema))}},
        }
    held: JsonSchema = {"type": "object"}
    if schema.plain is not None:
        held["properties"] = {"data": _rebased(schema.plain)}
        if not schema.may_be_missing:
            held["required"] = ["data"]
    envelope = {"type": "object", "properties": {"result": held}, "required": ["result"]}
    return {"description": "The result.", "content": {"application/json": {"schema": envelope}}}


def _value(schema: ProcedureSchema) -> JsonSchema:
    """Return the schema of one event or item, with an id or without."""
    parts = [part for part in (schema.tracked, schema.plain) if part is not None]
    return parts[0] if len(parts) == 1 else {"anyOf": parts}


def _failure(description: str) -> dict[str, Any]:
    schema = {"$ref": f"{COMPONENTS}ErrorAnswer"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error_answer(described: RouterSchema) -> JsonSchema:
    numbers = sorted({TrpcError(code).number for code in CODES})
    data = {
        "type": "object",
        "properties": {
            "code": {"enum": list(CODES), "description": "What programs decide by."},
            "httpStatus": {"type": "integer"},
            "path": {"type": "string", "description": "The procedure, where one was called."},
            **described.error_data.get("properties", {}),
        },
        "required": ["code", "httpStatus", *described.error_data.get("required", ())],
    }
    error = {
        "type": "object",
        "properties": {
            "message": {"type": "string", "description": "What happened and what to do next, for a person."},
            "code": {"enum": numbers, "description": "JSON-RPC's number of the error."},
            "data": data,
        },
        "required": ["message", "code", "data"],
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def _rebased(node: Any) -> Any:
    """Return a copy of a schema whose references, also those of discriminators, point into the components."""
    if isinstance(node, dict):
        return {word: _rebased(value) for word, value in node.items()}
    if isinstance(node, list):
        return [_rebased(value) for value in node]
    return COMPONENTS + node.removeprefix(REF) if isinstance(node, str) and node.startswith(REF) else node
