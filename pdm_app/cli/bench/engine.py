"""The RPC engine alone, as ``python -m pdm_app.cli.bench.engine``: one query that needs nobody and nothing.

It runs on the server and with the settings that the product runs on; what is between this figure and the product's own
is the price of sessions, permissions, headers, metrics and the log.
"""

import socket
import time

import uvicorn

from pdm_app.cli.bench.calls import fast_loop
from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.trpc import ConnectionInfo, Router, TrpcApp

router: Router[None] = Router()


@router.query()
async def now(_ctx: None) -> int:
    """Return the time in microseconds UTC."""
    return time.time_ns() // 1000


async def _nobody(_connection: ConnectionInfo) -> None:
    return None


async def serve(link: ChildLink, configuration: Message) -> None:
    """Serve until cancelled."""
    app = TrpcApp(router, create_context=_nobody)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
    with socket.create_server((configuration["host"], 0)) as listener:
        link.tell(port=listener.getsockname()[1])
        await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    run_child(serve, fast_loop)
