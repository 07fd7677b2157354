"""``/DEFAULT/controller/v1/{device}``: devices ask for firmware and say what became of it, in the words of hawkBit.

A device proves itself by a key of its own (``Authorization: TargetToken KEY``); the name in the path must be its code.
Whoever does not is answered 401 with nothing to read, alike for every fault. Success is exactly 200, with an empty body
where something was said: clients take anything else for a failure.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PdmError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.domain.firmware_actions import Action, ActionState
from pdm_app.endpoints.answers import Answering, Handler, HttpError, error_response
from pdm_app.endpoints.bodies import decode_json, media_type, read_body
from pdm_app.endpoints.callers import HttpServices, address_of, base_of
from pdm_app.endpoints.ddi_words import (
    HAL,
    HISTORY_MAX,
    JSON,
    attributes_of,
    bad,
    chunk,
    deployment,
    fault,
    hal,
    refused_input,
    report_of,
    sleep_text,
    stamp,
)
from pdm_app.services.device_assignments import Assigned, GoneError
from pdm_app.services.paces import PIECE_BYTES, Pace

TENANTS = ("DEFAULT", "default")
SCHEME = "TargetToken "
BODY_BYTES_MAX = 131_072
POLL_S = 300
POLL_BUSY_S = 30
SETTLE_S_MAX = 10
NUMBER_DIGITS_MAX = 10
MD5SUM = ".MD5SUM"
Serve = Callable[[Request, HttpServices, Actor], Awaitable[Response]]


class Ddi:
    """Serves the addresses.

    Args:
        public_url: The address of this product as devices have it; empty takes that of each request.
        poll_s: How long devices are told to wait while there is nothing to do.
    """

    def __init__(self, public_url: str = "", poll_s: int = POLL_S) -> None:
        self._public_url = public_url
        self._sending: dict[str, list[Transfer]] = {}
        self.poll_s = poll_s

    def known(self, serve: Serve, tenant: str) -> Callable[[Request, HttpServices], Awaitable[Response]]:
        """Return a handler that lets in only the device of the path, and words errors as devices read them."""

        async def handler(request: Request, services: HttpServices) -> Response:
            try:
                request.path_params["tenant"] = tenant
                return await serve(request, services, await self._device(request, services))
            except HttpError as error:
                return fault(error.status, error.message)
            except UnauthenticatedError:
                return fault(401, "")
            except InvalidInputError as error:
                return fault(400, refused_input(error))
            except PermissionDeniedError as error:
                return fault(403, error.message)
            except NotFoundError as error:
                return fault(404, error.message)
            except GoneError as error:
                return fault(410, error.message)
            except ConflictError as error:
                return fault(409, error.message)
            except UnavailableError as error:
                return error_response(error)
            except PdmError as error:
                return fault(500, error.message)

        return handler

    async def _device(self, request: Request, services: HttpServices) -> Actor:
        given = request.headers.get("authorization", "")
        if not given.startswith(SCHEME):
            raise UnauthenticatedError("no token")
        actor = await services.devices.actor_of_key(given[len(SCHEME) :], address_of(request))
        if request.path_params["controller_id"] not in (actor.name, actor.device_id):
            raise UnauthenticatedError("a token of another device")
        return actor

    async def _settled(self, actor: Actor) -> None:
        """Wait until it is on record what a device was sent before: it goes on as soon as it has the last byte."""
        for transfer in tuple(self._sending.get(actor.device_id or "", ())):
            if transfer.is_ending:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_S_MAX):
                        await transfer.is_counted.wait()

    def _base(self, request: Request) -> str:
        tenant, controller_id = request.path_params["tenant"], request.path_params["controller_id"]
        return f"{base_of(request, self._public_url)}/{tenant}/controller/v1/{controller_id}"

    # --- asking -----------------------------------------------------------------------------------------------------

    async def root(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say when to ask again, and where to go on."""
        polled = await services.device_updates.poll(actor)
        base, links = self._base(request), dict[str, dict[str, str]]()
        action = polled.assigned.action if polled.assigned is not None else None
        if action is not None and action.state is ActionState.WAITING_CONFIRMATION:
            links["confirmationBase"] = _link(base, "confirmationBase", action, action.revision)
        elif action is not None and action.state is ActionState.CANCELING:
            links["cancelAction"] = {"href": f"{base}/cancelAction/{action.number}"}
        elif action is not None and polled.assigned is not None and polled.is_offered:
            may = polled.assigned.may_install
            links["deploymentBase"] = _link(base, "deploymentBase", action, may, action.attempts)
        elif polled.installed is not None:
            links["installedBase"] = {"href": f"{base}/installedBase/{polled.installed.number}"}
        if polled.twin.wants_attributes:
            links["configData"] = {"href": f"{base}/configData"}
        wait_s = min(self.poll_s, POLL_BUSY_S) if action is not None else self.poll_s
        content: dict[str, object] = {"config": {"polling": {"sleep": sleep_text(wait_s)}}}
        return hal(request, {**content, "_links": links} if links else content)

    async def deployment(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say what to install, and where it is."""
        assigned = await services.device_updates.deployment(actor, _number(request))
        return await self._told(request, services, actor, assigned, "deployment")

    async def installed(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say again what was installed last."""
        number = _number(request)
        polled = await services.device_updates.poll(actor)
        if polled.installed is None or polled.installed.number != number:
            raise NotFoundError(f"The action {number} is not the last one that was installed.")
        assigned = await services.device_updates.deployment(actor, number)
        return await self._told(request, services, actor, assigned, "deployment")

    async def _told(
        self, request: Request, services: HttpServices, actor: Actor, assigned: Assigned, key: str
    ) -> Response:
        asked = request.query_params.get("actionHistory", "0")
        lines = int(asked) if asked.lstrip("-").isdecimal() and len(asked) < NUMBER_DIGITS_MAX else 0
        shown = HISTORY_MAX if lines < 0 else min(lines, HISTORY_MAX)
        events = await services.device_updates.story(actor, assigned.action, shown) if shown else ()
        action, release = assigned.action, assigned.release
        ticket = await services.director.ticket(
            request.path_params["controller_id"], str(action.number), release.manifest_sha256, action.attempts
        )
        return hal(request, deployment(assigned, self._base(request), ticket, events, key))

    async def canceling(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say which action to stop."""
        action = await services.device_updates.canceling(actor, _number(request))
        number = str(action.number)
        return hal(request, {"id": number, "cancelAction": {"stopId": number}})

    async def confirmations(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say how the device confirms updates, and what waits for a word."""
        twin, action = await services.device_confirmations.state(actor)
        base = self._base(request)
        told: dict[str, object] = {"active": twin.auto_confirm, "activatedAt": (twin.auto_confirm_at or 0) // 1000}
        if twin.auto_confirm:
            told["initiator"] = twin.auto_confirm_by
        word = "deactivateAutoConfirm" if twin.auto_confirm else "activateAutoConfirm"
        links = {word: {"href": f"{base}/confirmationBase/{word}"}}
        if action is not None:
            links["confirmationBase"] = _link(base, "confirmationBase", action, action.revision)
        return hal(request, {"autoConfirm": told, "_links": links})

    async def confirmation(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Say what is to be confirmed."""
        assigned = await services.device_confirmations.confirmation(actor, _number(request))
        return await self._told(request, services, actor, assigned, "confirmation")

    # --- saying -----------------------------------------------------------------------------------------------------

    async def feedback(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Take what a device says of its update."""
        report = report_of(await _body(request))
        await self._settled(actor)
        await services.device_updates.report(actor, _number(request), report)
        return Response(status_code=200)

    async def cancel_feedback(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Take what a device says of being asked to stop."""
        report = report_of(await _body(request))
        try:
            await services.device_updates.report_cancel(actor, _number(request), report)
        except ConflictError as error:
            return fault(405, error.message)
        return Response(status_code=200)

    async def confirm(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Take the word of somebody at the device."""
        content = await _body(request)
        word = content.get("confirmation") if isinstance(content, dict) else None
        if word not in ("confirmed", "denied"):
            raise bad(f"confirmation is {word!r}; use confirmed or denied.")
        details = content.get("details") if isinstance(content, dict) else None
        text = "\n".join(str(line)[:500] for line in details[:50]) if isinstance(details, list) else ""
        await services.device_confirmations.confirm(actor, _number(request), agreed=word == "confirmed", details=text)
        return Response(status_code=200)

    async def activate(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Have updates begin without anybody's word."""
        body = await read_body(request, BODY_BYTES_MAX)
        content = decode_json(body) if body.strip() else {}
        by = content.get("initiator") if isinstance(content, dict) else None
        await services.device_confirmations.set_auto_confirm(actor, active=True, by=by if isinstance(by, str) else "")
        return Response(status_code=200)

    async def deactivate(self, _request: Request, services: HttpServices, actor: Actor) -> Response:
        """Ask again before each update."""
        await services.device_confirmations.set_auto_confirm(actor, active=False)
        return Response(status_code=200)

    async def attributes(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Keep what a device says of itself."""
        mode, given = attributes_of(await _body(request))
        await services.device_updates.put_attributes(actor, mode, given)
        return Response(status_code=200)

    # --- files ------------------------------------------------------------------------------------------------------

    async def artifacts(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """List the files of a release."""
        release, _, _ = await services.device_updates.artifact_release(actor, request.path_params["module_id"])
        return hal(request, chunk(release, self._base(request), "")["artifacts"])

    async def artifact(self, request: Request, services: HttpServices, actor: Actor) -> Response:
        """Send a file, or the rest of it, and count what was sent."""
        release, action, campaign = await services.device_updates.artifact_release(
            actor, request.path_params["module_id"]
        )
        file, name = release.artifact, request.path_params["filename"]
        if name == file.filename + MD5SUM:
            return PlainTextResponse(f"{file.md5}  {file.filename}")
        path = services.releases.artifacts.path(file.sha256, file.bytes) if name == file.filename else None
        if path is None:
            raise NotFoundError("There is no such file for this device.")
        etag = f'"{file.sha1}"'
        wanted = request.headers.get("if-match", "*")
        if wanted != "*" and file.sha1 not in wanted:
            raise HttpError(412, "precondition_failed", "The file is another one.")

        await self._settled(actor)
        transfer, device_id = Transfer(), actor.device_id or ""

        async def sent(begin: int, end: int) -> None:
            try:
                if end > begin:
                    await services.device_updates.served(actor, action.id, begin, end)
            finally:
                transfer.is_counted.set()
                self._sending[device_id].remove(transfer)
                if not self._sending[device_id]:
                    del self._sending[device_id]

        headers = {"etag": etag, "cache-control": "private, no-transform", "x-content-type-options": "nosniff"}
        self._sending.setdefault(device_id, []).append(transfer)
        pace = services.device_updates.paces.of(campaign)
        return CountedFile(path, request, transfer, sent, headers, file.filename, pace)


@dataclass(slots=True, eq=False)
class Transfer:
    """An image, or a part of it, on its way to a device."""

    is_ending: bool = False
    is_counted: asyncio.Event = field(default_factory=asyncio.Event)


class CountedFile(FileResponse):
    """A file of which it is known how much was sent, also where the connection broke.

    Where the campaign has a limit, its devices share the line: each piece waits for its turn.
    """

    def __init__(
        self,
        path: object,
        request: Request,
        transfer: Transfer,
        sent: Callable[[int, int], Awaitable[None]],
        headers: dict[str, str],
        filename: str,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(str(path), headers=headers, media_type="application/octet-stream", filename=filename)
        self._pace = pace
        if pace is not None:
            self.chunk_size = PIECE_BYTES
        self._request, self._transfer, self._sent = request, transfer, sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin, count, counts = 0, 0, False

        async def counting(message: Message) -> None:
            nonlocal begin, count, counts
            if message["type"] == "http.response.start":
                begin, counts = _begin_of(message)
            elif self._pace is not None and message.get("body"):
                await self._pace.turn(len(message["body"]))
            if message["type"] != "http.response.start" and await self._request.is_disconnected():
                raise ClientDisconnect
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._transfer.is_ending = True
            await send(message)
            count += len(message.get("body", b""))

        try:
            await super().__call__(scope, receive, counting)
        except ClientDisconnect:
            pass  # What went out before that is counted; the device asks for the rest.
        finally:
            self._transfer.is_ending = True
            await self._sent(begin, begin + count if counts and scope["method"] == "GET" else begin)


def ddi_routes(ddi: Ddi, served: Callable[..., Handler], tenant: str) -> list[BaseRoute]:
    """Return the addresses below ``/{tenant}``."""

    def at(path: str, **serves: Serve) -> Route:
        handlers = {method: served(ddi.known(serve, tenant)) for method, serve in serves.items()}
        return Route("/controller/v1/{controller_id}" + path, Answering(**handlers))

    return [
        at("", GET=ddi.root),
        at("/configData", PUT=ddi.attributes),
        at("/deploymentBase/{number}", GET=ddi.deployment),
        at("/deploymentBase/{number}/feedback", POST=ddi.feedback),
        at("/cancelAction/{number}", GET=ddi.canceling),
        at("/cancelAction/{number}/feedback", POST=ddi.cancel_feedback),
        at("/installedBase/{number}", GET=ddi.installed),
        at("/confirmationBase", GET=ddi.confirmations),
        at("/confirmationBase/activateAutoConfirm", POST=ddi.activate),
        at("/confirmationBase/deactivateAutoConfirm", POST=ddi.deactivate),
        at("/confirmationBase/{number}", GET=ddi.confirmation),
        at("/confirmationBase/{number}/feedback", POST=ddi.confirm),
        at("/softwaremodules/{module_id}/artifacts", GET=ddi.artifacts),
        at("/softwaremodules/{module_id}/artifacts/{filename}", GET=ddi.artifact),
    ]


def _begin_of(message: Message) -> tuple[int, bool]:
    """Return where an answer begins in the file, and whether it is one stretch of it."""
    headers = {name.lower(): value.decode("latin-1") for name, value in message["headers"]}
    if message["status"] == 200:
        return 0, True
    span = headers.get(b"content-range", "")
    if message["status"] != 206 or not span.startswith("bytes "):
        return 0, False
    return int(span[6:].partition("-")[0]), True


async def _body(request: Request) -> object:
    media_type(request, (JSON, HAL))
    return decode_json(await read_body(request, BODY_BYTES_MAX))


def _number(request: Request) -> int:
    text = request.path_params["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > NUMBER_DIGITS_MAX:
        raise NotFoundError("There is no such action.")
    return int(text)


def _link(base: str, name: str, action: Action, *parts: object) -> dict[str, str]:
    return {"href": f"{base}/{name}/{action.number}?c={stamp(action.number, action.campaign_id, *parts)}"}
