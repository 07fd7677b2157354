"""The program's log: one JSON object per line, each with the correlation id of the request it belongs to.

Both `logging` and `structlog` end here, so that libraries are heard in the same form. Secrets are blotted out by name;
whole bodies are never logged.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from pdm_app.services.request_lines import LineHandler
from pdm_app.settings import LogSettings

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""Id of the request or message at hand; empty outside of one."""

SECRETS = frozenset(
    {
        "password", "passwd", "token", "access_token", "refresh_token", "secret", "authorization", "cookie",
        "set-cookie", "x-device-key", "device_key", "key_hash", "password_hash",
    }
)  # fmt: skip
SOCKETS = ("engineio.server", "socketio.server")
EVENTS = "reflex_base.event.processor.event_processor"
QUIETER = {
    "asyncua": logging.WARNING,  # At INFO it formats whole results.
    "amqtt": logging.WARNING,
    "transitions": logging.WARNING,
    "asyncmy": logging.ERROR,  # Warns of each row that a replay skips; what matters is an error in strict mode.
    "pymodbus": logging.ERROR,  # The drivers say once what it says on every attempt.
    "uvicorn.error": logging.WARNING,  # At INFO it writes each socket's address, which carries the page's token.
    "uvicorn.access": logging.WARNING,  # The correlation middleware logs requests.
    "httpx": logging.WARNING,
    "alembic": logging.WARNING,
}

Event = MutableMapping[str, Any]


def set_up_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send everything that is logged to ``stream`` (standard error for None); replaces what was set up before."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_correlation,
        _blot_out,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    ending: list[Processor] = (
        [structlog.processors.format_exc_info, _name_fields, structlog.processors.JSONRenderer(serializer=_json)]
        if settings.format == "json"
        else [structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())]
    )
    handler = LineHandler(stream or sys.stderr) if settings.format == "json" else logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                _drop_formatted,
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", *SOCKETS):
        _send_to_root(logging.getLogger(name))
    for name in SOCKETS:
        logging.getLogger(name).addFilter(in_one_line)
    logging.getLogger("reflex.app").addFilter(is_not_of_a_gone_tab)
    logging.getLogger(EVENTS).addFilter(without_the_event)
    set_level(settings.level)


def set_level(level: str) -> None:
    """Log from this level on, without setting anything up anew."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def request_lines() -> LineHandler | None:
    """Return where lines of requests may be written past the usual way, None where somebody would miss them."""
    handlers = logging.getLogger().handlers
    only = handlers[0] if len(handlers) == 1 else None
    return only if isinstance(only, LineHandler) else None


def in_one_line(record: logging.LogRecord) -> bool:
    """Shorten what the socket library logs of a frame it cannot read: anybody may send one, and then a thousand."""
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        record.msg, record.args = f"a socket sent what cannot be read: {type(error).__name__}: {error!s:.200}", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def without_the_event(record: logging.LogRecord) -> bool:
    """Shorten what is logged of an event that names no handler: all of it, with the cookie of whoever sent it."""
    if record.getMessage().startswith("Error processing event queue entry"):
        error = record.exc_info[1] if record.exc_info else None
        record.msg, record.args = f"a page sent an event that is none: {error!s:.200}", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def is_not_of_a_gone_tab(record: logging.LogRecord) -> bool:
    """Leave out that an answer found no tab to go to: a line for each event under way, with the tab's name."""
    return "to disconnected client" not in record.getMessage()


def _send_to_root(logger: logging.Logger) -> None:
    """Undo a library's own set-up; what it writes by itself would be a second form of line."""
    logger.handlers.clear()
    logger.propagate = True


def _add_correlation(_logger: Any, _method: str, event: Event) -> Event:
    of_request = correlation_id.get()
    if of_request:
        event.setdefault("correlation_id", of_request)
    return event


def _drop_formatted(_logger: Any, _method: str, event: Event) -> Event:
    """Leave out what another handler's formatter has left on the record: it is the event once more."""
    event.pop("message", None)
    event.pop("asctime", None)
    return event


def _blot_out(_logger: Any, _method: str, event: Event) -> Event:
    for name in event:
        if name.lower() in SECRETS:
            event[name] = "…"
    return event


def _name_fields(_logger: Any, _method: str, event: Event) -> Event:
    """Order the fields for a reader of raw lines: when, how bad, who, what, then the facts."""
    first = {
        "timestamp": event.pop("timestamp", ""),
        "level": event.pop("level", "").upper(),
        "component": event.pop("logger", ""),
        "event": event.pop("event", ""),
    }
    return {**first, **event}


def _json(event: Event, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # Half of a surrogate pair, or an integer beyond 64 bits: rare, and no reason to lose the line.
        words = {str(name): str(value).encode("utf-8", "replace").decode() for name, value in event.items()}
        return orjson.dumps(words).decode()
