"""Settings as a text file fit for Git: TOML, sorted, no secret in it, the same text for the same settings.

    [auth]
    # A page nobody touches signs out after this; 0 is never. (min; 0 to 1440; default 60)
    idle_minutes = 30

Source: TOML v1.0.0; it is read by ``tomllib`` and written here.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.settings_revisions import SettingValue
from pdm_app.domain.units import unit
from pdm_app.services.setting_keys import SettingSpec, setting_specs

TEXT_CHARACTERS_MAX = 65_536
HEADER = (
    "# What was set in the product, beside its settings file and its environment.",
    "# Bring it in with: python3 -m pdm_app settings import FILE",
)
_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"' -]+?)\s*\]")
_ENTRY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
_DELETE = "\x7f"  # JSON leaves it as it is, TOML does not allow it.


def written(stored: Mapping[str, SettingValue], *, comments: bool = True) -> str:
    """Write settings as a file; ``comments`` puts what each one means above it."""
    lines = list(HEADER) if comments else []
    section = None
    for key in sorted(stored):
        table, _, name = key.rpartition(".")
        if table != section:
            lines += [*([""] if lines else []), f"[{table}]"]
            section = table
        spec = setting_specs().get(key)
        if comments and spec is not None:
            lines.append(f"# {meaning(spec)}")
        lines.append(f"{name} = {literal(stored[key])}")
    return "\n".join(lines) + "\n" if lines else ""


def meaning(spec: SettingSpec) -> str:
    """Say in one line what a setting is, its unit, its bounds and its default."""
    default = "" if spec.default is None else f"default {literal(spec.default)}"
    said = "; ".join(part for part in (unit(spec.unit).symbol if spec.unit else "", bounds(spec), default) if part)
    return f"{spec.description} ({said})" if said else spec.description


def bounds(spec: SettingSpec) -> str:
    """Write what is allowed, such as ``0 to 1440``, ``above 0``, ``json or text``; empty where nothing is said."""
    if spec.choices:
        return ", ".join(spec.choices[:-1]) + f" or {spec.choices[-1]}"
    low = None if spec.minimum is None else f"{spec.minimum:.15g}"
    high = None if spec.maximum is None else f"{spec.maximum:.15g}"
    if low is not None and spec.is_above_minimum:
        return f"above {low}" + (f", to {high}" if high is not None else "")
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"from {low}" if low is not None else f"to {high}" if high is not None else ""


def literal(value: SettingValue) -> str:
    """Write one value in TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(literal(part) for part in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else repr(value)


def read(text: str) -> dict[str, SettingValue]:
    """Read a file of settings; whether they can be used is the tree's to say.

    Raises:
        InvalidInputError: It is too long or no TOML, or holds what is no setting; each with its line.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise InvalidInputError(
            f"This text is longer than {TEXT_CHARACTERS_MAX} characters and cannot be a file of settings.",
            [FieldIssue("text", "is too long", f"send at most {TEXT_CHARACTERS_MAX} characters")],
        )
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"This is no TOML: {error}.", [FieldIssue("text", f"is no TOML: {error}")]) from None
    found, issues = dict[str, SettingValue](), list[FieldIssue]()
    for key, value in _leaves(given):
        taken = _value(value)
        if taken is None:
            issues.append(
                FieldIssue(key, f"is neither yes or no, number, text nor a list of texts{at_line(text, key)}")
            )
        else:
            found[key] = taken
    if issues:
        words = "; ".join(f"{issue.field} {issue.problem}" for issue in issues[:5])
        raise InvalidInputError(f"These settings cannot be read: {words}.", issues)
    return found


def with_lines(error: InvalidInputError, text: str) -> InvalidInputError:
    """Return the error with the line of each key in it."""
    issues = [
        FieldIssue(issue.field, f"{issue.problem}{at_line(text, issue.field)}", issue.fix) for issue in error.issues
    ]
    said = "; ".join(f"{issue.field} {issue.problem}" + (f", {issue.fix}" if issue.fix else "") for issue in issues[:5])
    return InvalidInputError(f"These settings cannot be used: {said}.", issues) if issues else error


def at_line(text: str, key: str) -> str:
    """Say where a key stands, as `` (line 12)``; empty where it is written in a way that is not looked for."""
    number = line_of(text, key)
    return f" (line {number})" if number else ""


def line_of(text: str, key: str) -> int | None:
    """Return the number of the line that sets a key, counted from 1."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _TABLE.match(line):
            table = _bare(heading[1])
        elif (entry := _ENTRY.match(line)) and ".".join(filter(None, (table, _bare(entry[1])))) == key:
            return number
    return None


def _bare(name: str) -> str:
    return re.sub(r"[\s\"']", "", name)


def _leaves(tree: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        key = f"{above}.{name}" if above else name
        if isinstance(value, dict):
            yield from _leaves(value, key)
        else:
            yield key, value


def _value(value: object) -> SettingValue | None:
    if isinstance(value, list):
        return tuple(value) if all(isinstance(part, str) for part in value) else None
    return value if isinstance(value, bool | int | float | str) else None


def markdown() -> str:
    """Write the table of all settings as a page of the documentation."""
    lines = [
        "# Settings",
        "",
        "Made from the tree by `python3 -m pdm_app settings docs --out .docs/settings.md`; do not edit.",
        "",
        "Strongest first: options of the command, environment variables, the TOML file that `PDM_CONFIG` names, what",
        "was set in the product (its page, `settings set`, `settings.change`), the default. *At once* and *restart*",
        "can be set in the product and say when that takes effect; *outside* is for file and environment alone.",
        "",
    ]
    section: str | None = None
    for key, spec in setting_specs().items():
        table = key.rpartition(".")[0]
        if table != section:
            section = table
            lines += [*([""] if lines[-1] else []), f"## {table or 'The installation'}", ""]
            lines += [
                "| setting | what it does | allowed | default | takes effect | variable |",
                "|---|---|---|---|---|---|",
            ]
        default = f"`{literal(spec.default)}`" if spec.default is not None else ""
        said = " ".join(part for part in (bounds(spec), unit(spec.unit).symbol if spec.unit else "") if part)
        effect = spec.effect.value.replace("_", " ")
        cells = (f"`{key}`", spec.description, said, default, effect, f"`{spec.variable}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
