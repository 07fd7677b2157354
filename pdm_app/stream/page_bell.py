"""Rings in the open pages of a person when there is something new for them; what it is, they read themselves."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class PageBell:
    """Holds who listens, and nothing that could be lost: who comes later reads what there is."""

    def __init__(self) -> None:
        self._listening: dict[str, set[asyncio.Event]] = {}

    def ring(self, user_id: str) -> None:
        """Wake every page of a person; nothing happens where none is open."""
        for heard in self._listening.get(user_id, ()):
            heard.set()

    @contextmanager
    def listening(self, user_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set by each ring until the block is left; whoever waits clears it."""
        heard = asyncio.Event()
        self._listening.setdefault(user_id, set()).add(heard)
        try:
            yield heard
        finally:
            self._listening[user_id].discard(heard)
            if not self._listening[user_id]:
                del self._listening[user_id]
