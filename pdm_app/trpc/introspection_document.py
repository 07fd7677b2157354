"""A whole router as one JSON document, for pages and tools that find out at run time what can be called.

An application offers it as a procedure of its own, so that its own rules say who may read it::

    @router.query(rest="GET /procedures")
    async def describe(ctx: Ctx) -> Encoded[RouterDocument]:
        return document

    document = Encoded.of(router_document(router))

Schemas are JSON Schema 2020-12; their references point into the document's own ``$defs``.
"""

from typing import Annotated, Any

from pydantic import Field
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict

from pdm_app.trpc.introspection import JsonSchema, ProcedureSchema, describe_router
from pdm_app.trpc.procedures import ProcedureType
from pdm_app.trpc.router import Router
from pdm_app.trpc.signatures import InputForm


class RestAddress(TypedDict):
    """Where a procedure is found without tRPC, below the prefix of the REST addresses."""

    method: str
    path: Annotated[str, Field(description="Fields of the input stand in braces.")]
    parameters: list[str]
    status: Annotated[int, Field(description="Of a result; 204 where there is none.")]


class RateDocument(TypedDict):
    """How often one caller may call."""

    calls: int
    perS: Annotated[float, Field(description="In any span of so many seconds.")]


class ProcedureDocument(TypedDict):
    """One procedure."""

    path: Annotated[str, Field(description="Dotted, as it is called.")]
    type: ProcedureType
    doc: Annotated[str, Field(description="What it does, in its author's words.")]
    meta: Annotated[dict[str, Any], Field(description="The application's own: which permission it needs, and so on.")]
    rest: RestAddress | None
    rate: RateDocument | None
    inputForm: Annotated[
        InputForm,
        Field(description="none; whole: one value; fields: an object of fields; form: a form; stream: bytes."),
    ]
    input: Annotated[dict[str, Any] | None, Field(description="Schema of what may be sent.")]
    inputOptional: Annotated[bool, Field(description="It may be called without input.")]
    output: Annotated[dict[str, Any] | None, Field(description="Schema of the result, or of an event without an id.")]
    tracked: Annotated[dict[str, Any] | None, Field(description="Schema of the data of an event with an id.")]
    mayBeMissing: Annotated[bool, Field(description="The result can be undefined.")]
    streams: Annotated[bool, Field(description="It answers with any number of values.")]
    resumable: Annotated[bool, Field(description="It takes lastEventId and goes on after that event.")]
    coalescing: Annotated[bool, Field(description="A slow client gets the newest event only.")]


RouterDocument = TypedDict(
    "RouterDocument",
    {
        "procedures": list[ProcedureDocument],
        "errorData": Annotated[dict[str, Any], Field(description="Schema of what error.data may hold.")],
        "$defs": Annotated[dict[str, Any], Field(description="The named schemas.")],
    },
)


def router_document(router: Router[Any], *, error_data: type | None = None) -> RouterDocument:
    """Describe every procedure of a router; the same router always gives the same document.

    Args:
        router: The root.
        error_data: What the application puts into ``error.data``, see ``describe_router``.
    """
    described = describe_router(router, error_data=error_data)
    return {
        "procedures": [_procedure(schema) for schema in described.procedures],
        "errorData": described.error_data,
        "$defs": dict(described.definitions),
    }


def _procedure(schema: ProcedureSchema) -> ProcedureDocument:
    procedure = schema.procedure
    taken, returned = procedure.input, procedure.output
    meta: dict[str, Any] = to_jsonable_python(dict(procedure.meta), fallback=str)
    rest: RestAddress | None = None
    if (route := procedure.rest) is not None:
        rest = {
            "method": route.method,
            "path": route.path,
            "parameters": list(route.parameters),
            "status": 204 if returned.is_nothing else route.status,
        }
    return {
        "path": procedure.path,
        "type": procedure.type,
        "doc": procedure.doc,
        "meta": meta,
        "rest": rest,
        "rate": {"calls": procedure.rate.calls, "perS": procedure.rate.per_s} if procedure.rate else None,
        "inputForm": taken.form,
        "input": _known(schema.input),
        "inputOptional": taken.is_optional,
        "output": _known(schema.plain),
        "tracked": _known(schema.tracked),
        "mayBeMissing": schema.may_be_missing,
        "streams": returned.is_iterator,
        "resumable": procedure.type == "subscription" and taken.takes_last_event_id,
        "coalescing": procedure.is_coalescing,
    }


def _known(schema: JsonSchema | None) -> dict[str, Any] | None:
    return None if schema is None else dict(schema)
