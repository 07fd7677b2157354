"""Signals: their places in the plant and in their devices."""

from collections.abc import Sequence

from pdm_app.domain.signals import Signal
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks
from pdm_app.storage.tables import SignalRow, table_of

SIGNALS = table_of(SignalRow)


class SqlSignals(Repository):
    async def all(self) -> Sequence[Signal]:
        return await self._find(Signal, SignalRow)

    async def of_asset(self, asset_id: str) -> Sequence[Signal]:
        return await self._find(Signal, SignalRow, SIGNALS.c.asset_id == asset_id, order=("position", "id"))

    async def of_connection(self, connection_id: str) -> Sequence[Signal]:
        return await self._find(Signal, SignalRow, SIGNALS.c.connection_id == connection_id)

    async def some(self, ids: Sequence[int]) -> Sequence[Signal]:
        """Return those of ``ids`` that exist in scope, by id."""
        found: list[Signal] = []
        for few in chunks(sorted(set(ids)), KEYS_PER_QUERY):
            found += await self._find(Signal, SignalRow, SIGNALS.c.id.in_(few))
        return found

    async def derived(self) -> Sequence[Signal]:
        return await self._find(Signal, SignalRow, SIGNALS.c.formula.is_not(None))

    async def put(self, signals: Sequence[Signal]) -> None:
        for few in chunks(signals, KEYS_PER_QUERY):
            await self._put(SignalRow, few)
