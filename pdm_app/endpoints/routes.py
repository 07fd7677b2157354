"""Every plain HTTP address of the product, in one list.

``routes(find, settings, metrics)`` fits into any Starlette application; wrap the whole application, front end and RPC
included, in `pdm_app.endpoints.wrapping.Wrapping`. ``find`` returns the services, or None while the product starts or
stops: then everything but liveness answers 503.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from pdm_app.domain.errors import UnauthenticatedError, UnavailableError
from pdm_app.endpoints import certificates, health
from pdm_app.endpoints.answers import Answering, Handler, nothing_here
from pdm_app.endpoints.audit import AuditExport
from pdm_app.endpoints.auth import AuthEndpoints
from pdm_app.endpoints.callers import HttpServices, may_see_system
from pdm_app.endpoints.ddi import TENANTS, Ddi, ddi_routes
from pdm_app.endpoints.events import Events
from pdm_app.endpoints.files import Files
from pdm_app.endpoints.health import Find
from pdm_app.endpoints.ingest import Ingest
from pdm_app.endpoints.oidc import OidcEndpoints
from pdm_app.endpoints.pump_paths import PumpPaths
from pdm_app.endpoints.third_parties import ThirdParties
from pdm_app.endpoints.unfinished_uploads import UnfinishedUploads
from pdm_app.endpoints.uploads import Uploads
from pdm_app.services.metrics import MEDIA_TYPE, Metrics
from pdm_app.settings import Settings

Serve = Callable[[Request, HttpServices], Awaitable[Response]]


def routes(find: Find, settings: Settings, metrics: Metrics, front_end: Path | None = None) -> list[BaseRoute]:
    """Return the routes; ``/api`` answers every address and method below it, so that nothing falls to the front end.

    ``front_end`` is the folder in which the build of the pages left what it wrote about third parties.
    """
    audit = AuditExport(settings.auth)
    auth = AuthEndpoints(settings.auth)
    oidc = OidcEndpoints(settings.auth)
    ingest = Ingest()
    pumps = PumpPaths(settings.auth)
    files = Files(settings.auth)
    uploads = Uploads(settings.auth)
    unfinished = UnfinishedUploads(settings.auth)
    events = Events(find, settings.auth)
    ddi = Ddi(settings.auth.public_url)
    third_parties = ThirdParties(front_end, settings.auth)
    metrics.lasting_gauge("event_streams_open", "Plain event streams open now.", lambda: events.open)
    metrics.lasting_counter(
        "event_streams_stalled_total", "Plain event streams cut off, their readers took nothing.",
        lambda: events.stalled_total,
    )  # fmt: skip

    def served(serve: Serve) -> Handler:
        async def handler(request: Request) -> Response:
            services = find()
            if services is None:
                raise UnavailableError("The product starts or stops. Try again in a moment.", retry_after_s=1)
            return await serve(request, services)

        return handler

    async def figures(request: Request, services: HttpServices) -> Response:
        if not await may_see_system(request, services):
            raise UnauthenticatedError(
                "From another machine the figures need the permission system.read: send a bearer token."
            )
        return Response(metrics.page(), media_type=MEDIA_TYPE)

    async def all_health(request: Request) -> Response:
        return await health.health(request, find)

    async def readiness(request: Request) -> Response:
        return await health.ready(request, find)

    api = Router(
        [
            Route("/auth/login", Answering(POST=served(auth.login))),
            Route("/auth/step", Answering(POST=served(auth.step))),
            Route("/auth/link", Answering(POST=served(auth.link))),
            Route("/auth/accept", Answering(POST=served(auth.accept))),
            Route("/auth/strength", Answering(POST=served(auth.strength))),
            Route("/auth/setup", Answering(POST=served(auth.setup))),
            Route("/auth/refresh", Answering(POST=served(auth.refresh))),
            Route("/auth/logout", Answering(POST=served(auth.logout))),
            Route("/auth/token", Answering(POST=served(auth.token))),
            Route("/auth/oidc/resume", Answering(POST=served(oidc.resume))),
            Route("/auth/oidc/{directory_id}/begin", Answering(GET=served(oidc.begin))),
            Route("/auth/oidc/{directory_id}/callback", Answering(GET=served(oidc.callback))),
            Route("/auth/oidc/{directory_id}/logout", Answering(POST=served(oidc.logout))),
            Route("/audit/export", Answering(GET=served(audit.export))),
            Route("/third-parties/licences", Answering(GET=served(third_parties.licences))),
            Route("/third-parties/bom", Answering(GET=served(third_parties.bill))),
            Route("/certificates/authority", Answering(GET=certificates.authority(settings))),
            Route("/files/{export_id}", Answering(GET=served(files.download))),
            Route("/imports/{import_id}/refused", Answering(GET=served(files.refused_rows))),
            Route("/reports/{copy_id}", Answering(GET=served(files.report))),
            Route("/uploads", Answering(POST=served(uploads.take))),
            Route("/uploads/unfinished", Answering(GET=served(unfinished.all), POST=served(unfinished.begin))),
            Route(
                "/uploads/unfinished/{upload_id}",
                Answering(
                    GET=served(unfinished.look), PATCH=served(unfinished.take), DELETE=served(unfinished.discard)
                ),
            ),
            Route("/ingest", Answering(POST=served(ingest.take))),
            Route("/live-data", Answering(GET=served(pumps.live_data))),
            Route("/sensor-history", Answering(GET=served(pumps.sensor_history))),
            Route("/anomaly-history", Answering(GET=served(pumps.anomaly_history))),
            Route("/maintenance-events", Answering(GET=served(pumps.maintenance_events))),
            Route("/system-health", Answering(GET=served(pumps.system_health))),
            Route("/start-simulation", Answering(POST=served(pumps.start_simulation))),
        ],
        redirect_slashes=False,
        default=nothing_here,
    )
    return [
        Route("/health", Answering(GET=all_health)),
        Route("/health/live", Answering(GET=health.live)),
        Route("/health/ready", Answering(GET=readiness)),
        Route("/metrics", Answering(GET=served(figures))),
        Route("/events", Answering(GET=served(events.serve))),
        Mount("/api", app=api),
        *(
            Mount(
                f"/{tenant}",
                app=Router(
                    ddi_routes(ddi, served, tenant),
                    redirect_slashes=False,
                    default=nothing_here,
                ),
            )
            for tenant in TENANTS
        ),
    ]
