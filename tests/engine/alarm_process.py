"""A process that watches one signal for alarms until it is killed: ``<url> <folder> <first sample> <samples>``.

It prints ``s NUMBER`` when a sample is durable and ``a ALARM`` when an acknowledgement is confirmed, which is what the
outside may rely on, and ``done`` when everything is stored. Sample ``n`` has the source time ``NOON + n`` seconds.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from pdm_app.domain.alarms import AlarmRule, AlarmState
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from tests.counterparts.clocks import NOON, WallClock, until

SIGNAL = SignalId(41)
ACKNOWLEDGE_EVERY = 40


def rule(rule_id: str, high: float, on_delay_s: float = 0.0, off_delay_s: float = 0.0) -> AlarmRule:
    return AlarmRule(
        id=rule_id,
        site_id="pune",
        asset_id="p-501",
        signal_id=int(SIGNAL),
        name=rule_id,
        condition=HighLimit(limit=high, deadband=1.0),
        priority=2,
        on_delay_s=on_delay_s,
        off_delay_s=off_delay_s,
    )


RULES = (rule("plain", 10.0), rule("delayed", 11.0, on_delay_s=3, off_delay_s=2), rule("acknowledged", 12.0))


def sample(number: int) -> Sample:
    """The same sample for the same number, in every process."""
    random = Random(number // 4)  # Values hold for some samples, so that delays come to their end.
    quality = Quality.BAD if random.random() < 0.1 else Quality.GOOD
    return Sample(SIGNAL, random.choice([5.0, 9.5, 10.5, 11.5, 13.0]), quality, Micros(NOON + number * MICROS_PER_S))


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


async def main(url: str, folder: Path, first: int, samples: int) -> None:
    clock = WallClock()
    database = Database(url)
    fence = await SqlLease(database, clock).acquire("tests", 60)
    assert fence is not None

    async def held() -> object:
        return fence

    buffer = DiskBuffer(folder / "buffer.sqlite", 10_000_000)
    bus: Bus[Batch] = Bus()
    book = AlarmBook()
    watch = AlarmWatch(book, bus, buffer, SqlUnitOfWork(database), clock, held)  # type: ignore[arg-type]
    running = asyncio.create_task(watch.run())
    await until(lambda: watch.status.is_live)
    for number in range(first, samples):
        batch = Batch.of("plc", [sample(number)], clock.now())
        ticket = buffer.offer(batch)
        bus.publish(batch.numbered(ticket.seq))
        if number % 8 == 7:
            await ticket.durable
            say(f"s {number}")
        if number % ACKNOWLEDGE_EVERY == 0:
            await acknowledge(book, clock)
    await watch.drain()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await buffer.close()
    await database.close()
    say("done")


async def acknowledge(book: AlarmBook, clock: WallClock) -> None:
    await asyncio.sleep(0)
    due = book.standing(lambda alarm: alarm.rule_id == "acknowledged" and alarm.state is not AlarmState.ACKNOWLEDGED)
    for alarm in due:
        _, stored = book.acknowledge(alarm.id, clock.now(), "anna", "")
        await stored
        say(f"a {alarm.id}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
