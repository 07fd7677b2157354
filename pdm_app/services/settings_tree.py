"""Lay what an admin has stored over what file, environment and command have given: one tree, checked as a whole.

What the installation fixes stays fixed. A stored value that this version cannot use, because its key is gone or its
bounds have moved, is left out and said; it never keeps the product from starting.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.section import Section
from pdm_app.domain.settings_revisions import SettingValue
from pdm_app.services.setting_keys import Effect, Kind, SettingSpec, keys_given, setting_specs, value_in
from pdm_app.settings import Settings

Stored = Mapping[str, SettingValue]

NUMBER_MAX = 2**53  # Up to here whole numbers are exact in JSON and in a browser.

WORDS = {
    Kind.FLAG: "yes or no",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.TEXT: "text",
    Kind.CHOICE: "one of its choices",
    Kind.TEXTS: "a list of texts",
    Kind.CHOICES: "a list of its choices",
}


@dataclass(frozen=True, slots=True)
class Composed:
    """The tree in force, and which stored values it leaves out, each with the reason."""

    tree: Settings
    unused: Mapping[str, str]


def composed(base: Settings, stored: Stored) -> Composed:
    """Lay stored values over ``base``; what cannot be used is left out, whatever it is."""
    fixed, unused = set(keys_given(base)), dict[str, str]()
    usable = dict[str, SettingValue]()
    for key, value in stored.items():
        problem = "is fixed by the installation" if key in fixed else misfit(key, value)
        if problem:
            unused[key] = problem
        else:
            usable[key] = value
    while True:
        try:
            return Composed(_laid(base, usable), unused)
        except ValidationError as error:
            faults = _faults(error, usable)
            if not faults:
                raise  # What is given without anything stored does not hold: whoever made it has not checked it.
            for key, problem in faults.items():
                unused[key] = problem
                del usable[key]


def checked(base: Settings, wanted: Stored) -> dict[str, SettingValue]:
    """Return what is wanted as it is stored, once the whole tree with it holds.

    Raises:
        InvalidInputError: Names each key, what is wrong with it and what is allowed.
    """
    issues = [
        FieldIssue(key, *_words(key, problem)) for key, value in wanted.items() if (problem := misfit(key, value))
    ]
    if issues:
        raise refusal(issues)
    try:
        tree = _laid(base, wanted)
    except ValidationError as error:
        raise refusal([FieldIssue(key, problem) for key, problem in _faults(error, wanted).items()]) from None
    return {key: value for key in sorted(wanted) if (value := value_in(tree, key)) is not None}


def refusal(issues: Sequence[FieldIssue]) -> InvalidInputError:
    """Make the one error for settings that cannot be used."""
    said = "; ".join(f"{issue.field} {issue.problem}" + (f", {issue.fix}" if issue.fix else "") for issue in issues[:5])
    more = f"; and {len(issues) - 5} more" if len(issues) > 5 else ""
    return InvalidInputError(f"These settings cannot be used: {said}{more}.", issues)


def misfit(key: str, value: object) -> str:
    """Say why a value cannot stand under a key at all, empty where it may; bounds are the tree's to check."""
    spec = setting_specs().get(key)
    if spec is None:
        return "is no setting"
    if spec.effect is Effect.OUTSIDE:
        return "is set in the environment or the settings file only"
    return "" if _fits(spec, value) else f"must be {WORDS[spec.kind]}{_choices(spec)}"


def _words(key: str, problem: str) -> tuple[str, str]:
    if problem != "is no setting":
        return problem, ""
    close = difflib.get_close_matches(key, list(setting_specs()), n=1, cutoff=0.75)
    return problem, f"did you mean {close[0]}?" if close else ""


def _fits(spec: SettingSpec, value: object) -> bool:
    if spec.kind is Kind.FLAG:
        return isinstance(value, bool)
    if spec.kind in (Kind.INTEGER, Kind.NUMBER):
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= NUMBER_MAX:
            return False
        return spec.kind is Kind.NUMBER or float(value).is_integer()
    if spec.kind in (Kind.TEXTS, Kind.CHOICES):
        return isinstance(value, tuple | list) and all(isinstance(part, str) for part in value)
    return isinstance(value, str)


def _choices(spec: SettingSpec) -> str:
    return f" ({', '.join(spec.choices)})" if spec.choices else ""


def _laid(base: Settings, values: Stored) -> Settings:
    return type(base).model_validate(_with(base, values, ""))


def _with(tree: Settings | Section, values: Stored, above: str) -> dict[str, Any]:
    laid: dict[str, Any] = {}
    for name in type(tree).model_fields:
        held = getattr(tree, name)
        key = f"{above}{name}"
        laid[name] = _with(held, values, f"{key}.") if isinstance(held, Section) else values.get(key, held)
    return laid


def _faults(error: ValidationError, values: Stored) -> dict[str, str]:
    """Return what is wrong by key. A fault of several settings together is laid to each stored one among them."""
    found = dict[str, str]()
    for fault in error.errors(include_input=False, include_url=False):
        path = ".".join(str(part) for part in fault["loc"])
        problem = fault["msg"].removeprefix("Value error, ")
        near = [key for key in values if path == key or path.startswith(f"{key}.")]
        near = near or [key for key in values if key.startswith(f"{path}.") or not path]
        for key in near or values:
            found.setdefault(key, _decapitalised(problem))
    return found


def _decapitalised(problem: str) -> str:
    return problem.replace("Input should be", "must be", 1) if problem.startswith("Input should") else problem
