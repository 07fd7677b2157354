"""Serve the product in this process: front end in place, data directory claimed, port bound, then uvicorn."""

import gc
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, TextIO

from pdm_app.bootstrap.exclusive import claimed
from pdm_app.bootstrap.frontend import ensure_frontend, serving_environment
from pdm_app.bootstrap.memory import give_back_memory
from pdm_app.bootstrap.problems import SetupError
from pdm_app.cli.installation import CommandClock
from pdm_app.cli.ports import listening_on
from pdm_app.settings import Settings

if TYPE_CHECKING:
    from uvicorn import Config

    from pdm_app.cli.https import Https
    from pdm_app.endpoints.bounded_http import BoundedHttp
    from pdm_app.services.settings_book import SettingsBook

log = logging.getLogger(__name__)

LOCK_FILE = "in_use.lock"
DEMO_LOG = "log.jsonl"  # Of this run only; a production log is the service manager's to keep.
REQUESTS_S_MAX = 2  # How long open requests may go on after SIGTERM; then the engine drains.
END_S_MAX = 9.5  # SIGTERM promises ten seconds, whatever hangs; what was acknowledged is on disk at any time.
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not chosen
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def serve_product(settings: Settings, *, open_pages: bool) -> int:
    """Serve until SIGTERM or Ctrl+C; the result is the exit code.

    Args:
        settings: What the process runs with; handed to the application through the environment.
        open_pages: Whether to open a browser once the pages are served.

    Raises:
        SetupError: The data directory is in use or the demo's, the port is taken, or the front end cannot be built.
        PdmError: The product cannot start, for example because the database does not answer.
    """
    _refuse_open_accounts(settings)
    folder = ensure_frontend()
    refusal = (
        f"The data directory {settings.data_dir} is in use by {{holder}}.\n"
        "Open the pages that it serves, end it, or start with another directory (--data DIR)."
    )
    with (
        claimed(settings.data_dir / LOCK_FILE, refusal),
        listening_on(settings.host, settings.port) as listener,
        _plain_listener(settings) as plain,
    ):
        https = _https(settings)
        _hand_over(settings, folder, listener.getsockname()[1])
        return _run(settings, listener, plain, https, open_pages=open_pages)


@contextmanager
def _plain_listener(settings: Settings) -> Iterator[socket.socket | None]:
    """Listen where requests without TLS are sent on to HTTPS, if that is wanted."""
    if not settings.tls.enabled or settings.tls.redirect_port is None:
        yield None
        return
    with listening_on(settings.host, settings.tls.redirect_port) as listener:
        yield listener


def _https(settings: Settings) -> "Https | None":
    if not settings.tls.enabled:
        return None
    from pdm_app.cli.https import Https
    from pdm_app.services.certificate_store import CertificateStore

    return Https(CertificateStore(settings.data_dir, settings.tls, CommandClock(), host=settings.host))


def _refuse_open_accounts(settings: Settings) -> None:
    """Keep the demo's accounts, whose passwords its login page shows, out of what is served to others."""
    from pdm_app.services.demo_accounts import FILE_NAME

    if not settings.demo and (settings.data_dir / FILE_NAME).exists():
        raise SetupError(
            f"The data directory {settings.data_dir} is the demo's: anybody may use its accounts.\n"
            "Start `demo` on it, or give this start a directory of its own (--data DIR)."
        )


def _hand_over(settings: Settings, folder: Path, port: int) -> None:
    """Reflex imports the application by itself, so its settings travel in the environment."""
    os.environ.update(serving_environment(folder))
    os.environ["PDM_DATA_DIR"] = os.fspath(settings.data_dir)
    os.environ["PDM_DATABASE_URL"] = settings.database_url
    os.environ["PDM_HOST"] = settings.host
    os.environ["PDM_PORT"] = str(port)
    os.environ["PDM_TLS__ENABLED"] = "true" if settings.tls.enabled else "false"
    os.environ["PDM_DEMO"] = "true" if settings.demo else "false"
    os.environ["PDM_DEMO_HISTORY_DAYS"] = str(settings.demo_history_days)
    if settings.demo_plant is not None:
        os.environ["PDM_DEMO_PLANT"] = settings.demo_plant
    os.chdir(folder)


