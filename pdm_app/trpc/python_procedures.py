"""Write the classes whose methods are a router's procedures, in their asynchronous and in their blocking form."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pdm_app.trpc.introspection import REF, JsonSchema, ProcedureSchema
from pdm_app.trpc.introspection_names import pascal_case
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.python_readers import Readers
from pdm_app.trpc.python_types import (
    BUILTINS,
    INDENT,
    WIDTH,
    PythonTypes,
    docstring,
    either,
    facts_words,
    identifier,
)
from pdm_app.trpc.signatures import LAST_EVENT_ID

Form = Literal["async", "blocking"]
FORMS: Final[Mapping[Form, str]] = {"async": "Async", "blocking": ""}  # And how the names of their classes begin.

_RUN: Final = '''
    def run(self, work: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
        """Return what ``work`` returns, run with the asynchronous client over the same connections.

        Calls that it makes at the same moment, as ``asyncio.gather`` does, share a request.
        """
        return self._link.thread.run(work(AsyncClient.over(self._link.link)))
'''


@dataclass(slots=True)
class Noun:
    """The procedures and nouns below one name of a path, by their names in Python."""

    path: tuple[str, ...]
    procedures: dict[str, ProcedureSchema] = field(default_factory=dict)
    nouns: "dict[str, Noun]" = field(default_factory=dict)

    def below(self) -> "Iterator[Noun]":
        """Yield what is below it, and then itself: in the order in which Python can define it."""
        for noun in self.nouns.values():
            yield from noun.below()
        yield self


def class_name(path: tuple[str, ...], form: Form) -> str:
    """Return the name of the class whose methods are the procedures below a path."""
    return f"{FORMS[form]}{pascal_case('.'.join(path))}Procedures" if path else f"{FORMS[form]}Client"


class ProcedureWriter:
    """Writes classes of procedures.

    Args:
        definitions: Named schemas of the router.
        readers: Turn results into their types.
    """

    def __init__(self, definitions: Mapping[str, JsonSchema], readers: Readers) -> None:
        self._definitions = definitions
        self._readers = readers

    def noun(self, noun: Noun, form: Form) -> str:
        """Return the class of a noun's procedures."""
        is_root = not noun.path
        link = "Link" if form == "async" else "BlockingLink"
        words = "All procedures." if is_root else f"The procedures below ``{'.'.join(noun.path)}``."
        written = f"class {class_name(noun.path, form)}{f'({FORMS[form]}ClientBase)' if is_root else ''}:\n"
        written += docstring(words, 1)
        begin = "super()._bind(link)" if is_root else "self._link = link"
        written += (
            f"\n{INDENT}def {'_bind' if is_root else '__init__'}(self, link: {link}) -> None:\n{INDENT * 2}{begin}\n"
        )
        for name, below in noun.nouns.items():
            written += f"{INDENT * 2}self.{name} = {class_name(below.path, form)}(link)\n"
        if is_root and form == "blocking":
            written += _RUN
        shadowed = BUILTINS & noun.procedures.keys()
        for name, schema in noun.procedures.items():
            written += f"\n{self._method(name, schema, form, shadowed)}"
        return written

    def _method(self, name: str, schema: ProcedureSchema, form: Form, shadowed: frozenset[str]) -> str:
        procedure = schema.procedure
        parameters, sent = self._parameters(schema, form, shadowed)
        result = _result(schema, shadowed)
        how, returned = _how(procedure, form, result)
        is_awaited = form == "async" and how not in ("subscribe", "stream")
        parts = (json.dumps(procedure.path), sent, _last_id(procedure), self._files(schema))
        arguments = ", ".join(part for part in parts if part)
        read = self._read(schema)
        if how == "subscribe" and read:
            arguments += f", read=lambda value: {read}"
        call = f"{'await ' if is_awaited else ''}self._link.{how}({arguments})"
        body = docstring(self._words(schema), 2)
        if how in ("subscribe", "stream"):
            body += f"{INDENT * 2}return {call}\n"
        elif result == "None":
            body += f"{INDENT * 2}{call}\n"
        else:
            body += f"{INDENT * 2}value = {call}\n" if read else ""
            body += f"{INDENT * 2}result: {result} = {read or call}\n{INDENT * 2}return result\n"
        head = f"{INDENT}{'async ' if is_awaited else ''}def {name}("
        line = f"{head}{', '.join(['self', *parameters])}) -> {returned}:"
        if len(line) > WIDTH + len(INDENT):
            inner = "".join(f"{INDENT * 2}{part},\n" for part in ["self", *parameters])
            line = f"{head}\n{inner}{INDENT}) -> {returned}:"
        return f"{line}\n{body}"

    def _parameters(self, schema: ProcedureSchema, form: Form, shadowed: frozenset[str]) -> tuple[list[str], str]:
        """Return the parameters of a method, and the expression of the input that they make."""
        taken = schema.procedure.input
        types = PythonTypes(shadowed, is_sent=True)
        last_id = [f"last_event_id: {types.of({'type': 'string'})} | None = None"] if _last_id(schema.procedure) else []
        if taken.form == "none":
            return (["*", *last_id] if last_id else []), ""
        if taken.form == "stream":
            return [f"body: bytes | {'AsyncIterator' if form == 'async' else 'Iterable'}[bytes]"], "body"
        if taken.form == "whole":
            written = types.of(schema.input)
            default = " | Missing = MISSING" if taken.is_optional else ""
            return [f"input: {written}{default}", *(["*", *last_id] if last_id else [])], "input"
        parameters, sent = [], []
        for key, held, is_required in self._fields(schema):
            name = identifier(key, ("self",))
            written = _file_type(held) or types.of(held)
            parameters.append(f"{name}: {written}" if is_required else f"{name}: {written} | Missing = MISSING")
            sent.append(f"{json.dumps(key)}: {name}")
        return ["*", *parameters, *last_id], f"given({{{', '.join(sent)}}})"

    def _fields(self, schema: ProcedureSchema) -> list[tuple[str, Any, bool]]:
        """Return key, schema and necessity of each field, without the id from which a subscription goes on."""
        described = self._definitions[str((schema.input or {}).get("$ref", "")).removeprefix(REF)]
        required = set(described.get("required", ()))
        return [
            (key, held, key in required)
            for key, held in described.get("properties", {}).items()
            if key != LAST_EVENT_ID
        ]

    def _files(self, schema: ProcedureSchema) -> str:
        """Return the argument that names the fields which are files."""
        if schema.procedure.input.form != "form":
            return ""
        names = [json.dumps(key) for key, held, _ in self._fields(schema) if _file_type(held)]
        return f"files=[{', '.join(names)}]"

    def _read(self, schema: ProcedureSchema) -> str | None:
        """Return what turns a result into its type, where JSON has a list for a tuple."""
        held = schema.tracked if schema.tracked is not None else schema.plain
        return self._readers.expression(held, "value")

    def _words(self, schema: ProcedureSchema) -> str:
        """Return the docstring of a method."""
        procedure = schema.procedure
        words = procedure.doc or f"Call ``{procedure.path}``."
        if has_fields(schema):
            facts = [
                (identifier(key, ("self",)), facts_words(held, is_sent=True)) for key, held, _ in self._fields(schema)
            ]
            told = [f"    {name}: {said}" for name, said in facts if said]
            words += "".join(f"\n{line}" for line in ("", "Args:", *told)) if told else ""
        meta = {word: value for word, value in procedure.meta.items() if isinstance(value, str | int | float)}
        if meta:
            words += "\n\n" + "\n".join(
                f"{word.replace('_', ' ').capitalize()}: {value}" for word, value in meta.items()
            )
        return words


