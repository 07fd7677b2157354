"""Generate a typed Python client of a router: one file that needs nothing but httpx and websockets.

An editor completes procedures, inputs and results, and mypy checks them; both forms of the client, ``AsyncClient`` and
``Client``, have every procedure as a method under its path. Models are TypedDicts: what a program holds is the JSON
itself, so a client that is older than its server goes on working as long as what it reads is still there.
"""

from typing import Any, Final

from pdm_app.trpc.introspection import REF, JsonSchema, RouterSchema, describe_router
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.python_bundle import client_bundle
from pdm_app.trpc.python_procedures import FORMS, Noun, ProcedureWriter, class_name, has_fields
from pdm_app.trpc.python_readers import Readers
from pdm_app.trpc.python_types import declaration, identifier
from pdm_app.trpc.router import Router, RouterError

TAKEN: Final = frozenset({"aclose", "close", "options", "over", "run"})  # What a client can do besides.
IMPORTS: Final = (
    "import builtins\n"
    "from typing import Literal, NamedTuple, Never, NotRequired, TypeAlias\n"
    "from collections.abc import Sequence"
)

_HEAD: Final = '''\
"""{title}

Generated from the server's router; written anew whenever that changes, so do not edit. Needs Python 3.11 or later,
httpx and websockets. Results are dicts as their types say; times, decimals and bytes are text, as JSON has them.

::

    with Client("{url}", token="...") as client:
        print(client.{example})

``AsyncClient`` has the same procedures for ``async`` and ``await``.

What goes wrong is an ``RpcError``: a ``CallError`` of the kind that the server answered, such as ``NotFoundError``, or
an ``RpcConnectionError``, or an ``RpcTimeoutError``.
"""
# ruff: noqa

from __future__ import annotations

'''


def python_client(
    router: Router[Any],
    *,
    title: str = "A client of the server's procedures.",
    url: str = "http://127.0.0.1:8000/trpc",
) -> str:
    """Return the text of the module; the same router always gives the same text.

    Args:
        router: The root.
        title: First line of the module's docstring.
        url: Address in the example there.

    Raises:
        RouterError: Two paths of one name in Python.
    """
    bundle = client_bundle(IMPORTS)
    paths = {tuple(procedure.path.split(".")[:-1]) for procedure in router.procedures()}
    nouns = {path[:depth] for path in paths for depth in range(len(path) + 1)} | {()}
    reserved = bundle.names | {class_name(path, form) for path in nouns for form in FORMS}
    described = describe_router(router, reserved=reserved)
    root = _tree(described)
    definitions, answered = _used(described)
    readers = Readers(definitions)
    writer = ProcedureWriter(described.definitions, readers)
    classes = [writer.noun(noun, form) for form in FORMS for noun in root.below()]
    sections = {
        "How calls are made": [bundle.code],
        "What is sent and answered": [
            declaration(name, schema, is_sent=name not in answered) for name, schema in definitions.items()
        ],
        "Procedures": [readers.functions(), *classes],  # The classes have said which functions they need.
    }
    head = _HEAD.format(title=title, url=url, example=_example(described))
    written = [f"{head}{bundle.imports}\n"]
    for words, parts in sections.items():
        written.append(f"# {words}\n# {'-' * len(words)}\n")
        written += [part.strip("\n") + "\n" for part in parts if part]
    return "\n\n".join(written)


def _tree(described: RouterSchema) -> Noun:
    """Nest procedures by the parts of their paths."""
    root = Noun(())
    for schema in described.procedures:
        *parts, last = schema.procedure.path.split(".")
        noun = root
        for part in parts:
            name = identifier(part, () if noun.path else TAKEN)
            noun = noun.nouns.setdefault(name, Noun((*noun.path, part)))
        name = identifier(last, () if noun.path else TAKEN)
        if name in noun.procedures:
            raise _ambiguous(schema.procedure, noun.procedures[name].procedure)
        noun.procedures[name] = schema
    for noun in root.below():
        for name in noun.procedures.keys() & noun.nouns.keys():
            raise _ambiguous(
                noun.procedures[name].procedure, next(iter(noun.nouns[name].procedures.values())).procedure
            )
    return root


def _ambiguous(one: Procedure, other: Procedure) -> RouterError:
    return RouterError(f"{one.path!r} and {other.path!r} have one name in Python. Give one of them another name.")


def _used(described: RouterSchema) -> tuple[dict[str, JsonSchema], set[str]]:
    """Return the definitions that inputs and results are made of, and the names of those that results are made of."""
    answered = _reachable([[one.plain, one.tracked] for one in described.procedures], described)
    fields = {
        str((one.input or {}).get("$ref", "")).removeprefix(REF) for one in described.procedures if has_fields(one)
    }
    sent = _reachable([one.input for one in described.procedures], described) - fields
    return {name: schema for name, schema in described.definitions.items() if name in answered | sent}, answered


def _reachable(schemas: list[Any], described: RouterSchema) -> set[str]:
    reached: set[str] = set()
    waiting = schemas
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(REF)
            if name and name not in reached:
                reached.add(name)
                waiting.append(described.definitions[name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return reached


def _example(described: RouterSchema) -> str:
    """Return a call that needs no input."""
    for schema in described.procedures:
        if schema.procedure.type == "query" and schema.procedure.input.form == "none":
            return f"{schema.procedure.path}()"
    return "..."
