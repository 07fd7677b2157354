"""Which procedure answers at which address is said once, and what cannot be is refused when it is said."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.trpc import ConnectionInfo, Router, SignatureError, TrpcApp
from pdm_app.trpc.rest_routes import RestError


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("GET assets", "not of the form"),
        ("GET /assets/{id}x", "neither a plain word"),
        ("GET /assets/{id}/{id}", "twice"),
        ("POST /assets", "a query has GET"),
        ("GET /assets/{nobody}", "nobody is no field"),
        ("GET /assets 404", "not of the form"),
    ],
)
def test_a_declaration_that_makes_no_sense_says_so(declared: str, said: str) -> None:
    with pytest.raises(SignatureError, match=said):

        @Router[None]().query(rest=declared)
        async def by_id(ctx: None, *, id: str) -> str:
            return id


def test_a_stream_of_events_is_not_rest() -> None:
    with pytest.raises(SignatureError, match="no REST address"):

        @Router[None]().query(rest="GET /numbers")
        async def numbers(ctx: None) -> AsyncIterator[int]:
            yield 1


@pytest.mark.parametrize(
    ("first", "second"), [("GET /a", "GET /a"), ("GET /a/{x}", "GET /a/{y}"), ("GET /a/{x}/b", "DELETE /a/{y}/b")]
)
def test_one_address_belongs_to_one_procedure(first: str, second: str) -> None:
    several = Router[None]()

    @several.query(rest=first)
    async def one(ctx: None, *, x: str = "") -> str:
        return x

    async def two(ctx: None, *, x: str = "", y: str = "") -> str:
        return y

    declare = several.query if second.startswith("GET") else several.mutation
    declare("two", rest=second)(two)

    async def create_context(connection: ConnectionInfo) -> None:
        return None

    with pytest.raises(RestError):
        TrpcApp(several, create_context=create_context).rest_routes("/api")
