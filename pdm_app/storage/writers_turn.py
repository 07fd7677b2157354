"""Who may write to a SQLite file now: one transaction of this program at a time, in the order in which they asked.

SQLite itself has writers that wait try again after pauses that grow to 100 ms. Beside somebody who writes one short
transaction after the other they find the file free by luck alone, and some give up after seconds.
"""

import asyncio


class WritersTurn:
    """A queue of those who want to write.

    Args:
        wait_s: How long somebody waits at most.
    """

    def __init__(self, wait_s: float) -> None:
        self._turn = asyncio.Lock()
        self._wait_s = wait_s
        self._writer: object | None = None

    async def take(self, writer: object) -> None:
        """Return once it is this one's turn; at once where it is already.

        Raises:
            TimeoutError: Those before took too long.
        """
        if self._writer is writer:
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turn.acquire()
        except TimeoutError:
            raise TimeoutError(f"those who wrote before took longer than {self._wait_s:g} s") from None
        self._writer = writer

    def give_back(self, writer: object) -> None:
        """Let the next one write; nothing happens where it is not this one's turn."""
        if self._writer is writer:
            self._writer = None
            self._turn.release()
