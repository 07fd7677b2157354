"""Writers take turns in the order in which they asked, and one that never ends is waited for only so long."""

import asyncio

import pytest

from pdm_app.storage.writers_turn import WritersTurn
from tests.counterparts.clocks import until


async def test_who_asked_first_is_first_however_often_another_asks() -> None:
    turn, order = WritersTurn(60), list[str]()

    async def write(name: str) -> None:
        writer = object()
        await turn.take(writer)
        order.append(name)
        await asyncio.sleep(0)
        turn.give_back(writer)

    async def write_on_and_on() -> None:
        for _ in range(5):
            await write("busy")

    await asyncio.gather(write_on_and_on(), write("a person"), write("another"))
    assert order[:4] == ["busy", "a person", "another", "busy"]


async def test_a_writer_may_ask_again_within_its_turn_and_gives_back_only_its_own() -> None:
    turn, one, other = WritersTurn(60), object(), object()
    await turn.take(one)
    await turn.take(one)
    waiting = asyncio.create_task(turn.take(other))
    turn.give_back(other)
    await asyncio.sleep(0)
    assert not waiting.done()
    turn.give_back(one)
    await waiting
    turn.give_back(one)
    turn.give_back(other)
    await turn.take(one)


async def test_whoever_waits_too_long_is_told_and_one_who_gives_up_holds_up_nobody() -> None:
    turn, one = WritersTurn(0.01), object()
    await turn.take(one)
    with pytest.raises(TimeoutError, match=r"longer than 0.01 s"):
        await turn.take(object())
    patient = WritersTurn(60)
    await patient.take(one)
    gives_up = asyncio.create_task(patient.take(object()))
    last = asyncio.create_task(patient.take(object()))
    await asyncio.sleep(0)
    gives_up.cancel()
    patient.give_back(one)
    await until(last.done)
    assert gives_up.cancelled()
