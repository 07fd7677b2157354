"""The audit trail as a file over HTTP: who may have it, what it holds, and what a wrong question is told."""

import asyncio
import contextlib
import json

import httpx
import pytest
from starlette.requests import ClientDisconnect

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.audit import AuditEntry, hash_of
from pdm_app.endpoints.audit import EXPORTS_AT_ONCE_MAX
from tests.endpoints.conftest import PASSWORD, Served

EXPORT = "/api/audit/export"


async def token_of(served: Served, username: str) -> dict[str, str]:
    signed_in = await served.auth.sign_in(username, PASSWORD, "127.0.0.1")
    return {"authorization": f"Bearer {signed_in.access_token}"}


@pytest.fixture
async def manager(served: Served) -> dict[str, str]:
    """Somebody of Pune, where a device got a key; in Graz one did, too."""
    await served.auth.people.add(SYSTEM, "max", PASSWORD, Role.MANAGER, site_ids=["pune"])
    await served.key("dev-p-501")
    await served.key("dev-c-201")
    return await token_of(served, "max")


async def test_the_file_is_a_download_in_which_each_entry_verifies(served: Served, manager: dict[str, str]) -> None:
    async with served.client() as client:
        await client.get(EXPORT, headers=manager)
        answer = await client.get(f"{EXPORT}?site_id=pune", headers=manager)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-20270115-080000.jsonl"'
    assert answer.headers["cache-control"] == "no-store"
    entries = [AuditEntry.model_validate(json.loads(line)) for line in answer.text.splitlines()]
    assert [entry.action for entry in entries] == ["devices.key_created", "audit.exported"]
    assert [hash_of(entry) for entry in entries] == [entry.hash for entry in entries]


async def test_filters_and_format_are_those_of_the_address(served: Served, manager: dict[str, str]) -> None:
    async with served.client() as client:
        found = await client.get(f"{EXPORT}?format=csv&action=devices.&start=2026-01-01T00:00:00Z", headers=manager)
        nothing = await client.get(f"{EXPORT}?text=nothing-like-it&end=1", headers=manager)
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(found.text.splitlines()) == 2
    assert (nothing.status_code, nothing.text) == (200, "")


async def test_a_manager_gets_the_own_sites_and_who_lacks_the_right_gets_nothing(
    served: Served, manager: dict[str, str]
) -> None:
    operator = await token_of(served, "olga")
    async with served.client() as client:
        own = await client.get(EXPORT, headers=manager)
        foreign = [await client.get(f"{EXPORT}?site_id={site}", headers=manager) for site in ("graz", "mars")]
        refused = await client.get(EXPORT, headers=operator)
        stranger = await client.get(EXPORT)
        posted = await client.post(EXPORT, headers=manager)
    assert {json.loads(line)["site_id"] for line in own.text.splitlines()} == {"pune"}
    assert [answer.status_code for answer in foreign] == [404, 404]
    assert foreign[0].json()["error"]["message"].replace("graz", "mars") == foreign[1].json()["error"]["message"]
    assert (refused.status_code, stranger.status_code, posted.status_code) == (403, 401, 405)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("format=xls", "format"),
        ("start=yesterday", "start"),
        ("limit=5", "limit"),
        ("action=a&action=b", "action"),
        (f"actor={'x' * 121}", "actor"),
        ("site_id=%27%20OR%201%3D1", "site_id"),
    ],
)
async def test_a_wrong_question_is_told_which_field(
    served: Served, manager: dict[str, str], question: str, names: str
) -> None:
    async with served.client() as client:
        answer = await client.get(f"{EXPORT}?{question}", headers=manager)
    assert answer.status_code == 422
    assert answer.json()["error"]["issues"][0]["field"] == names


async def test_a_page_of_another_site_gets_no_file(served: Served, browser: httpx.AsyncClient) -> None:
    await served.auth.people.add(SYSTEM, "max", PASSWORD, Role.MANAGER, site_ids=["pune"])
    await browser.post("/api/auth/login", json={"username": "max", "password": PASSWORD})
    assert (await browser.get(EXPORT)).status_code == 200
    refused = await browser.get(EXPORT, headers={"origin": "https://evil.example"})
    assert refused.status_code == 403


async def test_clients_that_vanish_take_no_place_from_those_that_come(served: Served, manager: dict[str, str]) -> None:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": EXPORT, "raw_path": EXPORT.encode(), "query_string": b"", "root_path": "",
        "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 50_000),
        "headers": [(b"host", b"127.0.0.1:8000"), (b"authorization", manager["authorization"].encode())],
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()  # It says nothing more.
        raise AssertionError

    async def vanish(_: object) -> None:
        raise OSError("the cable is cut")

    for _ in range(EXPORTS_AT_ONCE_MAX + 1):
        with contextlib.suppress(BaseExceptionGroup, OSError, ClientDisconnect):
            await served.app(dict(scope), receive, vanish)
    async with served.client() as client:
        assert (await client.get(EXPORT, headers=manager)).status_code == 200
