"""``/api/uploads/unfinished``: large files in several turns, so that a line that breaks costs only what was on it.

``POST ?kind=…&name=…&bytes=…`` promises room and says where to send to; asked again for the same file it says how far
that is. ``HEAD`` on the address says so too, in ``Upload-Offset``. ``PATCH`` takes the bytes from the ``Upload-Offset``
that the caller names on, as many as come: 204 says that more is to come, 200 has the upload that the file became.
Whatever breaks, what has arrived stays. ``DELETE`` gives a file up.

Source: the core of the tus resumable upload protocol 1.0, by the names of its headers.
"""

from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pdm_app.domain.errors import FieldIssue, InvalidInputError, PermissionDeniedError
from pdm_app.domain.uploads import Unfinished, Upload
from pdm_app.endpoints.answers import HttpError, error_response, json_response
from pdm_app.endpoints.bodies import media_type
from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.endpoints.uploads import GRACE_S, NAME_BYTES_MAX, SILENCE_S_MAX, arriving
from pdm_app.services.unfinished_uploads import OffsetError, Turn
from pdm_app.services.uploads import TooLargeError
from pdm_app.settings import AuthSettings

BODY = "application/offset+octet-stream"
DIGITS_MAX = 16
KEPT = "What has arrived is kept; ask how much that is, and go on from there."


class UnfinishedUploads:
    """Serves the addresses."""

    def __init__(self, settings: AuthSettings, silence_s: float = SILENCE_S_MAX, grace_s: float = GRACE_S) -> None:
        self._settings = settings
        self._silence_s = silence_s
        self._grace_s = grace_s

    async def all(self, request: Request, services: HttpServices) -> Response:
        """Return what of the caller's files has not arrived whole."""
        found = await services.unfinished_uploads.all(await actor_of(request, services))
        return json_response([_told(one) for one in found])

    async def begin(self, request: Request, services: HttpServices) -> Response:
        """Promise room to a file, or say how far it is."""
        check_origin(request, self._settings.allowed_origins)
        actor, asked = await actor_of(request, services), request.query_params
        try:
            found = await services.unfinished_uploads.begin(
                actor, asked.get("kind", ""), asked.get("name", "")[:NAME_BYTES_MAX], _count(asked.get("bytes", "")),
                fingerprint=asked.get("fingerprint", ""), sha256=asked.get("sha256", "")[:NAME_BYTES_MAX],
            )  # fmt: skip
        except TooLargeError as error:
            raise HttpError(413, "too_large", error.message) from None
        place = f"{request.url.path}/{found.id}"
        return json_response(_told(found), 201, {"Location": place, **_offsets(found.offset, found.bytes)})

    async def look(self, request: Request, services: HttpServices) -> Response:
        """Say how far a file is, or what upload it has become."""
        found = await services.unfinished_uploads.get(await actor_of(request, services), _id(request))
        is_whole = isinstance(found, Upload)
        offset = found.bytes if isinstance(found, Upload) else found.offset
        return json_response(_told(found), 200 if is_whole else 202, _offsets(offset, found.bytes))

    async def take(self, request: Request, services: HttpServices) -> Response:
        """Take the next bytes of a file."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        media_type(request, (BODY,))
        try:
            turn = await services.unfinished_uploads.turn(
                actor, _id(request), _count(request.headers.get("upload-offset", ""), "Upload-Offset", least=0)
            )
            await self._receive(request, turn)
        except OffsetError as error:
            if not await self._is_whole(request, services):
                return _elsewhere(error)
        except TooLargeError as error:
            raise HttpError(413, "too_large", error.message, Connection="close") from None
        again = await actor_of(request, services)  # Whoever signed out meanwhile hands nothing in.
        if again.id != actor.id:
            raise PermissionDeniedError("Somebody else is signed in now than when the file began to arrive.")
        upload = await services.unfinished_uploads.finish(again, _id(request))
        if upload is not None:
            return json_response(_told(upload), headers=_offsets(upload.bytes, upload.bytes))
        found = await services.unfinished_uploads.get(again, _id(request))
        offset = found.bytes if isinstance(found, Upload) else found.offset
        return Response(status_code=204, headers={"cache-control": "no-store", **_offsets(offset, found.bytes)})

    async def _is_whole(self, request: Request, services: HttpServices) -> bool:
        """Say whether the answer of the last bytes was lost, and the same is sent again."""
        found = await services.unfinished_uploads.get(await actor_of(request, services), _id(request))
        return isinstance(found, Upload) and request.headers.get("upload-offset") == str(found.bytes)

    async def _receive(self, request: Request, turn: Turn) -> None:
        """Write what comes; what has come before the line broke is kept.

        Raises:
            HttpError: 408 when it does not come, or comes too slowly.
            ClientDisconnect: The caller went away before its end.
        """
        try:
            async for piece in arriving(request, self._silence_s, self._grace_s, KEPT):
                await turn.write(piece)
        except (ClientDisconnect, HttpError):
            await turn.flush()
            raise
        await turn.flush()

    async def discard(self, request: Request, services: HttpServices) -> Response:
        """Give a file up."""
        check_origin(request, self._settings.allowed_origins)
        found = await services.unfinished_uploads.discard(await actor_of(request, services), _id(request))
        return json_response(_told(found))


def _told(found: Unfinished | Upload) -> dict[str, Any]:
    return found.model_dump(mode="json", exclude={"owner_id"})


def _offsets(offset: int, size: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Upload-Length": str(size)}


def _elsewhere(error: OffsetError) -> Response:
    response = error_response(error)
    response.headers["Upload-Offset"] = str(error.offset)
    response.headers["Connection"] = "close"
    return response


def _id(request: Request) -> str:
    found: str = request.path_params["upload_id"]
    return found


def _count(text: str, name: str = "bytes", least: int = 1) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX or int(text) < least:
        problem = f"is {text[:20]!r} and must be a whole number, {least} or more"
        raise InvalidInputError(f"{name} {problem}.", [FieldIssue(name, problem, "say how many bytes")])
    return int(text)
