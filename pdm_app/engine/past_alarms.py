"""Judges a past that is stored, oldest first, so that the journal of alarms reaches as far back as the history.

``PastAlarms(source, filled, work, clock, fence, people)``; run `run` under the supervisor. The alarms are found by the
rules themselves, and answered by ``people`` after a while that fits their priority. Nobody is told of them, they are
in no audit trail, and none stands when it is stored: the live watch judges anew from the plant's first start on. Killed
at any moment, it begins again and finds the same alarms and entries, by the same ids.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator, Sequence
from zlib import crc32

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarm_entries import changed_alarm, entry_of
from pdm_app.domain.alarm_steps import withdraw
from pdm_app.domain.alarms import Alarm, AlarmRule, JournalEntry
from pdm_app.domain.past import JudgedPast, PastPiece
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.engine.supervisor import Backoff
from pdm_app.stream.alarm_book import AlarmBook

log = structlog.get_logger(__name__)

STEP_US = 300 * MICROS_PER_S  # Judged at once; nobody answers sooner, so that all that happens is told in its order.
ANSWERED_WITHIN_S = {1: (300, 480), 2: (300, 1200), 3: (480, 3600), 4: (600, 7200)}
"""Seconds from and to, by priority."""
ENTRIES_MAX = 20_000  # About 40 MB; thirty times what the demo plant makes in a month.
ENTRIES_PER_SAVE = 500
BREATH_S = 0.02
REMARK = "Seen on site."
HANDED_OVER = "The plant runs live from here on, and is judged anew."


class PastAlarms:
    """The loop that ends once the past is judged.

    Args:
        source: What happened.
        filled: Returns once it is stored.
        work: Where rules are read, and alarms and journal stored.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held.
        people: Who answers alarms, by username.
    """

    def __init__(
        self,
        source: JudgedPast,
        filled: Callable[[], Awaitable[object]],
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        people: Sequence[str],
    ) -> None:
        self._source = source
        self._filled = filled
        self._work = work
        self._clock = clock
        self._fence = fence
        self._people = people
        self.backoff = Backoff(first_s=5.0, cap_s=60.0)
        self.judged = 0.0
        """Share of the past that has been judged; 1 once what was found is stored."""

    async def run(self) -> None:
        """Judge and store, unless that was done before.

        Raises:
            UnavailableError: The database does not answer now; run again later.
            FencedError: Another process holds the lease.
        """
        await self._filled()
        if await asyncio.to_thread(self._source.is_judged):
            self.judged = 1.0
            return
        async with self._work(EVERY_SITE) as work:
            rules = await work.alarms.rules()
            simulated = frozenset(signal.id for signal in await work.signals.all() if signal.simulated)
        # Limits alone: what looks back, or minds silence, would need samples as dense as live ones.
        judging = [rule for rule in rules if rule.signal_id in simulated and rule.condition.band() is not None]
        shift = Shift(judging, simulated, self._people)
        told_in_full = [piece for piece in self._source.pieces if not piece.is_sketch]
        for number, piece in enumerate(sorted(told_in_full, key=lambda piece: piece.start_at)):
            self.judged = number / len(told_in_full)
            batch = await asyncio.to_thread(self._joined, piece, shift.signals)
            for part in _parts(batch, piece):
                shift.judge(*part, self._clock.now())
                await asyncio.sleep(0)  # A long way must not freeze the screens.
            if len(shift.entries) > ENTRIES_MAX:
                log.warning("the past has too many alarms; its newer part is not judged", entries=len(shift.entries))
                break
            await self._clock.sleep(BREATH_S)
        shift.hand_over(Micros(max(piece.end_at for piece in self._source.pieces)), self._clock.now())
        await self._store(shift)
        await asyncio.to_thread(self._source.keep_judged)
        self.judged = 1.0
        log.info("the past is judged", alarms=len(shift.alarms), entries=len(shift.entries))

    def _joined(self, piece: PastPiece, signals: frozenset[int]) -> Batch:
        """Return the samples of a piece that rules read, in order of time."""
        wanted = np.array(sorted(signals), dtype=np.uint32)
        parts = [batch.rows(np.isin(batch.signal, wanted)) for batch in self._source.batches(piece)]
        source_at = np.concatenate([part.source_at for part in parts])
        order = np.argsort(source_at, kind="stable")
        return Batch(
            device="",
            signal=np.concatenate([part.signal for part in parts])[order],
            source_at=source_at[order],
            value=np.concatenate([part.value for part in parts])[order],
            quality=np.concatenate([part.quality for part in parts])[order],
            received_at=piece.end_at,
        )

    async def _store(self, shift: "Shift") -> None:
        entries = shift.entries
        for start in range(0, len(entries), ENTRIES_PER_SAVE):
            some = entries[start : start + ENTRIES_PER_SAVE]
            fence = await self._fence()
            async with self._work(EVERY_SITE) as work:
                await work.hold(fence)
                await work.alarms.put([shift.alarms[id] for id in dict.fromkeys(entry.alarm_id for entry in some)])
                await work.alarms.append(some)
                await work.commit()
            await self._clock.sleep(BREATH_S)


class Shift:
    """Rules that judge, and people who answer, moment by moment.

    Attributes:
        alarms: Every alarm as it became at last, by id.
        entries: Of the journal, in order of what caused them.
    """

    def __init__(self, rules: Sequence[AlarmRule], simulated: frozenset[int], people: Sequence[str]) -> None:
        self._book = AlarmBook()
        self._book.load(rules, (), (), simulated, Micros(0))
        self._people = people
        self._due: list[tuple[int, str]] = []  # (when somebody answers, alarm), soonest first.
        self.signals = frozenset(id for rule in rules for id in (rule.signal_id, *rule.condition.inputs()))
        self.alarms: dict[str, Alarm] = {}
        self.entries: list[JournalEntry] = []

    def judge(self, batch: Batch, until: Micros, now: Micros) -> None:
        """Judge what happened up to a moment, and answer what is due by then; ``now`` is when that is recorded."""
        begin, is_due = 0, True
        while is_due:
            is_due = bool(self._due) and self._due[0][0] < until
            moment = Micros(self._due[0][0]) if is_due else until
            end = int(np.searchsorted(batch.source_at, moment))
            self._book.judge(_slice(batch, begin, end), now)
            self._book.tick(moment)
            if is_due:
                self._answer_or_wait(*heapq.heappop(self._due))
            self._note()
            begin = end

    def hand_over(self, until: Micros, now: Micros) -> None:
        """Answer what has returned, and end what still stands."""
        for alarm in sorted(self._book.alarms, key=lambda alarm: alarm.id):
            if not alarm.abnormal:
                self._answer(until, alarm.id)
        self._note()
        for alarm in sorted(self._book.alarms, key=lambda alarm: alarm.id):
            known = self._book.rule(alarm.rule_id)
            transition = withdraw(known[1], until, "system", HANDED_OVER)[1] if known is not None else None
            if transition is not None:
                ended = changed_alarm(alarm, transition)
                self.alarms[alarm.id] = ended
                self.entries.append(entry_of(ended, transition, now))

    def _answer_or_wait(self, at: int, alarm_id: str) -> None:
        """Answer an alarm, later where one of its delays runs: when that is over is known from the next sample only."""
        alarm = self._book.get(alarm_id)
        known = self._book.rule(alarm.rule_id) if alarm is not None else None
        if known is not None and known[1].delay_runs:
            heapq.heappush(self._due, (at + STEP_US, alarm_id))
        else:
            self._answer(at, alarm_id)

    def _answer(self, at: int, alarm_id: str) -> None:
        alarm = self._book.get(alarm_id)
        if alarm is not None and alarm.state.awaits_acknowledgement:
            person = self._people[crc32(alarm_id.encode()) % len(self._people)]
            self._book.acknowledge(alarm_id, Micros(at), person, REMARK if alarm.comment_required else "")

    def _note(self) -> None:
        """Take over what has happened in the book; who is called for the first time will answer."""
        changes = self._book.oldest_unsaved(self._book.unsaved)
        for unsaved in changes:
            alarm, entry = unsaved.change.alarm, unsaved.change.entry
            self.alarms[alarm.id] = alarm
            self.entries.append(entry)
            if entry.is_annunciation:
                heapq.heappush(self._due, (entry.at + _answered_after_us(alarm, entry.at), alarm.id))
        self._book.saved(changes)


def _answered_after_us(alarm: Alarm, at: int) -> int:
    least, most = ANSWERED_WITHIN_S[alarm.priority]
    drawn = crc32(f"{alarm.id} {at}".encode()) / 2**32
    return round((least + (most - least) * drawn) * MICROS_PER_S)


def _parts(batch: Batch, piece: PastPiece) -> Iterator[tuple[Batch, Micros]]:
    """Cut a batch into parts of a few minutes, each with the moment at which it ends."""
    begin = 0
    for until in range(piece.start_at + STEP_US, piece.end_at + STEP_US, STEP_US):
        until = min(until, piece.end_at)
        end = int(np.searchsorted(batch.source_at, until))
        yield _slice(batch, begin, end), Micros(until)
        begin = end


def _slice(batch: Batch, begin: int, end: int) -> Batch:
    """Return some rows, received when the last of them was measured: from then on delays run with the clock."""
    return Batch(
        device="",
        signal=batch.signal[begin:end],
        source_at=batch.source_at[begin:end],
        value=batch.value[begin:end],
        quality=batch.quality[begin:end],
        received_at=Micros(int(batch.source_at[end - 1])) if end > begin else batch.received_at,
    )
