"""Tries to reach over the border of a site, with every method of a repository."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import pytest

from pdm_app.domain.access import Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.repositories import UnitOfWork, Work

Crossing = Callable[[Work], Awaitable[object]]

LIMITED = (Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset()))
"""Of somebody else's site, and of none; what is tried lies in another one."""


async def assert_nothing_crosses(
    plants: UnitOfWork,
    reads: Mapping[str, Crossing],
    changes: Iterable[Crossing],
    everything: Callable[[UnitOfWork], Awaitable[object]],
) -> None:
    """Read what lies elsewhere, which finds nothing, and change it, which is refused and changes nothing."""
    before, changes = await everything(plants), tuple(changes)
    for scope in LIMITED:
        for name, crossing in reads.items():
            async with plants(scope) as w:
                assert not await crossing(w), name
                await w.commit()
        for crossing in changes:
            async with plants(scope) as w:
                with pytest.raises(NotFoundError):
                    await crossing(w)
                await w.commit()
        assert await everything(plants) == before
