"""What any socket may call: every handler of every state, tried without a cookie, as a viewer, and across sites."""

import json
import typing
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import reflex as rx
from pydantic import TypeAdapter
from reflex.istate.data import RouterData

from pdm_app.domain.access import ROLE_PERMISSIONS, SYSTEM, Role
from pdm_app.services.auth import AuthService
from pdm_app.settings import Settings
from pdm_app.ui.backend import Backend, plug_in, unplug
from pdm_app.ui.pages.all_pages import PAGES
from pdm_app.ui.states.asset import AssetPage, Breakage
from pdm_app.ui.states.audit import Audit
from pdm_app.ui.states.connections import Connections
from pdm_app.ui.states.devices import DevicePage, Devices
from pdm_app.ui.states.entrance import Entrance
from pdm_app.ui.states.fleet import Fleet
from pdm_app.ui.states.health import SystemHealth
from pdm_app.ui.states.journal import Journal
from pdm_app.ui.states.plant import Plant
from pdm_app.ui.states.session import ACCESS_COOKIE, Session
from tests.counterparts.installation import quick_hasher
from tests.counterparts.whole_product import OURS, THEIRS, WholeProduct, whole_product
from tests.rpc.test_secrets import SECRET
from tests.rpc.test_site_scope import names_of


@dataclass(frozen=True, slots=True)
class Handler:
    """How one handler is called, what it needs, and whether it works on the page alone."""

    state: type[rx.State]
    name: str
    path: str = "/plant"
    arguments: tuple[Any, ...] = ()
    needs: str = ""
    is_local: bool = False

    def __str__(self) -> str:
        return f"{self.state.__name__}.{self.name}"


FORM = {"key": "sensor_stuck", "signal": "Motor_Current_A", "severity": "100"}
OUR_LINE, OUR_ASSET, OUR_DEVICE = "/plant/graz-cooling-water", "/asset/p-101a", "/devices/plc-cooling-water"
OUR_CONNECTION, NO_KEY, NO_FAULT = "graz-cooling-opcua", "no-key", "no-fault"
HANDLERS = (
    Handler(Session, "enter"),
    Handler(Session, "show_site", arguments=(OURS,)),
    Handler(Session, "report", arguments=("7f3a",), is_local=True),
    Handler(Session, "dismiss", is_local=True),
    Handler(Plant, "load"),
    Handler(Plant, "load_line", OUR_LINE),
    Handler(AssetPage, "load", OUR_ASSET),
    Handler(AssetPage, "refresh", OUR_ASSET),
    Handler(AssetPage, "show_tab", OUR_ASSET, ("live",)),
    Handler(AssetPage, "show_trend", OUR_ASSET, (2,)),
    Handler(AssetPage, "choose_trend", OUR_ASSET, ("2",)),
    Handler(Breakage, "choose", OUR_ASSET, ("cavitation",), is_local=True),
    Handler(Breakage, "load", OUR_ASSET),
    Handler(Breakage, "inject", OUR_ASSET, ("P-101A", FORM), needs="demo.control"),
    Handler(Breakage, "clear", OUR_ASSET, (NO_FAULT,), needs="demo.control"),
    Handler(Fleet, "load", "/fleet"),
    Handler(Connections, "pause", "/connections", (OUR_CONNECTION,), needs="connections.configure"),
    Handler(Connections, "resume", "/connections", (OUR_CONNECTION,), needs="connections.configure"),
    Handler(Devices, "load", "/devices"),
    Handler(DevicePage, "load", OUR_DEVICE),
    Handler(DevicePage, "create_key", OUR_DEVICE, needs="devices.configure"),
    Handler(DevicePage, "rotate_key", OUR_DEVICE, (NO_KEY,), needs="devices.configure"),
    Handler(DevicePage, "revoke_key", OUR_DEVICE, (NO_KEY,), needs="devices.configure"),
    Handler(DevicePage, "hide_key", OUR_DEVICE, is_local=True),
    Handler(Journal, "load", "/alarms/history"),
    Handler(Journal, "more", "/alarms/history"),
    Handler(Journal, "search", "/alarms/history", ({"text": "pump", "kind": "raised", "priority": "2"},)),
    Handler(Audit, "load", "/settings/audit", needs="audit.read"),
    Handler(Audit, "more", "/settings/audit", needs="audit.read"),
    Handler(Audit, "search", "/settings/audit", ({"text": "pump", "action": "assets."},), needs="audit.read"),
    Handler(SystemHealth, "load", "/settings/about"),
    Handler(Entrance, "load", "/login", is_local=True),  # Nobody is signed in there; it has tests of its own below.
)
GUARDED = [handler for handler in HANDLERS if not handler.is_local]


