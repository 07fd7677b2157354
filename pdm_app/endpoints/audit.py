"""``GET /api/audit/export``: the audit trail as a file, streamed, however long it is."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import moment
from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.endpoints.query import Query, invalid
from pdm_app.services.audit import ExportFormat
from pdm_app.settings import AuthSettings

EXPORTS_AT_ONCE_MAX = 2
MEDIA = {ExportFormat.JSONL: "application/jsonl", ExportFormat.CSV: "text/csv; charset=utf-8"}
WORDS = ("actor", "action", "subject", "subject_id", "site_id", "text")


class AuditExport:
    """Serves the address."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._running = 0

    async def export(self, request: Request, services: HttpServices) -> Response:
        """Send the entries that the query admits, oldest first.

        Fields: ``format`` (jsonl or csv), ``start``, ``end``, ``actor``, ``action``, ``subject``, ``subject_id``,
        ``site_id``, ``text``.
        """
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        query, written_as = _asked(request)
        if self._running >= EXPORTS_AT_ONCE_MAX:
            raise UnavailableError(
                f"{self._running} exports of the audit trail are running. Try again in a minute.", retry_after_s=60
            )
        portions = self._counted(services.audit.export(actor, query, written_as))
        first = await anext(portions, b"")  # Refusals come before the answer begins.
        name = f"audit-{moment(services.system.now()):%Y%m%d-%H%M%S}.{written_as}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return _File(first, portions, MEDIA[written_as], headers)

    async def _counted(self, lines: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        self._running += 1
        try:
            async with aclosing(lines):
                async for portion in lines:
                    yield portion
        finally:
            self._running -= 1


class _File(StreamingResponse):
    """Sends what was read ahead, then the rest; ends the rest also where the client is gone before it begins."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media: str, headers: dict[str, str]) -> None:
        super().__init__(_whole(first, rest), media_type=media, headers=headers)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    async for portion in rest:
        yield portion


def _asked(request: Request) -> tuple[AuditQuery, ExportFormat]:
    query = Query(request, ("format", "start", "end", *WORDS))
    written_as = query.text("format") or ExportFormat.JSONL.value
    if written_as not in set(ExportFormat):
        raise invalid("format", f"is {written_as[:20]!r}", f"send {' or '.join(ExportFormat)}")
    fields: dict[str, object] = {name: words for name in WORDS if (words := query.text(name)) is not None}
    for name in ("start", "end"):
        if query.text(name) is not None:
            fields[f"{name}_at"] = query.at(name, 0)
    try:
        return AuditQuery.model_validate(fields), ExportFormat(written_as)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise invalid(field, "cannot be searched for", "send fewer characters, or an id as it is listed") from None
