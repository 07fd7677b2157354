"""The message catalogue: every key that code uses exists, every key that exists is used, pages hold no words."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_app.ui.messages import UnknownMessageError, messages, text
from pdm_app.ui.messages.icu import MessageSyntaxError, placeholders

UI = Path(__file__).parents[2] / "pdm_app" / "ui"
PYTHON_FILES = sorted(UI.rglob("*.py"))
BROWSER_FILES = sorted([*UI.rglob("*.js"), *UI.rglob("*.jsx")])
_KEY = re.compile(r"""["'`]([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)+)["'`]""")
_KEY_START = re.compile(r"""["'`]([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.)(?:\$\{|\{)""")
_KEY_IN_CALL = re.compile(r"""\bt\(\s*["']([^"']+)["']""")
WORDLESS = {"rx.Var", "rx.Var.create", "rx.cond", "rx.icon", "rx.asset", "rx.el.code", "rx.el.pre"}  # Code is no prose.
ATTRIBUTES_WITH_WORDS = {"title", "placeholder", "alt", "aria_label", "label", "aria_description"}


def sources() -> Iterator[tuple[Path, str]]:
    for path in [*PYTHON_FILES, *BROWSER_FILES]:
        yield path, path.read_text(encoding="utf-8")


def keys_asked_for() -> dict[str, Path]:
    """Keys in calls of ``text(…)`` and ``t(…)``; those are certain."""
    asked: dict[str, Path] = {}
    for path in BROWSER_FILES:
        asked |= dict.fromkeys(_KEY_IN_CALL.findall(path.read_text(encoding="utf-8")), path)
    for path in PYTHON_FILES:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", "") == "text"
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                asked[str(call.args[0].value)] = path
    return asked


def test_every_key_that_code_asks_for_is_in_the_catalogue() -> None:
    missing = {key: path.name for key, path in keys_asked_for().items() if key not in messages()}
    assert not missing


def test_every_key_of_the_catalogue_is_used() -> None:
    mentioned: set[str] = set()
    beginnings: set[str] = set()
    for _, source in sources():
        mentioned.update(_KEY.findall(source))
        beginnings.update(_KEY_START.findall(source))
    unused = [
        key for key in messages() if key not in mentioned and not any(key.startswith(start) for start in beginnings)
    ]
    assert not unused


def test_the_catalogue_is_sorted_and_every_message_can_be_read() -> None:
    assert list(messages()) == sorted(messages())
    for message in messages().values():
        assert message.strip() == message
        placeholders(message)


def literals_on_screen(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Words that a page would show: string children and worded attributes of ``rx.…`` calls."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("rx."):
            continue
        if ast.unparse(call.func) in WORDLESS:
            continue
        candidates = [*call.args, *(word.value for word in call.keywords if word.arg in ATTRIBUTES_WITH_WORDS)]
        for node in candidates:
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.search(r"[^\W\d_]{2,}", node.value)
            ):
                yield node.lineno, node.value


def test_pages_hold_no_words() -> None:
    found = [
        f"{path.relative_to(UI)}:{line}: {words}"
        for folder in ("pages", "shell", "widgets")
        for path in sorted([*(UI / folder).rglob("*.py"), *UI.glob(f"{folder}.py")])
        for line, words in literals_on_screen(ast.parse(path.read_text(encoding="utf-8")))
        if not re.fullmatch(r"[a-z0-9:/._#?=&%-]+", words)
    ]
    assert not found


def test_the_search_for_words_finds_them() -> None:
    page = 'rx.el.h1("Active alarms"); rx.el.input(placeholder="Search here"); rx.el.div(text("alarms.title"))'
    assert [words for _, words in literals_on_screen(ast.parse(page))] == ["Active alarms", "Search here"]


def test_an_unknown_key_is_refused_when_the_page_is_built() -> None:
    with pytest.raises(UnknownMessageError, match=r"no\.such\.key"):
        text("no.such.key")


def test_a_forgotten_parameter_is_refused_when_the_page_is_built() -> None:
    with pytest.raises(UnknownMessageError, match="'id'"):
        text("error.id")


def test_parameters_reach_the_browser_with_what_they_need() -> None:
    said = text("error.id", id="7f3a")
    assert str(said) == 't("error.id", ({ ["id"] : "7f3a" }))'
    data = said._get_all_var_data()
    assert data is not None
    assert any(library.endswith("/messages.js") for library, _ in data.imports)


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("plain", set()),
        ("{count} of {total}", {"count", "total"}),
        ("{n, plural, =0 {none} one {# by {who}} other {#}}", {"n", "who"}),
        ("{kind, select, a {yes, it is} other {no}}", {"kind"}),
        ("'{quoted}' {real}", {"real"}),
    ],
)
def test_placeholders_are_found_inside_cases_too(message: str, names: set[str]) -> None:
    assert placeholders(message) == names


@pytest.mark.parametrize("message", ["{n", "{n, plural, one {x}}", "a } b", "{n, plural, other {x}", "{1}"])
def test_a_broken_message_is_refused(message: str) -> None:
    with pytest.raises(MessageSyntaxError):
        placeholders(message)


def test_a_further_language_says_everything_with_the_same_placeholders_and_is_known_to_the_browser() -> None:
    browser = (UI / "browser" / "messages.js").read_text(encoding="utf-8")
    for path in sorted((UI / "messages").glob("*.json")):
        assert f"../messages/{path.name}" in browser, f"messages.js does not import {path.name}"
        catalogue = json.loads(path.read_text(encoding="utf-8"))
        assert catalogue.keys() == messages().keys(), path.name
        differing = [key for key, said in catalogue.items() if placeholders(said) != placeholders(messages()[key])]
        assert not differing, path.name
