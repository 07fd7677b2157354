"""A change of the plant holds in the running product when the call returns: nothing is started anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

import httpx
import pytest

from pdm_app.domain.access import Actor, Role
from pdm_app.domain.samples import QUALITY_BAD_MIN, moment
from pdm_app.rpc.server import REST_PREFIX
from pdm_app.trpc import TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.device_process import DeviceProcess
from tests.counterparts.whole_product import OURS, THEIRS, WholeProduct

WITHIN_S = 90.0


@pytest.fixture
async def engineer(sqlite_product: WholeProduct) -> AsyncIterator[TrpcClient]:
    signed_in = await sqlite_product.sign_in(Role.ENGINEER)
    async with sqlite_product.client(signed_in.access_token) as client:
        yield client


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """Return what ``look`` finds as soon as it finds something."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


class Gateway:
    """A new machine in our site, and the device that posts its samples."""

    def __init__(self, product: WholeProduct, engineer: TrpcClient) -> None:
        self._product = product
        self._engineer = engineer
        self.asset_id = ""
        self._sender: Actor | None = None

    async def build(self) -> None:
        machine = {"line_id": self._product.ours.line_id, "code": "X-1", "name": "Mixer"}
        self.asset_id = (await self._engineer.mutate("assets.create", machine))["id"]
        facts = {"site_id": OURS, "code": "GW-9", "name": "Gateway", "asset_id": self.asset_id}
        device = await self._engineer.mutate("devices.create", facts)
        made = await self._engineer.mutate("devices.create_key", {"device_id": device["id"]})
        self._sender = await self._product.services.devices.actor_of_key(made["secret"])

    async def signal(self, **facts: Any) -> int:
        given = {"asset_id": self.asset_id, "name": "Torque", "label": "Torque", **facts}
        return int((await self._engineer.mutate("signals.create", given))["id"])

    async def sends(self, name: str, value: float) -> bool:
        """Post one sample; say whether it was kept."""
        assert self._sender is not None
        at = moment(self._product.clock.now()).isoformat()
        body = {"samples": [{"signal": name, "value": value, "source_at": at}]}
        return (await self._product.services.ingest.take(self._sender, body)).kept == 1


@pytest.fixture
async def gateway(sqlite_product: WholeProduct, engineer: TrpcClient) -> Gateway:
    gateway = Gateway(sqlite_product, engineer)
    await gateway.build()
    return gateway


async def newest(engineer: TrpcClient, signal_id: int) -> float | None:
    """The value that a screen shows."""
    frame = await engineer.query("live.latest", {"signals": [signal_id]})
    return cast("float | None", frame["rows"][0][1])


async def test_a_signal_is_taken_and_shown_as_soon_as_it_exists_and_no_longer_than_that(
    sqlite_product: WholeProduct, engineer: TrpcClient, gateway: Gateway
) -> None:
    assert not await gateway.sends("Torque", 1.0)
    signal_id = await gateway.signal()
    assert await gateway.sends("Torque", 12.5)
    assert await newest(engineer, signal_id) == 12.5
    await engineer.mutate("signals.change", {"signal_id": signal_id, "scale": 2.0, "name": "Torque_Nm"})
    assert not await gateway.sends("Torque", 1.0), "it goes by another name now"
    assert await gateway.sends("Torque_Nm", 20.0)
    assert await newest(engineer, signal_id) == 40.0, "and has another scale"

    now = sqlite_product.clock.now()
    span = {"start_at": now - 60_000_000, "end_at": now + 600_000_000}

    async def both_recorded() -> bool:
        answer = await engineer.query("history.envelope", {"signals": [signal_id], **span})
        return bool(answer["points_read"] == 2)

    await eventually(both_recorded)
    async with aclosing(cast(Any, engineer.subscribe("live.values", {"signals": [signal_id]}))) as frames:
        await anext(frames)
        await engineer.mutate("signals.delete", {"signal_id": signal_id})
        async with asyncio.timeout(WITHIN_S):
            while not any(row[2] >= QUALITY_BAD_MIN for row in (await anext(frames))["rows"]):
                pass  # Whoever still looks at it sees that its value is none any more.
    assert not await gateway.sends("Torque_Nm", 20.0)
    with pytest.raises(TrpcError, match="There is no signal"):
        await newest(engineer, signal_id)
    assert await both_recorded(), "its history stays"
    await engineer.mutate("signals.restore", {"signal_id": signal_id})
    assert await gateway.sends("Torque_Nm", 21.0)
    assert await newest(engineer, signal_id) == 42.0


