"""How long a service waits for a database that hangs, where it could go on without the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pdm_app.domain.errors import UnavailableError

ANSWER_S_MAX = 2.0  # A device's call and an operator's click wait this long at most; a healthy database takes 5 ms.


@asynccontextmanager
async def impatient(*, can_do_without: bool = True) -> AsyncIterator[None]:
    """Give the block `ANSWER_S_MAX` seconds, or all the time it takes where there is nothing else to go on.

    Raises:
        UnavailableError: The time is over; a transaction that was open is rolled back.
    """
    try:
        async with asyncio.timeout(ANSWER_S_MAX if can_do_without else None):
            yield
    except TimeoutError:
        raise UnavailableError(f"The database did not answer within {ANSWER_S_MAX:g} s.") from None
