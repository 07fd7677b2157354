"""``POST /api/ingest``: devices send their own samples.

200 with a verdict per sample as soon as one was kept and is on disk; 422 if none was; 401, 408, 413, 415 and 503 say
that nothing was looked at. A device that gets 503, or no answer, sends the same again: a repeated sample is stored
once.
"""

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.samples import moment
from pdm_app.endpoints.answers import JSON, error_response, json_response
from pdm_app.endpoints.bodies import decode_json, media_type, read_body
from pdm_app.endpoints.callers import HttpServices, device_of


class Ingest:
    """Serves the address; only so many calls at once, because each holds a whole body in memory."""

    def __init__(self) -> None:
        self._running = 0

    async def take(self, request: Request, services: HttpServices) -> Response:
        """Answer one call."""
        device = await device_of(request, services)
        media_type(request, (JSON,))
        if self._running >= services.ingest.limits.calls_max:
            raise UnavailableError(
                f"{self._running} calls are being taken at this moment. Try again in a second.", retry_after_s=1
            )
        self._running += 1
        try:
            body = decode_json(await read_body(request, services.ingest.limits.bytes_max))
            report = await services.ingest.take(device, body)
        finally:
            self._running -= 1
        content = {
            "kept": report.kept,
            "refused": report.refused,
            "received_at": moment(report.received_at).isoformat().replace("+00:00", "Z"),
            "verdicts": report.verdicts,
        }
        if report.kept:
            return json_response(content)
        first = next(verdict for verdict in report.verdicts if not verdict["kept"])
        message = f"None of the {report.refused} samples was kept. {first['field']} {first['problem']}; {first['fix']}."
        return error_response(InvalidInputError(message), **content)
