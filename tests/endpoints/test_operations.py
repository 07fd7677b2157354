"""Health, metrics, wrong addresses and methods, headers and correlation ids."""

import asyncio
import io
import logging
from collections.abc import Iterator

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.endpoints.answers import Answering
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.services import system as system_service
from pdm_app.services.logs import set_up_logging
from pdm_app.services.metrics import Metrics
from pdm_app.services.system import Check, SystemService
from pdm_app.settings import LogSettings
from tests.endpoints.conftest import PASSWORD, Served


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logging(LogSettings(level="debug"), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


async def test_health_shows_its_checks_at_this_machine(served: Served) -> None:
    async with served.client() as client:
        response = await client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "timestamp": "2027-01-15T08:00:00Z",
        "checks": {"database": {"ok": True, "detail": "answers in 0.2 ms", "needed": True}},
    }


async def test_health_is_503_while_a_needed_part_fails_and_liveness_is_not(served: Served) -> None:
    served.checks["database"] = Check(name="database", ok=False, detail="does not answer")
    async with served.client() as client:
        statuses = {path: (await client.get(path)).status_code for path in ("/health", "/health/ready", "/health/live")}
    assert statuses == {"/health": 503, "/health/ready": 503, "/health/live": 200}


async def test_a_part_that_is_not_needed_only_degrades(served: Served) -> None:
    served.checks["database"] = Check(name="database", ok=False, detail="slow", needed=False)
    async with served.client() as client:
        response = await client.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


async def test_while_the_product_starts_liveness_answers_and_the_rest_waits(served: Served) -> None:
    served.is_running = False
    async with served.client() as client:
        assert (await client.get("/health/live")).status_code == 200
        for path in ("/health", "/health/ready", "/metrics"):
            response = await client.get(path)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
        assert (await client.post("/api/ingest", content=b"{}")).status_code == 503


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.20", {}),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.20"}),
        ("127.0.0.1", {"forwarded": "for=192.0.2.20"}),
        ("127.0.0.1", {"host": "evil.example:8000"}),
        ("", {}),
    ],
)
async def test_elsewhere_health_keeps_its_checks_and_metrics_its_figures(
    served: Served, address: str, headers: dict[str, str]
) -> None:
    async with served.client(address) as client:
        health = await client.get("/health", headers=headers)
        assert health.status_code == 200
        assert "checks" not in health.json()
        assert (await client.get("/metrics", headers=headers)).status_code == 401


async def test_from_elsewhere_a_bearer_token_with_system_read_sees_both(served: Served) -> None:
    await served.auth.people.add(SYSTEM, "ada", PASSWORD, Role.MANAGER)
    token = (await served.auth.sign_in("ada", PASSWORD, "192.0.2.20")).access_token
    async with served.client("192.0.2.20") as client:
        client.headers["authorization"] = f"Bearer {token}"
        assert "checks" in (await client.get("/health")).json()
        assert (await client.get("/metrics")).status_code == 200


async def test_metrics_show_what_exists_and_nothing_else(served: Served) -> None:
    served.metrics.counter("sensor_readings_total", "Samples taken.", lambda: 42.0)
    served.metrics.gauge("buffer_depth_samples", "Samples in the buffer.", lambda: 7.0)
    async with served.client() as client:
        await client.post("/api/ingest", content=b"{}")
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    page = response.text
    assert "\nsensor_readings_total 42.0\n" in page
    assert "\nbuffer_depth_samples 7.0\n" in page
    assert "process_resident_memory_bytes" in page
    assert "process_cpu_seconds_total" in page
    assert 'api_latency_seconds_count{method="POST",route="/api/ingest",status="401"} 1.0' in page
    assert "prediction_latency_seconds" not in page


