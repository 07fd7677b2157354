"""Types for a server that speaks superjson: dates and sets are what they are in JavaScript."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel

from pdm_app.trpc import Router, app_router_types
from tests.counterparts.npm import install_locked
from tests.trpc.test_typescript import PROJECT, Project

router: Router[None] = Router()


class Shift(BaseModel):
    starts: datetime
    crew: set[str] = set()
    ends: datetime | None = None


@router.mutation()
async def plan(ctx: None, input: Shift) -> list[Shift]:
    return [input]


@router.query()
async def crew(ctx: None, *, at: datetime) -> set[int]:
    return set()


CONSUMER = """\
import { createTRPCClient, httpLink } from '@trpc/client';
import type { TRPCDataTransformer } from '@trpc/server';
import type { AppRouter } from './app-router.js';

declare const superjson: TRPCDataTransformer;
const client = createTRPCClient<AppRouter>({ links: [httpLink({ url: '/trpc', transformer: superjson })] });

export async function use() {
  const [shift] = await client.plan.mutate({ starts: new Date(), crew: new Set(['ada']) });
  const year: number = shift!.starts.getFullYear() + (shift!.ends?.getFullYear() ?? 0);
  const first: boolean = shift!.crew.has('ada') && (await client.crew.query({ at: new Date() })).has(1);
  return [year, first];
}
"""


def test_dates_and_sets_are_those_of_javascript() -> None:
    written = app_router_types(router, superjson=True)
    assert "transformer: true;" in written
    assert "crew: QueryProcedure<CrewInput, Set<number>>" in written
    assert "starts: Date;" in written
    assert "ends: Date | null;" in written or "ends?: Date | null;" in written
    assert "Date" not in app_router_types(router).replace("date-time", "")


def test_a_client_must_name_the_transformer_and_gets_dates(need: Callable[[str, object], None]) -> None:
    packages: Any = install_locked(PROJECT, "trpc-types")
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    with TemporaryDirectory(prefix="project-", dir=packages) as folder:
        project = Project(Path(folder), packages)
        project.add("tsconfig.json")
        project.write("app-router.d.ts", app_router_types(router, superjson=True))
        project.write("consumer.ts", CONSUMER)
        assert project.compile() == []
        project.write("consumer.ts", CONSUMER.replace(", transformer: superjson", ""))
        assert {code for _, _, code in project.compile()} != set()
        project.write("consumer.ts", CONSUMER.replace("starts: new Date()", "starts: 'yesterday'"))
        assert {code for _, _, code in project.compile()} == {"TS2322"}
