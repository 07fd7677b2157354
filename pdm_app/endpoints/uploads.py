"""``POST /api/uploads?kind=…&name=…``: a file as the body of the request, on its way into the store of uploads.

The body is the file itself, of the type ``application/octet-stream``, which no page of another site can send without
being asked about first. It is written to the disk while it arrives; who sends slower than a bad line does is given up.
201 says that it is whole, safe and of a kind that is taken; after anything else nothing of it is left.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.endpoints.answers import HttpError, json_response
from pdm_app.endpoints.bodies import media_type
from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.services.uploads import TooLargeError
from pdm_app.settings import AuthSettings

BODY = "application/octet-stream"
SILENCE_S_MAX = 20.0
GRACE_S = 20.0
BYTES_PER_S_MIN = 16_384
"""On average after the grace: a tenth of what a poor mobile line brings."""
NAME_BYTES_MAX = 1_000
GONE = "Nothing of it was kept; send it again."


class Uploads:
    """Serves the address."""

    def __init__(self, settings: AuthSettings, silence_s: float = SILENCE_S_MAX, grace_s: float = GRACE_S) -> None:
        self._settings = settings
        self._silence_s = silence_s
        self._grace_s = grace_s

    async def take(self, request: Request, services: HttpServices) -> Response:
        """Take one file."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        media_type(request, (BODY,))
        given = request.headers.get("content-length", "")
        announced = int(given[:20]) if given.isascii() and given.isdigit() else None
        kind, name = request.query_params.get("kind", ""), request.query_params.get("name", "")[:NAME_BYTES_MAX]
        try:
            async with services.uploads.receiving(actor, kind, name, announced) as reception:
                async for piece in arriving(request, self._silence_s, self._grace_s, GONE):
                    await reception.write(piece)
                upload = await services.uploads.complete(reception, await actor_of(request, services))
        except TooLargeError as error:
            raise HttpError(413, "too_large", error.message, Connection="close") from None
        return json_response(upload.model_dump(mode="json", exclude={"owner_id"}), 201)


async def arriving(request: Request, silence_s: float, grace_s: float, what_now: str) -> AsyncIterator[bytes]:
    """Give the body piece by piece.

    Args:
        request: Whose body it is.
        silence_s: Without a piece for so long it is given up.
        grace_s: From then on it has to come at `BYTES_PER_S_MIN` on average.
        what_now: What the caller is told to do when it is given up.

    Raises:
        HttpError: 408 when it does not come, or comes too slowly.
        ClientDisconnect: The caller went away before its end.
    """
    clock = asyncio.get_running_loop()
    began, size = clock.time(), 0
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(silence_s):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise _slow(f"Nothing of the file came for {silence_s:g} s. {what_now}") from None
        if piece is None:
            return
        size += len(piece)
        yield piece
        past = clock.time() - began
        if past > grace_s and size < BYTES_PER_S_MIN * (past - grace_s):
            raise _slow(f"The file comes slower than {BYTES_PER_S_MIN:,} bytes a second. {what_now}")


def _slow(message: str) -> HttpError:
    return HttpError(408, "timeout", message, Connection="close")