async def test_a_rule_judges_as_soon_as_it_exists_and_its_alarm_ends_with_it(
    engineer: TrpcClient, gateway: Gateway
) -> None:
    signal_id = await gateway.signal()
    facts = {"signal_id": signal_id, "name": "Torque high", "condition": {"kind": "high", "limit": 10.0}, "priority": 1}
    rule_id = (await engineer.mutate("alarm_rules.create", facts))["id"]

    async def standing() -> list[Any]:
        return [alarm for alarm in await engineer.query("alarms.active") if alarm["rule_id"] == rule_id]

    async def gone() -> bool:
        return not await standing()

    async def journal() -> list[str]:
        page = await engineer.query("alarms.journal", {"asset_id": gateway.asset_id})
        return [entry["kind"] for entry in reversed(page["entries"])]

    assert await gateway.sends("Torque", 11.0)
    (alarm,) = await eventually(standing)
    assert (alarm["name"], alarm["limit"]) == ("Torque high", 10.0)
    await engineer.mutate("alarm_rules.change", {"rule_id": rule_id, "condition": {"kind": "high", "limit": 20.0}})
    assert await gateway.sends("Torque", 12.0)

    async def returned() -> bool:
        return "returned" in await journal()

    await eventually(returned)
    await engineer.mutate("alarm_rules.delete", {"rule_id": rule_id})
    await eventually(gone)

    async def told() -> bool:
        return await journal() == ["raised", "returned", "cleared"]

    await eventually(told)
    assert await gateway.sends("Torque", 30.0)
    await engineer.mutate("alarm_rules.restore", {"rule_id": rule_id})
    assert await gone(), "what it did not see does not raise it"
    assert await gateway.sends("Torque", 31.0)
    assert (await eventually(standing))[0]["limit"] == 20.0
    await engineer.mutate("alarm_rules.disable", {"rule_id": rule_id})
    await eventually(gone)


async def test_a_signal_cannot_disappear_under_its_rule_and_its_alarm_stands_until_the_rule_goes(
    engineer: TrpcClient, gateway: Gateway
) -> None:
    signal_id = await gateway.signal()
    facts = {"signal_id": signal_id, "name": "Torque high", "condition": {"kind": "high", "limit": 10.0}, "priority": 1}
    rule_id = (await engineer.mutate("alarm_rules.create", facts))["id"]

    async def standing() -> list[Any]:
        return [alarm for alarm in await engineer.query("alarms.active") if alarm["rule_id"] == rule_id]

    assert await gateway.sends("Torque", 11.0)
    (alarm,) = await eventually(standing)
    with pytest.raises(TrpcError, match="Delete its alarm rules first"):
        await engineer.mutate("signals.delete", {"signal_id": signal_id})
    with pytest.raises(TrpcError, match="cannot be deleted while"):
        await engineer.mutate("assets.delete", {"asset_id": gateway.asset_id, "with_parts": True})
    assert [each["id"] for each in await standing()] == [alarm["id"]]
    assert await gateway.sends("Torque", 12.0), "it is read and judged as before"
    await engineer.mutate("alarm_rules.delete", {"rule_id": rule_id})

    async def journal() -> bool:
        page = await engineer.query("alarms.journal", {"alarm_id": alarm["id"]})
        return [entry["kind"] for entry in reversed(page["entries"])] == ["raised", "cleared"]

    await eventually(journal)
    await engineer.mutate("signals.delete", {"signal_id": signal_id})
    assert not await gateway.sends("Torque", 13.0)
    assert await journal(), "who reads it later still sees why it went"


