"""Compiled pages under their own addresses, and what browsers may keep of them."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pdm_app.endpoints.content_policy import ContentPolicy
from pdm_app.endpoints.front_end import FrontEnd

FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    """A compiled front end as the build leaves it: a file and a folder per page, and files named by their content."""
    for page in ("plant", "alarms"):
        (tmp_path / f"{page}.html").write_text(f"<h1>{page}</h1>")
        (tmp_path / page).mkdir()
        (tmp_path / page / "index.html").write_text(f"<h1>{page}</h1>")
    (tmp_path / "index.html").write_text("<h1>start</h1>")
    (tmp_path / "404.html").write_text("<h1>nothing</h1>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "entry-4f2a.js").write_text("1")
    files = Starlette(routes=[Mount("/", StaticFiles(directory=tmp_path, html=True))])
    app = FrontEnd(files, {"/", "/plant", "/alarms", "/asset/[asset_id]"}, ContentPolicy(tmp_path))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://plant.example")


@pytest.mark.parametrize(
    ("path", "words"), [("/", "start"), ("/plant", "plant"), ("/plant/", "plant"), ("/alarms?site=graz", "alarms")]
)
async def test_a_page_is_answered_at_once_under_its_own_address(
    client: httpx.AsyncClient, path: str, words: str
) -> None:
    response = await client.get(path)
    assert (response.status_code, response.text) == (200, f"<h1>{words}</h1>")
    assert response.headers["cache-control"] == "no-cache", "the next version must be seen at the next look"


async def test_a_file_named_by_its_content_is_kept_for_ever(client: httpx.AsyncClient) -> None:
    assert (await client.get("/assets/entry-4f2a.js")).headers["cache-control"] == FOREVER
    assert (await client.head("/assets/entry-4f2a.js")).headers["cache-control"] == FOREVER


@pytest.mark.parametrize("path", ["/assets/entry-gone.js", "/nowhere", "/asset/[asset_id].html"])
async def test_what_is_missing_now_may_come_with_the_next_version(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert "cache-control" not in response.headers


async def test_other_methods_are_left_to_the_front_end(client: httpx.AsyncClient) -> None:
    assert (await client.post("/plant")).status_code == 405
