"""Large files come in several turns: what has arrived stays through broken lines and restarts, its sender's alone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pdm_app.domain.access import Actor, Permission, Role
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.domain.uploads import UnusableFileError, UploadKind
from pdm_app.endpoints.answers import Answering
from pdm_app.endpoints.unfinished_uploads import UnfinishedUploads
from pdm_app.services.unfinished_uploads import UNFINISHED_MAX, UnfinishedUploadService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import AuthSettings, UploadSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import HandClock, until

URL = "/api/uploads/unfinished"
IMAGE = bytes(range(256)) * 9_000
SHA256 = hashlib.sha256(IMAGE).hexdigest()
PEOPLE = {name: person(name, role) for name, role in (("ada", Role.ADMIN), ("adam", Role.ADMIN), ("vera", Role.VIEWER))}
ASKED = {"kind": "firmware", "name": "gateway.swu", "bytes": str(len(IMAGE)), "fingerprint": "2026-11-20"}


def image(path: Path) -> str:
    if not path.read_bytes().startswith(b"\0\1\2"):
        raise UnusableFileError("is no image")
    return "image"


class Desk:
    """The addresses over a folder, which a process that starts anew finds as the last one left it."""

    def __init__(self, work: SqlUnitOfWork, clock: HandClock, folder: Path) -> None:
        self.work, self.clock, self.folder = work, clock, folder
        self.signed_in = dict(PEOPLE)
        self.silence_s, self.grace_s = 20.0, 20.0
        self.limits = UploadSettings(bytes_max=20_000_000)
        self.starts()

    def starts(self) -> None:
        kind = UploadKind("firmware", Permission.FIRMWARE_UPLOAD, image, "an image")
        self.uploads = UploadService(self.work, self.clock, self.folder, [kind], self.limits)
        self.unfinished = UnfinishedUploadService(self.uploads, self.clock)

    async def _actor(self, token: str, address: str = "") -> Actor:
        if token not in self.signed_in:
            raise UnauthenticatedError("signed out")
        return self.signed_in[token].model_copy(update={"address": address})

    @asynccontextmanager
    async def client(self, name: str = "ada") -> AsyncIterator[httpx.AsyncClient]:
        served = UnfinishedUploads(AuthSettings(), self.silence_s, self.grace_s)
        services: Any = SimpleNamespace(
            unfinished_uploads=self.unfinished, auth=SimpleNamespace(actor_of_access=self._actor)
        )

        def at(serve: Callable[[Request, Any], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
            return lambda request: serve(request, services)

        one = Answering(GET=at(served.look), PATCH=at(served.take), DELETE=at(served.discard))
        app = Starlette(routes=[
            Route(URL, Answering(GET=at(served.all), POST=at(served.begin))), Route(URL + "/{upload_id}", one),
        ])  # fmt: skip
        headers = {"authorization": f"Bearer {name}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers
        ) as http:
            yield http

    def files(self) -> list[str]:
        return sorted(path.suffix for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def desk(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> Desk:
    return Desk(work, clock, tmp_path / "uploads")


def sends(offset: int, content: bytes | AsyncIterator[bytes]) -> dict[str, Any]:
    headers = {"content-type": "application/offset+octet-stream", "upload-offset": str(offset)}
    return {"headers": headers, "content": content}


async def begun(http: httpx.AsyncClient, **changes: str) -> str:
    answer = await http.post(URL, params=ASKED | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def broken(start: bytes) -> AsyncIterator[bytes]:
    """Give a part, and then nothing more: the line is cut."""
    yield start
    raise ClientDisconnect


async def test_a_file_goes_on_after_a_broken_line_and_a_restart_and_becomes_one_upload(desk: Desk) -> None:
    async with desk.client() as http:
        place = await begun(http, sha256=SHA256)
        first = await http.patch(place, **sends(0, IMAGE[:1_500_000]))
        assert (first.status_code, first.headers["upload-offset"]) == (204, "1500000")
        with pytest.raises(AssertionError):  # Of the transport: nobody is left to be answered.
            await http.patch(place, **sends(1_500_000, broken(IMAGE[1_500_000:1_700_000])))
        assert (await http.head(place)).headers["upload-offset"] == "1700000"
    desk.starts()
    async with desk.client() as http:
        [left] = (await http.get(URL)).json()
        assert (left["name"], left["offset"], left["bytes"]) == ("gateway.swu", 1_700_000, len(IMAGE))
        assert "owner_id" not in left
        assert await begun(http, sha256=SHA256) == place, "the same file is found again"
        last = await http.patch(place, **sends(1_700_000, IMAGE[1_700_000:]))
        assert last.status_code == 200, last.text
        upload = last.json()
        assert (upload["sha256"], upload["format"], upload["bytes"]) == (SHA256, "image", len(IMAGE))
        again = await http.patch(place, **sends(len(IMAGE), b""))
        assert again.json() == upload, "the answer of the last bytes may have been lost"
        assert (await http.get(URL)).json() == []
    _, path = await desk.uploads.file(PEOPLE["ada"], upload["id"])
    assert path.read_bytes() == IMAGE
    assert desk.files() == [".bin", ".note"]


async def test_bytes_for_another_place_are_refused_with_the_right_one(desk: Desk) -> None:
    async with desk.client() as http:
        place = await begun(http)
        await http.patch(place, **sends(0, IMAGE[:1_000]))
        for offset in (0, 999, 1_001):
            answer = await http.patch(place, **sends(offset, b"x" * 10))
            assert (answer.status_code, answer.headers["upload-offset"]) == (409, "1000")
        assert (await http.patch(place, **sends(1_000, IMAGE[1_000:]))).json()["sha256"] == SHA256


async def test_the_newest_connection_writes_and_an_older_one_that_hangs_spoils_nothing(desk: Desk) -> None:
    goes_on, is_read = asyncio.Event(), asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield IMAGE[:1_200_000]
        is_read.set()
        await goes_on.wait()
        yield b"late " * 100

    async with desk.client() as http:
        place = await begun(http)
        older = asyncio.create_task(http.patch(place, **sends(0, hangs())))
        await until(is_read.is_set, within_s=30)
        newer = await http.patch(place, **sends(1_200_000, IMAGE[1_200_000:1_300_000]))
        goes_on.set()
        assert (newer.status_code, (await older).status_code) == (204, 409)
        assert (await http.patch(place, **sends(1_300_000, IMAGE[1_300_000:]))).json()["sha256"] == SHA256


async def test_a_file_is_its_senders_alone(desk: Desk) -> None:
    async with desk.client() as http:
        place = await begun(http)
        await http.patch(place, **sends(0, IMAGE[:10]))
    async with desk.client("adam") as http:
        assert (await http.get(URL)).json() == []
        tried = [await http.get(place), await http.patch(place, **sends(10, b"x")), await http.delete(place)]
        assert [answer.status_code for answer in tried] == [404, 404, 404]
        assert await begun(http) != place
    async with desk.client("vera") as http:
        assert (await http.post(URL, params=ASKED)).status_code == 403
    async with desk.client("nobody") as http:
        for answer in (await http.post(URL, params=ASKED), await http.get(place), await http.get(URL)):
            assert answer.status_code == 401
    async with desk.client() as http:
        assert (await http.head(place)).headers["upload-offset"] == "10"


async def test_a_page_of_another_site_sends_nothing(desk: Desk) -> None:
    async with desk.client() as http:
        place = await begun(http)
        http.headers["origin"] = "https://evil.example"
        tried = [
            await http.post(URL, params=ASKED), await http.patch(place, **sends(0, b"x")), await http.delete(place),
        ]  # fmt: skip
        assert [answer.status_code for answer in tried] == [403, 403, 403]


async def test_what_is_no_firmware_or_not_what_was_meant_leaves_nothing(desk: Desk) -> None:
    async with desk.client() as http:
        for name, content, sha256 in (("page.html", b"<html>", ""), ("other.swu", IMAGE[:6], "ab" * 32)):
            place = await begun(http, name=name, bytes="6", sha256=sha256)
            answer = await http.patch(place, **sends(0, content))
            assert answer.status_code == 422, answer.text
            assert name in answer.json()["error"]["message"]
            assert (await http.head(place)).status_code == 404
    assert desk.files() == []


async def test_more_than_was_promised_or_may_be_is_refused_and_nothing_else_is_lost(desk: Desk) -> None:
    async with desk.client() as http:
        for changes, status in (
            ({"bytes": "20000001"}, 413), ({"bytes": "0"}, 422), ({"bytes": "-1"}, 422), ({"bytes": "9" * 40}, 422),
            ({"kind": "anything"}, 422), ({"sha256": "no"}, 422),
        ):  # fmt: skip
            assert (await http.post(URL, params=ASKED | changes)).status_code == status, changes
        place = await begun(http, bytes="100")
        answer = await http.patch(place, **sends(0, IMAGE[:101]))
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert (await http.head(place)).headers["upload-offset"] == "100"
        compressed = sends(0, b"x")
        compressed["headers"]["content-encoding"] = "gzip"
        assert (await http.patch(place, **compressed)).status_code == 415
        for number in range(UNFINISHED_MAX - 1):
            await begun(http, name=f"{number}.swu")
        assert (await http.post(URL, params=ASKED | {"name": "one too many"})).status_code == 409


async def test_the_room_of_a_whole_file_is_promised_when_it_begins(desk: Desk) -> None:
    desk.uploads.limits = UploadSettings(bytes_max=20_000_000, person_bytes_max=30_000_000)
    async with desk.client() as http:
        place = await begun(http, name="a", bytes="20000000")
        refused = await http.post(URL, params=ASKED | {"name": "b", "bytes": "20000000"})
        assert refused.status_code == 409
        assert "30,000,000" in refused.text
        assert (await http.delete(place)).status_code == 200
        await begun(http, name="b", bytes="20000000")


async def test_who_dribbles_is_given_up_and_what_came_is_kept(desk: Desk) -> None:
    desk.silence_s = 0.05
    stopped = asyncio.Event()

    async def dribble() -> AsyncIterator[bytes]:
        yield IMAGE[:700]
        await stopped.wait()

    async with desk.client() as http:
        place = await begun(http)
        answer = await http.patch(place, **sends(0, dribble()))
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")
        assert "kept" in answer.text
        assert (await http.head(place)).headers["upload-offset"] == "700"


async def test_who_signs_out_while_it_arrives_hands_nothing_in_and_may_go_on_later(desk: Desk) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield IMAGE[:-1]
        del desk.signed_in["ada"]
        yield IMAGE[-1:]

    async with desk.client() as http:
        place = await begun(http)
        assert (await http.patch(place, **sends(0, body()))).status_code == 401
        assert await desk.uploads.all(PEOPLE["ada"]) == ()
        desk.signed_in["ada"] = PEOPLE["ada"]
        assert (await http.patch(place, **sends(len(IMAGE), b""))).json()["sha256"] == SHA256


async def test_what_nobody_goes_on_with_is_removed_in_time(desk: Desk) -> None:
    async with desk.client() as http:
        await begun(http)
        sweeping = asyncio.create_task(desk.unfinished.run())
        try:
            await until(lambda: desk.files() == [".note"], within_s=30)
            await desk.clock.advance(25 * 3_600)
            await until(lambda: desk.files() == [], within_s=30)
        finally:
            sweeping.cancel()
        assert (await http.get(URL)).json() == []
