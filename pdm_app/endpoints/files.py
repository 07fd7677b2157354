"""``GET /api/files/{export_id}``: what was made for somebody, as a download that can be taken up where it broke off.

``GET /api/imports/{import_id}/refused`` has the rows that an import did not take, ``GET /api/reports/{copy_id}`` the
copy of a report as it was made, whose checksum is looked at first. Right and reach are looked at on
every request, also on the second half of a download. Ranges are answered by RFC 9110:
a client that sends If-Range with the ETag gets the rest of the same file or all of another one, never a mixture.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.settings import AuthSettings


class Files:
    """Serves the address."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    async def download(self, request: Request, services: HttpServices) -> Response:
        """Send a file to whom it belongs."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        path, export, media_type = await services.exports.file(actor, request.path_params["export_id"])
        headers = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}
        return FileResponse(path, media_type=media_type, filename=export.file_name, headers=headers)

    async def report(self, request: Request, services: HttpServices) -> Response:
        """Send the copy of a report to whoever may read all of it."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        copy, content, media_type = await services.reports.file(actor, request.path_params["copy_id"])
        name = quote(copy.file_name)  # Of any script: RFC 6266.
        headers = {
            "cache-control": "private, no-cache", "x-content-type-options": "nosniff",
            "content-disposition": f"attachment; filename*=UTF-8''{name}", "etag": f'"{copy.sha256}"',
        }  # fmt: skip
        return Response(content, media_type=media_type, headers=headers)

    async def refused_rows(self, request: Request, services: HttpServices) -> Response:
        """Send the rows of an import that were not taken, to whoever may import there."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        path, name = await services.imports.refused(actor, request.path_params["import_id"])
        headers = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}
        return FileResponse(path, media_type="text/csv; charset=utf-8", filename=name, headers=headers)
