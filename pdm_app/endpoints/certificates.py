"""``GET /api/certificates/authority``: our own authority's certificate, for browsers and phones to trust."""

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.endpoints.answers import Handler
from pdm_app.services.certificates import authority_of
from pdm_app.settings import Settings

MEDIA_TYPE = "application/x-x509-ca-cert"  # What phones open in their certificate settings.
FILE_NAME = "pdm_app-authority.crt"


def authority(settings: Settings) -> Handler:
    """Return the handler."""

    async def handler(_: Request) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(authority_of(settings.data_dir, settings.tls), media_type=MEDIA_TYPE, headers=headers)

    return handler
