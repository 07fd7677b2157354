"""kill -9 of the product in mid-stream: nothing that was acknowledged is lost, nothing is there twice."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from pdm_app.domain.pumps import PUMP_KEYS
from tests.counterparts.installation import P_501, SIGNALS
from tests.faults.installations import Installation, prepared
from tests.faults.sending import NOTHING_WRONG, Sender, difference, promised, sending
from tests.faults.waiting import eventually

FIRST, LAST = 41, 50
SENDERS = 4


def senders(installation: Installation, random: Random) -> list[Sender]:
    """Several devices of one plant, each with a signal of its own."""
    names = [signal for signal in SIGNALS if signal.asset_id == P_501.id and signal.name in PUMP_KEYS]
    return [
        Sender(signal.id, signal.name, Random(random.random()), installation.device_key) for signal in names[:SENDERS]
    ]


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
async def test_no_acknowledged_sample_is_missing_after_kill_9(tmp_path: Path, database_url: str, rounds: int) -> None:
    random = Random(rounds)
    installation = await prepared(tmp_path / "data", database_url)
    product = installation.product
    devices = senders(installation, random)
    try:
        await installation.start()
        for number in range(rounds):
            before = len(promised(devices))
            async with sending(devices, installation.url):
                await acknowledged(devices, before)
                await asyncio.sleep(random.uniform(0.0, 1.5))
                product.kill()
            if number % 3 == 2:
                await killed_while_it_starts(installation, random)
            await installation.start()
            await asyncio.gather(*(device.send_again(installation.url) for device in devices))
            await installation.recorded_everything()
            wrong = difference(promised(devices), await installation.stored(FIRST, LAST))
            assert wrong == NOTHING_WRONG, f"in round {number}"
            assert len(promised(devices)) > before
        assert await installation.stop() == 0
    finally:
        product.kill()


async def acknowledged(devices: list[Sender], before: int) -> None:
    """Wait for the first acknowledgement of a round, so that each round kills a product that has promised something."""

    async def is_one() -> bool:
        return len(promised(devices)) > before

    await eventually(is_one, within_s=120, what="a first acknowledgement")


async def killed_while_it_starts(installation: Installation, random: Random) -> None:
    """Start, and kill before or just after it has begun to work off what the kill before has left."""
    starting = asyncio.create_task(installation.start())
    await asyncio.sleep(random.uniform(0.5, 4.0))
    installation.product.kill()
    await asyncio.gather(starting, return_exceptions=True)