async def test_a_connection_is_made_read_moved_and_given_up_without_a_restart(
    engineer: TrpcClient, gateway: Gateway
) -> None:
    plc = DeviceProcess("modbus_device.py")
    plc.start()
    try:
        facts = {"site_id": OURS, "name": "Mixer PLC", "driver": "modbus", "endpoint": f"127.0.0.1:{plc.port}"}
        connection_id = (await engineer.mutate("connections.create", {**facts, "enabled": False}))["id"]
        where = {"connection_id": connection_id, "poll_every_s": 0.1}
        signal_id = await gateway.signal(**where, address={"register": 2, "type": "float32"})

        async def state() -> str:
            view = await engineer.query("connections.by_id", {"connection_id": connection_id})
            return str(view["status"]["state"])

        async def value() -> float | None:
            return await newest(engineer, signal_id)

        async def is_online() -> bool:
            return await state() == "online"

        assert await state() == "paused"
        await engineer.mutate("connections.change", {"connection_id": connection_id, "enabled": True})
        assert await eventually(value) == 2.5
        await engineer.mutate("signals.change", {"signal_id": signal_id, "address": {"register": 20, "type": "float32",
                                                                                       "order": "CDAB"}})  # fmt: skip

        async def is_another() -> bool:
            return abs((await value() or 0.0) + 123.456) < 0.001

        await eventually(is_another)
        await eventually(is_online)
        await engineer.mutate("connections.change", {"connection_id": connection_id, "endpoint": "127.0.0.1:1"})

        async def is_down() -> bool:
            return await state() in ("disconnected", "connecting")

        await eventually(is_down)
        await engineer.mutate("connections.change", {"connection_id": connection_id, "endpoint": facts["endpoint"]})
        await eventually(is_online)
        with pytest.raises(TrpcError, match=r"cannot be deleted while it has 1 signal \(Torque\)"):
            await engineer.mutate("connections.delete", {"connection_id": connection_id})
        await engineer.mutate("signals.change", {"signal_id": signal_id, "connection_id": None, "address": {}})
        await engineer.mutate("connections.delete", {"connection_id": connection_id})
        listed = [view["connection"]["id"] for view in await engineer.query("connections.list")]
        assert connection_id not in listed
        await engineer.mutate("connections.restore", {"connection_id": connection_id})
        await eventually(is_online)
    finally:
        plc.kill()


async def test_the_plant_is_changed_in_plain_rest_too(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    token = (await product.sign_in(Role.ENGINEER)).access_token
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=product.url + REST_PREFIX, headers=headers, timeout=90.0) as rest:
        machine = {"line_id": product.ours.line_id, "code": "X-1", "name": "Mixer"}
        made = await rest.post("/assets", json=machine)
        assert made.status_code == 201
        asset = made.json()
        url = f"/assets/{asset['id']}"
        assert (await rest.post("/assets", json=machine)).status_code == 409
        named = await rest.patch(url, json={"name": "Mixer 1", "revision": 1})
        assert (named.status_code, named.json()["revision"]) == (200, 2)
        stale = await rest.patch(url, json={"name": "Mixer 2", "revision": 1})
        assert (stale.status_code, stale.json()["facts"]["changed_by"]) == (409, "engineer.one")
        null = await rest.patch(url, json={"name": None})
        assert (null.status_code, null.json()["issues"][0]["loc"]) == (400, ["name"])
        assert (await rest.patch(url, json={"state_signal_id": None})).json()["revision"] == 2, "it was none"
        assert (await rest.post("/areas", json={"site_id": THEIRS, "name": "Mine"})).status_code == 404
        page = (await rest.get("/assets", params={"text": "mixer", "limit": 1})).json()
        assert ([one["id"] for one in page["items"]], page["next_cursor"]) == ([asset["id"]], None)
        assert (await rest.delete(url, params={"revision": 1})).status_code == 409
        assert (await rest.delete(url)).status_code == 200
        assert (await rest.get(url)).status_code == 404
        assert (await rest.post(f"{url}/restore")).status_code == 200
        device = product.ours.device_id
        key = await rest.post(f"/devices/{device}/keys")
        assert (key.status_code, key.json()["secret"][:4]) == (201, "pdm_")
        assert key.json()["secret"] not in (await rest.get(f"/devices/{device}/keys")).text
        assert (await rest.delete(f"/device-keys/{key.json()['key']['id']}")).json()["revoked_at"] is not None