def states() -> Iterator[type[rx.State]]:
    """Every state of the product that a socket can reach."""

    def below(state: type[rx.State]) -> Iterator[type[rx.State]]:
        yield state
        for child in state.get_substates():
            yield from below(typing.cast(type[rx.State], child))

    yield from below(Session)
    yield from below(Entrance)


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(sqlite_url, tmp_path) as product:
        plug_in(Backend(product.services, demo=True, version="1.2.3"))
        yield product
        unplug()


class Socket:
    """One browser's state, as the server holds it."""

    def __init__(self, cookie: str = "", address: str = "10.0.0.5") -> None:
        self._root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
        self._cookie = cookie
        self._address = address

    def at(self, path: str) -> None:
        """Say which page is open; the headers are those of the handshake."""
        headers = {"cookie": self._cookie, "host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"}
        self._root.router = RouterData.from_router_data(
            {"headers": headers, "ip": self._address, "pathname": path, "asPath": path, "query": {}, "token": "t"}
        )

    def state(self, kind: type[rx.State]) -> Any:
        return self._root.get_substate(kind.get_full_name().split("."))

    async def call(self, handler: Handler) -> str:
        """Call a handler as the event of a socket does and return what the browser is told to do."""
        self.at(handler.path)
        follow = handler.state.event_handlers[handler.name].fn(self.state(handler.state), *handler.arguments)
        if hasattr(follow, "__await__"):
            follow = await follow
        return "" if follow is None else str(follow.args)

    def seen(self) -> Any:
        """Everything that the browser would be sent, but for where it is and what it was told."""
        return json.loads(
            json.dumps(
                {
                    name: {
                        key: value for key, value in variables.items() if not key.startswith(("router", "rx_router"))
                    }
                    for name, variables in self._root.dict().items()
                },
                default=str,
            )
        )


def cookie(token: str) -> str:
    return f"theme=dark; {ACCESS_COOKIE}={token}"


async def signed_in(product: WholeProduct, role: Role) -> Socket:
    return Socket(cookie((await product.sign_in(role)).access_token))


async def stored(product: WholeProduct) -> Any:
    """What handlers could have changed."""
    services = product.services
    assert services.demo is not None
    connections = [view.connection for view in await services.connections.all(SYSTEM)]
    return connections, await services.devices.keys(SYSTEM), await services.demo.faults(SYSTEM)


def test_every_handler_that_a_socket_can_call_is_among_those_that_are_tried() -> None:
    found = {f"{state.__name__}.{name}" for state in states() for name in state.event_handlers if name != "setvar"}
    assert found == {str(handler) for handler in HANDLERS}


def test_no_socket_can_set_a_variable_by_its_name() -> None:
    for state in states():
        assert [name for name in state.event_handlers if name.startswith("set_")] == []
        for name in state.base_vars:
            with pytest.raises(AttributeError):
                state.event_handlers["setvar"].fn(Socket().state(state), name, "forged")


def test_pages_open_with_handlers_that_are_guarded() -> None:
    guarded = {(handler.state.get_full_name(), handler.name) for handler in GUARDED}
    open_to_all = {(Entrance.get_full_name(), "load")}
    for page in PAGES:
        opened = {
            (typing.cast(Any, event).state_full_name, typing.cast(Any, event).fn.__name__) for event in page.on_load
        }
        assert opened, f"{page.route} opens without anything that asks who is there"
        assert opened <= (open_to_all if page.route in {"/login", "/setup", "/accept"} else guarded), page.route


@pytest.mark.parametrize("what", ["no cookie", "noise", "a broken header", "an ended session"])
async def test_without_a_session_every_handler_leads_to_the_login_and_shows_nothing(
    product: WholeProduct, what: str
) -> None:
    ended = await product.sign_in(Role.ADMIN)
    await product.services.auth.sign_out(await product.services.auth.actor_of_session(ended.session_id))
    cookies = {
        "no cookie": "",
        "noise": cookie("x" * 60),
        "a broken header": f'{ACCESS_COOKIE}="\x01; =;;',
        "an ended session": cookie(ended.access_token),
    }
    device = await product.services.devices.by_id(SYSTEM, product.ours.device_id)
    detail = await product.services.assets.by_id(SYSTEM, product.ours.asset_id)
    before = await stored(product)
    for handler in GUARDED:
        socket = Socket(cookies[what])
        socket.at(handler.path)
        socket.state(DevicePage).device, socket.state(AssetPage).detail = device, detail  # As if it had been loaded.
        empty = socket.seen()
        follow = await socket.call(handler)
        assert f"/login?next={quote(handler.path, safe='/')}" in follow, str(handler)
        assert socket.seen() == empty, str(handler)
    assert await stored(product) == before


