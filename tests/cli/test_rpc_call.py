"""`rpc call` against the whole product, served on loopback."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import Role
from tests.counterparts.whole_product import WholeProduct, whole_product

Call = Callable[..., Awaitable[tuple[int, str, str]]]
COMMAND = "import sys; from pdm_app.cli.main import main; sys.exit(main(['rpc', 'call', *sys.argv[1:]]))"
CALL_TIMEOUT_S = 60.0


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}", tmp_path) as product:
        yield product


@pytest.fixture
async def call(product: WholeProduct) -> Call:
    """A call by an operator, in a process of its own; it gives the exit code and what was printed and said."""
    token = (await product.sign_in(Role.OPERATOR)).access_token
    environment = {**os.environ, "PDM_TOKEN": token, "PDM_URL": product.url}

    async def call(*words: str, typed: str = "") -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", COMMAND, *words, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(CALL_TIMEOUT_S):
            out, err = await process.communicate(typed.encode())
        return process.returncode or 0, out.decode(), err.decode()

    return call


async def test_queries_and_mutations_print_their_answer(call: Call, product: WholeProduct) -> None:
    code, out, err = await call("alarms.active")
    assert (code, err) == (0, "")
    assert [alarm["id"] for alarm in json.loads(out)] == [product.ours.alarm_id]
    asked = json.dumps({"alarm_id": product.ours.alarm_id, "comment": "Gesehen – ölt"})
    code, out, err = await call("alarms.acknowledge", "--input", asked)
    assert (code, err) == (0, "")
    assert json.loads(out)["acknowledged_by"] == "operator.one"
    assert "Gesehen – ölt" in (await call("alarms.journal"))[1]


async def test_an_input_comes_from_a_file_or_from_standard_input(
    call: Call, product: WholeProduct, tmp_path: Path
) -> None:
    text = json.dumps({"asset_id": product.ours.asset_id})
    (tmp_path / "input.json").write_text(text, encoding="utf-8")
    from_file = await call("alarms.rules", "--input", f"@{tmp_path / 'input.json'}")
    assert from_file == await call("alarms.rules", "--input", "-", typed=text)
    assert {rule["asset_id"] for rule in json.loads(from_file[1])} == {product.ours.asset_id}


async def test_a_subscription_prints_a_line_for_each_event(call: Call) -> None:
    code, out, err = await call("alarms.watch", "--events", "2")
    assert (code, err) == (0, "")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["snapshot", "change"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alarm.active"], "There is no procedure 'alarm.active'. Did you mean alarms.active"),
        (["zzzz"], "There is no procedure 'zzzz'. `rpc list` shows all."),
        (["alarms.active", "--input", "P-101"], "The input from --input is no JSON: Expecting value"),
        (["alarms.active", "--input", "@/no/such"], "was not read from /no/such: No such file or directory."),
        (["alarms.active", "--url", "localhost"], "'localhost' is no address; give one such as http://127.0.0.1:8000."),
        (["alarms.active", "--url", "http://127.0.0.1:9"], "http://127.0.0.1:9/trpc/alarms.active did not answer"),
        (["alarms.watch", "--url", "http://127.0.0.1:9"], "ws://127.0.0.1:9/trpc took no WebSocket"),
    ],
)
def test_what_cannot_be_sent_is_said_with_what_to_do(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["rpc", "call", *words]) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


async def test_what_the_server_refuses_is_said_with_what_to_do(call: Call) -> None:
    refusals = {
        ("alarms.acknowledge", "--input", "{}"): "alarms.acknowledge answered BAD_REQUEST: Invalid input: alarm_id: ",
        ("alarms.active", "--token", "nonsense"): "Give a token with --token or PDM_TOKEN.",
        ("alarms.comment", "--input", '{"alarm_id": "x", "comment": "y"}'): "alarms.comment answered NOT_FOUND: ",
        ("alarms.watch", "--token", "nonsense"): "alarms.watch answered UNAUTHORIZED: ",
    }
    for words, said in refusals.items():
        code, out, err = await call(*words)
        assert (code, out) == (1, "")
        assert said in err
        assert "Traceback" not in err
