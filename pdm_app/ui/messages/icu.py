"""Find the placeholders of an ICU message; the browser's ``icu.js`` is what says it.

Source: ICU User Guide, "Formatting Messages": plural and select arguments, quoting with apostrophes.
"""

import re
from collections.abc import Iterator

_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*")
_KIND = re.compile(r",\s*(plural|select)\s*,")
_LABEL = re.compile(r"\s*(=\d+|[A-Za-z_0-9]\w*)\s*\{")
_QUOTED = re.compile(r"'(?=[{}#])[^']*'")


class MessageSyntaxError(ValueError):
    """A message has braces that do not fit; the text says where."""


def placeholders(message: str) -> frozenset[str]:
    """Return the names of all parameters that a message needs, those inside of its cases too.

    Raises:
        MessageSyntaxError: The message would not be understood by the browser either.
    """
    bare = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), message)
    names, end = _walk(bare, 0)
    if end < len(bare):
        raise MessageSyntaxError(f"unmatched }} at character {end} of {message!r}")
    return frozenset(names)


def _walk(message: str, at: int) -> tuple[set[str], int]:
    names: set[str] = set()
    while at < len(message) and message[at] != "}":
        if message[at] == "{":
            found, at = _argument(message, at + 1)
            names.update(found)
        else:
            at += 1
    return names, at


def _argument(message: str, at: int) -> tuple[set[str], int]:
    name = _NAME.match(message, at)
    if name is None:
        raise MessageSyntaxError(f"name expected at character {at} of {message!r}")
    names, at = {name.group(1)}, name.end()
    kind = _KIND.match(message, at)
    if kind is not None:
        labels = []
        at = kind.end()
        for label, found, end in _cases(message, at):
            labels.append(label)
            names.update(found)
            at = end
        if "other" not in labels:
            raise MessageSyntaxError(f"{kind.group(1)} of {name.group(1)} has no case 'other' in {message!r}")
        at += len(message[at:]) - len(message[at:].lstrip())
    if message[at : at + 1] != "}":
        raise MessageSyntaxError(f"}} expected at character {at} of {message!r}")
    return names, at + 1


def _cases(message: str, at: int) -> Iterator[tuple[str, set[str], int]]:
    while (label := _LABEL.match(message, at)) is not None:
        found, end = _walk(message, label.end())
        if message[end : end + 1] != "}":
            raise MessageSyntaxError(f"}} expected at character {end} of {message!r}")
        at = end + 1
        yield label.group(1), found, at