async def test_handlers_of_the_page_alone_touch_nothing_else(product: WholeProduct) -> None:
    before = await stored(product)
    for handler in HANDLERS:
        if handler.is_local and handler.state is not Entrance:
            assert await Socket().call(handler) == "", str(handler)
    assert await stored(product) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_each_role_is_told_which_permission_is_missing_and_gets_all_else(
    product: WholeProduct, role: Role
) -> None:
    may = {str(permission) for permission in ROLE_PERMISSIONS[role]}
    refused = [handler for handler in GUARDED if handler.needs and handler.needs not in may]
    allowed = [handler for handler in GUARDED if handler not in refused]
    assert refused or role is Role.ADMIN
    cookies, before = cookie((await product.sign_in(role)).access_token), await stored(product)
    device = await product.services.devices.by_id(SYSTEM, product.ours.device_id)
    for handlers in (refused, allowed):
        for handler in handlers:
            socket = Socket(cookies)
            socket.at(handler.path)
            socket.state(DevicePage).device = device
            assert "/login" not in await socket.call(handler), str(handler)
            problem = socket.state(Session).problem
            if handler in refused:
                assert handler.needs in problem, str(handler)
            elif not handler.needs:
                assert problem == "", str(handler)
            else:
                assert handler.needs not in problem, str(handler)
        if handlers is refused:
            assert await stored(product) == before


async def test_a_viewer_sees_no_key_of_a_device(product: WholeProduct) -> None:
    await product.services.devices.create_key(SYSTEM, product.ours.device_id)
    shown = {}
    for role in (Role.VIEWER, Role.ENGINEER):
        socket = await signed_in(product, role)
        await socket.call(Handler(DevicePage, "load", OUR_DEVICE))
        shown[role] = len(socket.state(DevicePage).keys)
    assert shown == {Role.VIEWER: 0, Role.ENGINEER: 1}


async def test_a_new_key_is_shown_once_and_gone_with_the_page(product: WholeProduct) -> None:
    socket = await signed_in(product, Role.ENGINEER)
    await socket.call(Handler(DevicePage, "load", OUR_DEVICE))
    await socket.call(Handler(DevicePage, "create_key", OUR_DEVICE))
    page = socket.state(DevicePage)
    assert (page.new_key[:4], len(page.keys)) == ("pdm_", 1)
    assert page.new_key not in str(page.keys)
    await socket.call(Handler(DevicePage, "load", OUR_DEVICE))
    assert (page.new_key, len(page.keys)) == ("", 1)


ELSEWHERE = (
    (AssetPage, "load", "/asset/{asset_id}", ()),
    (AssetPage, "refresh", "/asset/{asset_id}", ()),
    (DevicePage, "load", "/devices/{device_id}", ()),
    (Connections, "pause", "/connections", ("{connection_id}",)),
    (Connections, "resume", "/connections", ("{connection_id}",)),
    (Breakage, "inject", "/asset/p-101a", ("{asset_code}", FORM)),
    (Breakage, "clear", "/asset/p-101a", ("{fault_id}",)),
    (DevicePage, "rotate_key", OUR_DEVICE, ("{key_id}",)),
    (DevicePage, "revoke_key", OUR_DEVICE, ("{key_id}",)),
)


async def test_what_is_elsewhere_looks_like_what_does_not_exist(product: WholeProduct) -> None:
    foreign_key = (await product.services.devices.create_key(SYSTEM, product.theirs.device_id)).key.id
    theirs = product.theirs
    there = {name: str(getattr(theirs, name)) for name in theirs.__slots__} | {"key_id": foreign_key}
    nowhere = {name: f"no-{name.replace('_', '-')}" for name in there}
    before = await stored(product)
    for kind, name, path, arguments in ELSEWHERE:
        said = {}
        for place, names in (("there", there), ("nowhere", nowhere)):
            socket = await signed_in(product, Role.ENGINEER)
            filled = tuple(part.format(**names) if isinstance(part, str) else part for part in arguments)
            await socket.call(Handler(kind, name, path.format(**names), filled))
            assert socket.state(Session).problem, (kind, name, place)
            text = json.dumps(socket.seen())
            for word in sorted(names.values(), key=len, reverse=True):
                text = text.replace(word, "…")
            said[place] = text
        assert said["there"] == said["nowhere"], (kind.__name__, name)
    assert await stored(product) == before


