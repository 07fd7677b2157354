"""What the description says about REST addresses is how they answer."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette

from pdm_app.rpc.description import openapi_document
from pdm_app.rpc.root import root as product_root
from pdm_app.trpc import ConnectionInfo, Router, TrpcApp, openapi
from tests.trpc.test_rest import router

DOCUMENT = openapi(router, title="Presses", version="1", rest_prefix="/api/v1")
PATHS: dict[str, Any] = DOCUMENT["paths"]


@pytest.fixture
async def rest() -> AsyncIterator[httpx.AsyncClient]:
    async def create_context(connection: ConnectionInfo) -> None:
        return None

    rpc = TrpcApp(router, create_context=create_context, on_fault=lambda fault: None)
    transport = httpx.ASGITransport(app=Starlette(routes=rpc.rest_routes("/api/v1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.example") as client:
        yield client


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what of a value is not as a schema says."""
    validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
    return [error.message for error in validator.iter_errors(value)]


def parameters(path: str, method: str) -> dict[str, dict[str, Any]]:
    return {told["name"]: told for told in PATHS[path][method]["parameters"]}


def test_both_descriptions_are_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    OpenAPIV31SpecValidator(openapi_document("1.2.3")).validate()


def test_every_address_of_the_product_is_described_once() -> None:
    described = {
        (method.upper(), path.removeprefix("/api/v1"), operation["x-procedure"])
        for path, operations in openapi_document("1")["paths"].items()
        if path.startswith("/api/v1")
        for method, operation in operations.items()
    }
    declared = {
        (procedure.rest.method, procedure.rest.path, procedure.path)
        for procedure in product_root.procedures()
        if procedure.rest
    }
    assert described == declared
    assert len(declared) > 20


def test_fields_of_a_query_are_parameters() -> None:
    told = parameters("/api/v1/assets", "get")
    assert told["limit"] == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "default": 5},
    }
    assert told["numbers"]["schema"] == {"type": "array", "items": {"type": "integer"}}
    assert told["flag"]["schema"] == {"type": "boolean"}  # It is null where it is left out.
    assert list(told["span"]["content"]) == ["application/json"]


def test_fields_of_the_path_are_not_in_the_body() -> None:
    change = PATHS["/api/v1/assets/{asset_id}"]["patch"]
    assert change["parameters"] == [{"name": "asset_id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    sent = change["requestBody"]["content"]["application/json"]["schema"]
    assert set(sent["properties"]) == {"name", "note"}
    assert sent["additionalProperties"] is False
    assert change["requestBody"]["required"] is False
    assert PATHS["/api/v1/assets"]["post"]["requestBody"]["required"] is True
    assert "requestBody" not in PATHS["/api/v1/assets/{asset_id}/start"]["post"]
    assert list(PATHS["/api/v1/files"]["put"]["requestBody"]["content"]) == ["application/octet-stream"]


def test_an_input_that_is_no_object_is_one_parameter() -> None:
    assert parameters("/api/v1/squares/{number}", "get")["number"]["in"] == "path"


def test_what_is_no_rest_is_not_there() -> None:
    assert not [path for path in PATHS if "hidden" in path and path.startswith("/api")]
    without = openapi(Router(), title="Presses", version="1", rest_prefix="/api/v1")
    assert without["paths"] == {}
    assert not [path for path in openapi(router, title="Presses", version="1")["paths"] if path.startswith("/api")]


@pytest.mark.parametrize(
    ("method", "path", "url", "body", "status"),
    [
        ("get", "/api/v1/assets", "/api/v1/assets?limit=3&colour=red", None, 200),
        ("get", "/api/v1/assets", "/api/v1/assets?limit=x", None, 400),
        ("get", "/api/v1/spans", "/api/v1/spans?start=4", None, 200),
        ("get", "/api/v1/squares/{number}", "/api/v1/squares/4", None, 200),
        ("get", "/api/v1/notes/{note_id}/next", "/api/v1/notes/1/next", None, 200),
        ("post", "/api/v1/assets", "/api/v1/assets", {"name": "Press"}, 201),
        ("post", "/api/v1/assets/{asset_id}/start", "/api/v1/assets/7/start", None, 200),
        ("patch", "/api/v1/assets/{asset_id}", "/api/v1/assets/7", {"note": None}, 200),
        ("patch", "/api/v1/assets/{asset_id}", "/api/v1/assets/7", {"note": 5}, 400),
        ("delete", "/api/v1/assets/{asset_id}", "/api/v1/assets/7", None, 204),
        ("delete", "/api/v1/assets/{asset_id}", "/api/v1/assets/7?revision=7", None, 409),
        ("delete", "/api/v1/assets/{asset_id}", "/api/v1/assets/7?revision=8", None, 500),
    ],
)
async def test_answers_are_as_described(
    rest: httpx.AsyncClient, method: str, path: str, url: str, body: Any, status: int
) -> None:
    answer = await rest.request(method, url, json=body)
    assert answer.status_code == status
    told = PATHS[path][method]["responses"]
    described = told.get(str(status))
    if described is None:
        described = DOCUMENT["components"]["responses"][told[f"{status // 100}XX"]["$ref"].rpartition("/")[2]]
    if status == 204:
        assert "content" not in described
        return
    ((kind, held),) = described["content"].items()
    assert answer.headers["content-type"] == kind
    assert faults(held["schema"], answer.json()) == []
    assert faults(held["schema"], {"no": "such result"}) != []


async def test_a_fault_of_the_request_itself_is_a_described_problem(rest: httpx.AsyncClient) -> None:
    problem = DOCUMENT["components"]["schemas"]["Problem"]
    for answer in (
        await rest.get("/api/v1/nope"),
        await rest.put("/api/v1/assets/1"),
        await rest.post("/api/v1/assets", data={}),
    ):
        assert answer.status_code in (404, 405, 400, 415)
        assert faults(problem, answer.json()) == []
    assert faults(problem, json.loads('{"detail": "only words"}')) != []
