"""A tool that knows only the description finds nothing that is not as described."""

import asyncio
from collections.abc import Iterator
from threading import Thread
from time import monotonic, sleep

import pytest
import uvicorn
from starlette.applications import Starlette

from pdm_app.trpc import ConnectionInfo, Limits, TrpcApp, openapi
from tests.counterparts.described_calls import Counts, call_everything
from tests.trpc.reference import Plant, reference_app
from tests.trpc.reference import root as reference_root
from tests.trpc.test_rest import router as rest_router

ADA = {"authorization": "Bearer tok_ada"}
MADE_TO_FAIL = ("GET /trpc/crash", "GET /trpc/wrongOutput", "POST /trpc/waitForGate", "GET /trpc/slow")

EXAMPLES = [8, pytest.param(40, marks=pytest.mark.long)]
WITHIN_S = 600.0


async def context(connection: ConnectionInfo) -> None:
    return None


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Both routers on loopback, served by a thread: the tool waits for its answers."""
    reference = reference_app(Plant(), Limits(call_timeout_s=30.0, body_bytes_max=100_000))
    rest = TrpcApp(rest_router, create_context=context, on_fault=lambda fault: None)
    app = Starlette(routes=[*reference.routes("/trpc"), *rest.rest_routes("/api/v1")])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    ends_at_s = monotonic() + 120
    while not server.started:
        assert monotonic() < ends_at_s
        sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(60)
    assert not thread.is_alive()


def ok(counts: Counts) -> set[str]:
    """Return what was answered with a result at least once."""
    return {label for label, status in counts if 200 <= status < 300}


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_procedure_answers_as_described(address: str, examples: int) -> None:
    document = openapi(reference_root, title="Reference", version="1")
    counts = call_everything(document, address, lambda: ADA, examples=examples, within_s=WITHIN_S, without=MADE_TO_FAIL)
    assert {"GET /trpc/greet", "POST /trpc/post.create", "POST /trpc/uploadForm", "GET /trpc/me"} <= ok(counts)
    assert sum(counts.values()) > 100


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_rest_address_answers_as_described(address: str, examples: int) -> None:
    document = openapi(rest_router, title="Reference", version="1", rest_prefix="/api/v1")
    document["paths"] = {path: told for path, told in document["paths"].items() if path.startswith("/api")}
    counts = call_everything(
        document,
        address,
        dict,
        examples=examples,
        within_s=WITHIN_S,
        without=("POST /api/v1/locked", "DELETE /api/v1/assets/{asset_id}"),
    )
    assert {"GET /api/v1/assets", "PATCH /api/v1/assets/{asset_id}", "PUT /api/v1/files"} <= ok(counts)
    assert sum(counts.values()) > 100
