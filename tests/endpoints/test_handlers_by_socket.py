"""Every event handler of every page, called at the served product by a bare socket: by a stranger, and by each role.

Nothing here names a handler: they are read from the state tree, with arguments made up from their signatures, so that
a new one is tried without being entered anywhere. Whoever calls belongs to the site of Graz; what may never come back,
and never change, is whatever stands in Pune.
"""

import asyncio
import inspect
import re
import sqlite3
import time
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import pytest
import reflex as rx
from pydantic import BaseModel
from reflex.state import BaseState, UpdateVarsInternalState

from pdm_app.domain.access import Role
from pdm_app.ui.pages.all_pages import PAGES
from pdm_app.ui.states.session import ACCESS_COOKIE, Session
from tests.counterparts.bare_sockets import SocketEvent, bare_socket
from tests.counterparts.product import RunningProduct
from tests.counterparts.stored_product import WORD_MIN, StoredProduct, stored_product
from tests.counterparts.whole_product import OURS, PASSWORD, THEIRS, Belongings, username
from tests.ui.test_states import HANDLERS

ROLES = tuple(role for role in Role if role not in (Role.ADMIN, Role.SERVICE))
"""All that people have who belong to a site: an admin sees each of them, and a service account signs in nowhere."""
UNLIMITED = {"PDM_HTTP__EVENTS_PER_MINUTE": "0", "PDM_AUTH__MFA_REQUIRED_ROLES": "[]"}
SET_ANYTHING = "setvar"  # Every state has it; the product has it switched off.


@dataclass(frozen=True, slots=True)
class Target:
    """The served product, and what was stored for it."""

    product: RunningProduct
    stored: StoredProduct

    async def cookie(self, role: Role) -> str:
        """Sign in at the front door."""
        here = self.product.url
        async with httpx.AsyncClient(base_url=here, headers={"origin": here}, timeout=90) as client:
            words = {"username": username(role), "password": PASSWORD}
            answer = await client.post("/api/auth/login", json=words)
            assert answer.status_code == 200, answer.text
            return f"{ACCESS_COOKIE}={client.cookies[ACCESS_COOKIE]}"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    product = RunningProduct(Path(tmp_path_factory.mktemp("served")), "serve", UNLIMITED)
    stored = asyncio.run(stored_product(product.data_dir))
    product.start()
    while campaigns_running(product):  # For nobody vouches for their releases, which the engine finds by itself.
        time.sleep(0.2)
    yield Target(product, stored)
    product.kill()


def campaigns_running(product: RunningProduct) -> int:
    with sqlite3.connect(product.data_dir / "pdm.sqlite") as database:
        database.execute("PRAGMA busy_timeout = 20000")
        found: int = database.execute("SELECT COUNT(*) FROM campaigns WHERE state = 'running'").fetchone()[0]
    return found


def every_state(state: type[BaseState] = rx.State) -> Iterator[type[BaseState]]:
    """All states of the product, wherever they hang in the tree."""
    assert PAGES  # Importing them has declared every state.
    for below in state.get_substates():
        if below.__module__.startswith("pdm_app."):
            yield below
        yield from every_state(below)


def handlers() -> dict[str, Any]:
    """Every function that a socket can call, by the full name of its event."""
    found = {
        f"{state.get_full_name()}.{name}": handler.fn
        for state in every_state()
        for name, handler in state.event_handlers.items()
        if name != SET_ANYTHING
    }
    assert len(found) > 20
    return found


def made_up(kind: Any, word: str) -> Any:
    """Return an argument of a kind, with ``word`` in it wherever words fit."""
    plain = typing.get_origin(kind) or kind
    if plain in (int, float, bool):
        return plain(2)
    if plain in (list, tuple, set):
        return [word]
    if plain is dict or (inspect.isclass(plain) and issubclass(plain, BaseModel)):
        return dict.fromkeys(("id", "key", "text", "site_id", "asset_id", "signal", "severity", "anchor"), word)
    return word


def calls(words: Belongings) -> list[SocketEvent]:
    """Return every handler with the names of a site's belongings, as its arguments and as the page that is open."""
    paths = sorted({path for page in PAGES for path in _filled(page.route, words)})
    found = []
    for name, handler in handlers().items():
        hints = typing.get_type_hints(inspect.unwrap(handler))
        parameters = [one for one in inspect.signature(handler).parameters if one != "self"]
        payloads = [
            {one: made_up(hints.get(one, str), word) for one in parameters} for word in _fitting(parameters, words)
        ]
        found += [SocketEvent(name, payload) for payload in payloads]
        found += [SocketEvent(name, payloads[0], path) for path in paths]
    return found


def _fitting(parameters: list[str], words: Belongings) -> list[str]:
    """Return the belongings that a handler's parameters name, all of them where they name none."""
    every = {one.name: str(getattr(words, one.name)) for one in fields(words)}
    if not parameters:
        return [words.asset_id]
    return [every[one] for one in parameters if one in every] or sorted(set(every.values()))