def has_fields(schema: ProcedureSchema) -> bool:
    """Whether a procedure's input is an object whose fields are parameters of its method."""
    return schema.procedure.input.form in ("fields", "form")


def _last_id(procedure: Procedure) -> str:
    is_taken = procedure.type == "subscription" and procedure.input.takes_last_event_id
    return "last_event_id=last_event_id" if is_taken else ""


def _file_type(schema: Any) -> str:
    """Return the type of a field that is a file, or nothing for another."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    optional = " | None" if len(choices) < len(schema.get("anyOf", choices)) else ""
    if len(choices) == 1 and choices[0].get("format") == "binary":
        return f"Upload{optional}"
    if len(choices) == 1 and choices[0].get("items", {}).get("format") == "binary":
        return f"list[Upload]{optional}"
    return ""


def _result(schema: ProcedureSchema, shadowed: frozenset[str]) -> str:
    """Return the type of a result, or of one event or item."""
    types = PythonTypes(shadowed)
    parts = []
    if schema.tracked is not None:
        parts.append(f"Tracked[{types.of(schema.tracked)}]")
    if schema.plain is not None:
        parts.append(types.of(schema.plain))
    if schema.may_be_missing:
        parts.append("Missing")
    return either(parts)


def _how(procedure: Procedure, form: Form, result: str) -> tuple[str, str]:
    """Return the method of the connection that calls a procedure, and what it returns."""
    if procedure.type == "subscription":
        return "subscribe", f"{FORMS[form]}Subscription[{result}]"
    if procedure.type == "query" and procedure.output.is_iterator:
        return "stream", f"{FORMS[form]}Iterator[{result}]"
    if procedure.input.form == "stream":
        return "upload", result
    if procedure.input.form == "form":
        return "send_form", result
    return ("query" if procedure.type == "query" else "mutate"), result
