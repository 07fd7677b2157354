"""What nobody means well: odd text, huge numbers and deep structures are stored or refused, and break nothing."""

import json
from typing import Any

import httpx
import pytest

from pdm_app.domain.access import Role
from pdm_app.rpc.server import REST_PREFIX
from tests.counterparts.whole_product import OURS, WholeProduct

ODD_TEXT = (
    "\x00", "a\x00b", "💥", "\u202eabc", "a" * 121, "   ", "\\ud800", "'; DROP TABLE assets; --", "%", "\n\n", "ﷺ" * 100
)  # fmt: skip
DEEP = "[" * 400 + "]" * 400
ODD_JSON = ("9" * 400, "-" + "9" * 30, "1e400", DEEP, '{"a":' * 300 + "1" + "}" * 300, '"' + "x" * 9_000 + '"', "null")


async def test_odd_text_is_stored_as_it_is_or_refused(product: WholeProduct) -> None:
    token = (await product.sign_in(Role.ENGINEER)).access_token
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=product.url + REST_PREFIX, headers=headers, timeout=90.0) as rest:
        answers: dict[tuple[str, str], int] = {}
        for number, odd in enumerate(ODD_TEXT):
            written = f'"{odd}"' if odd.startswith("\\u") else json.dumps(odd)
            machine = f'{{"line_id":"{product.ours.line_id}","code":"H-{number}","name":{written}}}'
            made = await rest.post("/assets", content=machine.encode())
            answers["name", odd] = made.status_code
            if made.status_code == 201:
                assert (await rest.get(f"/assets/{made.json()['id']}")).json()["asset"]["name"] == odd.strip()
            area = f'{{"site_id":"{OURS}","name":{written}}}'
            answers["area", odd] = (await rest.post("/areas", content=area.encode())).status_code
            found = await rest.get("/assets", params={"text": odd if not odd.startswith("\\u") else "\\ud800"})
            answers["search", odd] = found.status_code
            cursor = await rest.get("/signals", params={"cursor": odd})
            answers["cursor", odd] = cursor.status_code
    assert {key: code for key, code in answers.items() if code not in (200, 201, 400)} == {}


@pytest.mark.parametrize("field", ["address", "options"])
async def test_odd_structures_are_stored_or_refused(sqlite_product: WholeProduct, field: str) -> None:
    product = sqlite_product
    token = (await product.sign_in(Role.ENGINEER)).access_token
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    known: dict[str, dict[str, Any]] = {
        "address": {"asset_id": product.ours.asset_id, "label": "Odd"},
        "options": {"site_id": OURS, "driver": "mqtt", "endpoint": "mqtt://127.0.0.1"},
    }
    path = "/signals" if field == "address" else "/connections"
    async with httpx.AsyncClient(base_url=product.url + REST_PREFIX, headers=headers, timeout=90.0) as rest:
        answers = {}
        for number, odd in enumerate(ODD_JSON):
            facts = json.dumps({**known[field], "name": f"Odd_{number}"})[:-1]
            body = f'{facts},"{field}":{{"client_id":{odd}}}}}'
            answers[odd[:20]] = (await rest.post(path, content=body.encode())).status_code
        numbers = f'{{"asset_id":"{product.ours.asset_id}","label":"Odd","name":"Odd_N","scale":1e400}}'
        answers["scale"] = (await rest.post("/signals", content=numbers.encode())).status_code
    assert {key: code for key, code in answers.items() if code not in (201, 400)} == {}
