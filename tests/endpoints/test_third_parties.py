"""What others have made is shown to those who see the system, and to nobody else."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from pdm_app.endpoints.routes import routes
from tests.endpoints.conftest import ORIGIN, PASSWORD, Served

LICENCES, BILL = "/api/third-parties/licences", "/api/third-parties/bom"


def client(served: Served, folder: Path | None) -> httpx.AsyncClient:
    app = Starlette(routes=routes(lambda: served, served.settings, served.metrics, folder))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN)


@pytest.fixture
async def headers(served: Served) -> dict[str, str]:
    async with served.client() as browser:
        answer = await browser.post("/api/auth/token", json={"username": "olga", "password": PASSWORD})
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_licences_are_text_and_the_bill_is_a_file(
    served: Served, headers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "licences.txt").write_text("a © b\n", encoding="utf-8")
    (tmp_path / "bom.cdx.json").write_text("{}")
    async with client(served, tmp_path) as browser:
        text = await browser.get(LICENCES, headers=headers)
        bill = await browser.get(BILL, headers=headers)
    assert (text.text, text.headers["content-type"]) == ("a © b\n", "text/plain; charset=utf-8")
    assert bill.headers["content-type"].startswith("application/vnd.cyclonedx+json")
    assert bill.headers["content-disposition"] == 'attachment; filename="bom.cdx.json"'


async def test_strangers_and_devices_learn_no_version(served: Served, tmp_path: Path) -> None:
    (tmp_path / "licences.txt").write_text("versions")
    async with client(served, tmp_path) as browser:
        for headers in ({}, {"x-device-key": await served.key()}, {"authorization": "Bearer x"}):
            for path in (LICENCES, BILL):
                assert (await browser.get(path, headers=headers)).status_code == 401


@pytest.mark.parametrize("is_compiled", [True, False])
async def test_a_front_end_without_the_files_says_how_to_have_them(
    served: Served, headers: dict[str, str], tmp_path: Path, is_compiled: bool
) -> None:
    async with client(served, tmp_path if is_compiled else None) as browser:
        answer = await browser.get(BILL, headers=headers)
    assert answer.status_code == 404
    assert "pdm_app build" in answer.json()["error"]["message"]
