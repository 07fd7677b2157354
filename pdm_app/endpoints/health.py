"""``/health``: is the process alive, is it ready, and what is wrong if not.

Only somebody at this machine, or with the permission system.read, sees the single checks.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.samples import moment
from pdm_app.endpoints.answers import json_response
from pdm_app.endpoints.callers import HttpServices, may_see_system

Find = Callable[[], HttpServices | None]


async def live(_request: Request) -> Response:
    """Answer as long as the event loop turns."""
    return json_response({"status": "alive"})


async def ready(request: Request, find: Find) -> Response:
    """Answer 200 while every needed part is sound, else 503."""
    return await _health(request, find, with_checks=False)


async def health(request: Request, find: Find) -> Response:
    """Answer as `ready`, with the checks."""
    return await _health(request, find, with_checks=True)


async def _health(request: Request, find: Find, *, with_checks: bool) -> Response:
    services = find()
    if services is None:
        return json_response({"status": "starting"}, 503, {"Retry-After": "1"})
    state = await services.system.health()
    all_sound = all(check.ok for check in state.checks)
    content: dict[str, object] = {
        "status": ("ok" if all_sound else "degraded") if state.ready else "failing",
        "timestamp": moment(state.at).isoformat().replace("+00:00", "Z"),
    }
    if with_checks and await may_see_system(request, services):
        content["checks"] = {
            check.name: {"ok": check.ok, "detail": check.detail, "needed": check.needed} for check in state.checks
        }
    return json_response(content, 200 if state.ready else 503)
