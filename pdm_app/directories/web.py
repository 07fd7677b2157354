"""Asking a provider over HTTPS: no redirects, an answer of limited size in limited time, JSON or nothing."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

BYTES_MAX = 1_048_576


class WebError(Exception):
    """Nothing useful came back; the text is for the log and for admins."""


class Refusal(WebError):  # noqa: N818 - the provider's, not ours
    """The provider answered with an error of OAuth; ``code`` is its name for it."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}" if words else code)
        self.code = code


class Web:
    """One provider's addresses, under one set of authorities."""

    def __init__(self, tls: ssl.SSLContext, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            verify=tls,
            timeout=timeout_s,
            follow_redirects=False,
            headers={"accept": "application/json"},
            limits=httpx.Limits(max_connections=10, keepalive_expiry=20),
        )

    async def get(self, url: str, token: str = "") -> dict[str, Any]:
        """Read a JSON object.

        Raises:
            WebError: It is not to be had.
        """
        return await self._ask("GET", url, headers={"authorization": f"Bearer {token}"} if token else {})

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """Send a form and read a JSON object.

        Raises:
            Refusal: The provider says no, and why.
            WebError: It does not answer, or not as it should.
        """
        return await self._ask("POST", url, data=dict(form), headers=dict(headers))

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream(method, url, **more) as answer:
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > BYTES_MAX:
                        raise WebError(f"{url} answers with more than {BYTES_MAX} bytes")
        except TimeoutError:
            raise WebError(f"{url} did not answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WebError(f"{url} cannot be reached: {str(error) or type(error).__name__}") from None
        told = _object(bytes(body))
        if answer.is_success and told is not None:
            return told
        if told is not None and isinstance(told.get("error"), str):
            raise Refusal(_plain(told["error"]), _plain(told.get("error_description", "")))
        raise WebError(f"{url} answers {answer.status_code}" + ("" if told is not None else " with no JSON object"))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _plain(words: object) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(words))[:300]
