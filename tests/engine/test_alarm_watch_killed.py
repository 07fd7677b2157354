"""Real kill -9: whatever the moment, the journal is the one of an undisturbed run and confirmed acts are in it."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarm_steps import step
from pdm_app.domain.alarms import JournalEntry, JournalKind, JournalQuery, RuleMemory
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.installation import stored_plant
from tests.engine.alarm_process import RULES, sample

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 600


def run(url: str, folder: Path, first: int, lives_for_lines: int | None) -> tuple[int, set[str], bool]:
    """Run the process, killing it after some lines; return the last durable sample, confirmed acts, and if it ended."""
    command = [sys.executable, "-m", "tests.engine.alarm_process", url, str(folder), str(first), str(SAMPLES)]
    durable, acts = first - 1, set()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            what, _, which = line.strip().partition(" ")
            if what == "s":
                durable = int(which)
            elif what == "a":
                acts.add(which)
            if count == lives_for_lines:
                process.kill()
                break
        for line in process.stdout:  # What it still said before the kill reached it.
            what, _, which = line.strip().partition(" ")
            if what == "a":
                acts.add(which)
            if what == "s":
                durable = int(which)
        process.wait(60)
        assert process.returncode in (0, -9)
        return durable, acts, process.returncode == 0


def expected() -> set[tuple[str, str, int]]:
    """What an undisturbed watch would write about the rules that nobody acknowledges."""
    found: set[tuple[str, str, int]] = set()
    for rule in RULES[:2]:
        memory = RuleMemory(rule_id=rule.id)
        for number in range(SAMPLES):
            memory, transitions = step(rule, memory, sample(number))
            found |= {(rule.id, str(transition.kind), transition.at) for transition in transitions}
    return found


async def journal(url: str) -> list[JournalEntry]:
    database = Database(url)
    async with SqlUnitOfWork(database)(EVERY_SITE) as work:
        entries: list[JournalEntry] = []
        before = None
        while page := await work.alarms.journal(JournalQuery(before=before, limit=500)):
            entries += page
            before = page[-1].id
    await database.close()
    return entries


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 21))])
async def test_a_watch_that_is_killed_again_and_again_writes_the_same_journal(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    async with stored_plant(database_url) as work, work(EVERY_SITE) as transaction:
        for rule in RULES:
            await transaction.alarms.put_rule(rule)
        await transaction.commit()
    random = Random(seed)
    first, confirmed, kills = 0, set(), 0
    for attempt in range(6):
        lives_for = random.randrange(1, 25) if attempt < 3 else None
        durable, acts, ended = run(database_url, tmp_path, first, lives_for)
        confirmed |= acts
        if ended:
            break
        kills += 1
        first = durable + 1  # The device sends again what nobody has acknowledged.
    assert ended
    assert kills >= 1
    entries = await journal(database_url)
    found = [(entry.rule_id, str(entry.kind), entry.at) for entry in entries if entry.rule_id != "acknowledged"]
    assert len(found) == len(set(found))
    assert set(found) == expected()
    acknowledged = {entry.alarm_id for entry in entries if entry.kind is JournalKind.ACKNOWLEDGED}
    assert confirmed <= acknowledged
