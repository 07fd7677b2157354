"""Generate the TypeScript ``AppRouter`` of a router, so that ``createTRPCClient<AppRouter>`` is typed from end to end.

The file declares types only and needs nothing but ``@trpc/server`` 11, which ``@trpc/client`` brings along. There is no
inference in it: an editor reads each procedure's types where they stand, however many there are.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from pdm_app.trpc.introspection import ProcedureSchema, RouterSchema, describe_router
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.router import Router, RouterError
from pdm_app.trpc.typescript_types import INDENT, TypeWriter, doc_comment, property_name, union

Tree = dict[str, "Tree | ProcedureSchema"]

# The client is made of proxies, and these names of theirs never reach the server.
UNREACHABLE: Final = frozenset({"then", "call", "apply"})

# Names that the generated file, or TypeScript itself, needs for something else.
RESERVED: Final = frozenset(
    {
        "AppErrorData", "AppErrorShape", "AppRecord", "AppRouter", "MutationProcedure", "QueryProcedure", "Root",
        "SubscriptionProcedure", "TRPCBuiltRouter", "TRPCDefaultErrorData", "TRPCDefaultErrorShape",
        "TRPCMutationProcedure", "TRPCQueryProcedure", "TRPCSubscriptionProcedure", "Tracked",
    }
    | {
        "Array", "ArrayBuffer", "AsyncIterable", "AsyncIterator", "BigInt", "Blob", "Boolean", "Date", "Error", "File",
        "FormData", "Function", "Infinity", "Iterable", "Iterator", "Map", "NaN", "Number", "Object", "Omit", "Partial",
        "Pick", "Promise", "Readonly", "Record", "RegExp", "Required", "Set", "String", "Symbol", "Uint8Array",
    }
)  # fmt: skip

_HEAD: Final = """\
// Generated from the server's router; written anew whenever that changes, so do not edit.
// Types only: needs @trpc/server 11 or later, of which nothing is loaded at run time.
import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorData,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server';
"""

_ROOT: Final = """\
export interface AppErrorShape extends TRPCDefaultErrorShape {
  data: AppErrorData;
}

interface Root {
  ctx: object;
  meta: object;
  errorShape: AppErrorShape;
  transformer: false;
}

/** An event with an id: a subscription that is given it as `lastEventId` goes on after it. */
export interface Tracked<T> {
  id: string;
  data: T;
}

type QueryProcedure<I, O> = TRPCQueryProcedure<{ input: I; output: O; meta: object }>;
type MutationProcedure<I, O> = TRPCMutationProcedure<{ input: I; output: O; meta: object }>;
type SubscriptionProcedure<I, O> = TRPCSubscriptionProcedure<{
  input: I;
  output: AsyncIterable<O, void, unknown>;
  meta: object;
}>;
"""


def app_router_types(router: Router[Any], *, error_data: type | None = None, superjson: bool = False) -> str:
    """Return the text of ``app-router.d.ts``; the same router always gives the same text.

    Args:
        router: The root.
        error_data: What the application puts into ``error.data``: a TypedDict, model or dataclass.
        superjson: The server has ``transformer=SUPERJSON``: dates are ``Date``, sets are ``Set``, and every link of a
            client must name the transformer. An int beyond 2**53 arrives as a bigint all the same.

    Raises:
        RouterError: A path that no client could call.
    """
    described = describe_router(router, error_data=error_data, reserved=RESERVED)
    declarations = [
        f"{TypeWriter(is_sent=name in described.sent, is_rich=superjson).declaration(name, schema)}\n"
        for name, schema in described.definitions.items()
    ]
    return "\n".join(
        [
            _HEAD,
            *declarations,
            _error_data(described),
            _ROOT.replace("transformer: false", "transformer: true") if superjson else _ROOT,
            f"type AppRecord = {_record(_tree(described), 0, is_rich=superjson)};\n",
            "export type AppRouter = TRPCBuiltRouter<Root, AppRecord>;\n",
            "export {}; // Without it, everything above would count as exported.\n",
        ]
    )


def _tree(described: RouterSchema) -> Tree:
    """Nest procedures by the parts of their paths."""
    tree: Tree = {}
    for schema in described.procedures:
        *routers, name = schema.procedure.path.split(".")
        for part in (*routers, name):
            if part in UNREACHABLE:
                raise _unreachable(schema.procedure, f"a JavaScript client keeps {part!r} for itself")
        branch = tree
        for depth, part in enumerate(routers):
            below = branch.setdefault(part, {})
            if isinstance(below, ProcedureSchema):
                raise _unreachable(schema.procedure, f"{'.'.join(routers[: depth + 1])!r} is a procedure already")
            branch = below
        if name in branch:
            raise _unreachable(schema.procedure, "there are procedures below it")
        branch[name] = schema
    return tree


def _unreachable(procedure: Procedure, reason: str) -> RouterError:
    return RouterError(f"No TypeScript client could call {procedure.path!r}: {reason}. Give it another name.")


def _record(tree: Tree, depth: int, *, is_rich: bool) -> str:
    written = ""
    for name, held in tree.items():
        key = f"{INDENT * (depth + 1)}{property_name(name)}"
        if isinstance(held, ProcedureSchema):
            written += _comment(held.procedure, depth + 1)
            written += f"{key}: {_leaf(held, depth + 1, is_rich=is_rich)};\n"
        else:
            written += f"{key}: {_record(held, depth + 1, is_rich=is_rich)};\n"
    return f"{{\n{written}{INDENT * depth}}}"


def _comment(procedure: Procedure, depth: int) -> str:
    tags = [f"@{word} {_words(value)}" for word, value in procedure.meta.items() if word.isidentifier()]
    return doc_comment(procedure.doc, depth, tags)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _leaf(schema: ProcedureSchema, depth: int, *, is_rich: bool) -> str:
    kind = f"{schema.procedure.type.title()}Procedure"
    return f"{kind}<{_input(schema, depth, is_rich=is_rich)}, {_output(schema, depth, is_rich=is_rich)}>"


def _input(schema: ProcedureSchema, depth: int, *, is_rich: bool) -> str:
    taken = schema.procedure.input
    if taken.form == "none":
        return "void"
    if taken.form == "stream":
        return "Blob | Uint8Array"
    if taken.form == "form":
        return "FormData"
    written = TypeWriter(is_sent=True, is_rich=is_rich).type_of(schema.input, depth)
    return union([written, "undefined"]) if taken.is_optional else written


def _output(schema: ProcedureSchema, depth: int, *, is_rich: bool) -> str:
    parts = []
    type_of = TypeWriter(is_sent=False, is_rich=is_rich).type_of
    if schema.tracked is not None:
        parts.append(f"Tracked<{type_of(schema.tracked, depth)}>")
    if schema.plain is not None:
        parts.append(type_of(schema.plain, depth))
    if schema.may_be_missing:
        parts.append("undefined")
    written = union(parts)
    is_stream = schema.procedure.type == "query" and schema.procedure.output.is_iterator
    return f"AsyncIterable<{written}, void, unknown>" if is_stream else written


def _error_data(described: RouterSchema) -> str:
    """Declare the error data: the protocol's own keys and the application's."""
    schema: Mapping[str, Any] = described.error_data
    interface = TypeWriter(is_sent=False).declaration("AppErrorData", {"properties": {}, **schema})
    head, _, members = interface.partition("AppErrorData ")
    return f"{head}AppErrorData extends TRPCDefaultErrorData {members}\n"
