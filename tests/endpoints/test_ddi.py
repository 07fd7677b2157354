"""Devices' firmware by the protocol of hawkBit, on a real server: what it says, and what it gives to nobody else."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pdm_app.domain.access import SYSTEM
from pdm_app.domain.campaigns import Phase
from pdm_app.domain.firmware_actions import ActionState
from pdm_app.domain.firmware_tickets import read_ticket
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import IMAGE, DdiPlant, ddi_plant, feedback

S = ActionState
PATHS = (
    "", "/configData", "/deploymentBase/1", "/deploymentBase/1/feedback", "/cancelAction/1",
    "/cancelAction/1/feedback", "/installedBase/1", "/confirmationBase", "/confirmationBase/1",
    "/confirmationBase/1/feedback", "/confirmationBase/activateAutoConfirm", "/confirmationBase/deactivateAutoConfirm",
    "/softwaremodules/release-2.4.1/artifacts", "/softwaremodules/release-2.4.1/artifacts/gw-2.4.1.swu",
    "/softwaremodules/release-2.4.1/artifacts/gw-2.4.1.swu.MD5SUM",
)  # fmt: skip
METHODS = {"feedback": "POST", "activateAutoConfirm": "POST", "deactivateAutoConfirm": "POST", "configData": "PUT"}


@pytest.fixture
async def ddi(sqlite_url: str, tmp_path: Path) -> AsyncIterator[DdiPlant]:
    async with stored_plant(sqlite_url) as work, ddi_plant(work, HandClock(), tmp_path) as plant:
        yield plant


def method_of(path: str) -> str:
    return METHODS.get(path.rpartition("/")[2], "GET")


async def test_a_device_finds_its_update_loads_it_in_two_parts_writes_it_and_proves_it(ddi: DdiPlant) -> None:
    campaign = await ddi.plant.started()
    async with ddi.client() as client:
        root = (await client.get(ddi.base())).json()
        assert root["config"]["polling"]["sleep"] == "00:00:30"
        assert set(root["_links"]) == {"deploymentBase"}
        told = await ddi.offered(client)
        number, content = told["id"], told["deployment"]
        assert (content["download"], content["update"]) == ("forced", "forced")
        (chunk,) = content["chunks"]
        (artifact,) = chunk["artifacts"]
        assert artifact["hashes"]["sha1"] == hashlib.sha1(IMAGE, usedforsecurity=False).hexdigest()
        told = {each["key"]: each["value"] for each in chunk["metadata"]}
        assert told.keys() == {"ota.manifest", "ota.sig", "ota.key", "ota.ticket"}
        ticket, _ = read_ticket(told["ota.ticket"])
        assert (ticket.device_id, ticket.action_id) == ("gw-1", number)
        href = artifact["_links"]["download-http"]["href"]
        first = await client.get(href, headers={"range": "bytes=0-999"})
        rest = await client.get(href, headers={"range": "bytes=1000-"})
        assert (first.status_code, rest.status_code) == (206, 206)
        assert rest.headers["content-range"] == f"bytes 1000-{len(IMAGE) - 1}/{len(IMAGE)}"
        assert first.content + rest.content == IMAGE
        for word in (feedback("proceeding", "none", "Installing"), feedback()):
            answer = await client.post(f"{ddi.base()}/deploymentBase/{number}/feedback", json=word)
            assert (answer.status_code, answer.content) == (200, b"")
        root = (await client.get(ddi.base())).json()
        assert set(root["_links"]) == {"installedBase", "configData"}, "it is asked what it runs"
        ddi.plant.clock.at += 1_000_000
        answer = await client.put(root["_links"]["configData"]["href"], json={"data": {"fw_version": "2.4.1"}})
        assert (answer.status_code, answer.content) == (200, b"")
        await ddi.plant.rollout.look()
        assert (await ddi.plant.action("gw-1")).state is S.VERIFYING
        await ddi.plant.soaks("gw-1")
        assert set((await client.get(ddi.base())).json()["_links"]) == {"installedBase"}
        again = await client.get(f"{ddi.base()}/installedBase/{number}", params={"actionHistory": "3"})
        assert len(again.json()["actionHistory"]["messages"]) == 3
    assert (await ddi.plant.states(campaign))["gw-1"] == "succeeded"


async def test_a_wrong_or_missing_token_reads_nothing_on_any_path(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    good = ddi.keys["gw-1"]
    wrong = ("", "TargetToken", f"Bearer {good}", f"targettoken {good}", f"TargetToken x{good}",
             f"TargetToken  {good}", f"GatewayToken {good}", f"TargetToken {good[:-1]}")  # fmt: skip
    async with httpx.AsyncClient(timeout=30) as client:
        for path in PATHS:
            for given in wrong:
                answer = await client.request(method_of(path), ddi.base() + path, headers={"authorization": given})
                assert (answer.status_code, answer.content) == (401, b""), (path, given[:12])


async def test_the_token_of_another_device_and_a_revoked_one_read_nothing_on_any_path(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    revoked = await ddi.devices.create_key(SYSTEM, "gw-1")
    await ddi.devices.revoke_key(SYSTEM, revoked.key.id)
    for key in (ddi.keys["gw-2"], revoked.secret):
        async with ddi.client(key=key) as client:
            for path in PATHS:
                answer = await client.request(method_of(path), ddi.base() + path)
                assert (answer.status_code, answer.content) == (401, b""), path


async def test_what_is_another_devices_does_not_exist(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    number = (await ddi.plant.action("gw-1")).number
    async with ddi.client("gw-2") as client:
        for path in PATHS[2:]:
            if "Auto" in path or path == "/confirmationBase":
                continue
            path = path.replace("/1", f"/{number}")
            answer = await client.request(method_of(path), ddi.base("gw-2") + path, json=feedback())
            wanted = 400 if path.endswith(f"confirmationBase/{number}/feedback") else 404
            assert answer.status_code == wanted, path
            assert set(answer.json()) == {"exceptionClass", "errorCode", "message", "info"}


async def test_no_other_file_can_be_named(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    folder = f"{ddi.base()}/softwaremodules/release-2.4.1/artifacts"
    async with ddi.client() as client:
        for name in ("..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "gw-2.4.1.swu%00", "GW-2.4.1.SWU", "gw-2.4.1.swu/x", "%5c"):
            assert (await client.get(f"{folder}/{name}")).status_code == 404, name
        for module in ("release-2.3.8", "..", "%2e%2e%2f", "release-2.4.1%00"):
            answer = await client.get(f"{ddi.base()}/softwaremodules/{module}/artifacts/gw-2.4.1.swu")
            assert answer.status_code == 404, module


async def test_files_answer_ranges_and_preconditions(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client() as client:
        href = await ddi.artifact(client)
        whole = await client.get(href)
        etag = whole.headers["etag"]
        assert etag == f'"{hashlib.sha1(IMAGE, usedforsecurity=False).hexdigest()}"'
        assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
        assert whole.headers["content-type"] == "application/octet-stream"
        beyond = await client.get(href, headers={"range": f"bytes={len(IMAGE)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(IMAGE)}")
        tail = await client.get(href, headers={"range": "bytes=-10", "if-range": etag})
        assert (tail.status_code, tail.content) == (206, IMAGE[-10:])
        other = await client.get(href, headers={"range": "bytes=-10", "if-range": '"another"'})
        assert (other.status_code, len(other.content)) == (200, len(IMAGE))
        assert (await client.get(href, headers={"if-match": '"another"'})).status_code == 412
        md5 = await client.get(href + ".MD5SUM")
        assert md5.text == f"{hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()}  gw-2.4.1.swu"


async def test_a_download_that_breaks_off_is_no_whole_one(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client() as client:
        href = await ddi.artifact(client)
        async with client.stream("GET", href, headers={"range": "bytes=0-499999"}) as answer:
            async for _ in answer.aiter_bytes(10_000):
                break
        answer = await client.post(f"{ddi.base()}/deploymentBase/1/feedback", json=feedback())
        assert answer.status_code == 200
    assert (await ddi.plant.action("gw-1")).state is S.RETRY_WAIT, "it was not believed"


async def test_devices_of_a_campaign_with_a_limit_wait_for_their_share_and_none_is_refused(ddi: DdiPlant) -> None:
    await ddi.plant.started(Phase(name="All"), bytes_per_s_max=len(IMAGE) // 10)
    clock = ddi.plant.clock
    async with ddi.client() as one, ddi.client("gw-2") as other:
        loading = [asyncio.create_task(each.get(await ddi.artifact(each))) for each in (one, other)]
        tenths = 0
        while not all(task.done() for task in loading) and tenths < 100_000:
            await clock.advance(0.1)
            await asyncio.sleep(0.001)
            tenths += 1
        answers = [task.result() for task in loading]
    assert [(answer.status_code, answer.content == IMAGE) for answer in answers] == [(200, True), (200, True)]
    assert tenths >= 190, "two images at a tenth of one a second"


async def test_feedback_that_cannot_be_understood_is_refused_and_changes_nothing(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client() as client:
        await ddi.offered(client)
        for body in (
            b"", b"{", b"[]", b"{}", b'{"status":1}', b'{"status":{"execution":"closed"}}',
            b'{"status":{"execution":"gone","result":{"finished":"success"}}}',
            b'{"status":{"execution":["closed"],"result":{"finished":"success"}}}',
            b'{"status":{"execution":"closed","result":{"finished":"maybe"}}}',
        ):  # fmt: skip
            headers = {"content-type": "application/json"}
            answer = await client.post(f"{ddi.base()}/deploymentBase/1/feedback", content=body, headers=headers)
            assert answer.status_code == 400, body
    assert (await ddi.plant.action("gw-1")).state is S.RETRIEVED


async def test_too_large_a_body_is_refused(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client() as client:
        content = feedback("proceeding", "none", "x" * 200_000)
        assert (await client.post(f"{ddi.base()}/deploymentBase/1/feedback", json=content)).status_code == 413


async def test_what_clients_add_of_their_own_is_left_out(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    legacy = {
        "id": "", "time": "20261120T203612", "data": {"hw_revision": "2"},
        "status": {"execution": "closed", "result": {"finished": "success"}, "details": [""]},
    }  # fmt: skip
    async with ddi.client() as client:
        assert (await client.put(f"{ddi.base()}/configData", json=legacy)).status_code == 200
        await ddi.offered(client)
        word = feedback("proceeding", "none", *(f"line {number}" for number in range(300)))
        word |= {"time": "20261120T203612"}
        word["status"]["result"]["progress"] = "0"
        assert (await client.post(f"{ddi.base()}/deploymentBase/1/feedback", json=word)).status_code == 200
    assert (await ddi.plant.twin("gw-1")).hardware_revision == "2"


async def test_attributes_are_merged_replaced_and_removed_and_bad_ones_refused(ddi: DdiPlant) -> None:
    async with ddi.client() as client:
        for mode, data in (("merge", {"a": "1", "b": "2"}), ("merge", {"b": "3"}), ("remove", {"a": ""})):
            assert (await client.put("/configData", json={"mode": mode, "data": data})).status_code == 200
        assert (await ddi.plant.twin("gw-1")).attributes == {"b": "3"}
        refused: tuple[dict[str, object], ...] = (
            {"data": {"a": 5}},
            {"data": {"a": "x" * 600}},
            {"mode": "add", "data": {}},
            {"data": []},
            {"data": {f"k{number}": "v" for number in range(101)}},
        )
        for wrong in refused:
            assert (await client.put("/configData", json=wrong)).status_code == 400
        assert (await ddi.plant.twin("gw-1")).attributes == {"b": "3"}


async def test_an_action_that_is_to_stop_says_so_and_can_refuse(ddi: DdiPlant) -> None:
    campaign = await ddi.plant.started()
    async with ddi.client() as client:
        await ddi.offered(client)
        assert (await client.post("/cancelAction/1/feedback", json=feedback())).status_code == 405
        await ddi.plant.campaigns.abort(SYSTEM, campaign.id)
        root = (await client.get(ddi.base())).json()
        assert set(root["_links"]) == {"cancelAction"}
        assert (await client.get(root["_links"]["cancelAction"]["href"])).json() == {
            "id": "1", "cancelAction": {"stopId": "1"},
        }  # fmt: skip
        assert (await client.get("/deploymentBase/1")).status_code == 404
        assert (await client.post("/cancelAction/1/feedback", json=feedback("rejected", "none"))).status_code == 200
        assert (await ddi.plant.action("gw-1")).state is S.RETRIEVED


async def test_what_has_ended_is_gone_and_the_same_last_word_is_taken_twice(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client() as client:
        await client.get(await ddi.artifact(client))
        for _ in range(2):
            assert (await client.post("/deploymentBase/1/feedback", json=feedback())).status_code == 200
        answer = await client.post("/deploymentBase/1/feedback", json=feedback("proceeding", "none"))
        assert answer.status_code == 410
        assert (await client.get("/deploymentBase/1")).status_code == 200


async def test_an_answer_that_the_device_has_is_not_sent_again(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    async with ddi.client(accept="application/hal+json") as client:
        first = await client.get(ddi.base())
        assert first.headers["content-type"] == "application/hal+json"
        again = await client.get(ddi.base(), headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_a_word_at_the_device_is_asked_for_and_taken(ddi: DdiPlant) -> None:
    await ddi.plant.started(ask_users=True)
    async with ddi.client() as client:
        link = (await client.get(ddi.base())).json()["_links"]["confirmationBase"]["href"]
        assert set((await client.get(link)).json()) == {"id", "confirmation"}
        assert (await client.get("/deploymentBase/1")).status_code == 404
        for word, wanted in (("maybe", 400), ("denied", 200), ("confirmed", 200)):
            answer = await client.post("/confirmationBase/1/feedback", json={"confirmation": word})
            assert answer.status_code == wanted
        assert "deploymentBase" in (await client.get(ddi.base())).json()["_links"]
        assert (
            await client.post("/confirmationBase/activateAutoConfirm", json={"initiator": "ann"})
        ).status_code == 200
        told = (await client.get("/confirmationBase")).json()
        assert (told["autoConfirm"]["active"], told["autoConfirm"]["initiator"]) == (True, "ann")
        assert (await client.post("/confirmationBase/activateAutoConfirm")).status_code == 409
        assert (await client.post("/confirmationBase/deactivateAutoConfirm")).status_code == 200


async def test_a_device_that_nobody_updates_is_told_when_to_ask_again(ddi: DdiPlant) -> None:
    async with ddi.client() as client:
        assert (await client.get(ddi.base())).json() == {"config": {"polling": {"sleep": "00:05:00"}}}
    async with httpx.AsyncClient(timeout=30) as stranger:
        assert (await stranger.get(ddi.base("nobody"))).status_code == 401
