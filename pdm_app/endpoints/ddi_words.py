"""What the direct device integration says, in its own words: links, deployments, errors, and what devices send back.

Source: Eclipse hawkBit, DDI v1; observed with SWUpdate 2022.12 and rauc-hawkbit-updater 1.4.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.campaigns import Campaign, UpdateMode
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.firmware_actions import Action, ActionEvent, ActionState
from pdm_app.domain.firmware_twins import AttributeMode
from pdm_app.domain.releases import Release, manifest
from pdm_app.endpoints.answers import HttpError
from pdm_app.services.device_assignments import Assigned
from pdm_app.services.device_updates import Execution, Finished, Report
from pdm_app.services.firmware_stories import said

HAL = "application/hal+json"
JSON = "application/json"
HISTORY_MAX = 100
POLL_S_MAX = 86_399  # 23:59:59: clients read the time of a day.
ERRORS = {
    400: "hawkbit.server.error.rest.body.notReadable",
    403: "hawkbit.server.error.insufficientpermission",
    404: "hawkbit.server.error.repo.entitiyNotFound",
    405: "hawkbit.server.error.rest.methodNotAllowed",
    409: "hawkbit.server.error.repo.entitiyAlreayExists",
    410: "hawkbit.server.error.repo.actionNotActive",
    412: "hawkbit.server.error.rest.preconditionFailed",
    429: "hawkbit.server.error.quota.tooManyEntries",
}


def sleep_text(seconds: int) -> str:
    """Return a time to wait as clients read it, ``HH:MM:SS``."""
    seconds = max(1, min(seconds, POLL_S_MAX))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def stamp(*parts: object) -> int:
    """Return a signed number of 32 bits that changes with what it is made of; clients only compare it."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big", signed=True)


def hal(request: Request, content: Any) -> Response:
    """Answer a question in JSON, by its ETag: nothing but 304 where the device has it already."""
    body = orjson.dumps(content)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache, private", "x-content-type-options": "nosniff"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=304, headers=headers)
    kind = HAL if HAL in request.headers.get("accept", "") else JSON
    return Response(body, headers=headers, media_type=kind)


def fault(status: int, message: str) -> Response:
    """Answer an error as clients of hawkBit expect it; who is not known gets nothing to read."""
    if status == 401:
        return Response(status_code=401, headers={"www-authenticate": "TargetToken"})
    content = {
        "exceptionClass": "ServerError", "errorCode": ERRORS.get(status, "hawkbit.server.error"), "message": message,
        "info": None,
    }  # fmt: skip
    return Response(orjson.dumps(content), status, {"cache-control": "no-store"}, JSON)


def deployment(
    assigned: Assigned, base: str, ticket: str, events: Sequence[ActionEvent], key: str = "deployment"
) -> dict[str, Any]:
    """Return a deployment as a device reads it; ``base`` is the address of the device here."""
    update = update_of(assigned.campaign, assigned.action)
    content: dict[str, Any] = {
        "id": str(assigned.action.number),
        key: {
            "download": "forced" if assigned.campaign.mode is UpdateMode.DOWNLOAD_ONLY else update,
            "update": update if assigned.may_install else "skip",
            "chunks": [chunk(assigned.release, base, ticket)],
        },
    }
    if assigned.campaign.windows or assigned.campaign.only_when_idle:
        content[key]["maintenanceWindow"] = "available" if assigned.may_install else "unavailable"
    if events:
        lines = [line for event in events for line in (event.detail or str(event.happening)).split("\n")]
        content["actionHistory"] = {"status": status_of(assigned.action.state), "messages": lines[:HISTORY_MAX]}
    return content


def update_of(campaign: Campaign, action: Action) -> str:
    """Return how hard a device is pressed: ``attempt`` or ``forced``."""
    forced = campaign.mode is UpdateMode.FORCED or (
        campaign.forced_at is not None and max(action.heard_at, action.state_at) >= campaign.forced_at
    )
    return "forced" if forced else "attempt"


