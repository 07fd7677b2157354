"""Storage rules in force: between the durable buffer and whoever stores samples.

``Thinner(memory, work, clock)``; the recorder calls `begin`, then for each write `pick` and, once it was stored,
`stored`. What waits for the next sample of its signal lives in memory and, every few seconds, in a file; until it is in
the file the buffer keeps the samples it came from, so that a crash has them picked again, with the same outcome.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import I8, MICROS_PER_S, Batch
from pdm_app.domain.storage_rules import Plan, ThinningMemory, plans_of
from pdm_app.stream.thinning import Thinning

log = structlog.get_logger(__name__)

SAVE_EVERY_US = 5 * MICROS_PER_S
"""So long the buffer keeps samples that were stored already, at the most."""


def _nobody(signals: I8, samples: I8) -> None:
    """Nobody counts what is left out."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What is to be stored of some batches, and the memory from then on."""

    batches: Sequence[Batch]
    after: Thinning


class Thinner:
    """The rules of all sites.

    Args:
        memory: Where it is kept over a restart what waits.
        work: Where the rules are stored.
        clock: Injected time.
        left_out: Told by signal number how many samples a write left out, and less than none where it stored what had
            been left out before.
    """

    def __init__(
        self,
        memory: ThinningMemory,
        work: UnitOfWork,
        clock: Clock,
        left_out: Callable[[I8, I8], None] = _nobody,
    ) -> None:
        self._memory = memory
        self._work = work
        self._clock = clock
        self._left_out = left_out
        self._now = Thinning()
        self._wanted: dict[int, Plan] | None = None
        self._has_begun = False
        self._saved_at = 0
        self._is_saved = True

    async def begin(self) -> None:
        """Take over the stored rules and what waited at the end of the last run; only the first call does.

        Raises:
            UnavailableError: The database or the disk does not answer.
        """
        if self._has_begun:
            return
        plans = await self._read()
        content = await self._memory.load()
        if content:
            try:
                self._now = Thinning.unpacked(content)
            except ValueError as error:  # Samples that waited are in it alone; each is within its bound of a line.
                log.error("the memory of storage rules is damaged; samples that waited are lost", error=str(error))
        self._wanted = plans
        self._has_begun = True
        self._is_saved = not content

    async def reload(self) -> None:
        """Put the stored rules in force, with the next write.

        Raises:
            UnavailableError: The database does not answer; the rules in force stay.
        """
        if self._has_begun:
            self._wanted = await self._read()

    async def _read(self) -> dict[int, Plan]:
        async with self._work(EVERY_SITE) as work:
            rules = await work.storage_rules.all()
            if not rules:
                return {}
            codes = {asset.id: asset.code for asset in await work.assets.all()}
            return plans_of(rules, await work.signals.all(), codes)

    def pick(self, batches: Sequence[Batch]) -> Picked:
        """Return what is to be stored; nothing is remembered before `stored`."""
        now, wanted = self._now, self._wanted
        after = now if wanted is None else now.planned(wanted)
        if after.is_idle:
            return Picked(batches, after)
        after = after.copy()
        return Picked(after.take(batches), after)

    def stored(self, picked: Picked) -> None:
        """Remember what was picked, once it is stored."""
        if self._wanted is not None and self._wanted == picked.after.plans:
            self._wanted = None
        before, self._now = self._now, picked.after
        self._is_saved = self._is_saved and self._now.is_idle
        if len(self._now.signal):
            known = np.searchsorted(before.signal, self._now.signal)
            known = np.minimum(known, max(0, len(before.signal) - 1))
            had = np.zeros(len(self._now.signal), np.int64)
            if len(before.signal):
                same = before.signal[known] == self._now.signal
                had[same] = before.thinned[known[same]]
            more = self._now.thinned - had
            self._left_out(self._now.signal[more != 0], more[more != 0])

    async def may_confirm(self, *, at_once: bool = False) -> bool:
        """Whether the buffer need not keep what was stored; saves what waits when it is time to.

        Raises:
            UnavailableError: The disk does not take it.
        """
        if self._is_saved:
            return True
        now = self._clock.now()
        if not at_once and 0 <= now - self._saved_at < SAVE_EVERY_US:
            return False
        is_idle = self._now.is_idle
        await self._memory.save(b"" if is_idle else self._now.packed())
        self._saved_at, self._is_saved = now, is_idle
        return True

    @property
    def waiting(self) -> Batch:
        """Samples that are neither stored nor left out for good; readers see them."""
        return self._now.waiting(self._clock.now())

    @property
    def thinned(self) -> dict[int, int]:
        """By signal number, how many samples were left out since the start."""
        return dict(zip(self._now.signal.tolist(), self._now.thinned.tolist(), strict=True))

    @property
    def plans(self) -> dict[int, Plan]:
        """By signal number, how it is thinned."""
        return dict(self._now.plans if self._wanted is None else self._wanted)
