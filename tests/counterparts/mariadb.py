"""A MariaDB server of the tests' own, the same as the benchmarks', and statements on it from synchronous code."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncmy

from pdm_app.cli.bench.mariadb import MariadbServer, find_mariadbd

__all__ = ["MariadbServer", "database_on", "execute", "find_mariadbd"]


def database_on(server_url: str, name: str) -> str:
    """URL of one database of a server given as URL."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}", query="charset=utf8mb4"))


def execute(server_url: str, *statements: str) -> None:
    """Run statements on a server, from synchronous code, whether or not an event loop runs in this thread."""

    async def run() -> None:
        parts = urlsplit(server_url)
        connection = await asyncmy.connect(
            host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=parts.username or "root",
            password=parts.password or "", autocommit=True,
        )  # fmt: skip
        try:
            async with connection.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
        finally:
            await connection.ensure_closed()

    _in_own_thread(run())


def _in_own_thread(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result(timeout=60)
