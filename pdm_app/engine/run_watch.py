"""Finds runs as samples come: conditions over the durable buffer, stretches of time, records in the database.

``RunWatch(buffer, historian, work, clock, fence)``; run `run` under the supervisor. It is a consumer of the buffer: its
position is confirmed once what was found is stored, and what is found twice has the same id, so that a crash at any
point finds the same runs again. A condition sees every sample, whatever storage rules leave out of history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.formulas.syntax import FormulaError
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.ports import Buffer, Clock, Fence, Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.runs import Run, RunRule
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Batch, Micros, Stretch
from pdm_app.engine.supervisor import Backoff, Retry
from pdm_app.services.run_conditions import compiled
from pdm_app.stream.derivations import LATE_US, ROWS_MAX, DerivationBook, Derived
from pdm_app.stream.full_rate import FullRateRing
from pdm_app.stream.run_frames import Frame, Frames

log = structlog.get_logger(__name__)

CONSUMER = "runs"
FOUND_BY = "rule"
SAMPLES_MAX = 50_000
GATHER_S = 0.5
IDLE_S = 1.0
FIRST_NUMBER = 2**32 - 1  # Conditions have numbers from here down in the book; signals count from 1 up.


@dataclass(slots=True)
class _Watched:
    """A rule in force, with its stretches and the runs that stand for them by their beginning."""

    rule: RunRule
    frames: Frames
    runs: dict[int, Run] = field(default_factory=dict)
    kept_to: dict[str, int] = field(default_factory=dict)  # By run, up to when its signals are stored in full.


class RunWatch:
    """The engine's part for runs.

    Args:
        buffer: Read from the position confirmed last; made with `CONSUMER` among its consumers.
        historian: Asked what conditions look back on, and given what is to be kept in full.
        work: Where rules and runs are stored.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held; nothing is found before.
    """

    def __init__(
        self,
        buffer: Buffer,
        historian: Historian,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
    ) -> None:
        self._buffer = buffer
        self._historian = historian
        self._work = work
        self._clock = clock
        self._fence = fence
        self.backoff = Backoff(first_s=0.25, cap_s=5.0)
        self._book = DerivationBook()
        self._watched: dict[int, _Watched] = {}
        self._faults: dict[str, str] = {}
        self._ring = FullRateRing()
        self._turn = asyncio.Lock()
        self._runs = False
        self._last_error = ""

    @property
    def faults(self) -> Mapping[str, str]:
        """By rule, why it finds nothing now."""
        everybody = dict.fromkeys((one.rule.id for one in self._watched.values()), self._last_error)
        return {**(everybody if self._last_error else {}), **self._faults}

    async def run(self) -> None:
        """Watch until cancelled; what was read and not stored is read again.

        Raises:
            UnavailableError: The database or the buffer does not answer; run it again.
        """
        await self._fence()
        async with self._turn:
            await self._load()
        self._runs = True
        try:
            await self._follow(await self._buffer.position(CONSUMER))
        finally:
            self._runs = False

    async def _follow(self, position: int) -> None:
        while True:
            batches = await self._buffer.read(position, SAMPLES_MAX)
            if not batches:
                await self._buffer.wait(position)
                await self._clock.sleep(GATHER_S if self._watched else IDLE_S)
                continue
            async with self._turn:
                await self._look(batches)
            position = batches[-1].seq
            await self._buffer.confirm(CONSUMER, position)
            self.backoff.reset()
            self._last_error = ""

    def retrying(self, retry: Retry) -> None:
        """Note why nothing is found; what arrives waits in the buffer."""
        if not self._last_error:
            log.warning("runs are not found now; what they read waits in the buffer", error=str(retry.error))
        self._last_error = str(retry.error) or "The database did not answer in time."

    async def reload(self) -> None:
        """Put the stored rules in force.

        Raises:
            UnavailableError: The database does not answer; the rules in force stay.
        """
        if self._runs:
            async with self._turn:
                await self._load()

    # --- finding ----------------------------------------------------------------------------------------------------

    async def _look(self, batches: Sequence[Batch]) -> None:
        if not self._watched:
            return
        self._ring.take(batches)
        outcomes = await asyncio.to_thread(self._book.take, batches)
        changed = set[int]()
        for one in outcomes:
            if self._watched[one.signal].frames.take(one.at, one.value, one.quality):
                changed.add(one.signal)
        for number in sorted(changed):
            await self._store(self._watched[number])
        for watched in self._watched.values():
            if watched.rule.full_rate:
                await self._keep(watched)

    async def _store(self, watched: _Watched) -> None:
        """Have the stored runs say what the stretches say."""
        settled = watched.frames.settled_to
        frames = {
            frame.start_at: frame
            for frame in watched.frames.found()
            if frame.end_at is None or frame.end_at >= settled - LATE_US
        }
        new = [frame for start, frame in frames.items() if start not in watched.runs]
        ended = [
            (run, frames[start])
            for start, run in watched.runs.items()
            if start in frames and run.ended_at != frames[start].end_at
        ]
        gone = [
            run
            for start, run in watched.runs.items()
            if start not in frames and (run.ended_at is None or run.ended_at > settled)
        ]
        if not (new or ended or gone):
            return
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            runs = await self._again(work, [run for run, _ in ended] + gone)
            changes = [_ended(runs.get(run.id, run), frame, now) for run, frame in ended]
            withdrawn = [_change(runs.get(run.id, run), now, deleted_at=int(now)) for run in gone]
            begun = await self._begun(work, watched.rule, new, now)
            await work.hold(await self._fence())
            await work.runs.put([*changes, *withdrawn, *begun])
            await work.commit()
        for run in gone:
            del watched.runs[run.started_at]
        for run in (*changes, *begun):
            watched.runs[run.started_at] = run
        for start, run in list(watched.runs.items()):
            if run.ended_at is not None and run.ended_at < settled - LATE_US:
                del watched.runs[start]
                watched.kept_to.pop(run.id, None)

    async def _again(self, work: Work, runs: Sequence[Run]) -> dict[str, Run]:
        """Return the runs as they are stored: a person may have given them a note since."""
        return {run.id: run for run in await work.runs.some([run.id for run in runs])} if runs else {}

    async def _begun(self, work: Work, rule: RunRule, frames: Sequence[Frame], now: Micros) -> list[Run]:
        if not frames:
            return []
        ids = {frame.start_at: derived_id(Micros(frame.start_at), rule.id) for frame in frames}
        known = await self._again_by_id(work, list(ids.values()))
        number = await work.runs.count(rule.id)
        found: list[Run] = []
        for frame in frames:
            before = known.get(ids[frame.start_at])
            if before is not None:  # Found before a crash, or found again after late samples.
                found.append(_change(_ended(before, frame, now), now, deleted_at=None))
                continue
            number += 1
            name = await self._said(rule.id_signal_id, frame.start_at) or f"{rule.name} {number}"
            product = await self._said(rule.product_signal_id, frame.start_at) or rule.product
            found.append(
                Run(
                    id=ids[frame.start_at], site_id=rule.site_id, asset_id=rule.asset_id, rule_id=rule.id,
                    kind=rule.kind, name=name[:120], product=product[:120], started_at=frame.start_at,
                    ended_at=frame.end_at, started_by=FOUND_BY, ended_by="" if frame.end_at is None else FOUND_BY,
                    signals=rule.signals, revision=1, changed_at=int(now), changed_by=FOUND_BY,
                )
            )  # fmt: skip
        return found

    async def _again_by_id(self, work: Work, ids: Sequence[str]) -> dict[str, Run]:
        return {run.id: run for run in await work.runs.some(ids)}

    async def _said(self, signal: int | None, at: int) -> str:
        """Return what a signal stood at, as words; nothing where it has none."""
        if signal is None:
            return ""
        before, _ = (await self._historian.beside([signal], Micros(at)))[signal]
        if before is None or before.value is None or before.quality >= QUALITY_BAD_MIN:
            return ""
        if isinstance(before.value, str):
            return before.value.strip()
        return f"{before.value:g}" if before.value % 1 else str(int(before.value))

    async def _keep(self, watched: _Watched) -> None:
        """Store the samples around a rule's runs in full, those of before it from memory."""
        rule = watched.rule
        pre_us, post_us = int(rule.pre_s * MICROS_PER_S), int(rule.post_s * MICROS_PER_S)
        for run in watched.runs.values():
            begin = max(run.started_at - pre_us, watched.kept_to.get(run.id, 0))
            end = 2**62 if run.ended_at is None else run.ended_at + post_us
            if begin > end:
                continue
            batches = self._ring.between(rule.signals, begin, end)
            if batches:
                await self._historian.write(batches, await self._fence(), past_buffer=True)
                watched.kept_to[run.id] = max(int(batch.source_at.max()) for batch in batches) + 1

    # --- putting rules in force -------------------------------------------------------------------------------------

    async def _load(self) -> None:
        async with self._work(EVERY_SITE) as work:
            rules = [rule for rule in await work.runs.rules() if rule.enabled]
            watched: dict[int, _Watched] = {}
            derived: list[Derived] = []
            faults: dict[str, str] = {}
            for place, rule in enumerate(rules):
                try:
                    formula, is_step_of = await compiled(work, rule)
                except (FormulaError, InvalidInputError) as error:
                    faults[rule.id] = str(error)
                    log.warning("a rule finds no runs", rule=rule.name, fault=str(error))
                    continue
                number = FIRST_NUMBER - place
                derived.append(Derived(number, formula, is_step_of))
                since = self._clock.now() - 2 * LATE_US - rule.gap_us
                known = await work.runs.of_rule(rule.id, since)
                frames = Frames(rule.gap_us, rule.min_us, [Frame(run.started_at, run.ended_at) for run in known])
                watched[number] = _Watched(rule, frames, {run.started_at: run for run in known})
        book = DerivationBook(derived)
        await self._remember(book)
        for one in await asyncio.to_thread(book.whole):
            watched[one.signal].frames.take(one.at, one.value, one.quality)
        self._book, self._watched, self._faults = book, watched, faults
        full = [one.rule for one in watched.values() if one.rule.full_rate]
        keep_us = max((int(rule.pre_s * MICROS_PER_S) for rule in full), default=0) + 60 * MICROS_PER_S
        self._ring.wants([number for rule in full for number in rule.signals], keep_us)

    async def _remember(self, book: DerivationBook) -> None:
        """Give a new book what its conditions look back on: from history, and from the buffer what is not there yet."""
        position = await self._buffer.position(CONSUMER)
        retained: list[Batch] = []
        after = 0
        while batches := await self._buffer.read(after, SAMPLES_MAX):
            retained += [batch for batch in batches if batch.seq <= position]
            after = batches[-1].seq
            if after >= position or sum(map(len, retained)) > ROWS_MAX:
                break
        newest = (await self._historian.latest(list(book.inputs))).times()
        for number, keep_us in book.inputs.items():
            if number in newest:
                book.seed({number: await self._stretch(number, newest[number], keep_us)})
        book.recall(retained)

    async def _stretch(self, number: int, newest: int, keep_us: int) -> Stretch:
        """Return the newest samples of a signal: of the whole span, or of as much of it as may be remembered."""
        while True:
            begin = Micros(max(0, newest - keep_us))
            try:
                found = await self._historian.samples([number], begin, Micros(newest + 1), ROWS_MAX)
            except InvalidInputError:  # More than ROWS_MAX.
                keep_us //= 2
            else:
                return found[number]


def _change(run: Run, now: Micros, **changes: object) -> Run:
    revision = run.revision + 1
    return run.model_copy(update={**changes, "revision": revision, "changed_at": int(now), "changed_by": FOUND_BY})


def _ended(run: Run, frame: Frame, now: Micros) -> Run:
    by = "" if frame.end_at is None else FOUND_BY
    return _change(run, now, ended_at=frame.end_at, ended_by=by)