async def test_a_line_and_a_site_of_others_cannot_be_opened(product: WholeProduct) -> None:
    socket = await signed_in(product, Role.ENGINEER)
    await socket.call(Handler(Plant, "load_line", "/plant/pune-pumps"))
    assert socket.state(Plant).line is None
    await socket.call(Handler(Session, "show_site", arguments=(THEIRS,)))
    assert socket.state(Session).site_id == OURS
    await socket.call(Handler(Plant, "load"))
    await socket.call(Handler(Devices, "load", "/devices"))
    await socket.call(Handler(Journal, "load", "/alarms/history"))
    assert {line.site.id for line in socket.state(Plant).lines} == {OURS}
    assert {device.site_id for device in socket.state(Devices).devices} == {OURS}
    assert THEIRS not in json.dumps(socket.seen()).lower()


async def test_a_page_opened_before_the_browser_kept_the_site_has_one(product: WholeProduct) -> None:
    socket = await signed_in(product, Role.ENGINEER)
    await socket.call(Handler(Session, "enter"))
    socket.state(Session).site_id = ""  # What a next page sends that knows of none.
    await socket.call(Handler(Session, "enter"))
    assert socket.state(Session).site_id == OURS


async def test_what_somebody_types_wrong_is_said_and_changes_nothing(product: WholeProduct) -> None:
    before = await stored(product)
    for severity in ("a lot", "nan", "-1", "101", "1e999"):
        socket = await signed_in(product, Role.ENGINEER)
        await socket.call(Handler(Breakage, "inject", OUR_ASSET, ("P-101A", FORM | {"severity": severity})))
        assert "everity" in socket.state(Session).problem, severity
    assert await stored(product) == before


async def test_while_the_product_starts_every_handler_says_so(product: WholeProduct) -> None:
    socket = await signed_in(product, Role.ADMIN)
    unplug()
    for handler in GUARDED:
        assert await socket.call(handler) == "", str(handler)
        assert socket.state(Session).is_starting, str(handler)
    assert socket.state(Session).username == ""


# --- the entrance -------------------------------------------------------------------------------------------------


async def test_demo_passwords_are_shown_at_this_machine_only(product: WholeProduct, tmp_path: Path) -> None:
    hasher = quick_hasher()
    auth = AuthService(product.work, product.clock, Settings(data_dir=tmp_path / "demo", demo=True), hasher)
    await auth.ensure_demo_accounts()
    plug_in(Backend(replace(product.services, auth=auth), demo=True, version="1.2.3"))
    shown = {}
    for address in ("127.0.0.1", "10.0.0.5", ""):
        socket = Socket(address=address)
        await socket.call(Handler(Entrance, "load", "/login"))
        shown[address] = len(socket.state(Entrance).accounts)
    hasher.close()
    assert shown == {"127.0.0.1": 5, "10.0.0.5": 0, "": 0}


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        ("/alarms", "/alarms"),
        ("//evil.example", "/plant"),
        ("/\\evil.example", "/plant"),
        ("https://evil.example", "/plant"),
    ],
)
async def test_after_signing_in_only_pages_of_this_product_open(
    product: WholeProduct, wanted: str, opened: str
) -> None:
    socket = Socket()
    await socket.call(Handler(Entrance, "load", f"/login?next={quote(wanted, safe='')}"))
    assert socket.state(Entrance).next_path == opened


# --- what a state may hold ----------------------------------------------------------------------------------------


def test_the_only_secrets_in_states_are_those_meant_to_be_read() -> None:
    named = set()
    for state in states():
        for name, kind in typing.get_type_hints(state).items():
            if name not in state.base_vars or name not in state.__annotations__:
                continue
            fields: set[str] = set()
            with suppress(Exception):  # A type of Reflex's own has no schema.
                fields = set(names_of(TypeAdapter(kind).json_schema()))
            named |= {f"{state.__name__}.{name}"} if SECRET.search(name) else set()
            named |= {f"{state.__name__}.{name}.{field}" for field in fields if SECRET.search(field)}
    seals = {"Audit.lines.hash", "Audit.verdict.last_hash"}  # Of the audit trail; they are there to be compared.
    assert named - seals == {"Entrance.token", "Entrance.accounts.password"}
    assert "new_key" in DevicePage.base_vars, "the third one: a device key, shown once"
