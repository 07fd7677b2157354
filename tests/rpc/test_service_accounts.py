"""A program with a key calls procedures and REST addresses, as far as its account reaches and no further."""

import httpx

from pdm_app.domain.access import SYSTEM, Permission
from pdm_app.rpc.server import REST_PREFIX
from tests.counterparts.whole_product import OURS, THEIRS, WholeProduct
from tests.rpc.calls import answer, code


async def key_of(product: WholeProduct) -> tuple[str, str]:
    """A key, and its id, of an account that may read signals of our site."""
    accounts = product.services.auth.service_accounts
    rights = [Permission.ASSETS_READ, Permission.SIGNALS_READ]
    made = await accounts.create(SYSTEM, "mes", "MES", [OURS], rights)
    key = await accounts.create_key(SYSTEM, made.account.id, "line 3")
    return key.shown_once, key.key.id


async def test_a_key_opens_procedures_streams_and_rest_of_its_rights_and_sites(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    key, _ = await key_of(product)
    async with product.client(key) as client:
        me = await client.query("auth.me")
        assert (me["username"], me["role"]) == ("mes", "service")
        assert {site["id"] for site in me["sites"]} == {OURS}
        assert {signal["site_id"] for signal in await client.query("signals.list")} == {OURS}
        (row,) = (await answer(client, "live.values", {"signals": [product.ours.signal_id]}))["rows"]
        assert row[0] == product.ours.signal_id
        assert await code(client, "signals.by_id", {"signal_id": product.theirs.signal_id}) == "NOT_FOUND"
        assert await code(client, "alarms.active") == "FORBIDDEN"
        assert await code(client, "users.list") == "FORBIDDEN"
        assert await code(client, "profile.show") == "FORBIDDEN"
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=product.url, headers=headers, timeout=90) as rest:
        listed = await rest.get(f"{REST_PREFIX}/signals")
        assert listed.status_code == 200
        assert f'"site_id":"{OURS}"' in listed.text
        assert f'"site_id":"{THEIRS}"' not in listed.text
        assert (await rest.get(f"{REST_PREFIX}/alarms")).status_code == 403
        assert (await rest.get(f"{REST_PREFIX}/users")).status_code == 403


async def test_a_revoked_key_ends_calls_and_streams(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    key, key_id = await key_of(product)
    async with product.client(key) as client:
        assert await code(client, "signals.list") == "OK"
        await product.services.auth.service_accounts.revoke_key(SYSTEM, key_id)
        assert await code(client, "signals.list") == "UNAUTHORIZED"
        assert await code(client, "live.values", {"signals": [product.ours.signal_id]}) == "UNAUTHORIZED"
