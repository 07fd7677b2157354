"""What goes into a file: history of signals, or the journal of alarms; both are made by the same service."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from pdm_app.domain.access import Actor, Permission, Scope
from pdm_app.domain.alarms import JournalEntry
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.exports import Export, ExportOrder, JournalOrder, TableOrder
from pdm_app.domain.maintenance_events import NO_PRIORITY
from pdm_app.domain.ports import Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros, moment
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.domain.signals import Signal
from pdm_app.domain.tables import Block, Column, ColumnKind
from pdm_app.domain.units import unit
from pdm_app.services.alarm_reach import require_journal_of
from pdm_app.services.export_rows import columns_of, rows_of
from pdm_app.services.signals import SignalService

ENTRIES_PER_BLOCK = 2_000
PRIORITY_WORDS = {NO_PRIORITY: "event", 1: "1 critical", 2: "2 high", 3: "3 medium", 4: "4 low"}
JOURNAL_COLUMNS = (
    Column("Time", ColumnKind.TIME),
    Column("Priority", ColumnKind.TEXT),
    Column("Asset", ColumnKind.TEXT),
    Column("Asset name", ColumnKind.TEXT),
    Column("Alarm", ColumnKind.TEXT),
    Column("Source", ColumnKind.TEXT),
    Column("What", ColumnKind.TEXT),
    Column("State after it", ColumnKind.TEXT),
    Column("Value", ColumnKind.NUMBER),
    Column("Limit", ColumnKind.NUMBER),
    Column("Unit", ColumnKind.TEXT),
    Column("Who", ColumnKind.TEXT),
    Column("Comment", ColumnKind.TEXT),
    Column("Alarm id", ColumnKind.TEXT),
)


OrderT_contra = TypeVar("OrderT_contra", bound=TableOrder, contravariant=True)


@dataclass(frozen=True, slots=True)
class Content:
    """One file to be: what it is called, its columns, and its rows as they come.

    Attributes:
        site_id: The one site it is of, as the audit trail has it; None for several.
        about: What the table is about, as words and values.
        sites: Sites it tells of; complete only after the last block.
    """

    title: str
    stem: str
    site_id: str | None
    columns: Sequence[Column]
    about: Sequence[tuple[str, str]]
    blocks: AsyncGenerator[Block, None]
    sites: set[str] = field(default_factory=set)


class Contents(Protocol[OrderT_contra]):
    """One kind of what can be exported."""

    async def size(self, actor: Actor, order: OrderT_contra) -> tuple[int, int]:
        """Return rows and columns.

        Raises:
            NotFoundError: Something asked for does not exist or lies outside the actor's sites.
        """
        ...

    async def of(self, actor: Actor, order: OrderT_contra, now: Micros) -> Content:
        """Return what goes into the file; raises as `size` does."""
        ...

    async def require(self, actor: Actor, export: Export) -> None:
        """Refuse a file whose content the actor may not see any more.

        Raises:
            NotFoundError: Something in it lies outside the actor's sites by now.
        """
        ...


class HistoryContents:
    """Signals over a span."""

    def __init__(self, work: UnitOfWork, historian: Historian, signals: SignalService) -> None:
        self._work = work
        self._historian = historian
        self._signals = signals

    async def size(self, actor: Actor, order: ExportOrder) -> tuple[int, int]:
        await self._signals.ever(actor, order.signals)
        if order.every_us is not None:
            rows = -(-(order.end_at - order.start_at) // order.every_us)
            return rows, 1 + len(order.signals) * len(order.figures)
        start, end = Micros(order.start_at), Micros(order.end_at)
        return sum([await self._historian.count(signal, start, end) for signal in order.signals]), 6

    async def of(self, actor: Actor, order: ExportOrder, now: Micros) -> Content:
        signals = await self._signals.ever(actor, order.signals)
        names = await self._names(actor, signals)
        return Content(
            title=names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}",
            stem=f"history-{moment(order.start_at):%Y%m%d-%H%M}-{moment(order.end_at):%Y%m%d-%H%M}",
            site_id=signals[0].site_id,
            columns=columns_of(order, signals, names),
            about=(
                ("Signals", ", ".join(names)),
                ("From", moment(order.start_at).astimezone(order.tz).isoformat()),
                ("To, not included", moment(order.end_at).astimezone(order.tz).isoformat()),
            ),
            blocks=rows_of(self._historian, order, signals, names, now),
        )

    async def require(self, actor: Actor, export: Export) -> None:
        if isinstance(export.order, ExportOrder):
            await self._signals.ever(actor, export.order.signals)

    async def _names(self, actor: Actor, signals: Sequence[Signal]) -> list[str]:
        async with self._work(actor.scope) as work:
            codes = {asset.id: asset.code for asset in await work.assets.all()}
        names = [f"{codes.get(signal.asset_id, signal.asset_id)} {signal.name}" for signal in signals]
        return [
            name if names.count(name) == 1 else f"{name} #{signal.id}"
            for name, signal in zip(names, signals, strict=True)
        ]


class JournalContents:
    """The journal of alarms of the actor's own sites; machines that are only shown to the actor stay out of files."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def size(self, actor: Actor, order: JournalOrder) -> tuple[int, int]:
        actor.require(Permission.ALARMS_READ)
        async with self._work(_own(actor)) as work:
            await require_journal_of(work, order.query)
            return await work.alarms.journal_count(order.query), len(JOURNAL_COLUMNS)

    async def of(self, actor: Actor, order: JournalOrder, now: Micros) -> Content:
        actor.require(Permission.ALARMS_READ)
        async with self._work(_own(actor)) as work:
            await require_journal_of(work, order.query)
        sites: set[str] = set()
        since = "" if order.start_at is None else moment(order.start_at).astimezone(order.tz).isoformat()
        until = moment(now if order.end_at is None else order.end_at).astimezone(order.tz).isoformat()
        return Content(
            title="Alarm journal",
            stem=f"alarms-{moment(now):%Y%m%d-%H%M%S}",
            site_id=order.site_id,
            columns=JOURNAL_COLUMNS,
            about=(("Filter", _filter_words(order)), ("From", since or "its beginning"), ("To, not included", until)),
            blocks=self._blocks(_own(actor), order, now, sites),
            sites=sites,
        )

    async def require(self, actor: Actor, export: Export) -> None:
        actor.require(Permission.ALARMS_READ)
        if not all(actor.scope.covers(site_id) for site_id in export.site_ids):
            raise NotFoundError(f"There is no export {export.id!r}.", export_id=export.id)

    async def _blocks(
        self, scope: Scope, order: JournalOrder, now: Micros, sites: set[str]
    ) -> AsyncGenerator[Block, None]:
        # What happens while the file is written is newer than its end, and stays out of every block alike.
        query = order.query.model_copy(update={"limit": ENTRIES_PER_BLOCK, "end_at": order.end_at or now + 1})
        async with self._work(scope) as work:
            assets = {asset.id: asset for asset in await work.assets.all()}
            symbols = await _symbols(work)
            sources = {rule.id: _source(rule.condition.kind) for rule in await work.alarms.rules()}
        while True:
            async with self._work(scope) as work:
                entries = await work.alarms.journal(query)
            if entries:
                sites.update(entry.site_id for entry in entries)
                yield _block(entries, assets, symbols, sources)
            if len(entries) < ENTRIES_PER_BLOCK:
                return
            query = query.model_copy(update={"before": entries[-1].id})


