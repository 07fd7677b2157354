"""What history has already of what is to be imported: instant by instant, in portions of bounded size."""

from collections import Counter

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.imports import ImportHistorian
from pdm_app.domain.samples import F8, I8, Batch, Micros

SAMPLES_MAX = 300_000
"""Read at once of what is stored."""
INSTANTS_AT_ONCE = 50_000


class Comparison:
    """Counts, for each signal, the instants that are stored with the same value and with another one."""

    def __init__(self, historian: ImportHistorian) -> None:
        self._historian = historian
        self.same: Counter[int] = Counter()
        self.other: Counter[int] = Counter()

    async def add(self, batch: Batch) -> None:
        """Compare a batch; it is sorted by signal and time, no instant twice.

        Raises:
            UnavailableError: The database does not answer.
        """
        for number in np.unique(batch.signal).tolist():
            begin, end = np.searchsorted(batch.signal, [number, number + 1])
            at, value = batch.source_at[begin:end], batch.value[begin:end]
            if await self._historian.count(number, Micros(int(at[0])), Micros(int(at[-1]) + 1)):
                for start in range(0, len(at), INSTANTS_AT_ONCE):
                    part = slice(start, start + INSTANTS_AT_ONCE)
                    await self._compare(number, at[part], value[part])

    async def _compare(self, number: int, at: I8, value: F8) -> None:
        try:
            found = await self._historian.samples([number], Micros(int(at[0])), Micros(int(at[-1]) + 1), SAMPLES_MAX)
        except InvalidInputError:
            middle = len(at) // 2
            if not middle:
                raise
            await self._compare(number, at[:middle], value[:middle])
            await self._compare(number, at[middle:], value[middle:])
            return
        stored = found[number]
        _, given_at, stored_at = np.intersect1d(at, stored.source_at, assume_unique=True, return_indices=True)
        is_same = value[given_at] == stored.value[stored_at]  # Of texts, which are no numbers, none counts as the same.
        self.same[number] += int(is_same.sum())
        self.other[number] += int((~is_same).sum())
