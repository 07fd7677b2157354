"""One JSON object per line, from whichever library, without secrets."""

import io
import logging
import logging.config
from collections.abc import Callable, Iterator

import orjson
import pytest
import structlog
from uvicorn.config import LOGGING_CONFIG

from pdm_app.services.logs import correlation_id, set_up_logging
from pdm_app.settings import LogSettings

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logging(LogSettings(), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_both_libraries_write_the_same_fields_in_the_same_order(lines: Lines) -> None:
    logging.getLogger("pdm_app.a").warning("device %s lost", "P-501", extra={"signals": 10})
    structlog.get_logger("pdm_app.b").warning("device lost", device="P-501", signals=10)
    first, second = lines()
    assert list(first) == ["timestamp", "level", "component", "event", "signals"]
    assert list(second) == ["timestamp", "level", "component", "event", "device", "signals"]
    assert (first["level"], first["component"], first["event"]) == ("WARNING", "pdm_app.a", "device P-501 lost")
    assert (second["level"], second["component"], second["device"]) == ("WARNING", "pdm_app.b", "P-501")
    assert str(first["timestamp"]).endswith("Z")


def test_lines_of_a_request_carry_its_correlation_id(lines: Lines) -> None:
    token = correlation_id.set("abc12345")
    logging.getLogger("pdm_app").info("inside")
    structlog.get_logger("pdm_app").info("inside")
    correlation_id.reset(token)
    logging.getLogger("pdm_app").info("outside")
    assert [line.get("correlation_id") for line in lines()] == ["abc12345", "abc12345", None]


@pytest.mark.parametrize("name", ["password", "Authorization", "refresh_token", "secret", "Cookie", "X-Device-Key"])
def test_secrets_are_blotted_out_by_name(lines: Lines, name: str) -> None:
    logging.getLogger("pdm_app").info("sent", extra={name: "hush"})
    structlog.get_logger("pdm_app").info("sent", **{name: "hush"})
    assert [line[name] for line in lines()] == ["…", "…"]


def test_an_exception_is_one_line_with_its_trace(lines: Lines, stream: io.StringIO) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("pdm_app").exception("failed")
    (line,) = lines()
    assert "ValueError: broken" in str(line["exception"])
    assert stream.getvalue().count("\n") == 1


def test_what_json_cannot_hold_costs_no_line(lines: Lines) -> None:
    logging.getLogger("pdm_app").info(
        "odd", extra={"words": "\ud800", "big": 10**30, "thing": object(), "nan": float("nan")}
    )
    (line,) = [orjson.loads(str(orjson.dumps(line).decode())) for line in lines()]
    assert line["event"] == "odd"


def test_levels_below_the_chosen_one_are_left_out(lines: Lines) -> None:
    logging.getLogger("pdm_app").debug("quiet")
    structlog.get_logger("pdm_app").debug("quiet")
    logging.getLogger("asyncua.client").info("whole results")
    assert lines() == []


def test_setting_up_twice_writes_every_line_once(stream: io.StringIO) -> None:
    again = io.StringIO()
    set_up_logging(LogSettings(), again)
    logging.getLogger("pdm_app").info("once")
    assert (stream.getvalue(), again.getvalue().count("once")) == ("", 1)


def test_for_reading_there_is_plain_text(stream: io.StringIO) -> None:
    plain = io.StringIO()
    set_up_logging(LogSettings(format="text"), plain)
    logging.getLogger("pdm_app").warning("device lost", extra={"device": "P-501"})
    assert "device lost" in plain.getvalue()
    assert "P-501" in plain.getvalue()
    assert not plain.getvalue().startswith("{")


def test_the_address_of_a_socket_which_carries_its_pages_token_stays_out(lines: Lines) -> None:
    server = logging.getLogger("uvicorn.error")
    server.info('%s - "WebSocket %s" [accepted]', "127.0.0.1:60416", "/_event/?token=0fb56627-9312-448a")
    server.error("Exception in ASGI application")
    assert [line["event"] for line in lines()] == ["Exception in ASGI application"]


def test_a_server_that_has_set_up_its_own_loggers_is_heard_in_our_form(lines: Lines, stream: io.StringIO) -> None:
    logging.config.dictConfig(LOGGING_CONFIG)
    set_up_logging(LogSettings(), stream)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [line["event"] for line in lines()] == ["Exception in ASGI application"]