async def test_a_figure_that_cannot_be_read_is_left_out_and_the_others_are_shown(served: Served) -> None:
    def broken() -> float:
        raise RuntimeError("stopping")

    served.metrics.gauge("broken_figure", "Cannot be read.", broken)
    served.metrics.gauge("sound_figure", "Can be read.", lambda: 1.0)
    async with served.client() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert "broken_figure" not in response.text
    assert "\nsound_figure 1.0\n" in response.text
    assert "_created" not in response.text


async def test_invented_addresses_and_methods_make_no_new_time_series(served: Served) -> None:
    async with served.client() as client:
        for number in range(50):
            await client.request(f"X{number}", f"/api/invented-{number}")
            await client.get(f"/page-{number}")
        page = (await client.get("/metrics")).text
    assert "invented" not in page
    assert "page-1" not in page
    assert page.count("api_latency_seconds_count{") <= 4


@pytest.mark.parametrize("path", ["/api/ingest", "/api/auth/login", "/api/auth/refresh"])
async def test_a_wrong_method_is_a_json_405_that_names_the_right_one(served: Served, path: str) -> None:
    async with served.client() as client:
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "BREW"):
            response = await client.request(method, path)
            assert response.status_code == 405
            assert response.headers["allow"] == "POST"
            assert response.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/ingest/", "/api/auth", "/api/%2e%2e/etc"])
async def test_an_unknown_address_below_api_is_a_json_404(served: Served, path: str) -> None:
    async with served.client() as client:
        response = await client.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_every_answer_has_security_headers_and_a_correlation_id(served: Served) -> None:
    async with served.client() as client:
        for path in ("/health", "/api/nothing", "/nothing"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert len(headers["x-correlation-id"]) == 16


async def test_a_given_correlation_id_is_kept_and_an_impossible_one_replaced(served: Served) -> None:
    async with served.client() as client:
        response = await client.get("/api/nothing", headers={"x-correlation-id": "shift-7.line_2"})
        assert response.headers["x-correlation-id"] == "shift-7.line_2"
        assert response.json()["error"]["correlation_id"] == "shift-7.line_2"
        for given in ("short", "x" * 65, "with space in it", '{"json": 1}'):
            answered = (await client.get("/health", headers={"x-correlation-id": given})).headers["x-correlation-id"]
            assert answered != given


async def test_a_fault_of_the_program_tells_its_id_and_the_log_tells_the_rest(logged: io.StringIO) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("the secret is lantern")

    app = Wrapping(Starlette(routes=[Route("/api/broken", Answering(GET=broken))]), Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
        response = await client.get("/api/broken")
    assert response.status_code == 500
    assert "lantern" not in response.text
    identity = response.json()["error"]["correlation_id"]
    (fault,) = [line for line in lines(logged) if line["event"] == "request failed"]
    assert fault["correlation_id"] == identity
    assert "RuntimeError: the secret is lantern" in str(fault["exception"])
    assert (fault["level"], fault["component"], fault["path"]) == ("ERROR", "pdm_app.endpoints.answers", "/api/broken")


async def test_requests_are_logged_without_query_and_secrets(served: Served, logged: io.StringIO) -> None:
    async with served.client() as client:
        await client.get("/api/setup?token=very-secret", headers={"authorization": "Bearer very-secret"})
        await client.post("/api/auth/login", json={"username": "olga", "password": "very-secret"})
    assert "very-secret" not in logged.getvalue()
    (request,) = [line for line in lines(logged) if line.get("path") == "/api/setup"]
    assert (request["event"], request["method"], request["status"]) == ("request", "GET", 404)


async def test_a_check_that_hangs_fails_and_the_others_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging() -> Check:
        await asyncio.Event().wait()
        raise AssertionError

    async def sound() -> Check:
        return Check(name="buffer", ok=True, detail="empty")

    monkeypatch.setattr(system_service, "CHECK_S_MAX", 0.01)
    health = await SystemService({"database": hanging, "buffer": sound}, served.system._info, served.clock).health()
    assert not health.ready
    assert [(check.name, check.ok) for check in health.checks] == [("database", False), ("buffer", True)]
