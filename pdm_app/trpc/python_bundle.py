"""Put the modules of the client together into the text of one, so that a generated client is a single file.

It works on the modules as they are written: their imports are merged, those of each other dropped, and everything else
is taken over line by line.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

OWN: Final = "pdm_app.trpc."
MODULES: Final = (
    "wire_values", "client.errors", "client.json_text", "client.settings", "client.feeds", "client.calls",
    "client.batches", "client.streams", "client.event_streams", "client.sockets", "client.link", "client.blocking",
    "client.bases",
)  # fmt: skip
"""In the order in which they can be executed."""


class BundleError(Exception):
    """Two modules of the client contradict each other, so they cannot be put together."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The client as one text.

    Attributes:
        imports: Lines of imports, merged and sorted.
        code: Everything else, in the order of ``MODULES``.
        names: Whatever is defined or imported; nothing else in the file may have these names.
    """

    imports: str
    code: str
    names: frozenset[str]


@cache
def client_bundle(more_imports: str = "") -> Bundle:
    """Return the modules of the client as one.

    Args:
        more_imports: Import statements to merge with those of the modules.

    Raises:
        BundleError: Two modules define one name differently.
    """
    imported: dict[tuple[str, str], str] = {}
    for node in ast.parse(more_imports).body:
        _note_imports(node, imported)
    defined: dict[str, str] = {}
    parts = []
    for name in MODULES:
        source = inspect.getsource(importlib.import_module(OWN + name))
        tree = ast.parse(source)
        lines = source.splitlines()
        kept = list[str]()
        end = 0
        for node in tree.body:
            begin = node.lineno - 1
            begin -= len(node.decorator_list) if isinstance(node, ast.ClassDef | ast.FunctionDef) else 0
            text = "\n".join(lines[begin : node.end_lineno]).rstrip()
            if isinstance(node, ast.Import | ast.ImportFrom):
                _note_imports(node, imported)
            elif begin > 0 and _is_new(node, text, name, defined):
                kept += ["" for _ in range(_blank_lines(lines, begin, end))] + [text]
            end = node.end_lineno or end
        parts.append("\n".join(kept).strip("\n"))
    names = frozenset(defined) | {
        alias or name or module.partition(".")[0] for (module, name), alias in imported.items()
    }
    return Bundle("\n".join(_import_lines(imported)), "\n\n\n".join(parts) + "\n", names)


def _note_imports(node: ast.stmt, imported: dict[tuple[str, str], str]) -> None:
    if not isinstance(node, ast.Import | ast.ImportFrom):
        raise BundleError(f"Line {node.lineno} is no import.")
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    if module.startswith(OWN):
        return
    for alias in node.names:
        key = (module, alias.name) if module else (alias.name, "")
        if imported.setdefault(key, alias.asname or "") != (alias.asname or ""):
            raise BundleError(f"{alias.name} is imported under two names; import it under one.")


def _is_new(node: ast.stmt, text: str, module: str, defined: dict[str, str]) -> bool:
    """Note what a statement defines. False: an earlier module did that in the same words."""
    targets: list[str] = []
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        targets = [node.name]
    elif isinstance(node, ast.Assign):
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        targets = [node.target.id]
    for target in targets:
        before = defined.setdefault(target, text)
        if before != text:
            raise BundleError(f"{target} of {OWN}{module} is defined differently before; give it another name.")
        if before is not text:
            return False
    return True


def _blank_lines(lines: list[str], begin: int, end: int) -> int:
    return sum(not line.strip() for line in lines[end:begin])


def _import_lines(imported: dict[tuple[str, str], str]) -> Iterator[str]:
    modules = sorted(module for module, name in imported if not name)
    yield from (f"import {module}" for module in modules)
    for module in sorted({module for module, name in imported if name}):
        names = sorted(
            f"{name} as {alias}" if alias else name for (of, name), alias in imported.items() if of == module and name
        )
        yield f"from {module} import {', '.join(names)}"