def chunk(release: Release, base: str, ticket: str) -> dict[str, Any]:
    """Return a release: one artifact, with what proves that it may be installed."""
    file, module = release.artifact, f"{base}/softwaremodules/{release.id}/artifacts/{release.artifact.filename}"
    plain = "" if base.startswith("https:") else "-http"
    metadata = {
        "ota.manifest": manifest(release, file).decode(),
        "ota.sig": release.signature.signature if release.signature else "",
        "ota.key": release.signature.key_id if release.signature else "",
        "ota.ticket": ticket,
    }
    return {
        "part": "os", "name": release.name, "version": release.version,
        "artifacts": [{
            "filename": file.filename, "size": file.bytes,
            "hashes": {"sha1": file.sha1, "md5": file.md5, "sha256": file.sha256},
            "_links": {f"download{plain}": {"href": module}, f"md5sum{plain}": {"href": f"{module}.MD5SUM"}},
        }],
        "metadata": [{"key": key, "value": value} for key, value in metadata.items() if value],
    }  # fmt: skip


def status_of(state: ActionState) -> str:
    """Return the word of the protocol for a state."""
    words = {
        ActionState.DOWNLOADING: "DOWNLOAD", ActionState.DOWNLOADED: "DOWNLOADED", ActionState.RETRIEVED: "RETRIEVED",
        ActionState.CANCELING: "CANCELING", ActionState.CANCELED: "CANCELED", ActionState.FAILED: "ERROR",
        ActionState.WAITING_CONFIRMATION: "WAIT_FOR_CONFIRMATION", ActionState.INSTALLED: "FINISHED",
        ActionState.VERIFYING: "FINISHED", ActionState.SUCCEEDED: "FINISHED",
    }  # fmt: skip
    return words.get(state, "RUNNING")


def report_of(content: object) -> Report:
    """Read what a device says of an action; what is not known is left out.

    Raises:
        HttpError: 400: status, execution or result is missing, or is no word of the protocol.
    """
    status = _part(content, "status")
    execution, finished = status.get("execution"), _part(status, "result", "status.result").get("finished")
    if execution not in get_args(Execution):
        raise bad(f"status.execution is {execution!r}; use one of {', '.join(get_args(Execution))}.")
    if finished not in get_args(Finished):
        raise bad(f"status.result.finished is {finished!r}; use one of {', '.join(get_args(Finished))}.")
    details = said(status.get("details"))
    if isinstance(code := status.get("code"), int):
        details = f"{details}\nDevice reported status code: {code}".strip()
    percent = _percent(status["result"].get("progress"))
    return Report(cast(Execution, execution), cast(Finished, finished), details, percent)


def _percent(progress: object) -> int | None:
    if not isinstance(progress, Mapping):
        return None  # Old clients send words.
    done, of = progress.get("cnt"), progress.get("of")
    if not isinstance(done, int) or not isinstance(of, int) or of <= 0:
        return None
    return max(0, min(100, done * 100 // of))


def attributes_of(content: object) -> tuple[AttributeMode, dict[str, str]]:
    """Read the attributes that a device sends, and what is to be done with them.

    Raises:
        HttpError: 400: there are none, or one is no text.
    """
    given = _part(content, "data", "data")
    mode = content.get("mode") or "merge" if isinstance(content, Mapping) else "merge"
    if mode not in ("merge", "replace", "remove"):
        raise bad(f"mode is {mode!r}; use merge, replace or remove.")
    if mode == "remove":
        given = {str(key): "" for key in given}
    if not all(isinstance(value, str) for value in given.values()):
        raise bad("data has a value that is no text.")
    return cast(AttributeMode, mode), dict(given)


def _part(content: object, key: str, path: str = "") -> Mapping[str, Any]:
    found = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        raise bad(f"{path or key} is missing, or no object.")
    return found


def bad(message: str) -> HttpError:
    """Return the error of a body that cannot be understood."""
    return HttpError(400, "bad_request", message)


def refused_input(error: InvalidInputError) -> str:
    """Return in one line what is wrong with a body."""
    issue = error.issues[0] if error.issues else FieldIssue("body", error.message)
    return f"{issue.field} {issue.problem}"
