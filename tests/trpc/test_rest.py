"""The same procedures at addresses of their own, for clients that know nothing of tRPC."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette

from pdm_app.trpc import (
    MISSING,
    ByteStream,
    CallRecord,
    ConnectionInfo,
    Limits,
    Missing,
    Router,
    TrpcApp,
    TrpcError,
)


class Colour(Enum):
    RED = "red"
    SEVEN = 7


class Span(BaseModel):
    model_config = ConfigDict(strict=True)
    start: int
    end: float | None = None
    exact: bool = False


class Shown(BaseModel):
    limit: int
    numbers: list[int]
    words: list[str]
    flag: bool | None
    colour: Colour | None
    kind: Literal["a", 1] | None
    since: datetime | None
    span: Span | None
    text: str


router = Router[None]()
calls: list[CallRecord] = []


@router.query("list", rest="GET /assets")
async def every(
    ctx: None,
    *,
    limit: int = 5,
    numbers: list[int] | None = None,
    words: tuple[str, ...] = (),
    flag: bool | None = None,
    colour: Colour | None = None,
    kind: Literal["a", 1] | None = None,
    since: datetime | None = None,
    span: Span | None = None,
    text: str = "",
) -> Shown:
    return Shown(
        limit=limit,
        numbers=numbers or [],
        words=list(words),
        flag=flag,
        colour=colour,
        kind=kind,
        since=since,
        span=span,
        text=text,
    )


@router.query(rest="GET /spans")
async def span(ctx: None, span: Span) -> Span:
    return span


@router.query(rest="GET /assets/overview")
async def overview(ctx: None) -> str:
    return "overview"


@router.query(rest="GET /assets/{asset_id}")
async def by_id(ctx: None, *, asset_id: str) -> str:
    return asset_id


@router.query(rest="GET /squares/{number}")
async def square(ctx: None, number: int) -> int:
    return number * number


@router.query(rest="GET /notes/{note_id}/next")
async def following(ctx: None, *, note_id: int) -> str | None:
    return None


@router.mutation(rest="POST /assets")
async def create(ctx: None, *, name: str) -> str:
    return name


@router.mutation(rest="PATCH /assets/{asset_id}")
async def change(
    ctx: None, *, asset_id: int, name: str | Missing = MISSING, note: str | Missing | None = MISSING
) -> list[Any]:
    return [asset_id, "-" if name is MISSING else name, "-" if note is MISSING else note]


@router.mutation(rest="POST /assets/{asset_id}/start")
async def start(ctx: None, *, asset_id: str) -> str:
    return f"{asset_id} runs"


@router.mutation(rest="DELETE /assets/{asset_id}")
async def delete(ctx: None, *, asset_id: str, revision: int = 0) -> None:
    if revision == 7:
        raise TrpcError("CONFLICT", "Somebody changed it.", data={"by": "ada"})
    if revision == 8:
        raise RuntimeError("the password is swordfish")


@router.mutation(rest="PUT /files")
async def put_file(ctx: None, body: ByteStream) -> int:
    return sum([len(chunk) async for chunk in body])


@router.mutation(permission="root", rest="POST /locked")
async def locked(ctx: None, *, name: str) -> None:
    raise AssertionError("This must not run.")


@router.query()
async def hidden(ctx: None) -> None:
    return None


async def authorize(ctx: None, procedure: Any) -> None:
    if procedure.meta.get("permission"):
        raise TrpcError("UNAUTHORIZED", "Sign in first.")


@pytest.fixture
async def rest() -> AsyncIterator[httpx.AsyncClient]:
    async def create_context(connection: ConnectionInfo) -> None:
        if connection.header("x-refuse"):
            raise TrpcError("FORBIDDEN", "Not from there.")

    rpc = TrpcApp(
        router,
        create_context=create_context,
        authorize=authorize,
        on_call=calls.append,
        on_fault=lambda fault: None,
        limits=Limits(body_bytes_max=1000, url_bytes_max=500, upload_bytes_max=2000),
    )
    calls.clear()
    transport = httpx.ASGITransport(app=Starlette(routes=rpc.rest_routes("/api/v1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.example/api/v1") as client:
        yield client


def problem(response: httpx.Response) -> dict[str, Any]:
    """Return the problem of a refused request."""
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == response.status_code
    return told


async def test_fields_in_the_query_are_written_as_their_types_ask_for(rest: httpx.AsyncClient) -> None:
    given = (
        "limit=3&numbers=1&numbers=2&words=7&flag=true&colour=7&kind=1&since=2024-01-01T00:00:00Z&text=12"
        "&span=%7B%22start%22:1%7D"
    )
    answer = await rest.get(f"/assets?{given}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "limit": 3,
        "numbers": [1, 2],
        "words": ["7"],
        "flag": True,
        "colour": 7,
        "kind": 1,
        "since": "2024-01-01T00:00:00Z",
        "span": {"start": 1, "end": None, "exact": False},
        "text": "12",
    }


async def test_a_strict_model_can_be_written_in_a_query(rest: httpx.AsyncClient) -> None:
    answer = await rest.get("/spans?start=1&end=2.5&exact=true")
    assert answer.json() == {"start": 1, "end": 2.5, "exact": True}
    assert (await rest.get("/spans?start=1&end=null")).json()["end"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=three", "limit"),
        ("limit=1&limit=2", "limit"),
        ("nobody_knows=1", "nobody_knows"),
        ("flag=maybe", "flag"),
        ("colour=blue", "colour"),
        ("numbers=1&numbers=x", "numbers"),
        ("span=%7B", "span"),
        ("text=a&text=b", "text"),
    ],
)
async def test_what_does_not_fit_is_an_issue_of_its_field(rest: httpx.AsyncClient, query: str, field: str) -> None:
    refused = problem(await rest.get(f"/assets?{query}"))
    assert refused["status"] == 400
    assert refused["code"] == "BAD_REQUEST"
    assert refused["title"] == "Bad Request"
    assert refused["issues"][0]["loc"][0] == field


async def test_the_path_holds_fields_and_literal_parts_win(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/assets/overview")).json() == "overview"
    assert (await rest.get("/assets/P-101A")).json() == "P-101A"
    assert (await rest.get("/assets/press%2F07%20b")).json() == "press/07 b"
    assert (await rest.get("/assets/overview/")).json() == "overview"


async def test_an_input_that_is_no_object_goes_by_its_parameters_name(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/squares/12")).json() == 144
    assert problem(await rest.get("/squares/twelve"))["status"] == 400


async def test_a_body_joins_the_path(rest: httpx.AsyncClient) -> None:
    assert (await rest.patch("/assets/7", json={"name": "Press"})).json() == [7, "Press", "-"]
    assert (await rest.patch("/assets/7", json={})).json() == [7, "-", "-"]
    assert (await rest.patch("/assets/7", json={"note": None})).json() == [7, "-", None]
    assert (await rest.patch("/assets/7", json={"asset_id": 7})).json() == [7, "-", "-"]
    assert (await rest.patch("/assets/7")).json() == [7, "-", "-"]


@pytest.mark.parametrize(
    ("url", "sent", "field"),
    [
        ("/assets/7", {"json": {"asset_id": 8}}, "asset_id"),
        ("/assets/7?name=Press", {"json": {}}, "name"),
        ("/assets/7?asset_id=7", {"json": {}}, "asset_id"),
        ("/assets/7", {"json": {"nobody_knows": 1}}, "nobody_knows"),
        ("/assets/seven", {"json": {}}, "asset_id"),
    ],
)
async def test_a_field_stands_in_one_place(rest: httpx.AsyncClient, url: str, sent: dict[str, Any], field: str) -> None:
    assert problem(await rest.patch(url, **sent))["issues"][0]["loc"] == [field]


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"name": NaN}', "null", '{"name": "a"'])
async def test_a_body_that_is_no_object_is_refused(rest: httpx.AsyncClient, content: str) -> None:
    answer = await rest.patch("/assets/7", content=content, headers={"content-type": "application/json"})
    assert problem(answer)["status"] == 400


async def test_the_status_says_what_was_done(rest: httpx.AsyncClient) -> None:
    assert (await rest.post("/assets", json={"name": "Press"})).status_code == 201
    assert (await rest.post("/assets/P-1/start")).status_code == 200
    deleted = await rest.delete("/assets/P-1?revision=3")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "content-length" not in deleted.headers
    nobody = await rest.get("/notes/1/next")
    assert (nobody.status_code, nobody.json()) == (200, None)


async def test_bytes_are_streamed_up_to_their_limit(rest: httpx.AsyncClient) -> None:
    octets = {"content-type": "application/octet-stream"}
    assert (await rest.put("/files", content=b"x" * 1500, headers=octets)).json() == 1500
    assert problem(await rest.put("/files", content=b"x" * 2500, headers=octets))["status"] == 413
    assert problem(await rest.put("/files", json={}))["status"] == 415


async def test_a_result_is_not_sent_to_whom_has_it(rest: httpx.AsyncClient) -> None:
    first = await rest.get("/assets?limit=3")
    again = await rest.get("/assets?limit=3", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
    changed = await rest.get("/assets?limit=4", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_head_is_get_without_its_body(rest: httpx.AsyncClient) -> None:
    asked = await rest.head("/assets/P-1")
    assert (asked.status_code, asked.content, asked.headers["content-length"]) == (200, b"", "5")


async def test_a_wrong_method_is_told_the_right_ones(rest: httpx.AsyncClient) -> None:
    for method in ("PUT", "POST", "OPTIONS", "TRACE", "BREW"):
        refused = await rest.request(method, "/assets/P-1")
        assert problem(refused)["code"] == "METHOD_NOT_SUPPORTED"
        assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD", "PATCH", "DELETE"}


@pytest.mark.parametrize("url", ["", "/", "/nope", "/assets/1/2/3", "/assets//start", "/hidden", "/assets.list"])
async def test_what_does_not_exist_is_not_found_in_json(rest: httpx.AsyncClient, url: str) -> None:
    assert problem(await rest.get(url))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("url", ["/assets/%zz", "/assets/%ff", "/assets?text=%ff"])
async def test_text_that_is_no_unicode_is_refused(rest: httpx.AsyncClient, url: str) -> None:
    assert problem(await rest.get(url))["code"] == "BAD_REQUEST"


async def test_bodies_are_json_uncompressed_and_short(rest: httpx.AsyncClient) -> None:
    assert problem(await rest.post("/assets", content=b'{"name":"a"}'))["status"] == 415
    form = await rest.post("/assets", data={"name": "a"})
    assert problem(form)["detail"] == (
        "This takes application/json, uncompressed, not application/x-www-form-urlencoded"
    )
    packed = await rest.post("/assets", json={}, headers={"content-encoding": "gzip"})
    assert problem(packed)["status"] == 415
    assert problem(await rest.post("/assets", json={"name": "x" * 2000}))["status"] == 413
    assert problem(await rest.get(f"/assets?text={'x' * 600}"))["status"] == 413


async def test_a_body_where_none_is_read_loses_nothing_silently(rest: httpx.AsyncClient) -> None:
    refused = await rest.request("DELETE", "/assets/P-1", json={"revision": 3})
    assert problem(refused)["issues"][0]["type"] == "misplaced"


async def test_refusing_comes_before_reading(rest: httpx.AsyncClient) -> None:
    answer = await rest.post("/locked", content="{oops", headers={"content-type": "application/json"})
    assert problem(answer)["code"] == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer"
    foreign = await rest.get("/assets", headers={"x-refuse": "1"})
    assert problem(foreign)["code"] == "FORBIDDEN"


async def test_an_error_keeps_its_facts_and_no_secret(rest: httpx.AsyncClient) -> None:
    conflict = problem(await rest.delete("/assets/P-1?revision=7"))
    assert (conflict["status"], conflict["detail"], conflict["by"]) == (409, "Somebody changed it.", "ada")
    failed = await rest.delete("/assets/P-1?revision=8")
    assert "swordfish" not in failed.text
    assert problem(failed)["correlationId"] in failed.headers["x-correlation-id"]


async def test_calls_are_counted_as_those_of_their_procedure(rest: httpx.AsyncClient) -> None:
    await rest.get("/assets/P-1")
    await rest.get("/nope")
    assert [(call.procedure and call.procedure.path, call.code) for call in calls] == [
        ("by_id", "OK"),
        (None, "NOT_FOUND"),
    ]
