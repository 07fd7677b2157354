"""Answers are JSON, errors too: one shape, with the correlation id, never a secret or a stack."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pdm_app.domain.errors import (
    ConflictError,
    FencedError,
    FieldIssue,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PdmError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.services.logs import correlation_id

log = logging.getLogger(__name__)

JSON = "application/json"

STATUS_OF: tuple[tuple[type[PdmError], int, str], ...] = (
    (InvalidInputError, 422, "invalid_input"),
    (UnauthenticatedError, 401, "unauthenticated"),
    (PermissionDeniedError, 403, "permission_denied"),
    (NotFoundError, 404, "not_found"),
    (ConflictError, 409, "conflict"),
    (TooManyAttemptsError, 429, "too_many_attempts"),
    (NotSupportedError, 501, "not_supported"),
    (FencedError, 503, "unavailable"),
    (UnavailableError, 503, "unavailable"),
    (PdmError, 500, "failed"),
)
RETRY_AFTER_S = 5


class HttpError(PdmError):
    """A fault of the request itself, answered with ``status``."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


Handler = Callable[[Request], Awaitable[Response]]


class Answering:
    """Serves one address: a handler per method, every error as JSON."""

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        if response is not None:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(self._handlers)
            return error_response(
                HttpError(405, "method_not_allowed", f"Use {allowed} here, not {request.method}.", Allow=allowed)
            )
        try:
            return await handler(request)
        except PdmError as error:
            return error_response(error)
        except ClientDisconnect:
            return None  # Nobody is left to answer; of a body cut short nothing was taken.
        except asyncio.CancelledError:  # The server cancels only what is still open when its time to stop is over.
            return error_response(UnavailableError("The program is stopping. Send the same again in a few seconds."))
        except Exception:
            log.exception("request failed", extra={"method": request.method, "path": request.url.path})
            return error_response(None)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an address that does not exist."""
    error = HttpError(404, "not_found", f"There is nothing at {scope['path'][:200]}.")
    await error_response(error)(scope, receive, send)


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Encode ``content``; nothing under these addresses may be kept by a cache."""
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store", **(headers or {})}, media_type=JSON)


def error_response(error: PdmError | None, **more: Any) -> Response:
    """Turn an error into an answer; None is a fault of the program, of which nothing but the id is told."""
    if error is None:
        status, code, message = (
            500,
            "internal",
            "This failed inside the program. Quote the correlation id to report it.",
        )
    elif isinstance(error, HttpError):
        status, code, message = error.status, error.code, error.message
    else:
        status, code = status_of(error)
        message = error.message
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    if status in (429, 503):
        headers.setdefault("Retry-After", str((error.facts if error else {}).get("retry_after_s", RETRY_AFTER_S)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    issues = error.issues if isinstance(error, InvalidInputError) else ()
    content = {
        "error": {
            "code": code,
            "message": message,
            "issues": issues_as_json(issues),
            "correlation_id": correlation_id.get(),
        },
        **more,
    }
    return json_response(content, status, headers)


def status_of(error: PdmError) -> tuple[int, str]:
    """Return the HTTP status and the code that programs read."""
    return next((status, code) for kind, status, code in STATUS_OF if isinstance(error, kind))


def issues_as_json(issues: Sequence[FieldIssue]) -> list[dict[str, str]]:
    """List what is wrong with which field, and the fix."""
    return [{"field": issue.field, "problem": issue.problem, "fix": issue.fix} for issue in issues]
