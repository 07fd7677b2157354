"""Files that were made for somebody: whole, in parts, again after a break, and never for anybody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from pdm_app.domain.access import Role
from pdm_app.domain.exports import Export, ExportOrder
from pdm_app.endpoints.routes import routes
from pdm_app.services.metrics import Metrics
from pdm_app.settings import Settings
from tests.counterparts.whole_product import WholeProduct, whole_product

SPAN = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_003_600_000_000}


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(sqlite_url, tmp_path) as product:
        yield product


@pytest.fixture
async def http(product: WholeProduct, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=routes(lambda: product.services, Settings(data_dir=tmp_path / "unused"), Metrics()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


async def made_by(product: WholeProduct, role: Role) -> tuple[Export, dict[str, str]]:
    """Have somebody export a minute's averages of an hour, and return how that somebody asks for the file."""
    signed_in = await product.sign_in(role)
    actor = await product.services.auth.actor_of_access(signed_in.access_token)
    order = ExportOrder.model_validate({"signals": (product.ours.signal_id,), **SPAN, "every_us": 60_000_000})
    return await product.services.exports.create(actor, order), {"authorization": f"Bearer {signed_in.access_token}"}


async def test_a_download_can_be_taken_up_where_it_broke_off(product: WholeProduct, http: httpx.AsyncClient) -> None:
    export, mine = await made_by(product, Role.OPERATOR)
    url = f"/api/files/{export.id}"
    whole = await http.get(url, headers=mine)
    assert whole.status_code == 200
    assert len(whole.content) == export.bytes > 1000
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    assert export.file_name in whole.headers["content-disposition"]
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["cache-control"] == "private, no-cache"
    etag = whole.headers["etag"]
    rest = await http.get(url, headers={**mine, "range": "bytes=700-", "if-range": etag})
    assert (rest.status_code, rest.content) == (206, whole.content[700:])
    assert rest.headers["content-range"] == f"bytes 700-{export.bytes - 1}/{export.bytes}"
    another = await http.get(url, headers={**mine, "range": "bytes=700-", "if-range": '"another"'})
    assert (another.status_code, another.content) == (200, whole.content)
    beyond = await http.get(url, headers={**mine, "range": f"bytes={export.bytes + 5}-"})
    assert beyond.status_code == 416
    head = await http.head(url, headers=mine)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(export.bytes), b"")


async def test_nobody_else_gets_it_not_even_a_part(product: WholeProduct, http: httpx.AsyncClient) -> None:
    export, mine = await made_by(product, Role.OPERATOR)
    _, others = await made_by(product, Role.ADMIN)
    url = f"/api/files/{export.id}"
    assert (await http.get(url)).status_code == 401
    assert (await http.get(url, headers={**others, "range": "bytes=0-9"})).status_code == 404
    foreign = await http.get(url, headers={**mine, "origin": "https://evil.example"})
    assert foreign.status_code == 403
    for odd in ("nothing", "..%2F..%2Fpdm.sqlite", "%2e%2e"):
        assert (await http.get(f"/api/files/{odd}", headers=mine)).status_code in (401, 404)


async def test_a_file_that_is_gone_says_so(product: WholeProduct, http: httpx.AsyncClient) -> None:
    export, mine = await made_by(product, Role.OPERATOR)
    actor = await product.services.auth.actor_of_access(mine["authorization"].removeprefix("Bearer "))
    path, _, _ = await product.services.exports.file(actor, export.id)
    path.unlink()
    answer = await http.get(f"/api/files/{export.id}", headers=mine)
    assert answer.status_code == 404
    assert "Make it again" in answer.text
