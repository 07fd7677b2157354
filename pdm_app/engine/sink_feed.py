"""Tells sinks what the recorder has put into history, keeps their places, and runs a sender for each.

A consumer of the durable buffer that looks no further than the recorder has got, and only at signals and times: which
signal has something new, and what of it came late. Its position is confirmed once that is stored with the places of the
sinks, so that a crash forgets nothing; whether a target is there or not makes no difference to the buffer. What was
changed in history on another way is read from its notes, which are forgotten in the transaction that stores the places.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.committed import Committed
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.ports import Buffer, Clock, Fence
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import Signal
from pdm_app.domain.sinks import SentSignal, Sink, SinkStatus, Target, TargetRules
from pdm_app.domain.units import unit
from pdm_app.engine.sink_sender import SinkSender
from pdm_app.engine.supervisor import Backoff, Retry, Stage, Supervisor
from pdm_app.stream.sink_progress import SinkProgress

log = structlog.get_logger(__name__)

CONSUMER = "sinks"
SAMPLES_MAX = 50_000
LOOK_S = 0.5
SAVE_EVERY_US = 2 * MICROS_PER_S
CHANGES_MAX = 100
"""Changes of history that are looked at together; each names every signal of its own at most once."""


class SinkFeed:
    """The engine's part for sinks.

    Args:
        buffer: Made with `CONSUMER` among its consumers.
        recorded: Returns the number of the last batch that is in the historian.
        committed: Reads history.
        work: Where sinks and their places are stored.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held; nothing is sent before.
        rules: Makes targets.
        secret_of: Returns the secret of a sink, None where it has none.
        supervisor: Runs the senders.
        holder: Names this very buffer: numbers of batches mean nothing to another one, also where it took its place.
    """

    def __init__(
        self,
        buffer: Buffer,
        recorded: Callable[[], int],
        committed: Committed,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        rules: TargetRules,
        secret_of: Callable[[str], Awaitable[str | None]],
        supervisor: Supervisor,
        holder: str,
    ) -> None:
        self._buffer = buffer
        self._recorded = recorded
        self._committed = committed
        self._work = work
        self._clock = clock
        self._fence = fence
        self._rules = rules
        self._secret_of = secret_of
        self._supervisor = supervisor
        self._holder = holder
        self.backoff = Backoff(first_s=0.25, cap_s=5.0)
        self._senders: dict[str, SinkSender] = {}
        self._started: set[str] = set()
        self._turn = asyncio.Lock()
        self._saving = asyncio.Lock()
        self._position = 0
        self._saved_at = 0
        self._runs = False

    async def run(self) -> None:
        """Follow the recorder until cancelled.

        Raises:
            UnavailableError: The database or the buffer does not answer; run it again.
        """
        await self._fence()
        self._position = await self._buffer.position(CONSUMER)
        async with self._turn:
            await self._load()
        self._runs = True
        try:
            while True:
                await self._look()
                self.backoff.reset()
                await self._clock.sleep(LOOK_S)
        finally:
            self._runs = False

    def retrying(self, retry: Retry) -> None:
        """Note in the log why nothing is noticed; it waits in the buffer."""
        if retry.attempts == 1:
            log.warning("sinks are not told of new samples now; they are sent later", error=str(retry.error))

    async def drain(self) -> None:
        """Store where all stand, so that nothing is sent twice after the next start."""
        if self._runs:
            await self._keep()

    async def _look(self) -> None:
        """Notice what the recorder has stored since the last time."""
        recorded = self._recorded()
        while self._position < recorded:
            if not self._senders:
                self._position = recorded
                break
            batches = [batch for batch in await self._buffer.read(self._position, SAMPLES_MAX) if batch.seq <= recorded]
            if not batches:
                break
            async with self._turn:
                for sender in self._senders.values():
                    sender.progress.notice(batches)
                    sender.wake()
            self._position = batches[-1].seq
        if not 0 <= self._clock.now() - self._saved_at < SAVE_EVERY_US:
            await self._keep()

    async def _keep(self) -> None:
        position = self._position
        while await self._follow():
            pass
        await self._save(list(self._senders.values()))
        await self._buffer.confirm(CONSUMER, position)
        self._saved_at = self._clock.now()

    async def _follow(self) -> bool:
        """Have the sinks follow what was changed in history; False where all is said."""
        async with self._work(EVERY_SITE) as work:
            changes = await work.sinks.changes(CHANGES_MAX)
        if changes:
            async with self._turn:
                senders = list(self._senders.values())
                for sender in senders:
                    sender.follow(changes)
                await self._save(senders, [change.id for change in changes])
        return len(changes) == CHANGES_MAX

    async def _save(self, senders: Sequence[SinkSender], followed: Sequence[str] = ()) -> None:
        """Store where some sinks stand, if that has changed, and forget the changes of history that all follow."""
        async with self._saving:
            changed = [sender for sender in senders if sender.progress.changes != sender.saved_changes]
            if not changed and not followed:
                return
            fence = await self._fence()
            async with self._work(EVERY_SITE) as work:
                await work.hold(fence)
                changes = [sender.progress.changes for sender in changed]
                for sender in changed:
                    await work.sinks.put_progress(sender.sink.id, sender.progress.packed())
                await work.sinks.forget_changes(followed)
                await work.commit()
            for sender, count in zip(changed, changes, strict=True):
                sender.saved_changes = count

    async def _save_one(self, sender: SinkSender) -> None:
        await self._save([sender])

    # --- putting sinks in force -------------------------------------------------------------------------------------

    async def reload(self) -> None:
        """Put the stored sinks in force, with the signals there are.

        Raises:
            UnavailableError: The database does not answer; what is in force stays.
        """
        if self._runs:
            async with self._turn:
                await self._load()

    async def _load(self) -> None:
        async with self._work(EVERY_SITE) as work:
            sinks = {sink.id: sink for sink in await work.sinks.all() if sink.deleted_at is None}
            chosen = await _chosen(work, list(sinks.values())) if sinks else {}
            stored = {sink_id: await work.sinks.progress(sink_id) for sink_id in sinks.keys() - self._senders.keys()}
        for sink_id in self._senders.keys() - sinks.keys():
            await self._stop(sink_id)
            del self._senders[sink_id]
        numbers = sorted({number for signals in chosen.values() for number in signals})
        newest = await self._committed.newest(numbers)
        for sink in sinks.values():
            known = self._senders.get(sink.id)
            if known is None or known.sink != sink:
                await self._put(sink, known, stored.get(sink.id, b""))
            await self._choose(self._senders[sink.id], chosen[sink.id], newest, anew=known is None)
            self._start(self._senders[sink.id])

    async def _put(self, sink: Sink, known: SinkSender | None, stored: bytes) -> None:
        """Make the sender of a sink that is new, or is another one than before."""
        if known is not None:
            await self._stop(sink.id)
        progress = known.progress if known is not None else self._progress(sink, stored)
        if progress.begins_at != sink.begins_at:  # Somebody has it go on from another time.
            progress.go_on_from(sink.begins_at)
        self._senders[sink.id] = SinkSender(sink, progress, self._committed, self._target, self._save_one, self._clock)

    async def _choose(
        self, sender: SinkSender, signals: Mapping[int, SentSignal], newest: Mapping[int, int], *, anew: bool
    ) -> None:
        numbers = sorted(signals)
        if anew or sender.progress.signal.tolist() != numbers:
            await self._supervisor.cancel(_child(sender.sink.id))  # It may be reading for those of before.
            self._started.discard(sender.sink.id)
            # What this buffer holds will be noticed; what went by while nobody looked never will.
            sender.progress.choose(numbers, newest, missed=anew and (self._runs or not sender.progress.seq))
        sender.know(signals)

    def _progress(self, sink: Sink, content: bytes) -> SinkProgress:
        try:
            progress = SinkProgress(sink.begins_at, content)
        except ValueError as error:
            log.error("a sink begins anew, for its place is damaged", sink=sink.name, error=str(error))
            progress = SinkProgress(sink.begins_at)
        # Numbers of batches count on only where they are of this very buffer.
        is_same = progress.holder == self._holder and self._position <= progress.seq
        progress.seq = progress.seq if is_same else 0
        progress.holder = self._holder
        return progress

    def _start(self, sender: SinkSender) -> None:
        if sender.sink.enabled and sender.sink.id not in self._started:
            self._started.add(sender.sink.id)
            self._supervisor.start(
                _child(sender.sink.id), sender.run, stage=Stage.CONSUMER, backoff=sender.backoff,
                on_retry=sender.retrying,
            )  # fmt: skip
        sender.wake()

    async def _stop(self, sink_id: str) -> None:
        sender = self._senders[sink_id]
        sender.leave()
        await self._supervisor.cancel(_child(sink_id))
        self._started.discard(sink_id)
        try:
            await self._save([sender])
        except NotFoundError:
            pass  # It is no more.

    async def _target(self, sink: Sink) -> Target:
        return self._rules.target(sink, await self._secret_of(sink.id))

    # --- how they are doing -----------------------------------------------------------------------------------------

    def statuses(self) -> Mapping[str, SinkStatus]:
        """Return how each sink is doing, those that are switched off as well; none where nothing is sent here."""
        return {sink_id: sender.status() for sink_id, sender in self._senders.items()} if self._runs else {}


def _child(sink_id: str) -> str:
    return f"sink {sink_id}"


async def _chosen(work: Work, sinks: Sequence[Sink]) -> dict[str, dict[int, SentSignal]]:
    """Return by sink its signals."""
    codes = {asset.id: asset.code for asset in await work.assets.all()}
    sites = {site.id: site.code for site in await work.sites.all()}
    signals = await work.signals.all()
    return {
        sink.id: {
            signal.id: _sent(signal, sites, codes)
            for signal in signals
            if sink.takes(signal, codes.get(signal.asset_id, ""))
        }
        for sink in sinks
    }


def _sent(signal: Signal, sites: Mapping[str, str], codes: Mapping[str, str]) -> SentSignal:
    return SentSignal(
        number=signal.id,
        site=sites.get(signal.site_id, signal.site_id),
        machine=codes.get(signal.asset_id, signal.asset_id),
        name=signal.name,
        unit=unit(signal.unit).symbol,
        data_type=signal.data_type,
    )
