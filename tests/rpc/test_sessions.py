"""A session that ends while a screen is open: what streams stops, and nothing starts again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import pytest

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.services.sessions import SignedIn
from pdm_app.trpc import TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.whole_product import THEIRS, WholeProduct
from tests.rpc.calls import answer, code, procedures, sensible_input

ENDS_BY_ITSELF = {"alarm_rules.backtest", "history.progressive"}  # With the end of what was asked for.
STREAMS = sorted(
    path for path, procedure in procedures().items() if procedure.type == "subscription" and path not in ENDS_BY_ITSELF
)
ENDED_WITHIN_S = 90.0


def test_there_are_the_streams_that_screens_live_on() -> None:
    assert STREAMS == ["alarms.watch", "connections.watch", "live.values", "page_notices.watch"]


async def opened(stack: AsyncExitStack, client: TrpcClient, product: WholeProduct) -> dict[str, AsyncIterator[Any]]:
    """Every stream, each with its first event taken."""
    streams: dict[str, AsyncIterator[Any]] = {}
    for path in STREAMS:
        events = cast("AsyncGenerator[Any, None]", client.subscribe(path, sensible_input(path, product.ours)))
        streams[path] = await stack.enter_async_context(aclosing(events))
        await anext(streams[path])
    return streams


async def ended_with(stream: AsyncIterator[Any]) -> str:
    """Take what is still under way and return with which code the stream ends."""
    try:
        async with asyncio.timeout(ENDED_WITHIN_S):
            async for _ in stream:
                pass
    except TrpcError as error:
        return error.code
    return "ended without a word"


async def test_open_streams_end_when_their_session_is_revoked(product: WholeProduct) -> None:
    signed_in = await product.sign_in(Role.OPERATOR)
    actor = await product.services.auth.actor_of_session(signed_in.session_id)
    async with product.client(signed_in.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        await product.services.auth.sign_out(actor)
        for path, stream in streams.items():
            assert await ended_with(stream) == "UNAUTHORIZED", path
        for path in STREAMS:  # On the same socket, which still stands.
            assert await code(client, path, sensible_input(path, product.ours)) == "UNAUTHORIZED", path
        assert await code(client, "alarms.active") == "UNAUTHORIZED"


async def test_other_sessions_of_the_same_person_go_on(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    first, second = await product.sign_in(Role.OPERATOR), await product.sign_in(Role.OPERATOR)
    async with product.client(second.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        await product.services.auth.sign_out(await product.services.auth.actor_of_session(first.session_id))
        for _ in range(2):  # A sign of life comes each second; the session is checked many times between two.
            await anext(streams["alarms.watch"])


async def test_open_streams_end_when_their_owner_is_deactivated(product: WholeProduct) -> None:
    signed_in = await product.sign_in(Role.OPERATOR)
    async with product.client(signed_in.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        await product.services.auth.people.deactivate(SYSTEM, signed_in.user.username)
        for path, stream in streams.items():
            assert await ended_with(stream) == "UNAUTHORIZED", path


async def past_its_access_token(product: WholeProduct, signed_in: SignedIn) -> None:
    """Let the access token grow old while its session stays good."""
    product.clock.ahead_s += (signed_in.access_expires_at - signed_in.issued_at) / 1e6 + 1


async def test_an_old_access_token_ends_calls_but_not_the_screen_that_is_open(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    signed_in = await product.sign_in(Role.OPERATOR)
    async with product.client(signed_in.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        await past_its_access_token(product, signed_in)
        assert await code(client, "alarms.active") == "UNAUTHORIZED"
        for _ in range(2):
            await anext(streams["alarms.watch"])
        assert (await answer(client, "alarms.watch"))["kind"] == "snapshot"


async def test_a_session_past_its_days_ends_the_screen_too(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    signed_in = await product.sign_in(Role.OPERATOR)
    async with product.client(signed_in.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        product.clock.ahead_s += (signed_in.session_expires_at - signed_in.issued_at) / 1e6 + 1
        for path, stream in streams.items():
            assert await ended_with(stream) == "UNAUTHORIZED", path


async def test_a_page_of_another_site_cannot_ride_on_a_session(sqlite_product: WholeProduct) -> None:
    signed_in = await sqlite_product.sign_in(Role.ADMIN)
    headers = {"origin": "https://evil.example", "cookie": f"pdm_access={signed_in.access_token}"}
    async with TrpcClient(f"{sqlite_product.url}/trpc", headers=headers) as client:
        for path in ("alarms.active", "alarms.watch"):
            with pytest.raises(TrpcError) as refused:
                await answer(client, path)
            assert refused.value.code == "FORBIDDEN"


async def test_open_streams_end_when_a_site_is_taken_away(product: WholeProduct) -> None:
    signed_in = await product.sign_in(Role.OPERATOR)
    async with product.client(signed_in.access_token) as client, AsyncExitStack() as stack:
        streams = await opened(stack, client, product)
        await product.services.auth.people.change(SYSTEM, signed_in.user.username, site_ids=[THEIRS])
        for path in ("alarms.watch", "live.values"):
            assert await ended_with(streams[path]) == "UNAUTHORIZED", path
        again = await answer(client, "alarms.watch")
        assert [alarm["id"] for alarm in again["alarms"]] == [product.theirs.alarm_id]
