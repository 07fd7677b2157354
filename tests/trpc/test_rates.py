"""Nobody calls more often than allowed, and who waits as told gets through."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from websockets.asyncio.client import connect

from pdm_app.trpc import ConnectionInfo, Router, SignatureError, TrpcApp
from pdm_app.trpc.rates import CALLERS_MAX, SLOTS, Rate, RateError, Rates
from tests.trpc.conftest import serving

PER_S = 60.0


class Time:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_rate_is_written_as_calls_and_a_span() -> None:
    assert Rate.parse("60/minute") == Rate(60, 60.0)
    assert Rate.parse("5/second").words == "5 times a second"
    assert Rate.parse("1000/hour").words == "1000 times an hour"


@pytest.mark.parametrize("written", ["", "60", "0/minute", "60/fortnight", "-1/hour", "60 / minute", "1.5/second"])
def test_what_says_no_rate_says_how_to_write_one(written: str) -> None:
    with pytest.raises(RateError, match="60/minute"):
        Rate.parse(written)


@given(
    calls=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200),
)
def test_no_span_ever_has_more_calls_than_allowed(calls: int, pauses: list[float]) -> None:
    time = Time()
    rates, rate, admitted = Rates(time), Rate(calls, PER_S), list[float]()
    for pause in pauses:
        time.now_s += pause
        if not rates.take(rate, "x", "ada"):
            admitted.append(time.now_s)
    for first, last in zip(admitted, admitted[calls:], strict=False):
        assert last - first >= PER_S


@given(calls=st.integers(1, 20), pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=20, max_size=60))
def test_who_waits_as_told_gets_through_and_within_a_sixtieth_of_the_span(calls: int, pauses: list[float]) -> None:
    time = Time()
    rates, rate, admitted = Rates(time), Rate(calls, PER_S), list[float]()
    for pause in pauses:
        time.now_s += pause
        wait_s = rates.take(rate, "x", "ada")
        if wait_s:
            assert time.now_s + wait_s <= admitted[-calls] + PER_S + PER_S / SLOTS + 1
            time.now_s += wait_s
            assert rates.take(rate, "x", "ada") == 0
        admitted.append(time.now_s)


def test_callers_and_procedures_are_counted_apart() -> None:
    rates, rate = Rates(Time()), Rate(1, PER_S)
    assert rates.take(rate, "x", "ada") == 0
    assert rates.take(rate, "x", "ada") > 0
    assert rates.take(rate, "x", "bob") == 0
    assert rates.take(rate, "y", "ada") == 0


def test_a_caller_costs_little_however_much_is_allowed_and_the_quietest_are_forgotten() -> None:
    time = Time()
    rates, rate = Rates(time), Rate(1_000_000, PER_S)
    for _ in range(10_000):
        time.now_s += 0.01
        rates.take(rate, "x", "ada")
    (counts,) = rates._counts.values()
    assert len(counts.slots) <= SLOTS + 1
    for number in range(CALLERS_MAX + 5):
        rates.take(rate, "x", f"caller {number}")
    assert len(rates._counts) == CALLERS_MAX
    assert ("x", "ada") not in rates._counts


router = Router[str]()


@router.query(rate="2/hour", rest="GET /numbers/{n}")
async def number(ctx: str, *, n: int) -> int:
    return n


@router.query()
async def free(ctx: str) -> str:
    return ctx


@router.subscription(rate="1/hour")
async def feed(ctx: str) -> AsyncIterator[int]:
    yield 1


async def context(connection: ConnectionInfo) -> str:
    return connection.header("x-caller") or ""


def app(rate: str = "") -> TrpcApp[str]:
    return TrpcApp(router, create_context=context, rate=rate, rate_key=lambda ctx, _: ctx)


def client_of(rpc: TrpcApp[str]) -> httpx.AsyncClient:
    routes = [*rpc.routes("/trpc"), *rpc.rest_routes("/api")]
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Starlette(routes=routes)),
        base_url="http://plant.example",
        headers={"x-caller": "ada"},
    )


async def test_one_call_too_many_is_told_when_to_come_back() -> None:
    async with client_of(app()) as client:
        answers = [await client.get("/trpc/number?input=%7B%22n%22:1%7D") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        error = answers[2].json()["error"]
        assert error["data"]["code"] == "TOO_MANY_REQUESTS"
        assert 3500 < error["data"]["retryAfterS"] <= 3660
        assert answers[2].headers["retry-after"] == str(error["data"]["retryAfterS"])
        assert error["message"] == (
            f"'number' may be called 2 times an hour. Call again in {error['data']['retryAfterS']} s."
        )
        assert (await client.get("/trpc/free")).status_code == 200
        other = await client.get("/trpc/number?input=%7B%22n%22:1%7D", headers={"x-caller": "bob"})
        assert other.status_code == 200


async def test_every_call_of_a_batch_counts_and_rest_counts_with_it() -> None:
    async with client_of(app()) as client:
        batch = await client.get(
            "/trpc/number,number,number?batch=1&input=%7B%220%22:%7B%22n%22:1%7D,%221%22:%7B%22n%22:1%7D%7D"
        )
        assert batch.status_code == 207
        assert sorted("error" in answer for answer in batch.json()) == [False, False, True]
        refused = await client.get("/api/numbers/4")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == refused.json()["retryAfterS"]


async def test_all_calls_of_a_caller_count_against_the_rate_of_the_application() -> None:
    async with client_of(app("3/hour")) as client:
        codes = [(await client.get("/trpc/free")).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert (await client.get("/trpc/free", headers={"x-caller": "bob"})).status_code == 200


async def test_a_refused_call_never_runs_its_procedure_over_a_websocket_either() -> None:
    async with serving(rate="2/hour") as served, connect(served.ws_url) as socket:
        answers = []
        for number in range(4):
            method, path = ("mutation", "post.create") if number < 3 else ("subscription", "forever")
            params = {"path": path, "input": {"title": "abc"}} if number < 3 else {"path": path}
            await socket.send(json.dumps({"id": number, "method": method, "params": params}))
            answers.append(json.loads(await socket.recv()))
        assert ["error" in answer for answer in answers] == [False, False, True, True]
        for answer in answers[2:]:
            assert answer["error"]["data"]["code"] == "TOO_MANY_REQUESTS"
            assert answer["error"]["data"]["retryAfterS"] > 0
        assert served.plant.posts == 2


def test_a_rate_that_is_none_is_a_fault_of_the_declaration() -> None:
    with pytest.raises(SignatureError, match="'often' is no rate"):

        @Router[None]().query(rate="often")
        async def number(ctx: None) -> int:
            return 1
