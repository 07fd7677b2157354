"""Devices for which there is nothing to do, remembered: that is what nearly every question of a fleet is about.

An answer holds until somebody changes actions, here or in another process, which is read off one row of the database;
and only for devices that have no action then. Whatever else changes a device's answer is said by the device itself.
"""

import asyncio
from collections.abc import Collection
from typing import Generic, TypeVar

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.firmware_stories import GUARD

MICROS_PER_S = 1_000_000
KEPT_S = 600
"""What another process puts on record of a device without an action is seen within this time."""
KEPT_MAX = 50_000

Answer = TypeVar("Answer")


class QuietDevices(Generic[Answer]):
    """Answers by device.

    Args:
        work: Where actions are stored.
        clock: Injected time.
        fresh_s: So long what was read of all actions is believed; 0 looks each time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, fresh_s: float = 0.0) -> None:
        self._work = work
        self._clock = clock
        self._fresh = round(fresh_s * MICROS_PER_S)
        self._kept: dict[str, tuple[int, Answer]] = {}
        self._busy: Collection[str] = frozenset()
        self._mark: str | None = None
        self._looked_at: int | None = None
        self._looking = asyncio.Lock()

    async def find(self, device_id: str) -> Answer | None:
        """Return what a device was answered, where that still holds."""
        await self._look()
        kept = self._kept.get(device_id)
        if kept is None or device_id in self._busy:
            return None
        if not 0 <= self._clock.now() - kept[0] < KEPT_S * MICROS_PER_S:
            del self._kept[device_id]
            return None
        return kept[1]

    def keep(self, device_id: str, answer: Answer, mark: str | None) -> None:
        """Remember the answer to a device without an action, read while `mark` was what it is given here."""
        if mark is None or mark != self._mark or device_id in self._busy:
            return  # Somebody changed actions meanwhile.
        self._kept.pop(device_id, None)
        self._kept[device_id] = (int(self._clock.now()), answer)
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]

    def forget(self, device_id: str) -> None:
        """Ask the database when this device asks next."""
        self._kept.pop(device_id, None)

    @property
    def mark(self) -> str | None:
        """What changes with every change of actions, as it was read last."""
        return self._mark

    async def _look(self) -> None:
        if self._is_fresh():
            return
        async with self._looking:
            if self._is_fresh():
                return  # Whoever was first has looked for those who waited.
            async with self._work(EVERY_SITE) as work:
                mark = await work.users.value(GUARD) or ""
                busy = self._busy if mark == self._mark else await work.firmware_actions.active_devices()
            for device_id in (*self._busy, *busy) if mark != self._mark else ():
                self._kept.pop(device_id, None)  # Also of one that has come to its end meanwhile.
            self._mark, self._busy, self._looked_at = mark, busy, int(self._clock.now())

    def _is_fresh(self) -> bool:
        return self._looked_at is not None and 0 <= self._clock.now() - self._looked_at < self._fresh
