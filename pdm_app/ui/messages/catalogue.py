"""Words on screen, by key: the browser looks them up when it draws, so pages need no change per language."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import reflex as rx
from reflex.utils.imports import ImportVar
from reflex.vars import VarData

from pdm_app.ui.browser import module
from pdm_app.ui.messages.icu import placeholders

ENGLISH = Path(__file__).with_name("en.json")


class UnknownMessageError(KeyError):
    """A page asks for a message that the catalogue does not have, or leaves one of its placeholders empty."""


@cache
def messages() -> Mapping[str, str]:
    """Return the English catalogue, the one every other language falls back to."""
    catalogue: dict[str, str] = json.loads(ENGLISH.read_text(encoding="utf-8"))
    return catalogue


def text(key: str, **params: Any) -> rx.Var[str]:
    """Return a Var that says a message in the reader's language.

    Args:
        key: Key in the catalogue, such as ``alarms.title``.
        **params: Values or Vars for the placeholders.

    Raises:
        UnknownMessageError: There is no such message, or the parameters are not those of its placeholders.
    """
    message = messages().get(key)
    if message is None:
        raise UnknownMessageError(f"No message has the key {key!r}. Add it to {ENGLISH.name}.")
    needed = placeholders(message)
    if needed != params.keys():
        raise UnknownMessageError(f"The message {key!r} takes {sorted(needed)}, not {sorted(params)}.")
    arguments = rx.Var.create(dict(params))
    return rx.Var(
        _js_expr=f"t({json.dumps(key)}, {arguments!s})" if params else f"t({json.dumps(key)})",
        _var_type=str,
        _var_data=VarData.merge(
            arguments._get_all_var_data(),
            VarData(imports={module("messages.js"): [ImportVar(tag="t")]}),
        ),
    ).to(str)
