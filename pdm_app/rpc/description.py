"""Describe the product's procedures to those who call them: in TypeScript, in OpenAPI, and in a table for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission, Role
from pdm_app.rpc.errors import ProductErrorData
from pdm_app.rpc.root import root
from pdm_app.rpc.server import PATH, REST_PREFIX
from pdm_app.trpc import RouterDocument, app_router_types, describe_router, openapi, router_document
from pdm_app.trpc.introspection import REF, ProcedureSchema, RouterSchema
from pdm_app.trpc.introspection_words import fields_words, input_words, output_words, words_of
from pdm_app.trpc.python_client import python_client

SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access token of a session."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "pdm_access", "description": "Set by signing in."},
}

COLUMNS: Final = ("procedure", "what it does", "permission", "input", "result", "REST")
_HEAD: Final = """\
# Procedures

Every procedure that can be called, as `pdm-app rpc docs` writes this page. `pdm-app rpc types` gives the same to
TypeScript and `pdm-app rpc openapi` to everything else.

A *query* reads, a *mutation* changes, a *subscription* sends events until it is ended. Inputs and results are JSON. A
field with a question mark may be left out; results have all their fields. Under `/api/v1` many of them are also plain
REST: fields in braces stand in the path, the others in the query of a GET or DELETE or in the JSON body; the answer is
the bare result, or `application/problem+json`. Times are in microseconds UTC unless a field
says otherwise. The permission is checked for every call, and again and again while a subscription lasts; what lies in a
site out of reach is not found.
"""


def typescript_types() -> str:
    """Return ``app-router.d.ts`` of the product."""
    return app_router_types(root, error_data=ProductErrorData)


def python_client_text() -> str:
    """Return the module of a Python client of the product."""
    return python_client(root, title="A client of pdm_app.", url=f"http://127.0.0.1:8000{PATH}")


def document() -> RouterDocument:
    """Return the description of all procedures for pages and tools."""
    return router_document(root, error_data=ProductErrorData)


def openapi_document(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of the product's procedures."""
    return openapi(
        root,
        title="Procedures of pdm_app",
        version=version,
        description="Machine signals, alarms, history and everything else that the product's own screens use.",
        path=PATH,
        rest_prefix=REST_PREFIX,
        security_schemes=SECURITY_SCHEMES,
        error_data=ProductErrorData,
    )


def procedure_rows() -> list[tuple[str, str, str, str]]:
    """Return path, type, permission and a line of documentation of each procedure, in the order of paths."""
    return sorted(
        (procedure.path, procedure.type, permission_words(procedure.meta), procedure.doc.partition("\n")[0])
        for procedure in root.procedures()
    )


def permission_words(meta: Mapping[str, Any]) -> str:
    """Return what a caller needs."""
    return str(meta.get("permission", "to be signed in"))


def markdown() -> str:
    """Return the page about all procedures and the records that they take and answer with."""
    described = describe_router(root, error_data=ProductErrorData)
    by_noun: dict[str, list[ProcedureSchema]] = {}
    for schema in described.procedures:
        by_noun.setdefault(schema.procedure.path.rpartition(".")[0], []).append(schema)
    parts = [_HEAD]
    for noun in sorted(by_noun):
        rows = [_row(schema, described) for schema in by_noun[noun]]
        parts.append(f"## {noun}\n\n{_table(COLUMNS, rows)}")
    return "\n".join([*parts, _rights(), _records(described)])


def _row(schema: ProcedureSchema, described: RouterSchema) -> tuple[str, ...]:
    procedure = schema.procedure
    return (
        f"`{procedure.path}` ({procedure.type})",
        _one_line(procedure.doc),
        permission_words(procedure.meta),
        input_words(schema, described),
        output_words(schema),
        f"`{procedure.rest.method} {procedure.rest.path}`" if procedure.rest else "–",
    )


def _rights() -> str:
    """Return the table of who has which permission, and which procedures it opens."""
    rows = []
    for permission in Permission:
        opens = [procedure.path for procedure in root.procedures() if procedure.meta.get("permission") == permission]
        holders = ["●" if permission in ROLE_PERMISSIONS[role] else "" for role in Role]
        rows.append((f"`{permission}`", *holders, ", ".join(f"`{path}`" for path in sorted(opens))))
    return f"## Rights\n\n{_table(('permission', *Role, 'opens'), rows)}"


def _records(described: RouterSchema) -> str:
    """Return the table of records, without the inputs that stand in the tables above."""
    told = {str((schema.input or {}).get("$ref", "")).removeprefix(REF) for schema in described.procedures}
    rows = [
        (f"`{name}`", _one_line(schema.get("description", "")), fields_words(schema) or words_of(schema))
        for name, schema in described.definitions.items()
        if name not in told
    ]
    return f"## Records\n\n{_table(('record', 'what it is', 'holds'), rows)}"


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '¦') for cell in line)} |\n" for line in lines)