def _run(
    settings: Settings,
    listener: socket.socket,
    plain: socket.socket | None,
    https: "Https | None",
    *,
    open_pages: bool,
) -> int:
    give_back_memory()
    gc.disable()  # What loading makes stays; to search it for garbage again and again is a tenth of the start.
    import uvicorn

    from pdm_app.cli.server import Server
    from pdm_app.endpoints.bounded_http import bounded_http
    from pdm_app.pdm_app import served, start_failures
    from pdm_app.runtime.process import FATAL_EXIT, FATAL_VARIABLE
    from pdm_app.services.logs import set_up_logging
    from pdm_app.ui.backend import services

    stream = _log_stream(settings)
    set_up_logging(settings.log, stream)
    logging.raiseExceptions = False  # A log that cannot be written, on a full disk, must not flood the terminal.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not start_failures)  # Told below, once.
    port = listener.getsockname()[1]
    base_url = base_url_of(settings.host, port, is_https=https is not None)
    http = bounded_http(head_s=settings.http.head_s, head_bytes_max=settings.http.head_bytes_max)
    config = uvicorn.Config(
        served,
        factory=True,
        lifespan="on",
        log_config=None,
        access_log=False,
        ws_per_message_deflate=False,  # Live frames are small; compressing each costs more than it saves.
        timeout_graceful_shutdown=REQUESTS_S_MAX,
        server_header=False,
        http=http,
        proxy_headers=False,  # The application believes only the proxies that the settings name.
        limit_concurrency=settings.http.connections_max,
        ws_max_size=_frame_bytes_max(settings),
        ssl_context_factory=None if https is None else lambda *_: https.context,
    )

    async def announce() -> None:
        running = services()
        if running is not None:
            book = running.settings.book
            if book.current.log.format != settings.log.format:
                set_up_logging(book.current.log, stream)
            follow(book, http, config)
            link = await running.auth.setup_link(base_url)
            _announce(base_url, link, open_pages=open_pages, is_for_all=settings.host in EVERY_ADDRESS)

    last_resort = Timer(END_S_MAX, _cut_off)
    last_resort.daemon = True
    server = Server(config, announce, last_resort, https, plain, port)
    server.run(sockets=[listener])
    last_resort.cancel()  # Not before: the event loop still waits for every task that is left.
    if FATAL_VARIABLE in os.environ:
        return FATAL_EXIT
    return 0 if server.started else 1


def follow(book: "SettingsBook", http: "type[BoundedHttp]", config: "Config") -> None:
    """Have the server go by what an admin sets: for the heads to come, and for connections that open."""

    def take_over(settings: Settings) -> None:
        http.head_s, http.head_bytes_max = settings.http.head_s, settings.http.head_bytes_max
        config.limit_concurrency = settings.http.connections_max
        config.ws_max_size = _frame_bytes_max(settings)

    book.follow(take_over)


def _frame_bytes_max(settings: Settings) -> int:
    """Return how much of a WebSocket message is read at all: room enough to say in words that it is too long."""
    return 2 * max(settings.rpc.body_bytes_max, settings.http.event_bytes_max)


def _cut_off() -> None:
    """End a process that cannot end in order in time. Nothing acknowledged is lost: it is in the durable buffer."""
    log.error("the end took longer than %g s and was cut short; the next start records what is left", END_S_MAX)
    sys.stdout.flush()
    os._exit(1)


def _log_stream(settings: Settings) -> TextIO | None:
    """In the demo the terminal belongs to the newcomer; its log goes to a file of the data directory."""
    if not settings.demo:
        return None
    path = settings.data_dir / DEMO_LOG
    return path.open("w", encoding="utf-8", buffering=1)


def base_url_of(host: str, port: int, *, is_https: bool = False) -> str:
    """Return the address of the pages, as a browser on this machine takes it."""
    host = EVERY_ADDRESS.get(host, host)
    scheme = "https" if is_https else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _announce(url: str, setup_link: str | None, *, open_pages: bool, is_for_all: bool) -> None:
    """Tell the person at the terminal where the pages are. The set-up link is printed, never logged."""
    target = setup_link or url
    opened = open_pages and _open_in_browser(target)
    words = "The pages are open in the browser" if opened else "Open the pages"
    sys.stdout.write(f"\n{words}: {target}\n")
    if setup_link:
        sys.stdout.write("The link works once and makes the first admin.\n")
    if is_for_all:
        sys.stdout.write("From another machine, write the name or address of this one in place of the local address.\n")
    sys.stdout.write("Ctrl+C ends the program; everything it keeps stays.\n\n")
    sys.stdout.flush()


def _open_in_browser(url: str) -> bool:
    has_screen = sys.platform in {"win32", "darwin"} or any(os.environ.get(name) for name in SCREENS)
    return has_screen and webbrowser.open(url)
