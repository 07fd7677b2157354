"""Who sends a request: from where, with which cookie, token or key."""

from collections.abc import Collection
from typing import Protocol

from starlette.requests import Request

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import PermissionDeniedError, UnauthenticatedError
from pdm_app.services.alarms import AlarmService
from pdm_app.services.assets import AssetService
from pdm_app.services.audit import AuditService
from pdm_app.services.auth import AuthService
from pdm_app.services.device_confirmations import DeviceConfirmationService
from pdm_app.services.device_updates import DeviceUpdateService
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.exports import ExportService
from pdm_app.services.imports import ImportService
from pdm_app.services.ingest import IngestService
from pdm_app.services.live import LiveService
from pdm_app.services.origins import is_on_this_machine, is_own_origin
from pdm_app.services.pumps import PumpService
from pdm_app.services.releases import ReleaseService
from pdm_app.services.replays import ReplayService
from pdm_app.services.reports import ReportService
from pdm_app.services.signals import SignalService
from pdm_app.services.system import SystemService
from pdm_app.services.unfinished_uploads import UnfinishedUploadService
from pdm_app.services.uploads import UploadService

ACCESS_COOKIE = "pdm_access"
REFRESH_COOKIE = "pdm_refresh"
DEVICE_KEY_HEADER = "x-device-key"
FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")
OWN_FETCH_SITES = frozenset({"same-origin", "none"})


class HttpServices(Protocol):
    """What the endpoints need of the services."""

    @property
    def audit(self) -> AuditService: ...
    @property
    def auth(self) -> AuthService: ...
    @property
    def devices(self) -> DeviceService: ...
    @property
    def director(self) -> DirectorService: ...
    @property
    def device_confirmations(self) -> DeviceConfirmationService: ...
    @property
    def device_updates(self) -> DeviceUpdateService: ...
    @property
    def releases(self) -> ReleaseService: ...
    @property
    def exports(self) -> ExportService: ...
    @property
    def imports(self) -> ImportService: ...
    @property
    def unfinished_uploads(self) -> UnfinishedUploadService: ...
    @property
    def uploads(self) -> UploadService: ...
    @property
    def ingest(self) -> IngestService: ...
    @property
    def pumps(self) -> PumpService: ...
    @property
    def replays(self) -> ReplayService: ...
    @property
    def reports(self) -> ReportService: ...
    @property
    def assets(self) -> AssetService: ...
    @property
    def signals(self) -> SignalService: ...
    @property
    def live(self) -> LiveService: ...
    @property
    def alarms(self) -> AlarmService: ...
    @property
    def system(self) -> SystemService: ...


def address_of(request: Request) -> str:
    """Return the caller's address; behind a proxy the server must be told to trust its header."""
    return request.client.host if request.client else ""


def base_of(request: Request, public_url: str) -> str:
    """Return the address of this product as browsers have it, without a path: as set, or as this one calls it."""
    return public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"


def is_local(request: Request) -> bool:
    """Say whether somebody at this machine asks."""
    is_forwarded = any(name in request.headers for name in FORWARDING_HEADERS)
    return is_on_this_machine(address_of(request), request.headers.get("host", ""), is_forwarded=is_forwarded)


def check_origin(request: Request, allowed: Collection[str]) -> None:
    """Refuse a page of another site, whose requests a browser would send with this one's cookies.

    Raises:
        PermissionDeniedError: The page is not one of ours.
    """
    origin = request.headers.get("origin")
    is_own = is_own_origin(origin, request.headers.get("host", ""), allowed)
    if origin is None and request.headers.get("sec-fetch-site", "none") not in OWN_FETCH_SITES:
        is_own = False
    if not is_own:
        raise PermissionDeniedError(
            "This page belongs to another site and may not call here. "
            "If it is this product behind a proxy, add its origin to PDM_AUTH__ALLOWED_ORIGINS."
        )


def bearer(request: Request) -> str:
    """Return the token of the Authorization header, empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def token_of(request: Request) -> str:
    """Return what says who is signed in: a bearer token, else the session's cookie; empty without both."""
    return bearer(request) or request.cookies.get(ACCESS_COOKIE, "")


async def actor_of(request: Request, services: HttpServices) -> Actor:
    """Return who is signed in, by bearer token or cookie.

    Raises:
        UnauthenticatedError: Nobody.
    """
    return await services.auth.actor_of_access(token_of(request), address=address_of(request))


async def device_of(request: Request, services: HttpServices) -> Actor:
    """Return which device sends, by ``Authorization: Bearer KEY`` or ``X-Device-Key: KEY``.

    Raises:
        UnauthenticatedError: No key, or not a good one.
    """
    key = request.headers.get(DEVICE_KEY_HEADER, "").strip() or bearer(request)
    if not key:
        raise UnauthenticatedError(
            "This needs a device key: send the header 'Authorization: Bearer KEY'. "
            "Make a key on the device's page, or with `pdm-app key create DEVICE`."
        )
    return await services.devices.actor_of_key(key, address_of(request))


async def may_see_system(request: Request, services: HttpServices) -> bool:
    """Say whether the caller is at this machine or holds ``system.read``."""
    if is_local(request):
        return True
    try:
        actor = await actor_of(request, services)
    except UnauthenticatedError:
        return False
    return Permission.SYSTEM_READ in actor.permissions
