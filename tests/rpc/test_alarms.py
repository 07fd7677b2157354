"""Alarms on the wire: the procedures over real HTTP and WebSocket, with a real watch behind."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.rpc.server import PATH
from pdm_app.services.catalogue import Services
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.alarms import ANNA, BORIS, GRETA, HEADER, SUCTION, VERA, Running, running, with_rules
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.counterparts.whole_product import serving


class Tokens:
    """An authentication that knows people by their name as token."""

    async def actor_of_access(self, token: str, *, allow_expired: bool, address: str) -> Actor:
        for actor in (ANNA, BORIS, GRETA, VERA):
            if actor.name == token:
                return actor
        raise UnauthenticatedError("Sign in first.")


class Served:
    def __init__(self, product: Running, url: str) -> None:
        self.product = product
        self.url = url

    def client(self, actor: Actor) -> TrpcClient:
        return TrpcClient(self.url, headers={"authorization": f"Bearer {actor.name}"})

    async def post(self, actor: Actor, path: str, body: object) -> httpx.Response:
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {actor.name}"}, timeout=90) as http:
            return await http.post(f"{self.url}/{path}", json=body)


def watching(client: TrpcClient) -> AsyncGenerator[Any, None]:
    return cast("AsyncGenerator[Any, None]", client.subscribe("alarms.watch", {}))


@pytest.fixture
async def served(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with (
        stored_plant(sqlite_url) as work,
        running(await with_rules(work), HandClock(), sqlite_url, tmp_path) as product,
    ):
        services = cast(Services, SimpleNamespace(auth=Tokens(), alarms=product.service))
        async with serving(services) as url:
            yield Served(product, url + PATH)


async def test_an_alarm_is_watched_acknowledged_and_found_in_the_journal(served: Served) -> None:
    async with served.client(ANNA) as client:
        async with aclosing(watching(client)) as pictures:
            events = aiter(pictures)
            first = await anext(events)
            assert (first["kind"], first["alarms"], first["counts"]["standing"]) == ("snapshot", [], 0)
            await served.product.see(SUCTION, 1.0, 1)
            while not (change := await anext(events))["alarms"]:
                pass
            alarm = change["alarms"][0]
            assert (alarm["state"], alarm["rule_id"], alarm["limit"]) == ("B", "suction-low", 1.2)
            served.product.clock.at += 1_000_000
            answer: Any = await client.mutate("alarms.acknowledge", {"alarm_id": alarm["id"], "comment": "seen"})
            assert (answer["state"], answer["acknowledged_by"], answer["comment"]) == ("C", "anna", "seen")
            while not (change := await anext(events))["alarms"]:
                pass
            assert change["counts"]["acknowledged"] == 1
        page: Any = await client.query("alarms.journal", {"limit": 1})
        assert [(entry["kind"], entry["actor"]) for entry in page["entries"]] == [("acknowledged", "anna")]
        older: Any = await client.query("alarms.journal", {"limit": 1, "before": page["before"]})
        assert ([entry["kind"] for entry in older["entries"]], older["before"]) == (["raised"], None)
        rules: Any = await client.query("alarms.rules", {"asset_id": "p-501"})
        assert [rule["condition"]["kind"] for rule in rules] == ["low", "low", "low"]
        active: Any = await client.query("alarms.active", {})
        assert [alarm["state"] for alarm in active] == ["C"]


@pytest.mark.parametrize(
    ("actor", "path", "body", "status", "code"),
    [
        (ANNA, "alarms.acknowledge", {"alarm_id": "00000000-0000-8000-8000-000000000000"}, 404, "NOT_FOUND"),
        (ANNA, "alarms.acknowledge", {}, 400, "BAD_REQUEST"),
        (ANNA, "alarms.acknowledge", {"alarm_id": "x y"}, 400, "BAD_REQUEST"),
        (ANNA, "alarms.acknowledge", {"alarm_id": "x", "comment": "y" * 2001}, 400, "BAD_REQUEST"),
        (ANNA, "alarms.comment", {"alarm_id": "x"}, 400, "BAD_REQUEST"),
        (VERA, "alarms.acknowledge", {"alarm_id": "x"}, 403, "FORBIDDEN"),
        (VERA, "alarms.comment", {"alarm_id": "x", "comment": "y"}, 403, "FORBIDDEN"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_code(
    served: Served, actor: Actor, path: str, body: object, status: int, code: str
) -> None:
    answer = await served.post(actor, path, body)
    assert (answer.status_code, answer.json()["error"]["data"]["code"]) == (status, code)


async def test_the_second_of_two_operators_gets_a_conflict_with_the_facts(served: Served) -> None:
    await served.product.see(SUCTION, 1.0, 1)
    alarm = await served.product.alarm("suction-low")
    assert (await served.post(ANNA, "alarms.acknowledge", {"alarm_id": alarm.id})).status_code == 200
    second = await served.post(BORIS, "alarms.acknowledge", {"alarm_id": alarm.id})
    error = second.json()["error"]
    assert (second.status_code, error["data"]["code"]) == (409, "CONFLICT")
    assert error["message"].startswith("anna has acknowledged Suction low already")
    assert error["data"]["facts"]["acknowledged_by"] == "anna"


async def test_a_missing_comment_is_named_as_the_field_at_fault(served: Served) -> None:
    await served.product.see(SUCTION + 1, 5.0, 1)
    alarm = await served.product.alarm("flow-low")
    answer = await served.post(ANNA, "alarms.acknowledge", {"alarm_id": alarm.id})
    assert answer.status_code == 400
    assert answer.json()["error"]["data"]["issues"][0]["loc"] == ["comment"]


async def test_no_site_leaks_into_another(served: Served) -> None:
    await served.product.see(HEADER, 9.0, 1)
    async with served.client(ANNA) as client:
        assert await client.query("alarms.active", {}) == []
        async with aclosing(watching(client)) as pictures:
            snapshot = await anext(aiter(pictures))
            assert (snapshot["alarms"], snapshot["counts"]["standing"]) == ([], 0)
    foreign = (await served.product.alarm("header-high")).id
    assert (await served.post(ANNA, "alarms.acknowledge", {"alarm_id": foreign})).status_code == 404
