"""Forms with files: typed, streamed to disk, limited, and gone once the procedure has ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field
from starlette.applications import Starlette

from pdm_app.trpc import (
    ByteStream,
    ConnectionInfo,
    Fault,
    Limits,
    Router,
    TrpcApp,
    TrpcError,
    UploadedFile,
    app_router_types,
    openapi,
    router_document,
)
from pdm_app.trpc.uploads import read_form

router = Router[None]()
kept: list[UploadedFile] = []
faults: list[Fault] = []


@router.mutation(rest="POST /releases/{version}")
async def publish(
    ctx: None,
    *,
    version: Annotated[str, Field(max_length=10)],
    image: UploadedFile,
    slots: list[int] | None = None,
    is_signed: bool = False,
    notes: UploadedFile | None = None,
    extras: list[UploadedFile] | None = None,
) -> dict[str, Any]:
    """Publish a release."""
    kept.append(image)
    return {
        "version": version,
        "slots": slots,
        "is_signed": is_signed,
        "image": [image.name, image.content_type, image.size, len(await image.read())],
        "notes": notes and (await notes.read()).decode(),
        "extras": [extra.name for extra in extras or []],
    }


@router.mutation("broken")
async def broken(ctx: None, *, image: UploadedFile) -> None:
    kept.append(image)
    raise RuntimeError("disk on fire")


@router.mutation()
async def raw(ctx: None, body: ByteStream) -> int:
    return sum([len(chunk) async for chunk in body])


@router.mutation()
async def plain(ctx: None, *, name: str) -> str:
    return name


LIMITS = Limits(body_bytes_max=1000, upload_bytes_max=200_000, upload_memory_bytes=10_000, form_parts_max=8)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def create_context(connection: ConnectionInfo) -> None:
        return None

    rpc = TrpcApp(router, create_context=create_context, limits=LIMITS, on_fault=faults.append)
    app = Starlette(routes=[*rpc.routes("/trpc"), *rpc.rest_routes("/api")])
    kept.clear()
    faults.clear()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.example") as client:
        yield client


def data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["data"]


def error(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]["data"]
    assert found["httpStatus"] == answer.status_code
    return found


@pytest.mark.parametrize("size", [0, 1, 9_999, 10_001, 150_000])
async def test_a_file_arrives_whole_whether_it_fits_into_memory_or_not(client: httpx.AsyncClient, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    got = data(
        await client.post(
            "/trpc/publish", data={"version": "1.2"}, files={"image": ("fw.bin", content[:size], "application/x-fw")}
        )
    )
    assert got["image"] == ["fw.bin", "application/x-fw", size, size]


async def test_fields_are_read_by_their_types(client: httpx.AsyncClient) -> None:
    got = data(
        await client.post(
            "/trpc/publish",
            data={"version": "12", "slots": ["1", "2"], "is_signed": "true"},
            files=[
                ("image", ("a", b"x")),
                ("notes", ("n.txt", "größer".encode())),
                ("extras", ("e1", b"1")),
                ("extras", ("e2", b"2")),
            ],
        )
    )
    assert got == {
        "version": "12",
        "slots": [1, 2],
        "is_signed": True,
        "image": ["a", "application/octet-stream", 1, 1],
        "notes": "größer",
        "extras": ["e1", "e2"],
    }


async def test_files_are_gone_once_the_procedure_has_ended(client: httpx.AsyncClient) -> None:
    await client.post("/trpc/publish", data={"version": "1"}, files={"image": ("a", b"x" * 50_000)})
    failed = await client.post("/trpc/broken", files={"image": ("a", b"x" * 50_000)})
    assert error(failed)["code"] == "INTERNAL_SERVER_ERROR"
    assert "fire" not in failed.text
    assert len(kept) == 2
    for file in kept:
        with pytest.raises(ValueError, match="closed file"):
            await file.read()


@pytest.mark.parametrize(
    ("fields", "files", "at"),
    [
        ({"version": "1"}, [], "image"),
        ({}, [("image", ("a", b"x"))], "version"),
        ({"version": "x" * 11}, [("image", ("a", b"x"))], "version"),
        ({"version": "1", "slots": "one"}, [("image", ("a", b"x"))], "slots"),
        ({"version": ["1", "2"]}, [("image", ("a", b"x"))], "version"),
        ({"version": "1", "nobody": "1"}, [("image", ("a", b"x"))], "nobody"),
        ({"version": "1"}, [("image", ("a", b"x")), ("image", ("b", b"x"))], "image"),
        ({"version": "1"}, [("image", ("a", b"x")), ("nobody", ("b", b"x"))], "nobody"),
        ({"version": "1", "image": "text"}, [], "image"),
    ],
)
async def test_what_does_not_fit_is_an_issue_of_its_field(
    client: httpx.AsyncClient, fields: dict[str, Any], files: list[Any], at: str
) -> None:
    boundary = {"headers": {"content-type": "multipart/form-data; boundary=B"}, "content": _form(fields)}
    given: dict[str, Any] = {"data": fields, "files": files} if files else boundary
    refused = error(await client.post("/trpc/publish", **given))
    assert refused["code"] == "BAD_REQUEST"
    assert at in [issue["loc"][0] for issue in refused["issues"]]
    assert kept == []


def _form(fields: dict[str, str]) -> bytes:
    parts = [f'--B\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    return "".join([*parts, "--B--\r\n"]).encode()


async def test_a_form_that_is_too_much_is_refused_while_it_arrives(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--B\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(1000):
            yield b"x" * 10_000
        raise AssertionError("It was read to its end.")

    headers = {"content-type": "multipart/form-data; boundary=B"}
    assert error(await client.post("/trpc/publish", content=endless(), headers=headers))["httpStatus"] == 413
    long_text = await client.post("/trpc/publish", data={"version": "x" * 2000}, files={"image": ("a", b"")})
    assert error(long_text)["code"] == "PAYLOAD_TOO_LARGE"
    many = await client.post("/trpc/publish", files=[("extras", (str(n), b"x")) for n in range(9)])
    assert error(many)["code"] == "PAYLOAD_TOO_LARGE"
    assert kept == []


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "multipart/form-data; boundary=B"),
        (b"{}", "multipart/form-data; boundary=B"),
        (_form({"version": "1"})[:-8], "multipart/form-data; boundary=B"),
        (_form({"version": "1"}), "multipart/form-data"),
        (_form({"version": "1"}), "multipart/form-data; boundary=" + "x" * 500),
        (b"--B\r\nno-header\r\n\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B"),
        (b"--B\r\ncontent-disposition: form-data\r\n\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B"),
        (b"--B\r\n" + b"a: b\r\n" * 5000 + b"\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B"),
        (
            b'--B\r\ncontent-disposition: form-data; name="version"\r\n\r\n\xff\r\n--B--\r\n',
            "multipart/form-data; boundary=B",
        ),
    ],
)
async def test_what_is_no_form_is_told_so(client: httpx.AsyncClient, content: bytes, content_type: str) -> None:
    answer = await client.post("/trpc/publish", content=content, headers={"content-type": content_type})
    assert error(answer)["code"] == "BAD_REQUEST"
    assert faults == []


@pytest.mark.parametrize(
    ("sent", "name"),
    [("../../etc/passwd", "passwd"), ("C:\\x\\fw.bin", "fw.bin"), ("a\u202eb.txt", "ab.txt"), ("x" * 500, "x" * 255)],
)
async def test_a_files_name_has_no_folders_and_nothing_that_cannot_be_read(
    client: httpx.AsyncClient, sent: str, name: str
) -> None:
    got = data(await client.post("/trpc/publish", data={"version": "1"}, files={"image": (sent, b"x")}))
    assert got["image"][0] == name


async def test_each_procedure_takes_its_kind_of_body(client: httpx.AsyncClient) -> None:
    form = {"files": {"image": ("a", b"x")}}
    octets = {"content": b"abc", "headers": {"content-type": "application/octet-stream"}}
    for path, sent in (("raw", form), ("plain", form), ("publish", octets), ("publish", {"json": {"version": "1"}})):
        answer = await client.post(f"/trpc/{path}", **sent)
        assert error(answer)["code"] == "UNSUPPORTED_MEDIA_TYPE", path
    batch = await client.post("/trpc/publish?batch=1", data={"version": "1"}, **form)  # type: ignore[arg-type]
    assert data(batch)["version"] == "1"  # A form is never a batch.
    wrong = await client.put("/trpc/publish", data={"version": "1"}, **form)  # type: ignore[arg-type]
    assert wrong.status_code == 405


async def test_a_form_is_rest_too(client: httpx.AsyncClient) -> None:
    image = {"files": {"image": ("a", b"x")}}
    got = await client.post("/api/releases/1.2", data={"is_signed": "true"}, **image)  # type: ignore[arg-type]
    assert (got.status_code, got.json()["version"], got.json()["is_signed"]) == (200, "1.2", True)
    twice = await client.post("/api/releases/1.2", data={"version": "1.3"}, **image)  # type: ignore[arg-type]
    assert (twice.status_code, twice.json()["issues"][0]["loc"]) == (400, ["version"])
    in_query = await client.post("/api/releases/1.2?is_signed=true", **image)  # type: ignore[arg-type]
    assert (in_query.status_code, in_query.json()["issues"][0]["loc"]) == (400, ["is_signed"])
    assert (await client.post("/api/releases/1.2", json={})).status_code == 415
    assert (await client.post("/api/releases/1.2")).status_code == 415


async def test_callers_in_the_process_hand_over_files(client: httpx.AsyncClient) -> None:
    image = UploadedFile("fw.bin", "application/x-fw")
    await image.write(b"abc")
    got = await router.caller(None)("publish", {"version": "1", "image": image})
    assert got["image"] == ["fw.bin", "application/x-fw", 3, 3]
    with pytest.raises(TrpcError, match="image"):
        await router.caller(None)("publish", {"version": "1", "image": b"abc"})
    image.close()


def test_forms_are_described() -> None:
    assert "publish: MutationProcedure<FormData," in app_router_types(router)
    document = openapi(router, title="Releases", version="1", rest_prefix="/api")
    (form,) = document["paths"]["/trpc/publish"]["post"]["requestBody"]["content"].items()
    assert form[0] == "multipart/form-data"
    fields = document["components"]["schemas"][form[1]["schema"]["$ref"].rpartition("/")[2]]
    assert fields["properties"]["image"] == {"type": "string", "format": "binary"}
    assert fields["required"] == ["version", "image"]
    (rest,) = document["paths"]["/api/releases/{version}"]["post"]["requestBody"]["content"].items()
    assert rest[0] == "multipart/form-data"
    assert "version" not in rest[1]["schema"]["properties"]
    (told,) = [one for one in router_document(router)["procedures"] if one["path"] == "publish"]
    assert told["inputForm"] == "form"


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind() -> None:
    async def create_context(connection: ConnectionInfo) -> None:
        return None

    rpc = TrpcApp(router, create_context=create_context, limits=LIMITS, on_fault=faults.append)
    head = b'--B\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nxxx'
    messages = [
        {"type": "http.request", "body": head, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    faults.clear()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/publish",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"multipart/form-data; boundary=B")],
    }
    await rpc(scope, receive, send)
    assert json.loads(sent[1]["body"])["error"]["data"]["code"] == "CLIENT_CLOSED_REQUEST"
    assert faults == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [
                    b"--B\r\n",
                    b"--B--\r\n",
                    b"\r\n",
                    b'content-disposition: form-data; name="a"\r\n',
                    b'content-disposition: form-data; name="a"; filename="f"\r\n',
                    b"content-type: text/plain\r\n",
                    b"x" * 100,
                    b"\xff\x00",
                ]
            ),
            max_size=12,
        ).map(b"".join),
    ),
    cut=st.integers(1, 50),
)
def test_no_bytes_break_the_reader_however_they_are_cut(content: bytes, cut: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), cut):
            yield content[start : start + cut]

    async def read() -> tuple[dict[str, list[str]], list[bytes]]:
        form = await read_form(
            chunks(),
            b"multipart/form-data; boundary=B",
            parts_max=5,
            text_bytes_max=1000,
            memory_bytes=50,
        )
        files = [await file.read() for files in form.files.values() for file in files]
        form.close()
        return form.texts, files

    try:
        texts, files = asyncio.run(read())
    except TrpcError as refused:
        told: str = refused.code
    else:
        told = "BAD_REQUEST"
        assert all(text in content.decode("utf-8", "replace") for many in texts.values() for text in many)
        assert all(file in content for file in files)
    assert told in ("BAD_REQUEST", "PAYLOAD_TOO_LARGE")
