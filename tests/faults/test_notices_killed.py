"""The process that hands messages over is killed between the server's taking one and its own noting it, and elsewhere.

A message may arrive twice, and then says so and has the same id; none is lost.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

import pytest

from pdm_app.domain.outbox import MessageState
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, until
from tests.counterparts.mail_server import MailServer, mail_server
from tests.counterparts.templates import begin_migrated
from tests.engine.notice_plant import Plant
from tests.faults.killed import ROOT
from tests.storage import data
from tests.storage.data import MINE, put_plant

ALARMS_PER_ROUND = 3


class Mails(list[EmailMessage]):
    """What was taken; taking the one that ``victim`` waits for kills the process that hands it over."""

    victim: asyncio.subprocess.Process | None = None

    def append(self, mail: EmailMessage) -> None:
        super().append(mail)
        if self.victim is not None:
            self.victim.kill()
            self.victim = None


async def _started(url: str, token: int, port: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.notifying", url, str(token), str(port), cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _killed(plant: Plant, server: MailServer, url: str, token: int, dice: random.Random) -> None:
    """One life of the process: it dies as a message was taken, or at any other moment."""
    assert isinstance(server.mails, Mails)
    child = await _started(url, token, server.port)
    if dice.random() < 0.7:
        server.mails.victim = child
        await asyncio.wait_for(child.wait(), 60)
    else:
        had = len(server.mails)
        await until(lambda: len(server.mails) > had, within_s=120)
        await asyncio.sleep(dice.random() * 0.05)  # The moment is the point here, not a condition.
        child.kill()
        await child.wait()


@pytest.mark.long
@pytest.mark.parametrize("rounds", [20])
async def test_no_message_is_lost_by_kill_9_and_a_repeat_says_so(tmp_path: Path, rounds: int) -> None:
    url, dice = f"sqlite+aiosqlite:///{tmp_path / 'plant.sqlite'}", random.Random(rounds)
    database, clock = Database(url), HandClock(data.NOON)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    await put_plant(work, MINE, 1)
    fence = await SqlLease(database, clock).acquire("test", 1e6)
    assert fence is not None
    plant = Plant(work, clock, fence)
    await plant.route()
    await plant.contact()
    async with mail_server() as server:
        server.mails = Mails()
        for life in range(rounds):
            for number in range(ALARMS_PER_ROUND):
                clock.at += 1_000_000
                await plant.raised(life * ALARMS_PER_ROUND + number + 1, name=f"Alarm {life} {number}.", priority=1)
            await _killed(plant, server, url, fence.token, dice)
        last = await _started(url, fence.token, server.port)
        for _ in range(600):  # A minute and more, on a busy machine.
            found = await plant.messages()
            told = "\n".join(str(mail.get_content()) for mail in server.mails)
            if all(message.state is MessageState.SENT for message in found) and told.count(f"Alarm {rounds - 1} ") >= 1:
                break
            await asyncio.sleep(0.1)
        last.kill()
        await last.wait()
    found = await plant.messages()
    assert {message.state for message in found} == {MessageState.SENT}
    told = "\n".join(str(mail.get_content()) for mail in server.mails)
    for life in range(rounds):
        for number in range(ALARMS_PER_ROUND):
            assert f"Alarm {life} {number}." in told, "this alarm was told to nobody"
    arrived = Counter(str(mail["Message-ID"]) for mail in server.mails)
    assert len(arrived) == len(found), "each message arrived, and none that nobody knows of"
    again = [mail for mail in server.mails if "may repeat" in str(mail.get_content())]
    repeats = len(server.mails) - len(found)
    assert repeats <= len(again) <= rounds + 1, "who gets a message again is told so"
    await database.close()
