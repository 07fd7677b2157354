"""Copies of reports as files: to whoever may read all of them, and to nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from pdm_app.domain.access import Role
from pdm_app.endpoints.routes import routes
from pdm_app.services.metrics import Metrics
from pdm_app.settings import Settings
from tests.counterparts.reports import CONTENT, copy_id
from tests.counterparts.whole_product import OURS, THEIRS, WholeProduct, whole_product


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(sqlite_url, tmp_path) as product:
        yield product


async def test_a_copy_is_fetched_by_those_of_its_site_alone(product: WholeProduct, tmp_path: Path) -> None:
    app = Starlette(routes=routes(lambda: product.services, Settings(data_dir=tmp_path / "unused"), Metrics()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        signed_in = await product.sign_in(Role.MANAGER)
        mine = {"authorization": f"Bearer {signed_in.access_token}"}
        found = await http.get(f"/api/reports/{copy_id(OURS)}", headers=mine)
        assert (found.status_code, found.content) == (200, CONTENT)
        assert found.headers["content-type"] == "application/json"
        assert found.headers["content-disposition"] == "attachment; filename*=UTF-8''yesterday.json"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert (await http.get(f"/api/reports/{copy_id(OURS)}")).status_code == 401
        elsewhere = await http.get(f"/api/reports/{copy_id(THEIRS)}", headers=mine)
        nowhere = await http.get("/api/reports/copy-nowhere", headers=mine)
        assert (elsewhere.status_code, nowhere.status_code) == (404, 404)
        foreign = {**mine, "origin": "https://evil.example"}
        assert (await http.get(f"/api/reports/{copy_id(OURS)}", headers=foreign)).status_code == 403
