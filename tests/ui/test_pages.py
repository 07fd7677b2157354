"""Every page as it is built: it stands on its own, leads only to pages that exist, and can be used without eyes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reflex as rx

from pdm_app.ui.messages import messages
from pdm_app.ui.pages.all_pages import PAGES, Page
from pdm_app.ui.shell import NAVIGATION, icon

UI = Path(__file__).parents[2] / "pdm_app" / "ui"
BESIDE_THE_SHELL = {"/login", "/setup", "/accept"}  # Nobody is known there, so there is no navigation.
FIELDS = {'"select"', '"input"', '"textarea"'}
LINK = re.compile(r'to:\(?"([^"]+)"(\+?)')
BROWSER_LINK = re.compile(r"""(?:href|location(?:\.href)?)\s*=\s*\{?["'`](/[^"'`]*)""")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route)


def walk(component: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every component of a page with those around it, both branches of conditions and one item of lists."""
    yield component, above
    for child in getattr(component, "children", ()):
        yield from walk(child, (*above, component))


def name_of(component: Any) -> str:
    return str(component.render().get("name", ""))


def props_of(component: Any) -> list[str]:
    return [str(prop) for prop in component.render().get("props", ())]


def is_labelled(component: Any) -> bool:
    return any(prop.startswith(('"aria-label":', '"aria-labelledby":', "title:")) for prop in props_of(component))


def says_something(component: Any) -> bool:
    """Whether any text is inside, be it a message, a variable or a component of ours that writes."""
    return any(type(part).__name__ == "Bare" and str(part.contents) not in ("", '""') for part, _ in walk(component))


def routes() -> list[re.Pattern[str]]:
    return [re.compile(re.sub(r"\\\[\w+\\\]", "[^/]+", re.escape(page.route))) for page in PAGES]


# Addresses of files: their links have the browser ask the server, not the application for a page.
FILES = {"/api/audit/export", "/api/third-parties/licences"}
"""Addresses outside the pages: the browser asks for them itself, or in a tab of their own."""
BY_THE_BROWSER = {"reloadDocument:true", 'target:"_blank"'}


def leads_somewhere(path: str) -> bool:
    return any(route.fullmatch(re.split(r"[?#]", path)[0]) for route in routes())


@every_page
def test_a_page_has_one_title_on_its_tab_and_a_heading(page: Page) -> None:
    assert messages()[page.title_key].strip()
    built = page.show()
    assert any(name_of(part) == '"h1"' for part, _ in walk(built)), "screen readers look for a first heading"


@every_page
def test_a_page_has_one_main_part_that_the_keyboard_can_skip_to(page: Page) -> None:
    parts = [part for part, _ in walk(page.show())]
    mains = [part for part in parts if name_of(part) == '"main"']
    assert len(mains) == 1
    if page.route not in BESIDE_THE_SHELL:
        assert 'id:"content"' in props_of(mains[0])
        assert any('to:"#content"' in props_of(part) for part in parts)


@every_page
def test_every_link_of_a_page_leads_to_a_page(page: Page) -> None:
    wrong = []
    for part, _ in walk(page.show()):
        for prop in props_of(part):
            if (found := LINK.match(prop)) and not found[1].startswith("#"):
                path = found[1] + ("anything" if found[2] else "")
                if path.partition("?")[0] in FILES and BY_THE_BROWSER.intersection(props_of(part)):
                    continue
                wrong += [] if leads_somewhere(path) else [path]
    assert wrong == []


def test_every_link_of_the_live_widgets_leads_to_a_page() -> None:
    found = [
        (path.name, re.sub(r"\$\{[^}]*\}", "anything", target))
        for path in sorted((UI / "browser").glob("*.js*"))
        for target in BROWSER_LINK.findall(path.read_text(encoding="utf-8"))
    ]
    assert found, "the search finds the links that are there"
    assert [(name, target) for name, target in found if not leads_somewhere(target)] == []


def test_the_search_for_wrong_links_finds_them() -> None:
    assert LINK.match('to:"/nowhere"') is not None
    assert not leads_somewhere("/nowhere")
    assert not leads_somewhere("/asset")
    assert leads_somewhere("/asset/p-101a?tab=live")


def nameless(built: Any) -> list[str]:
    """What can be pressed or filled in without saying what it is."""
    found = []
    for part, above in walk(built):
        name = name_of(part)
        if name in FIELDS:
            has_name = is_labelled(part) or any(name_of(one) == '"label"' and says_something(one) for one in above)
        elif name in {'"button"', '"summary"', "ReactRouterLink"}:
            has_name = is_labelled(part) or says_something(part)
        else:
            has_name = name != '"img"' or any(prop.startswith("alt:") for prop in props_of(part))
        found += [] if has_name else [f"{name} {props_of(part)}"]
    return found


@every_page
def test_everything_to_press_or_fill_in_has_a_name(page: Page) -> None:
    assert nameless(page.show()) == []


def test_the_search_for_nameless_things_finds_them() -> None:
    bare = rx.el.div(rx.el.button(icon("bell")), rx.el.input(), rx.el.a(href="/alarms"), rx.el.img(src="/logo.svg"))
    assert len(nameless(bare)) == 4
    named = rx.el.div(rx.el.button("Go"), rx.el.label("Name", rx.el.input()), rx.el.img(src="/logo.svg", alt=""))
    assert nameless(named) == []


@every_page
def test_a_button_says_whether_it_sends_a_form(page: Page) -> None:
    buttons = [part for part, _ in walk(page.show()) if name_of(part) == '"button"']
    assert [props_of(part) for part in buttons if not any(prop.startswith("type:") for prop in props_of(part))] == []


def test_the_navigation_leads_to_pages_and_marks_where_one_is() -> None:
    for entry in NAVIGATION:
        assert leads_somewhere(entry.href), entry.href
        assert entry.key in messages()
    for page in PAGES:
        if page.route in BESIDE_THE_SHELL:
            continue
        marked = {
            prop
            for part, above in walk(page.show())
            if '"aria-current":"page"' in props_of(part) and any('className:"rail"' in props_of(one) for one in above)
            for prop in props_of(part)
            if prop.startswith("to:")
        }
        assert len(marked) == 1, page.route


def test_every_route_is_there_once() -> None:
    assert len({page.route for page in PAGES}) == len(PAGES)


def test_pages_are_made_of_components() -> None:
    assert all(isinstance(page.show(), rx.Component) for page in PAGES)
