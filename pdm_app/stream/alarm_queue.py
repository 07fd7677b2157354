"""Changes of alarms that wait to be stored, in order and bounded."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pdm_app.domain.alarms import Alarm, JournalEntry, RuleMemory
from pdm_app.domain.audit import AuditFact


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """What happened to an alarm, and the alarm after it; in state A it stands no longer."""

    alarm: Alarm
    entry: JournalEntry


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A change that is not stored yet; ``memory`` is the rule's right after it, None for a remark.

    ``fact`` goes into the audit trail with it: what a person did, None for what the process did.
    """

    change: AlarmChange
    memory: RuleMemory | None
    saved: "asyncio.Future[None] | None"
    fact: AuditFact | None = None


class AlarmQueue:
    """What waits for the database; a change stays until it is stored."""

    def __init__(self, changes_max: int) -> None:
        self._changes_max = changes_max
        self._changes: deque[Unsaved] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changes)

    @property
    def is_full(self) -> bool:
        return len(self._changes) >= self._changes_max

    def add(self, unsaved: Unsaved) -> None:
        self._changes.append(unsaved)
        self._arrived.set()

    async def arrived(self) -> None:
        """Return once a change waits."""
        while not self._changes:
            self._arrived.clear()
            await self._arrived.wait()

    def oldest(self, changes_max: int) -> Sequence[Unsaved]:
        """Return the changes to store next; they stay until `saved`."""
        return [self._changes[place] for place in range(min(changes_max, len(self._changes)))]

    def saved(self, changes: Sequence[Unsaved]) -> None:
        """Forget changes that are stored, and tell who waits for them."""
        for _ in changes:
            unsaved = self._changes.popleft()
            if unsaved.saved is not None and not unsaved.saved.done():
                unsaved.saved.set_result(None)

    def clear(self) -> None:
        self._changes.clear()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Memories to store; ``put_back`` when that has failed."""

    memories: Sequence[RuleMemory]
    put_back: Callable[[], None]
