"""Name the definitions of a router: short where that is enough, told apart where two models have one name."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

# What pydantic calls a definition: the class, or where that is not enough module and class with "__" for each dot;
# then which way it crosses the wire, and a number where even that is not enough.
_KEY = re.compile(r"(?P<path>.+?)(?:-(?P<mode>Input|Output))?(?:__\d+)?")


class _Origin(NamedTuple):
    """Where a definition comes from: the names of its modules, outermost first, and its own."""

    modules: tuple[str, ...]
    base: str


def definition_names(
    definitions: Mapping[str, Mapping[str, Any]], own: Mapping[str, str], reserved: Collection[str] = ()
) -> dict[str, str]:
    """Return a name for each key: an identifier in PascalCase that no other definition has.

    Args:
        definitions: Schemas by the keys that pydantic gave them.
        own: Key and wanted name of definitions that belong to one procedure; models choose before them.
        reserved: Names that nothing may have.
    """
    kin: defaultdict[str, list[tuple[str, _Origin]]] = defaultdict(list)
    for key in sorted(definitions.keys() - own.keys()):
        origin = _origin(key, definitions[key])
        kin[origin.base].append((key, origin))
    taken: set[str] = set()
    names: dict[str, str] = {}
    for base in sorted(kin):
        for key, wanted in _told_apart(base, kin[base]).items():
            names[key] = _free(wanted, taken, reserved)
    for key in sorted(definitions.keys() & own.keys()):
        names[key] = _free(own[key], taken, reserved)
    return names


def pascal_case(words: str) -> str:
    """``assets.by_id`` and ``Page[Asset]`` become ``AssetsById`` and ``PageAsset``; never starts with a digit."""
    joined = "".join(word[0].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", words) if word)
    return f"Model{joined}" if not joined or joined[0].isdigit() else joined


def _origin(key: str, schema: Mapping[str, Any]) -> _Origin:
    found = _KEY.fullmatch(key)
    path, mode = (found["path"], found["mode"]) if found else (key, None)
    modules: tuple[str, ...] = ()
    name = path
    if "__" in path and schema.get("title"):
        modules, name = tuple(path.split("__")[:-1]), str(schema["title"])
    return _Origin(modules, pascal_case(name) + ("Input" if mode == "Input" else ""))


def _told_apart(base: str, kin: list[tuple[str, _Origin]]) -> dict[str, str]:
    """Put as many names of modules in front as it takes to tell definitions of one name apart."""
    deepest = max(len(origin.modules) for _, origin in kin)
    for depth in range(deepest + 1):
        wanted = {key: pascal_case("_".join(origin.modules[len(origin.modules) - depth :])) + base
                  if depth and origin.modules else base for key, origin in kin}  # fmt: skip
        if len(set(wanted.values())) == len(kin):
            return wanted
    return {key: base for key, _ in kin}


def _free(wanted: str, taken: set[str], reserved: Collection[str]) -> str:
    """Take a name, or the next of its kind that is free."""
    wanted = f"{wanted}Model" if wanted in reserved else wanted
    name, number = wanted, 2
    while name in taken or name in reserved:
        name, number = f"{wanted}{number}", number + 1
    taken.add(name)
    return name
