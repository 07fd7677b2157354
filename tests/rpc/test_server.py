"""What is true of every procedure because it is served: counted, limited, told apart by person, found as REST."""

import httpx
import pytest
from starlette.applications import Starlette

from pdm_app.domain.access import Role
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PdmError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnavailableError,
)
from pdm_app.endpoints.gate import Gate
from pdm_app.endpoints.own_pages import OwnPages
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.rpc.errors import wire_error
from pdm_app.rpc.server import PATH, REST_PREFIX, make_rpc
from pdm_app.services.metrics import Metrics
from pdm_app.settings import RpcSettings, Settings
from tests.counterparts.whole_product import WholeProduct


def client_of(product: WholeProduct, settings: RpcSettings, metrics: Metrics | None = None) -> httpx.AsyncClient:
    rpc = make_rpc(lambda: product.services, settings=settings, metrics=metrics)
    app = Starlette(routes=[*rpc.routes(PATH), *rpc.rest_routes(REST_PREFIX)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://plant.example")


async def bearer(product: WholeProduct, role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {(await product.sign_in(role)).access_token}"}


async def test_each_person_has_a_rate_of_their_own(sqlite_product: WholeProduct) -> None:
    viewer, engineer = await bearer(sqlite_product, Role.VIEWER), await bearer(sqlite_product, Role.ENGINEER)
    async with client_of(sqlite_product, RpcSettings(calls_per_minute=2)) as client:
        assert (await client.get("/trpc/auth.me", headers=viewer)).status_code == 200
        assert (await client.get("/api/v1/me", headers=viewer)).status_code == 200
        refused = await client.get("/trpc/auth.me", headers=viewer)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 61
        assert (await client.get("/trpc/auth.me", headers=engineer)).status_code == 200
        assert (await client.get("/trpc/auth.me")).status_code == 401


async def test_calls_are_counted_by_procedure_and_code(sqlite_product: WholeProduct) -> None:
    metrics = Metrics()
    viewer = await bearer(sqlite_product, Role.VIEWER)
    async with client_of(sqlite_product, RpcSettings(), metrics) as client:
        await client.get("/trpc/auth.me,auth.me?batch=1", headers=viewer)
        await client.get("/api/v1/me")
        await client.get("/trpc/made.up.by.somebody", headers=viewer)
    page = metrics.page().decode()
    assert 'rpc_latency_seconds_count{code="OK",procedure="auth.me"} 2.0' in page
    assert 'rpc_latency_seconds_count{code="UNAUTHORIZED",procedure="auth.me"} 1.0' in page
    assert 'rpc_latency_seconds_count{code="NOT_FOUND",procedure="none"} 1.0' in page
    assert "made.up" not in page
    assert "rpc_websockets 0.0" in page


async def test_assets_are_rest(sqlite_product: WholeProduct) -> None:
    own, viewer = sqlite_product.ours, await bearer(sqlite_product, Role.VIEWER)
    async with client_of(sqlite_product, RpcSettings()) as client:
        every = await client.get("/api/v1/assets", headers=viewer)
        assert every.status_code == 200
        one = await client.get(f"/api/v1/assets/{own.asset_id}", headers=viewer)
        assert one.json()["asset"]["id"] == own.asset_id
        nobodys = await client.get("/api/v1/assets/no-such-asset", headers=viewer)
        theirs = await client.get(f"/api/v1/assets/{sqlite_product.theirs.asset_id}", headers=viewer)
        assert (nobodys.status_code, theirs.status_code) == (404, 404)
        wrong = await client.get("/api/v1/history?signals=x&start_at=1", headers=viewer)
        assert {issue["loc"][0] for issue in wrong.json()["issues"]} == {"signals", "end_at"}
        page = await client.get("/api/v1/me", headers={**viewer, "origin": "https://elsewhere.example"})
        assert page.status_code == 403


async def test_the_description_of_the_whole_router_answers_who_is_signed_in(sqlite_product: WholeProduct) -> None:
    viewer = await bearer(sqlite_product, Role.VIEWER)
    async with client_of(sqlite_product, RpcSettings()) as client:
        assert (await client.get("/api/v1/procedures")).status_code == 401
        told = (await client.get("/api/v1/procedures", headers=viewer)).json()
        (by_id,) = [one for one in told["procedures"] if one["path"] == "assets.by_id"]
        assert by_id["meta"]["permission"] == "assets.read"
        assert by_id["rest"]["path"] == "/assets/{asset_id}"
        described = (await client.get("/api/v1/openapi.json", headers=viewer)).json()
        assert described["openapi"] == "3.1.0"
        assert "/api/v1/assets/{asset_id}" in described["paths"]
        types = (await client.get("/trpc/api.types", headers=viewer)).json()["result"]["data"]
        assert "export type AppRouter" in types


async def test_while_the_product_starts_everybody_is_told_to_come_back() -> None:
    rpc = make_rpc(lambda: None)
    transport = httpx.ASGITransport(app=Starlette(routes=rpc.rest_routes(REST_PREFIX)))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.example") as client:
        answer = await client.get("/api/v1/me")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFoundError("no", asset_id="a"), {"asset_id": "a"}),
        (PermissionDeniedError("no", permission="x", role="y"), {"permission": "x", "role": "y"}),
        (ConflictError("no", acknowledged_by="anna"), {"acknowledged_by": "anna"}),
        (ConflictError("no", place="sqlite:///srv/pdm.sqlite", alarm_id="a"), {"alarm_id": "a"}),
        (InvalidInputError("no", (), given=1), {"given": 1}),
        (UnavailableError("no", path="/srv/pdm/buffer.sqlite", number=28), None),
        (PdmError("no", child="opcua"), None),
    ],
)
def test_facts_about_the_machinery_stay_inside(error: PdmError, told: dict[str, object] | None) -> None:
    assert wire_error(error).data.get("facts") == told


def test_how_long_to_wait_has_one_name_for_every_error() -> None:
    assert wire_error(TooManyAttemptsError("no", retry_after_s=20.4)).data["retryAfterS"] == 21
    assert wire_error(UnavailableError("no", retry_after_s=1)).data == {"retryAfterS": 1}


async def test_a_rest_address_is_one_series_whatever_its_parameters(sqlite_product: WholeProduct) -> None:
    metrics, settings = Metrics(), Settings()
    rpc = make_rpc(lambda: sqlite_product.services)
    inner = Starlette(routes=[*rpc.routes(PATH), *rpc.rest_routes(REST_PREFIX)])
    gate = Gate(OwnPages(inner, settings.auth.allowed_origins), settings.http, sqlite_product.clock)
    transport = httpx.ASGITransport(app=Wrapping(gate, metrics))
    viewer = await bearer(sqlite_product, Role.VIEWER)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        for asset_id in ("one", "two"):
            answer = await client.get(f"/api/v1/assets/{asset_id}", headers={**viewer, "x-correlation-id": "abcdefgh"})
            assert answer.headers["x-correlation-id"] == "abcdefgh"
        await client.get("/api/v1/made/up/by/somebody")
    page = metrics.page().decode()
    assert 'api_latency_seconds_count{method="GET",route="/api/v1/assets/{asset_id}",status="404"} 2.0' in page
    assert 'route="/api/v1",status="404"' in page
    assert "made/up" not in page
