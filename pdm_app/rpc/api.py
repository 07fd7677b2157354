"""Procedures about the procedures themselves, for pages and programs that find out what can be called."""

import asyncio
from functools import cache
from typing import Any

from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import Encoded, RouterDocument

api = procedures()


@api.query("procedures", rest="GET /procedures")
async def every(_ctx: Ctx) -> Encoded[RouterDocument]:
    """Describe every procedure as JSON schemas: what it takes, what it answers with, what it needs."""
    return await asyncio.to_thread(_procedures)


@api.query(rest="GET /openapi.json")
async def openapi(ctx: Ctx) -> Encoded[dict[str, Any]]:
    """Describe every call in OpenAPI 3.1."""
    return await asyncio.to_thread(_openapi, ctx.services.system.version())


@api.query(rest="GET /app-router")
async def types(_ctx: Ctx) -> str:
    """Return the TypeScript types of all procedures, for createTRPCClient<AppRouter>."""
    return await asyncio.to_thread(_types)


# The descriptions are of the root router, of which this is a part: they are there once it is complete. Each takes the
# better part of a second to make, once, and beside the event loop: nobody's values may stand still for it.


@cache
def _procedures() -> Encoded[RouterDocument]:
    from pdm_app.rpc.description import document

    return Encoded.of(document())


@cache
def _openapi(version: str) -> Encoded[dict[str, Any]]:
    from pdm_app.rpc.description import openapi_document

    return Encoded.of(openapi_document(version))


@cache
def _types() -> str:
    from pdm_app.rpc.description import typescript_types

    return typescript_types()
