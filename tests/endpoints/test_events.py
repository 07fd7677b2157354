"""``/events`` through a real server: what it sends, to whom, for how long, and what a slow reader gets."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.endpoints import event_stream
from pdm_app.endpoints import events as events_endpoint
from pdm_app.endpoints.event_stream import frame_parts
from pdm_app.stream.frames import frame_of
from tests.counterparts.alarms import RULES
from tests.counterparts.clocks import NOON, until
from tests.endpoints.conftest import PASSWORD, Served

RPM, BEARING, HEADER = 41, 42, 21
TEN = range(41, 51)
GUIDE = Path(__file__).resolve().parents[2] / ".docs" / "events.md"
WAIT_S = 90.0


@dataclass
class Open:
    """One stream as its reader sees it."""

    response: httpx.Response
    lines: AsyncIterator[str]

    async def next(self) -> dict[str, Any]:
        """The next event: its fields, data decoded; comments are events without a name."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(WAIT_S):
            async for line in self.lines:
                if not line:
                    return event
                name, _, value = line.partition(":")
                event[name] = json.loads(value) if name == "data" else value.strip()
        raise EOFError

    async def named(self, name: str) -> dict[str, Any]:
        """The next event of that name; others on the way are passed over."""
        async with asyncio.timeout(WAIT_S):
            while (event := await self.next()).get("event") != name:
                pass
        return event


@dataclass
class Server:
    served: Served
    url: str
    token: str
    stop: Callable[[], None]

    @asynccontextmanager
    async def open(self, query: str, token: str | None = None, **headers: str) -> AsyncIterator[Open]:
        token = self.token if token is None else token
        sent = {"authorization": f"Bearer {token}"} if token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=WAIT_S) as client,
            client.stream("GET", f"/events?{query}", headers=sent) as response,
        ):
            yield Open(response, response.aiter_lines())

    async def refused(self, query: str, token: str | None = None, **headers: str) -> dict[str, Any]:
        async with self.open(query, token, **headers) as stream:
            body = json.loads(await stream.response.aread())
            return {"status": stream.response.status_code, **body["error"]}

    @property
    def watchers(self) -> int:
        return self.served.room.frames.watchers


