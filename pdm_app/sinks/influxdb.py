"""Samples into InfluxDB over HTTP: ``/write`` of 1.x, or ``/api/v2/write`` of 2.x.

A point with the same tags and the same time replaces the one before, so that sending again changes nothing there.
"""

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx

from pdm_app.domain.samples import moment
from pdm_app.domain.sinks import BY_HAND, CannotEraseError, InfluxdbOptions, SentSamples, SentSpan, SinkError
from pdm_app.sinks.influx_lines import deletion, lines_of, predicate

ROWS_PER_CALL = 5_000  # As the makers advise.
DELETIONS_PER_CALL = 50
ANSWER_CHARACTERS_MAX = 300
ANSWER_BYTES_MAX = 64 * 1024
TOO_OLD = re.compile(r"points beyond retention policy dropped=(\d+)")
ERROR = '"error"'
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

    async def erase(self, spans: Sequence[SentSpan]) -> str | None:
        """See `Target.erase`; an InfluxDB 1.x deletes in all retention policies of the database.

        The interface of 2.x takes one span with each call.
        """
        options = self._options
        if options.version == 1:
            for begin in range(0, len(spans), DELETIONS_PER_CALL):
                some = spans[begin : begin + DELETIONS_PER_CALL]
                asked = ";".join(deletion(options.measurement, *span) for span in some)
                await self._deleted("/query", {"db": options.database}, {"data": {"q": asked}})
            return ""
        query = {"bucket": options.database, "org": options.organisation}
        for signal, low, high in spans:
            # Whether the end belongs to the span is not said everywhere; nothing is between these two nanoseconds.
            end = f"{moment(high) - timedelta(microseconds=1):%Y-%m-%dT%H:%M:%S.%f}001Z"
            told = {"start": f"{moment(low):%Y-%m-%dT%H:%M:%S.%fZ}", "stop": end}
            told["predicate"] = predicate(options.measurement, signal)
            await self._deleted("/api/v2/delete", query, {"json": told})
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

    async def _deleted(self, path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> None:
        answer, said = await self._sent(path, query, body)
        if answer.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
            raise CannotEraseError(
                f"{self._place} does not allow samples of {self._options.database!r} to be deleted: "
                f"{answer.status_code} {self._words(said)}. Give the user or token that right for the next time; "
                f"{BY_HAND}"
            )
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES or ERROR in said:
            raise self._refusal(answer, said)

    async def _post(self, body: str) -> httpx.Response:
        options = self._options
        if options.version == 1:
            path = "/write"
            query = {"db": options.database, "precision": "u"}
            query |= {"rp": options.retention_policy} if options.retention_policy else {}
        else:
            path = "/api/v2/write"
            query = {"bucket": options.database, "org": options.organisation, "precision": "us"}
        answer, said = await self._sent(path, query, {"content": body.encode()})
        if answer.status_code < HTTPStatus.MULTIPLE_CHOICES or (not body and NO_POINTS in said):
            return answer
        dropped = TOO_OLD.search(said)
        if dropped is not None:  # The rest was written, and these never will be.
            self.refused += int(dropped[1])
            return answer
        raise self._refusal(answer, said)

    async def _sent(self, path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> tuple[httpx.Response, str]:
        """Return an answer with as much of its body as is looked at."""
        options = self._options
        try:
            async with asyncio.timeout(options.timeout_s):
                request = self._client.build_request("POST", options.url.rstrip("/") + path, params=query, **body)
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
        return answer, said

    def _words(self, said: str) -> str:
        words = said.replace(self._secret, "…") if self._secret else said
        return " ".join(words.split())[:ANSWER_CHARACTERS_MAX]

    def _refusal(self, answer: httpx.Response, said: str) -> SinkError:
        words = self._words(said)
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
