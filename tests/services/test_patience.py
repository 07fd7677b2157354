"""Waiting for a database that hangs."""

import asyncio

import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.services import patience
from pdm_app.services.patience import impatient
from tests.counterparts.clocks import settle


async def test_an_answer_that_does_not_come_is_as_good_as_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "ANSWER_S_MAX", 0.01)
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.01 s"):
        async with impatient():
            await asyncio.Event().wait()


async def test_who_has_nothing_else_to_go_on_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ANSWER_S_MAX", 0.0)
    answered = asyncio.Event()

    async def ask() -> str:
        async with impatient(can_do_without=False):
            await answered.wait()
            return "answer"

    asked = asyncio.create_task(ask())
    await settle()
    answered.set()
    assert await asked == "answer"
