"""A tool that knows only the product's own description calls everything, over tRPC and REST, and finds no fault."""

import asyncio

import pytest

from pdm_app.domain.access import Role
from pdm_app.rpc.description import openapi_document
from tests.counterparts.described_calls import call_everything
from tests.counterparts.whole_product import WholeProduct

WITHIN_S = 900.0


@pytest.mark.parametrize("examples", [1, pytest.param(8, marks=pytest.mark.long)])
async def test_every_call_of_the_product_answers_as_described(sqlite_product: WholeProduct, examples: int) -> None:
    signed_in = await sqlite_product.sign_in(Role.ADMIN)
    headers = {"authorization": f"Bearer {signed_in.access_token}"}
    counts = await asyncio.to_thread(
        call_everything,
        openapi_document("1"),
        sqlite_product.url,
        lambda: headers,
        examples=examples,
        within_s=WITHIN_S,
    )
    answered = {label for label, status in counts if 200 <= status < 300}
    assert {"GET /trpc/assets.list", "GET /api/v1/assets", "GET /api/v1/me", "GET /api/v1/openapi.json"} <= answered
    assert sum(counts.values()) > 200