def _own(actor: Actor) -> Scope:
    return Scope(sites=actor.scope.sites)


async def _symbols(work: Work) -> dict[str, str]:
    """Return the unit of each rule's values; a rule that is gone has none."""
    units = {signal.id: signal.unit for signal in await work.signals.all()}
    return {rule.id: unit(units.get(rule.signal_id, "1")).symbol for rule in await work.alarms.rules()}


def _source(kind: str) -> str:
    return "Model" if kind == "score" else "Rule"


def _block(
    entries: Sequence[JournalEntry], assets: dict[str, Asset], symbols: dict[str, str], sources: dict[str, str]
) -> Block:
    def number(value: float | None) -> float:
        return np.nan if value is None else value

    known = [assets.get(entry.asset_id) for entry in entries]
    return (
        np.array([entry.at for entry in entries], np.int64),
        [PRIORITY_WORDS.get(entry.priority, str(entry.priority)) for entry in entries],
        [entry.asset_id if asset is None else asset.code for entry, asset in zip(entries, known, strict=True)],
        [None if asset is None else asset.name for asset in known],
        [entry.name for entry in entries],
        ["System" if entry.site_id == SYSTEM_ID else sources.get(entry.rule_id) for entry in entries],
        [entry.kind.replace("_", " ") for entry in entries],
        [str(entry.state) for entry in entries],
        np.array([number(entry.value) for entry in entries], np.float64),
        np.array([number(entry.limit) for entry in entries], np.float64),
        [symbols.get(entry.rule_id) for entry in entries],
        [entry.actor for entry in entries],
        [entry.comment for entry in entries],
        [entry.alarm_id for entry in entries],
    )


def _filter_words(order: JournalOrder) -> str:
    said = [
        f"words: {order.text}" if order.text else "",
        f"what: {', '.join(kind.replace('_', ' ') for kind in order.kinds)}" if order.kinds else "",
        f"priority: {', '.join(map(str, order.priorities))}" if order.priorities else "",
        f"asset: {order.asset_id}" if order.asset_id else "",
        f"site: {order.site_id}" if order.site_id else "",
    ]
    return "; ".join(filter(None, said)) or "none"
