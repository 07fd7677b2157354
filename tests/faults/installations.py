"""A product to be tortured: its data directory, its database, a device with a key, a person with a token."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.samples import Quality
from pdm_app.services.devices import DeviceService
from pdm_app.services.people import PeopleService
from pdm_app.storage.database import Database
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.clocks import WallClock
from tests.counterparts.installation import PUMP, PUNE, quick_hasher, stored_plant
from tests.counterparts.product import RunningProduct
from tests.faults.waiting import eventually

PERSON = "olga"
PASSWORD = "copper lantern drifts"


@dataclass
class Installation:
    """A product in a process of its own and what is needed to talk to it and to look into its database."""

    product: RunningProduct
    database_url: str
    device_key: str = ""
    people: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Start it and wait for its pages."""
        await asyncio.to_thread(self.product.start)

    async def stop(self) -> int:
        """End it in order; the exit code."""
        return await asyncio.to_thread(self.product.stop)

    @property
    def url(self) -> str:
        return self.product.url

    async def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of the health page; status 0 where nothing answers."""
        async with httpx.AsyncClient(timeout=90) as client:
            try:
                answer = await client.get(f"{self.url}/health")
            except httpx.TransportError:
                return 0, {}
        return answer.status_code, answer.json()

    async def figures(self) -> dict[str, float]:
        """The figures for Prometheus that have no labels; empty while nothing answers."""
        async with httpx.AsyncClient(timeout=90) as client:
            try:
                answer = await client.get(f"{self.url}/metrics")
            except httpx.TransportError:
                return {}
        lines = (line.split() for line in answer.text.splitlines() if line and line[0] != "#" and "{" not in line)
        return {name: float(value) for name, value in lines}

    async def recorded_everything(self, within_s: float = 30.0) -> None:
        """Wait until nothing is left in the buffer that somebody still needs."""

        async def is_empty() -> bool:
            return (await self.figures()).get("buffer_depth_samples") == 0

        await eventually(is_empty, within_s=within_s, what="an empty buffer")

    async def stored(self, first: int, last: int) -> list[tuple[int, int, float]]:
        """Every good row of the history of signals ``first`` to ``last``: signal, source time, value.

        What the product stamps itself when a link is lost or a device falls silent is not good and is left out.
        """
        statement = text(
            "SELECT signal_id, source_at, value FROM samples "
            "WHERE signal_id BETWEEN :first AND :last AND quality = :good"
        )
        database = Database(self.database_url)
        try:
            async with database.connected("look into the history") as connection:
                rows = await connection.execute(statement, {"first": first, "last": last, "good": int(Quality.GOOD)})
                return [(row[0], row[1], row[2]) for row in rows]
        finally:
            await database.close()

    async def execute(self, statement: str) -> None:
        """Change the database behind the product's back."""
        await interfere(self.database_url, statement)

    async def client(self, username: str = PERSON) -> TrpcClient:
        """Sign in as a program does and return a client with the token."""
        async with httpx.AsyncClient(timeout=90) as client:
            answer = await client.post(
                f"{self.url}/api/auth/token", json={"username": username, "password": self.people[username]}
            )
            answer.raise_for_status()
        return TrpcClient(
            f"{self.url}/trpc", headers={"authorization": f"Bearer {answer.json()['access_token']}"}, timeout_s=30
        )


async def prepared(
    folder: Path,
    database_url: str = "",
    rules: tuple[AlarmRule, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Installation:
    """An installation that does not run yet, with a small plant, a device key and an operator in its database."""
    url = database_url or f"sqlite+aiosqlite:///{folder / 'pdm.sqlite'}"
    clock = WallClock()
    async with stored_plant(url) as work:
        made = await DeviceService(work, clock).create_key(SYSTEM, PUMP.id)
        await PeopleService(work, clock, quick_hasher()).add(SYSTEM, PERSON, PASSWORD, Role.OPERATOR, "", [PUNE.id])
        async with work(EVERY_SITE) as transaction:
            for rule in rules:
                await transaction.alarms.put_rule(rule)
            await transaction.commit()
    variables = {"PDM_DATABASE_URL": url, **(environment or {})}
    return Installation(RunningProduct(folder, "serve", variables), url, made.secret, {PERSON: PASSWORD})


async def post(installation: Installation, name: str, value: float, source_at: int | None = None) -> None:
    """Send one sample as the pump's controller does; it is acknowledged when this returns."""
    sample = {"signal": name, "value": value, "source_at": WallClock().now() if source_at is None else source_at}
    async with httpx.AsyncClient(timeout=90) as client:
        answer = await client.post(
            f"{installation.url}/api/ingest",
            json={"samples": [sample]},
            headers={"authorization": f"Bearer {installation.device_key}"},
        )
    assert answer.status_code == 200, answer.text


async def interfere(database_url: str, statement: str) -> None:
    """Change a database behind the back of the product that uses it."""
    database = Database(database_url)
    try:
        async with database.writing("interfere") as connection:
            await connection.execute(text(statement))
    finally:
        await database.close()
