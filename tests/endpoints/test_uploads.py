"""Files come in as bodies of requests: who may send them, how they are told apart, what an attacker leaves behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from pdm_app.domain.access import Role
from pdm_app.endpoints.answers import Answering
from pdm_app.endpoints.routes import routes
from pdm_app.endpoints.uploads import Uploads
from pdm_app.services.metrics import Metrics
from pdm_app.settings import AuthSettings, Settings, UploadSettings
from tests.counterparts.whole_product import WholeProduct, whole_product

CSV = b"time,Flow\n2026-03-01 06:00:00,1.5\n"
BODY = {"content-type": "application/octet-stream"}
URL = "/api/uploads"
ASKED = {"kind": "history", "name": "log.csv"}


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(sqlite_url, tmp_path) as product:
        yield product


@pytest.fixture
async def http(product: WholeProduct, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=routes(lambda: product.services, Settings(data_dir=tmp_path / "unused"), Metrics()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


async def credentials(product: WholeProduct, role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {(await product.sign_in(role)).access_token}", **BODY}


def left(product: WholeProduct) -> list[str]:
    folder = product.services.uploads.folder
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def test_a_table_is_taken_and_listed_and_its_owner_alone_sees_it(
    product: WholeProduct, http: httpx.AsyncClient
) -> None:
    mine = await credentials(product, Role.ENGINEER)
    taken = await http.post(URL, params=ASKED | {"name": "../../x/log.csv"}, content=CSV, headers=mine)
    assert taken.status_code == 201, taken.text
    upload = taken.json()
    assert (upload["name"], upload["format"], upload["bytes"]) == ("log.csv", "csv", len(CSV))
    assert "owner_id" not in upload
    assert left(product) == [f"{upload['id']}.bin", f"{upload['id']}.note"]
    for role, seen in ((Role.ENGINEER, [upload["id"]]), (Role.ADMIN, [])):
        token = (await product.sign_in(role)).access_token
        async with product.client(token) as client:
            assert [one["id"] for one in await client.query("uploads.list")] == seen


async def test_who_may_not_import_or_is_nobody_hands_nothing_in(product: WholeProduct, http: httpx.AsyncClient) -> None:
    for role in set(Role) - {Role.ENGINEER, Role.ADMIN, Role.SERVICE}:
        answer = await http.post(URL, params=ASKED, content=CSV, headers=await credentials(product, role))
        assert answer.status_code == 403, role
        assert "history.import" in answer.text
    assert (await http.post(URL, params=ASKED, content=CSV, headers=BODY)).status_code == 401
    mine = await credentials(product, Role.ENGINEER)
    foreign = await http.post(URL, params=ASKED, content=CSV, headers={**mine, "origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert left(product) == []


async def test_what_is_not_taken_says_why_and_leaves_nothing(product: WholeProduct, http: httpx.AsyncClient) -> None:
    mine = await credentials(product, Role.ENGINEER)
    cases: list[tuple[dict[str, str], dict[str, str], bytes, int]] = [
        ({"kind": "anything"}, {}, CSV, 422),
        ({}, {"content-type": "text/csv"}, CSV, 415),
        ({}, {"content-type": "multipart/form-data; boundary=x"}, CSV, 415),
        ({}, {"content-encoding": "gzip"}, CSV, 415),
        ({}, {}, b"\x7fELF\0\0", 422),
        ({"name": "table.xlsx"}, {}, b"<html><script>alert(1)</script>\0", 422),
        ({}, {}, b"", 422),
        ({}, {"content-length": "9" * 30}, CSV, 413),
    ]
    for params, headers, content, status in cases:
        answer = await http.post(URL, params=ASKED | params, content=content, headers=mine | headers)
        assert answer.status_code == status, (params, headers, content, answer.text)
        assert json.loads(answer.text)["error"]["message"]
        assert left(product) == []


async def test_a_body_without_end_is_read_no_further_than_its_limit(
    product: WholeProduct, http: httpx.AsyncClient
) -> None:
    product.services.uploads.limits = UploadSettings(bytes_max=1_000_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield b"x" * 100_000

    mine = await credentials(product, Role.ENGINEER)
    answer = await http.post(URL, params=ASKED, content=endless(), headers=mine)
    assert answer.status_code == 413
    assert "uploads.bytes_max" in answer.text
    assert left(product) == []


async def test_a_body_that_does_not_come_is_given_up_and_leaves_nothing(product: WholeProduct, tmp_path: Path) -> None:
    patience = Uploads(AuthSettings(), silence_s=0.05)
    app = Starlette(routes=[Route(URL, Answering(POST=lambda request: patience.take(request, product.services)))])
    stopped = asyncio.Event()

    async def dribble() -> AsyncIterator[bytes]:
        yield CSV
        await stopped.wait()
        yield CSV

    mine = await credentials(product, Role.ENGINEER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.post(URL, params=ASKED, content=dribble(), headers=mine)
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert left(product) == []


async def test_a_body_that_dribbles_in_is_given_up(product: WholeProduct) -> None:
    patience = Uploads(AuthSettings(), grace_s=0.0)
    app = Starlette(routes=[Route(URL, Answering(POST=lambda request: patience.take(request, product.services)))])

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"1"
            await asyncio.sleep(0.001)

    mine = await credentials(product, Role.ENGINEER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.post(URL, params=ASKED, content=slowly(), headers=mine)
    assert answer.status_code == 408
    assert "slower than" in answer.text
    assert left(product) == []


async def test_who_signs_out_while_a_file_arrives_hands_nothing_in(
    product: WholeProduct, http: httpx.AsyncClient
) -> None:
    signed_in = await product.sign_in(Role.ENGINEER)
    mine = {"authorization": f"Bearer {signed_in.access_token}", **BODY}

    async def body() -> AsyncIterator[bytes]:
        yield CSV
        await product.services.auth.sign_out(await product.services.auth.actor_of_access(signed_in.access_token))
        yield CSV

    answer = await http.post(URL, params=ASKED, content=body(), headers=mine)
    assert answer.status_code == 401, answer.text
    assert left(product) == []


async def test_refused_rows_of_an_import_are_nobodys_who_may_not_import(
    product: WholeProduct, http: httpx.AsyncClient
) -> None:
    for role, status in ((Role.ENGINEER, 404), (Role.OPERATOR, 403)):
        mine = await credentials(product, role)
        assert (await http.get("/api/imports/nothing/refused", headers=mine)).status_code == status
    assert (await http.get("/api/imports/..%2F..%2Fpdm.sqlite/refused")).status_code in (401, 404)


async def test_refused_rows_come_under_a_name_that_is_encoded(product: WholeProduct, http: httpx.AsyncClient) -> None:
    mine = await credentials(product, Role.ENGINEER)
    content = b"time,Flow\nsoon,1\n" + b"2026-03-01 06:00:00,1.5\n" * 9
    name = 'l\u00e4uft"; filename=x.exe.csv'
    upload = (await http.post(URL, params=ASKED | {"name": name}, content=content, headers=mine)).json()
    async with product.client(mine["authorization"].removeprefix("Bearer ")) as client:
        columns = [{"column": "Flow", "signal_id": product.ours.signal_id}]
        made = await client.mutate("imports.create", {"upload_id": upload["id"], "columns": columns})
        for _ in range(600):
            [one] = await client.query("imports.list")
            if one["state"] != "checking":
                break
            await asyncio.sleep(0.05)
    assert (one["state"], one["refused"]) == ("checked", 1)
    answer = await http.get(f"/api/imports/{made['id']}/refused", headers=mine)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''refused-rows-of-l%C3%A4uft")
    assert answer.content.decode("utf-8-sig").splitlines()[1].startswith("2,its time 'soon'")
