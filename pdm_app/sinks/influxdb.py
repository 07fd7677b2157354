"""Samples into InfluxDB over HTTP: ``/write`` of 1.x, or ``/api/v2/write`` of 2.x.

A point with the same tags and the same time replaces the one before, so that sending again changes nothing there.
"""

import asyncio
import base64
import re
from http import HTTPStatus

import httpx

from pdm_app.domain.sinks import InfluxdbOptions, SentSamples, SinkError
from pdm_app.sinks.influx_lines import lines_of

ROWS_PER_CALL = 5_000  # As the makers advise.
ANSWER_CHARACTERS_MAX = 300
ANSWER_BYTES_MAX = 64 * 1024
TOO_OLD = re.compile(r"points beyond retention policy dropped=(\d+)")
NO_POINTS = "writing requires points"
WHAT_TO_DO = {
    HTTPStatus.UNAUTHORIZED: "Correct the user name and the password, or the token.",
    HTTPStatus.FORBIDDEN: "Give the user or token the right to write there.",
    HTTPStatus.NOT_FOUND: "Make it on that server, or correct its name.",
    HTTPStatus.BAD_REQUEST: "If a field has another type there, choose another measurement; else have the sink go on "
    "from a later time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Let that server take bodies of a few megabytes.",
}


class InfluxdbTarget:
    """One database or bucket."""

    def __init__(self, options: InfluxdbOptions, secret: str | None) -> None:
        self._options = options
        self._secret = secret or ""
        self._client = httpx.AsyncClient(
            timeout=options.timeout_s, follow_redirects=False, headers=_sign_in(options, self._secret)
        )
        self._place = f"InfluxDB at {options.url}"
        self.refused = 0

    async def open(self, checkpoint: str) -> None:  # noqa: ARG002 - for those with files
        """See `Target.open`."""
        await self._reach()

    async def write(self, samples: SentSamples) -> str | None:
        """See `Target.write`; what came after the answer of 204 is on its disk."""
        for begin in range(0, len(samples), ROWS_PER_CALL):
            some = samples.part(begin, begin + ROWS_PER_CALL)
            await self._post(await asyncio.to_thread(_joined, some, self._options.measurement))
        return ""

    async def settle(self, *, at_once: bool) -> str | None:  # noqa: ARG002 - for those with files
        """See `Target.settle`; nothing waits."""
        return None

    async def confirm(self, checkpoint: str) -> None:
        """See `Target.confirm`; there is nothing to do."""

    async def probe(self) -> str:
        """See `Target.probe`; a body without points is judged like one with, and writes nothing."""
        version = await self._reach()
        return f"{self._place} answers ({version}) and lets us write into {self._options.database!r}"

    async def close(self) -> None:
        """See `Target.close`."""
        await self._client.aclose()

    async def _reach(self) -> str:
        answer = await self._post("")
        said = answer.headers.get("x-influxdb-version", "")
        return f"version {said}" if said else "version not said"

    async def _post(self, body: str) -> httpx.Response:
        options = self._options
        if options.version == 1:
            path = "/write"
            query = {"db": options.database, "precision": "u"}
            query |= {"rp": options.retention_policy} if options.retention_policy else {}
        else:
            path = "/api/v2/write"
            query = {"bucket": options.database, "org": options.organisation, "precision": "us"}
        try:
            async with asyncio.timeout(options.timeout_s):
                request = self._client.build_request(
                    "POST", options.url.rstrip("/") + path, params=query, content=body.encode()
                )
                answer = await self._client.send(request, stream=True)
                try:
                    said = await _body(answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise SinkError(
                f"{self._place} does not answer: {str(error) or type(error).__name__}. Start it or correct its "
                "address; samples stay in history and are sent then."
            ) from error
        if answer.status_code < HTTPStatus.MULTIPLE_CHOICES or (not body and NO_POINTS in said):
            return answer
        dropped = TOO_OLD.search(said)
        if dropped is not None:  # The rest was written, and these never will be.
            self.refused += int(dropped[1])
            return answer
        raise self._refusal(answer, said)

    def _refusal(self, answer: httpx.Response, said: str) -> SinkError:
        words = said.replace(self._secret, "…") if self._secret else said
        words = " ".join(words.split())[:ANSWER_CHARACTERS_MAX]
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            todo = "It is asked again by itself; look at its log if this goes on."
        elif answer.status_code < HTTPStatus.BAD_REQUEST:
            todo = f"It has moved to {answer.headers.get('location', 'somewhere else')!r}; correct its address."
        else:
            todo = WHAT_TO_DO.get(HTTPStatus(answer.status_code), "Look at its log.")
        return SinkError(
            f"{self._place} refuses samples for {self._options.database!r}: {answer.status_code} {words}. {todo}"
        )


def _joined(samples: SentSamples, measurement: str) -> str:
    return "\n".join(lines_of(samples, measurement))


async def _body(answer: httpx.Response) -> str:
    found = bytearray()
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > ANSWER_BYTES_MAX:
            break
    return found[:ANSWER_BYTES_MAX].decode("utf-8", "replace")


def _sign_in(options: InfluxdbOptions, secret: str) -> dict[str, str]:
    if options.version == 2:
        return {"authorization": f"Token {secret}"} if secret else {}
    if not options.username:
        return {}
    return {"authorization": "Basic " + base64.b64encode(f"{options.username}:{secret}".encode()).decode()}
