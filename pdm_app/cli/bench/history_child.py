"""One store of `bench history` in a process of its own, as ``python -m pdm_app.cli.bench.history_child``.

Order ``{"what": "load"}`` fills it and says what that took; ``{"what": "ask", "question": 3, "turns": 20}`` asks one
question again and again, over other spans, and answers with the milliseconds of each turn and how many points came.
A question is asked once before, so that no answer pays for a file or a page that nobody has opened yet.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pdm_app.cli.bench.history_plan import HistoryPlan, Question, Span
from pdm_app.simulation.children.child import ChildLink, Message, run_child


class Store(Protocol):
    """What keeps samples and answers questions."""

    async def load(self) -> Mapping[str, object]:
        """Store everything; returns ``samples``, ``bytes`` and ``version``, and what else there is to say."""
        ...

    async def ask(self, question: Question, span: Span) -> int:
        """Answer, and return of how many points the answer is."""
        ...

    async def close(self) -> None: ...


async def opened(kind: str, url: str, folder: Path, plan: HistoryPlan) -> Store:
    """Return the store of a kind: ``product``, ``duckdb``, ``postgresql`` or ``influxdb``."""
    if kind == "product":
        from pdm_app.cli.bench.history_product import ProductStore

        return ProductStore(url, folder, plan)
    if kind == "duckdb":
        from pdm_app.cli.bench.peer_duckdb import DuckdbStore

        return DuckdbStore(folder, plan)
    if kind == "postgresql":
        from pdm_app.cli.bench.peer_postgresql import PostgresqlStore

        return await PostgresqlStore.connected(url, plan)
    from pdm_app.cli.bench.peer_influxdb import InfluxdbStore

    return InfluxdbStore(url, folder, plan)


async def asked(store: Store, question: Question, turns: int) -> Message:
    """Ask a question once for warmth, and then as often as wanted."""
    first, *spans = question.spans(turns + 1)
    points = await store.ask(question, first)
    took_ms: list[float] = []
    for span in spans:
        began_s = time.perf_counter()
        points = await store.ask(question, span)
        took_ms.append(round(1000 * (time.perf_counter() - began_s), 3))
    return {"took_ms": took_ms, "points": points}


async def serve(link: ChildLink, configuration: Message) -> None:
    """Do what is ordered, one after the other."""
    plan = HistoryPlan(configuration["points"])
    store = await opened(configuration["kind"], configuration["url"], Path(configuration["folder"]), plan)
    try:
        link.tell(ready=True)
        while True:
            order = await link.order()
            if order["what"] == "load":
                began_s = time.perf_counter()
                loaded = await store.load()
                link.tell(**{"took_s": time.perf_counter() - began_s, **loaded})
            else:
                link.tell(**await asked(store, plan.questions()[order["question"]], order["turns"]))
    finally:
        await store.close()


if __name__ == "__main__":
    run_child(serve)