def _filled(route: str, words: Belongings) -> list[str]:
    """Return the addresses of a page with the belongings that its parameter names; none for a page without one."""
    parameter = re.search(r"\[(\w+)\]", route)
    if parameter is None:
        return []
    assert hasattr(words, parameter[1]), f"{route} names something that the stored product lacks"
    return [route.replace(parameter[0], str(getattr(words, parameter[1])))]


def test_pages_with_a_parameter_are_opened_for_what_is_elsewhere(target: Target) -> None:
    assert len({event.path for event in calls(target.stored.theirs)}) >= 4


async def test_a_bare_socket_without_a_session_learns_nothing_from_any_handler(target: Target) -> None:
    by_handler: dict[str, list[SocketEvent]] = {}
    for event in calls(target.stored.ours):
        by_handler.setdefault(event.name, []).append(event)
    before, said, not_led_away = rows(target, ""), "", set()
    async with bare_socket(target.product.url) as socket:
        for name, events in by_handler.items():
            answer = await socket.answers(events)
            led = re.findall(r'"_redirect".*?"path":"(.*?)[?"]', answer)
            if len(led) < len(events) or set(led) != {"/login"}:
                not_led_away.add(name)
            said += answer
    assert not_led_away == {f"{one.state.get_full_name()}.{one.name}" for one in HANDLERS if one.is_local}
    events = [event for events in by_handler.values() for event in events]
    assert foreign_words(said, events, target.stored.words(OURS) | target.stored.words(THEIRS)) == set()
    for word in ("sqlite", str(target.product.data_dir), "argon2", "Traceback", "secret_keys"):
        assert word not in said, word
    assert rows(target, "") == before


async def test_no_socket_writes_into_a_state_past_its_handlers(target: Target) -> None:
    forged = "forged-copper"
    events = [
        SocketEvent(f"{state.get_full_name()}.{SET_ANYTHING}", {"var_name": name, "value": forged})
        for state in every_state()
        for name in sorted(state.base_vars)[:3]
    ]
    storage = {f"{state.get_full_name()}.{name}": forged for state in every_state() for name in state.base_vars}
    assert "update_vars_internal" in UpdateVarsInternalState.event_handlers, "what Reflex calls it"
    events += [
        SocketEvent(f"{UpdateVarsInternalState.get_full_name()}.update_vars_internal", {"vars": {name: forged}})
        for name in storage
    ]
    async with bare_socket(target.product.url, await target.cookie(Role.VIEWER)) as socket:
        said = await socket.answers([*events, SocketEvent(f"{Session.get_full_name()}.enter")])
    written = re.findall(rf'"(\w+?)_rx_state_":"{forged}"', said)
    assert set(written) <= {"site_id"}, "which the browser keeps, and which is looked at anew"


@pytest.mark.parametrize("role", ROLES)
async def test_no_handler_shows_or_changes_anything_of_a_site_that_is_not_ones_own(target: Target, role: Role) -> None:
    events = calls(target.stored.theirs)
    before = rows(target, THEIRS)
    async with bare_socket(target.product.url, await target.cookie(role)) as socket:
        said = await socket.answers(events)
        assert foreign_words(said, events, target.stored.words(THEIRS)) == set()
        assert '"_redirect"' not in said or "/login" not in said
    assert rows(target, THEIRS) == before


async def test_the_same_calls_at_home_do_show_what_they_are_asked_for(target: Target) -> None:
    """What the other tests look for is found where it may be found, so that they can fail."""
    events = calls(target.stored.ours)
    async with bare_socket(target.product.url, await target.cookie(Role.ADMIN)) as socket:
        said = await socket.answers([event for event in events if ".load" in event.name])
    assert len(foreign_words(said, events, target.stored.words(OURS))) > 20


def foreign_words(said: str, events: list[SocketEvent], words: set[str]) -> set[str]:
    """Return which words came back although nobody had sent them."""
    text = said.encode().decode("unicode_escape", "replace") if "\\u" in said else said
    sent = {str(part) for event in events for part in (*_strings(event.payload), *event.path.split("/"))}
    for word in sorted(sent, key=len, reverse=True):
        if len(word) >= WORD_MIN:
            text = text.replace(word, "…")
    return {word for word in words if word in text}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, str):
        yield value


def rows(target: Target, site_id: str) -> dict[str, list[Any]]:
    """All rows of a site, by table, of everything that people change; of every site without one."""
    found = {}
    with sqlite3.connect(target.product.data_dir / "pdm.sqlite") as database:
        database.execute("PRAGMA busy_timeout = 20000")
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [column[1] for column in database.execute(f"PRAGMA table_info({table})")]
            if "site_id" in columns and table not in MOVING:
                chosen = f"WHERE site_id = '{site_id}'" if site_id else ""
                query = f"SELECT * FROM {table} {chosen}"  # noqa: S608 - both are the test's own words
                found[table] = sorted(map(repr, database.execute(query)))
    assert {"assets", "devices", "connections"} <= found.keys()
    return found


MOVING = frozenset({"audit", "production_shifts"})
"""What the engine goes on with by itself."""
