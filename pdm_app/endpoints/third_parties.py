"""``GET /api/third-parties/licences`` and ``/bom``: what the product is made of besides its own code.

Both were written when the pages were compiled. They list exact versions, so they are for those who see the system.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.access import Permission
from pdm_app.domain.errors import NotFoundError
from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.settings import AuthSettings

LICENCES, BILL = "licences.txt", "bom.cdx.json"
BILL_TYPE = "application/vnd.cyclonedx+json; version=1.6"


class ThirdParties:
    """Serves both addresses.

    Args:
        folder: Where the two files lie, beside the compiled pages; None where nothing was compiled.
    """

    def __init__(self, folder: Path | None, settings: AuthSettings) -> None:
        self._folder = folder
        self._settings = settings

    async def licences(self, request: Request, services: HttpServices) -> Response:
        """Send the packages, their licences and the texts of those whose code the pages carry."""
        content = await self._content(request, services, LICENCES)
        return Response(content, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})

    async def bill(self, request: Request, services: HttpServices) -> Response:
        """Send the bill of materials."""
        content = await self._content(request, services, BILL)
        headers = {"Content-Disposition": f'attachment; filename="{BILL}"', "Cache-Control": "no-store"}
        return Response(content, media_type=BILL_TYPE, headers=headers)

    async def _content(self, request: Request, services: HttpServices, name: str) -> bytes:
        check_origin(request, self._settings.allowed_origins)
        (await actor_of(request, services)).require(Permission.SYSTEM_READ)
        try:
            return (self._folder / name).read_bytes() if self._folder else _missing(name)
        except FileNotFoundError:
            return _missing(name)


def _missing(name: str) -> bytes:
    raise NotFoundError(f"{name} was not written when this front end was compiled. Build it anew: pdm_app build.")
