"""A client without types on a server, for tests of what every client does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pdm_app.trpc.client.link import Link, Shared
from pdm_app.trpc.client.settings import Patience, Settings

ADA = "tok_ada"


@asynccontextmanager
async def linked(url: str, timeout_s: float = 90.0, retries_max: int = 2, **settings: Any) -> AsyncIterator[Link]:
    """Connect to a server as its user Ada."""
    settings.setdefault("token", ADA)
    link = Link(Shared(Settings(url=url, **settings), timeout_s), Patience(timeout_s, retries_max))
    try:
        yield link
    finally:
        await link.close()
