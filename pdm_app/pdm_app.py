"""The Reflex `app`: pages, the product's own HTTP routes beside the front end, and its life."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex

import reflex as rx
from reflex import constants
from reflex.event import EventSpec
from reflex.utils import prerequisites
from starlette.routing import Mount, Router
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from pdm_app.endpoints.content_policy import ContentPolicy
from pdm_app.endpoints.entrance import Entrance
from pdm_app.endpoints.event_sockets import EventSockets
from pdm_app.endpoints.front_end import FrontEnd
from pdm_app.endpoints.gate import Gate
from pdm_app.endpoints.own_pages import OwnPages
from pdm_app.endpoints.routes import routes
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.rpc.server import PATH, REST_PREFIX, apply, make_rpc
from pdm_app.runtime import Product, running
from pdm_app.runtime.process import SystemClock
from pdm_app.services.logs import set_level
from pdm_app.services.metrics import Metrics
from pdm_app.services.settings_book import Follower
from pdm_app.settings import load_settings
from pdm_app.ui.backend import Backend, plug_in, services, unplug
from pdm_app.ui.messages import messages
from pdm_app.ui.pages.all_pages import LOST, PAGES
from pdm_app.ui.states.session import Ownership, Session
from pdm_app.ui.tabs import Tabs
from pdm_app.ui.theme import APP_WRAPS, HEAD, STYLESHEETS

log = logging.getLogger(__name__)
metrics = Metrics()
rpc = make_rpc(services, settings=load_settings().rpc, metrics=metrics)
followers: list[Follower] = [lambda settings: apply(rpc, settings.rpc), lambda settings: set_level(settings.log.level)]
"""What goes by the settings and is made before them, or outlives the product: told once it runs, and on each change."""
built: list[ASGIApp] = []
"""The product as `beside` has built it, for `served`: only the front end itself knows when it asks for it."""
start_failures: list[Exception] = []
"""Why the product could not start; the command that serves tells it to the person who started it."""


@asynccontextmanager
async def product() -> AsyncIterator[None]:
    """Run the product as long as the server serves."""
    settings = load_settings()
    async with AsyncExitStack() as stack:
        try:
            one = await stack.enter_async_context(running(settings, metrics=metrics))
        except Exception as error:
            start_failures.append(error)
            raise
        for follower in followers:
            one.services.settings.book.follow(follower)
        plug_in(_backend(one))
        try:
            yield
        finally:
            await rpc.drain()
            unplug()


def _backend(one: Product) -> Backend:
    return Backend(one.services, demo=one.settings.demo, version=one.version)


def beside(front_end: ASGIApp) -> ASGIApp:
    """Put the product's own routes in front of the front end, and the checks of every request around both."""
    settings = load_settings()
    sockets = EventSockets(front_end, settings.http, SystemClock())
    everything = Router(
        [
            *rpc.rest_routes(REST_PREFIX),
            *routes(services, settings, metrics, Path(prerequisites.get_web_dir()).parent),
            Mount("", FrontEnd(sockets, {page.route for page in PAGES}, ContentPolicy(compiled_pages()))),
        ]
    )
    gate = Gate(
        OwnPages(rpc.in_front_of(everything, PATH), settings.auth.allowed_origins), settings.http, SystemClock()
    )
    metrics.lasting_counter(
        "requests_refused_rate_total", "Requests refused because they came too often.", lambda: gate.refused_total
    )
    metrics.lasting_counter(
        "event_sockets_closed_total", "Event sockets of pages closed or not opened, for how they were used.",
        sockets.closed_total.total,
    )  # fmt: skip
    strict_days = 0 if settings.demo else settings.tls.hsts_days  # The demo must not lock anybody out of localhost.
    wrapping = Wrapping(gate, metrics, log_all=settings.log.requests, strict_days=strict_days)
    followers.append(lambda now: gate.apply(now.http))
    followers.append(lambda now: wrapping.log_all(now.log.requests))
    checked: ASGIApp = wrapping
    if settings.http.trusted_proxies:
        proxies = list(settings.http.trusted_proxies)
        checked = ProxyHeadersMiddleware(checked, proxies)  # type: ignore[assignment]  # Declared twice.
    built.append(checked)
    return checked


def served() -> ASGIApp:
    """Build what a server serves; `app` alone would lead every call of a program through the front end's layers."""
    front_end = app()
    return Entrance(built[-1], front_end)


def compiled_pages() -> Path:
    """Folder of the compiled front end that Reflex serves."""
    return Path(prerequisites.get_web_dir()) / constants.Dirs.STATIC


def on_fault(exception: Exception) -> EventSpec:
    """Log what a page's handler did not expect, once, and give the person an id to quote."""
    identity = token_hex(8)
    log.error("a page's handler failed", exc_info=exception, extra={"correlation_id": identity})
    return Session.report(identity)


app = rx.App(
    backend_exception_handler=on_fault,
    app_wraps=APP_WRAPS,
    toaster=None,
    theme=None,
    reset_style=False,
    stylesheets=STYLESHEETS,
    head_components=HEAD,
    api_transformer=beside,
)
app.add_middleware(Ownership())
for page in (*PAGES, LOST):
    app.add_page(page.show, route=page.route, on_load=page.on_load, title=messages()[page.title_key])
app.register_lifespan_task(product)
tabs = Tabs(app)
metrics.lasting_gauge("tabs_kept", "Browser tabs whose state is held.", lambda: tabs.kept)
