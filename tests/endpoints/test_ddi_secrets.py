"""The tokens of devices are in no log, no answer and no address, whatever devices and others send."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import IMAGE, DdiPlant, ddi_plant, feedback


@pytest.fixture
async def ddi(sqlite_url: str, tmp_path: Path) -> AsyncIterator[DdiPlant]:
    async with stored_plant(sqlite_url) as work, ddi_plant(work, HandClock(), tmp_path) as plant:
        yield plant


def said(answer: httpx.Response) -> str:
    """Return all of an answer that anybody could read or write down, but an image."""
    body = "" if answer.content == IMAGE else answer.text
    return "\n".join((str(answer.url), body, *(f"{name}: {value}" for name, value in answer.headers.items())))


async def test_a_token_is_in_no_log_no_answer_and_no_address(
    ddi: DdiPlant, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    await ddi.plant.started()
    own, others = ddi.keys["gw-1"], ddi.keys["gw-2"]
    answers: list[httpx.Response] = []
    caplog.set_level(logging.WARNING, "httpx")  # The client of this test is not the product.
    caplog.set_level(logging.WARNING, "httpcore")
    with caplog.at_level(logging.DEBUG):
        async with ddi.client() as client:
            answers.append(await client.get(ddi.base()))
            answers.append(await client.get(answers[0].json()["_links"]["deploymentBase"]["href"]))
            answers.append(await client.get(await ddi.artifact(client)))
            for body in (b"{", b'{"status":1}'):
                headers = {"content-type": "application/json"}
                answers.append(
                    await client.post(f"{ddi.base()}/deploymentBase/1/feedback", content=body, headers=headers)
                )
            answers.append(await client.post(f"{ddi.base()}/deploymentBase/1/feedback", json=feedback()))
            answers.append(await client.post(f"{ddi.base()}/deploymentBase/99/feedback", json=feedback()))
            answers.append(await client.put(f"{ddi.base()}/configData", json={"data": {"x": "\0"}}))
        async with ddi.client(key=others) as client:
            answers += [await client.get(ddi.base()), await client.get(f"{ddi.base()}/nothing/here")]
        async with ddi.client(key=own + "x") as client:
            answers.append(await client.get(ddi.base()))
    written = capfd.readouterr()
    everything = "\n".join((*(said(answer) for answer in answers), caplog.text, written.out, written.err))
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 404}
    for token in (own, others):
        assert token not in everything
        assert token.rpartition("_")[2] not in everything, "not even the secret part of it"


async def test_a_token_in_an_address_opens_nothing(ddi: DdiPlant) -> None:
    await ddi.plant.started()
    key = ddi.keys["gw-1"]
    async with httpx.AsyncClient(timeout=30) as client:
        for address in (
            f"{ddi.base()}?token={key}", f"{ddi.base()}?authorization=TargetToken%20{key}", ddi.base(key),
            ddi.base().replace("http://", f"http://gw-1:{key}@"),
        ):  # fmt: skip
            answer = await client.get(address)
            assert (answer.status_code, answer.content) == (401, b""), address[-20:]
