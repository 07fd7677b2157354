"""How history is kept and how long the room will do: for admins, who see every site."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.cold import ColdFile, ColdPlaceFacts, DueDay
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.history import CacheFigures, Tier
from pdm_app.domain.partitions import Partition
from pdm_app.domain.ports import Buffer, Clock
from pdm_app.domain.record import Record
from pdm_app.domain.removals import TierSize
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.storage_facts import Backend, Room, StorageFacts

FILES_MAX = 1_000
GROWTH_DAYS = 7
"""Days of cold files of which growth is reckoned."""
DAY_US = 86_400 * MICROS_PER_S
HOUR_US = 3600 * MICROS_PER_S
REMEMBERED_US = 20 * MICROS_PER_S
"""So long an answer serves everybody who asks: looking at tables costs more than looking at a page."""


class BufferFill(Record):
    """The durable buffer between sources and database."""

    samples: int
    bytes: int
    bytes_max: int
    trouble: str
    damaged: int = Field(description="Batches that the disk has damaged after they were acknowledged; set aside in it.")


class StorageStatus(Record):
    """What the storage page shows; bytes as they lie on disk."""

    at: int
    backend: Backend
    tiers: tuple[TierSize, ...]
    samples: int = Field(description="Hot and cold; a sample that came late may be in both until its day is compacted.")
    samples_per_day: float | None = None
    growth_bytes_per_day: float | None = Field(
        default=None, description="Of this disk, as the last days were; None before an hour is known."
    )
    room: Room
    days_left: float | None = Field(default=None, description="Until the disk is full at this growth.")
    partitions: tuple[Partition, ...] = ()
    due: tuple[DueDay, ...] = Field(default=(), description="Closed days that wait for their file.")
    hot_days: int
    files: int
    damaged: int
    store: ColdPlaceFacts
    buffer: BufferFill
    cache: CacheFigures | None = Field(default=None, description="None where answers are not kept.")


class StorageService:
    """Looks; changes nothing.

    Args:
        facts: Looks at database, files and disk.
        buffer: Looked at as well.
        clock: Injected time.
        hot_days: How many days stay hot.
        cache: Says what the cache of answers does.
    """

    def __init__(
        self,
        facts: StorageFacts,
        buffer: Buffer,
        clock: Clock,
        hot_days: int,
        cache: Callable[[], CacheFigures] | None = None,
    ) -> None:
        self._facts = facts
        self._buffer = buffer
        self._clock = clock
        self.hot_days = hot_days
        self._cache = cache
        self._turn = asyncio.Lock()
        self._known: StorageStatus | None = None

    async def status(self, actor: Actor) -> StorageStatus:
        """Return what there is, at most 20 s old.

        Raises:
            UnavailableError: The database does not answer.
        """
        _require(actor)
        async with self._turn:
            if self._known is None or not 0 <= self._clock.now() - self._known.at < REMEMBERED_US:
                self._known = await self._looked()
            return self._known

    async def files(self, actor: Actor, limit: int = 200) -> tuple[ColdFile, ...]:
        """Return cold files: damaged ones first, then the newest."""
        _require(actor)
        return tuple(await self._facts.files(limit))

    async def _looked(self) -> StorageStatus:
        backend, room = await self._facts.backend(), await self._facts.room()
        place = await self._facts.cold_place()
        sizes = tuple(await self._facts.sizes())
        files = await self._facts.files(FILES_MAX)
        growth, samples_per_day = _growth(backend, sizes, files, is_here=place.kind == "folder")
        return StorageStatus(
            at=self._clock.now(),
            backend=backend,
            tiers=sizes,
            samples=sum(size.rows for size in sizes[:2]),
            samples_per_day=samples_per_day,
            growth_bytes_per_day=growth,
            room=room,
            days_left=room.free_bytes / growth if growth else None,
            partitions=tuple(await self._facts.partitions()),
            due=tuple(await self._facts.due(self.hot_days)),
            hot_days=self.hot_days,
            files=len(files),
            damaged=sum(file.trouble is not None for file in files),
            store=place,
            buffer=BufferFill(
                samples=self._buffer.depth, bytes=self._buffer.bytes_used, bytes_max=self._buffer.bytes_max,
                trouble=self._buffer.trouble, damaged=self._buffer.quarantined,
            ),
            cache=self._cache() if self._cache is not None else None,
        )  # fmt: skip


def _growth(
    backend: Backend, sizes: Sequence[TierSize], files: Sequence[ColdFile], *, is_here: bool
) -> tuple[float | None, float | None]:
    """Return bytes of this disk and samples for each day.

    Hot rows come and go. What stays are files, as large as those of the last days, and rollups, of which a day takes
    its share of the days that they reach over; before there are files the hot rows stand for them. Files in a bucket
    take no room here.
    """
    recent = sorted(files, key=lambda file: file.start_at)[-GROWTH_DAYS:]
    hot = next((size for size in sizes if size.place == "hot" and size.rows), None)
    samples = sum(file.samples for file in recent) / len(recent) if recent else _per_day(hot, "rows")
    bytes_cold = sum(file.bytes for file in recent) / len(recent) if recent else _per_day(hot, "bytes")
    if samples is None or bytes_cold is None:
        return None, None
    rollups = [_per_day(size, "bytes") for size in sizes if size.tier is not Tier.RAW]
    in_database = sum(each for each in rollups if each is not None) if backend.is_local else 0.0
    return (bytes_cold if is_here else 0.0) + in_database, samples


def _per_day(size: TierSize | None, what: Literal["rows", "bytes"]) -> float | None:
    if size is None or size.first_at is None or size.last_at is None or size.last_at - size.first_at < HOUR_US:
        return None
    counted = size.rows if what == "rows" else size.bytes
    return float(counted * DAY_US / (size.last_at - size.first_at))


def _require(actor: Actor) -> None:
    actor.require(Permission.STORAGE_CONFIGURE)
    if actor.scope.sites is not None:
        raise NotFoundError("There is no storage in your sites.")