@pytest.fixture
async def server(served: Served) -> AsyncIterator[Server]:
    served.room.book.load(RULES, [], [], (), Micros(NOON))
    listener = socket.create_server(("127.0.0.1", 0))
    uvicorn_server = uvicorn.Server(
        uvicorn.Config(served.app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
    )
    serving = asyncio.ensure_future(uvicorn_server.serve([listener]))

    def stop() -> None:
        uvicorn_server.should_exit = True

    await until(lambda: uvicorn_server.started)
    signed_in = await served.auth.sign_in("olga", PASSWORD, "127.0.0.1")
    yield Server(served, f"http://127.0.0.1:{listener.getsockname()[1]}", signed_in.access_token, stop)
    stop()
    await serving


def raise_alarm(server: Server, signal: int, value: float) -> None:
    server.served.room.book.judge(batch(signal, value), Micros(NOON))


def batch(signal: int, value: float) -> Batch:
    return Batch.of("plc", [Sample(SignalId(signal), value, Quality.GOOD, Micros(NOON))], Micros(NOON)).numbered(1)


async def test_values_come_with_their_meaning_first_and_then_as_they_change(server: Server) -> None:
    server.served.room.measure(RPM, 1480.0, NOON)
    async with server.open("signals=P-501/Motor_RPM,42") as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert await stream.next() == {"retry": "2000"}
        signals = await stream.next()
        assert signals["event"] == "signals"
        assert [(one["signal"], one["asset"], one["name"], one["unit"]) for one in signals["data"]] == [
            (RPM, "P-501", "Motor_RPM", "1"),
            (BEARING, "P-501", "Bearing_Temperature_C", "1"),
        ]
        first = await stream.next()
        assert (first["event"], first["id"]) == ("values", str(NOON))
        assert first["data"]["rows"] == [[RPM, 1480.0, 0, NOON, NOON], [BEARING, None, 205, 0, 0]]
        server.served.room.measure(BEARING, 66.0, NOON + MICROS_PER_S)
        changed = await stream.named("values")
        assert changed["data"]["rows"] == [[BEARING, 66.0, 0, NOON + MICROS_PER_S, NOON + MICROS_PER_S]]
    await until(lambda: server.watchers == 0, within_s=WAIT_S)


async def test_alarms_begin_with_what_stands_and_go_on_with_what_changes(server: Server) -> None:
    raise_alarm(server, HEADER, 9.0)  # In a site that olga does not see.
    async with server.open("alarms=1") as stream:
        snapshot = await stream.named("alarms")
        assert (snapshot["data"]["kind"], snapshot["data"]["alarms"]) == ("snapshot", [])
        assert "id" not in snapshot, "alarms are never resumed, they begin anew"
        raise_alarm(server, RPM, 1.0)
        change = await stream.named("alarms")
        assert [alarm["rule_id"] for alarm in change["data"]["alarms"]] == ["suction-low"]
    async with server.open("alarms=1&site=pune") as stream:
        snapshot = await stream.named("alarms")
        assert [alarm["rule_id"] for alarm in snapshot["data"]["alarms"]] == ["suction-low"]


async def test_a_reader_that_comes_back_gets_what_has_changed_since(server: Server) -> None:
    server.served.room.measure(RPM, 1480.0, NOON - 60 * MICROS_PER_S)
    server.served.room.measure(BEARING, 66.0, NOON + 5 * MICROS_PER_S)
    async with server.open("signals=41,42", last_event_id=str(NOON)) as stream:
        assert [row[0] for row in (await stream.named("values"))["data"]["rows"]] == [BEARING]
    for nonsense in ("", "yesterday", "-1", "9" * 40):
        async with server.open("signals=41,42", last_event_id=nonsense) as stream:
            assert [row[0] for row in (await stream.named("values"))["data"]["rows"]] == [RPM, BEARING]


async def test_silence_is_filled_with_comments(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.5)
    async with server.open("signals=41&alarms=1") as stream:
        said = [await stream.next() for _ in range(4)]
        assert {event.get("event") for event in said} == {None, "signals", "values", "alarms"}
        assert await stream.next() == {"": "no change"}


@pytest.mark.parametrize(
    ("query", "status", "about"),
    [
        ("", 422, "signals"),
        ("signals=", 422, "signals"),
        ("signals=,", 422, "Ask for 1 to 500"),
        ("signals=21", 404, "There is no signal '21'"),
        ("signals=C-201/Header_Pressure_bar", 404, "There is no signal"),
        ("signals=P-501/Nothing", 404, "There is no signal"),
        ("signals=/Motor_RPM", 404, "There is no signal"),
        ("asset=C-201", 404, "There is no asset"),
        ("alarms=1&site=graz", 404, "There is no site"),
        ("alarms=yes", 422, "alarms"),
        ("signals=41&site=pune", 422, "site"),
        ("signals=41&every=1", 422, "every"),
    ],
)
async def test_what_cannot_be_streamed_is_refused_in_json_before_anything_flows(
    server: Server, query: str, status: int, about: str
) -> None:
    refusal = await server.refused(query)
    assert refusal["status"] == status
    assert about in refusal["message"]
    assert server.watchers == 0


async def test_strangers_devices_other_kinds_and_other_methods_are_refused(server: Server) -> None:
    assert (await server.refused("alarms=1", token=""))["status"] == 401
    assert (await server.refused("alarms=1", token=await server.served.key()))["status"] == 401
    assert (await server.refused("alarms=1", accept="application/json"))["code"] == "not_acceptable"
    assert (await server.refused("alarms=1", origin="https://elsewhere.example"))["status"] == 403
    headers = {"authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=WAIT_S) as client:
        assert (await client.post("/events?alarms=1")).status_code == 405
        head = await client.head("/events?alarms=1")
    assert (head.status_code, head.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")


async def test_a_session_may_open_so_many_and_a_closed_one_makes_room(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_endpoint, "STREAMS_EACH_MAX", 2)
    async with server.open("signals=41") as first, server.open("signals=41") as second:
        await first.named("values")
        await second.named("values")
        refusal = await server.refused("signals=41")
        assert (refusal["status"], refusal["code"]) == (429, "too_many_streams")
    await until(lambda: server.watchers == 0, within_s=WAIT_S)
    async with server.open("signals=41") as third:
        await third.named("values")


async def test_a_stream_ends_with_its_session(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "AUTHORIZE_EVERY_S", 0.05)
    async with server.open("signals=41") as stream:
        await stream.named("values")
        await server.served.auth.sign_out(await server.served.auth.actor_of_access(server.token))
        end = await stream.named("end")
        assert end["data"]["reason"] == "signed_out"
        with pytest.raises(EOFError):
            await stream.next()


async def test_a_stream_outlives_its_token_but_not_a_change_of_rights(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "AUTHORIZE_EVERY_S", 0.05)
    async with server.open("signals=41") as stream:
        await stream.named("values")
        server.served.clock.at += 3_600 * MICROS_PER_S  # The token is good for a quarter of that.
        assert (await server.refused("signals=41"))["status"] == 401
        server.served.room.measure(RPM, 1.5, NOON + MICROS_PER_S)
        await stream.named("values")
        await server.served.auth.people.change(SYSTEM, "olga", role=Role.VIEWER)
        assert (await stream.named("end"))["data"]["reason"] == "rights_changed"


async def test_a_stream_ends_when_the_product_stops(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "AUTHORIZE_EVERY_S", 0.05)
    async with server.open("signals=41&alarms=1") as stream:
        await stream.named("values")
        server.served.is_running = False
        assert (await stream.named("end"))["data"]["reason"] == "stopping"
    await until(lambda: server.watchers == 0, within_s=WAIT_S)


async def test_a_server_that_stops_while_a_stream_is_open_ends_it_in_words(server: Server) -> None:
    async with server.open("alarms=1") as stream:
        await stream.named("alarms")
        server.stop()
        assert (await stream.named("end"))["data"]["reason"] == "stopping"
        with pytest.raises(EOFError):
            await stream.next()


async def test_a_reader_that_reads_nothing_is_cut_off_and_others_are_not(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "STALLED_S", 2.0)
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.0)
    host, _, port = server.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    writer.write(
        f"GET /events?asset=P-501 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode()
    )
    await until(lambda: server.watchers == 1, within_s=WAIT_S)
    async with server.open("asset=P-501") as other:
        await other.named("values")
        assert server.watchers == 2
        turn = 0

        def flood() -> bool:
            nonlocal turn
            turn += 1
            words = [Sample(SignalId(signal), f"{turn}" * 20_000, Quality.GOOD, Micros(NOON + turn)) for signal in TEN]
            server.served.room.latest.merge(Batch.of("pump", words, Micros(NOON)))
            return server.watchers == 1

        async def read_on() -> None:
            async for _ in other.lines:
                pass

        reading = asyncio.ensure_future(read_on())
        await until(flood, within_s=WAIT_S)
        await until(lambda: b"event_streams_open 1.0" in server.served.metrics.page(), within_s=WAIT_S)
        assert b"event_streams_stalled_total 1.0" in server.served.metrics.page()
        assert not reading.done()
        reading.cancel()
    writer.close()


def test_the_time_of_a_frame_is_read_without_decoding_it() -> None:
    assert frame_parts(frame_of([], Micros(NOON))) == (NOON, False)
    assert frame_parts(frame_of([b"[41,1.0,0,0,0]"], Micros(NOON))) == (NOON, True)


async def test_every_line_of_the_guide_does_what_it_says(server: Server) -> None:
    lines = re.findall(r"```shell\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(lines) == 4
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    raise_alarm(server, RPM, 1.0)
    for signal in (RPM, 44):
        server.served.room.measure(signal, 2.5, NOON)
    outputs = []
    for line in lines[1:]:
        script = f"{lines[0]}\nexport PDM_TOKEN\n{line.strip()} --max-time 4"
        environment = {**os.environ, "PDM_URL": server.url, "PDM_USER": "olga", "PDM_PASSWORD": PASSWORD}
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, complaints = await asyncio.wait_for(process.communicate(), WAIT_S)
        assert process.returncode == 28, complaints  # It was reading when its time was over.
        outputs.append(output.decode())
    assert "event: signals" in outputs[0]
    assert f"[{RPM},2.5,0," in outputs[0]
    assert f"id: {NOON}" in outputs[0]
    assert "event: values" in outputs[1]
    assert '"kind":"snapshot"' in outputs[1]
    assert '"rule_id":"suction-low"' in outputs[1]
    assert "event: values" in outputs[2]
