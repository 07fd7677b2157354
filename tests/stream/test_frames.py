"""Live frames are encoded once for all watchers and never leave one in doubt whether the link stands."""

import asyncio
from itertools import pairwise
from typing import Any

import orjson

from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.frames import EVERY_S_MIN, FRAMES_KEPT, HEARTBEAT_S, TIMER_SLACK_S, LiveFrames
from pdm_app.stream.latest import Latest

DEADLINE_S = 90


class StoppedClock:
    def now(self) -> Micros:
        return Micros(1_000_000)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here may sleep, not even {seconds} s")


def reading(signal: int, at: int, value: float | str) -> Batch:
    return Batch.of("line", [Sample(SignalId(signal), value, Quality.GOOD, Micros(at))], Micros(at + 1))


def rows(frame: bytes) -> list[list[Any]]:
    parsed = orjson.loads(frame)
    assert parsed["now"] == 1_000_000
    return list(parsed["rows"])


async def test_a_watcher_gets_a_snapshot_and_then_only_what_changed() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    latest.merge(reading(1, 10, 1.5))
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watch = frames.watch([1, 2])
            assert rows(await anext(watch)) == [[1, 1.5, 0, 10, 11], [2, None, int(Quality.BAD_WAITING), 0, 0]]
            latest.merge(reading(2, 20, 7.0))
            latest.merge(reading(3, 20, 9.0))
            assert rows(await anext(watch)) == [[2, 7.0, 0, 20, 21]]
            await watch.aclose()


async def test_batches_that_arrive_together_make_one_frame() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watch = frames.watch([1, 2])
            await anext(watch)
            latest.merge(reading(1, 10, 1.0))
            latest.merge(reading(2, 10, 2.0))
            latest.merge(reading(1, 20, 3.0))
            assert rows(await anext(watch)) == [[1, 3.0, 0, 20, 21], [2, 2.0, 0, 10, 11]]
            await watch.aclose()


async def test_a_hundred_watchers_of_one_set_cost_one_encoding_per_frame() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watches = [frames.watch([2, 1] if turn % 2 else [1, 2]) for turn in range(100)]
            for watch in watches:
                await anext(watch)
            before = frames.encoded
            latest.merge(reading(1, 10, 1.0))
            seen = {await anext(watch) for watch in watches}
            assert len(seen) == 1
            assert frames.encoded - before == 1
            assert frames.watchers == 100
            for watch in watches:
                await watch.aclose()
    assert frames.watchers == 0


async def test_a_quiet_set_still_sends_a_heartbeat() -> None:
    frames = LiveFrames(Latest(), StoppedClock())
    async with asyncio.timeout(HEARTBEAT_S + DEADLINE_S):
        watch = frames.watch([1])
        await anext(watch)
        assert rows(await anext(watch)) == []
        await watch.aclose()


async def test_a_watcher_that_slept_through_the_history_gets_a_snapshot_with_the_newest() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S * 2):
            slow, quick = frames.watch([1, 2]), frames.watch([1, 2])
            await anext(slow)
            await anext(quick)
            latest.merge(reading(2, 5, 5.0))
            for turn in range(FRAMES_KEPT + 2):
                latest.merge(reading(1, 10 + turn, float(turn)))
                await anext(quick)
            newest = float(FRAMES_KEPT + 1)
            assert [row[:2] for row in rows(await anext(slow))] == [[1, newest], [2, 5.0]]
            await slow.aclose()
            await quick.aclose()


async def test_text_values_travel_as_text() -> None:
    latest = Latest()
    latest.merge(reading(1, 10, "2.4.1"))
    watch = LiveFrames(latest, StoppedClock()).watch([1])
    async with asyncio.timeout(DEADLINE_S):
        assert rows(await anext(watch)) == [[1, "2.4.1", 0, 10, 11]]
    await watch.aclose()


async def test_a_signal_in_many_sets_reaches_each_of_them() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watches = [frames.watch([1, other]) for other in range(2, 12)]
            for watch in watches:
                await anext(watch)
            latest.merge(reading(1, 10, 4.0))
            latest.merge(reading(11, 10, 5.0))
            seen = [rows(await anext(watch)) for watch in watches]
            assert [frame[0] for frame in seen] == [[1, 4.0, 0, 10, 11]] * 10
            assert seen[-1][1] == [11, 5.0, 0, 10, 11]
            for watch in watches:
                await watch.aclose()


async def test_frames_of_a_quick_signal_keep_the_pace_of_a_screen_and_end_with_the_newest() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    loop = asyncio.get_running_loop()
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watch = frames.watch([1])
            await anext(watch)
            at_s: list[float] = []
            for turn in range(5):
                latest.merge(reading(1, 10 + turn, float(turn)))
                assert [row[1] for row in rows(await anext(watch))] == [float(turn)]
                at_s.append(loop.time())
            gaps_s = [later - sooner for sooner, later in pairwise(at_s)]
            assert min(gaps_s[1:]) >= EVERY_S_MIN - 2 * TIMER_SLACK_S
            await watch.aclose()


async def test_a_set_that_was_left_starts_afresh_and_hears_of_every_change_again() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            for turn in range(3):
                watch = frames.watch([1])
                newest = None if turn == 0 else 10.0 * turn
                assert rows(await anext(watch))[0][1] == newest
                latest.merge(reading(1, 100 * turn + 1, 10.0 * turn + 5))
                assert rows(await anext(watch))[0][1] == 10.0 * turn + 5
                latest.merge(reading(1, 100 * turn + 2, 10.0 * (turn + 1)))
                await watch.aclose()  # With a change still under way.
    assert frames.watchers == 0


async def test_signals_that_come_later_than_the_watch_are_heard() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(DEADLINE_S):
            watch = frames.watch([1])
            await anext(watch)
            for signal in range(5000, 9000):
                latest.slots([signal])
            latest.merge(reading(8999, 10, 1.0))
            latest.merge(reading(1, 10, 2.0))
            other = frames.watch([8999])
            assert rows(await anext(other)) == [[8999, 1.0, 0, 10, 11]]
            assert rows(await anext(watch)) == [[1, 2.0, 0, 10, 11]]
            await watch.aclose()
            await other.aclose()


async def test_what_nobody_watches_costs_no_frame() -> None:
    latest = Latest()
    frames = LiveFrames(latest, StoppedClock())
    with latest.listening(frames.note):
        async with asyncio.timeout(HEARTBEAT_S + DEADLINE_S):
            watch = frames.watch([1])
            await anext(watch)
            before = frames.encoded
            for at in range(10, 60):
                latest.merge(reading(2, at, 1.0))
            assert rows(await anext(watch)) == [], "the heartbeat"
            assert frames.encoded - before == 1
            await watch.aclose()
