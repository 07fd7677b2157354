"""Sign-in with a provider of the company, below ``/api/auth/oidc``: ``begin``, ``callback``, ``resume``, ``logout``.

``begin`` and ``callback`` are walked through by browsers and end on a page, which has words for what went wrong. The
cookie that binds an answer to the browser that asked is Lax, since it has to come along from another site, and good for
one sign-in; the cookies of the session stay Strict. ``logout`` is for providers, who tell of sign-outs there.

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.5 and 2.8.
"""

import logging
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pdm_app.domain.directories import DirectoryAwayError, DirectoryRefusedError
from pdm_app.domain.errors import NotFoundError, PdmError, TooManyAttemptsError, UnauthenticatedError
from pdm_app.endpoints.answers import HttpError, json_response
from pdm_app.endpoints.auth import LOGIN_PAGE, go_on, own_path, set_cookies, visit_of
from pdm_app.endpoints.bodies import FORM, decode_form, media_type, read_body
from pdm_app.endpoints.callers import HttpServices, address_of, base_of, check_origin
from pdm_app.services.directories import OIDC_PATH, callback_path
from pdm_app.services.oidc_sign_in import LIFE_S, Answer, Returned
from pdm_app.settings import AuthSettings

log = logging.getLogger(__name__)

STATE_COOKIE = "pdm_oidc_"  # One per question: two tabs that sign in do not get into each other's way.
HELD_COOKIE = "pdm_held"
NAME_CHARACTERS = 12  # Of the state, in the cookie's name.
FIELD_CHARACTERS_MAX = 4_096
NOTICE_BYTES_MAX = 70_000


class OidcEndpoints:
    """Serves the addresses under ``/api/auth/oidc``."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    async def begin(self, request: Request, services: HttpServices) -> Response:
        """Send a browser to a provider."""
        directory_id = request.path_params["directory_id"]
        next_path = own_path(request.query_params.get("next"), "")
        try:
            redirect_uri = base_of(request, self._settings.public_url) + callback_path(directory_id)
            going = await services.auth.oidc.begin(directory_id, redirect_uri, next_path, address_of(request))
        except DirectoryAwayError as error:
            log.warning("a provider is away", extra={"directory": directory_id, "why": error.facts.get("why")})
            return _to_login(refused="away", directory=directory_id, next=next_path)
        except TooManyAttemptsError:
            return _to_login(refused="away", directory=directory_id, next=next_path)  # In a moment it does answer.
        response = RedirectResponse(going.address, 303, {"Cache-Control": "no-store"})
        self._set(request, response, _cookie_of(going.state), going.binding)
        return response

    async def callback(self, request: Request, services: HttpServices) -> Response:
        """Take what a browser brings back from a provider."""
        directory_id = request.path_params["directory_id"]
        query = {name: value[:FIELD_CHARACTERS_MAX] for name, value in request.query_params.items()}
        state = query.get("state", "")
        answer = Answer(
            state=state,
            code=query.get("code", ""),
            iss=query.get("iss"),
            error=query.get("error", ""),
            binding=request.cookies.get(_cookie_of(state), ""),
        )
        try:
            returned = await services.auth.oidc.finish(directory_id, answer, visit_of(request))
            response = await self._answer(request, services, directory_id, returned)
        except NotFoundError:
            raise
        except PdmError as error:  # Such as a database that is away: whoever waits here reads a page.
            log.warning("sign-in with a provider failed", extra={"directory": directory_id, "why": error.message})
            response = _to_login(refused="failed", directory=directory_id)
        response.headers["Cache-Control"] = "no-store"
        response.delete_cookie(_cookie_of(state), path=OIDC_PATH, httponly=True, samesite="lax")
        return response

    async def _answer(
        self, request: Request, services: HttpServices, directory_id: str, returned: Returned
    ) -> Response:
        if returned.progress is None:
            return _to_login(refused=returned.refusal or "failed", directory=directory_id, next=returned.next_path)
        signed_in = returned.progress.signed_in
        if signed_in is None:
            held = services.auth.oidc.hold(returned)
            response = _to_login(resume="1", next=returned.next_path)
            self._set(request, response, HELD_COOKIE, held)
            return response
        actor = await services.auth.actor_of_session(signed_in.session_id, address_of(request))
        home = (await services.auth.profile.preferences(actor)).first_page(actor.role)
        response = RedirectResponse(own_path(returned.next_path, home), 303)
        set_cookies(request, response, signed_in)
        return response

    async def resume(self, request: Request, services: HttpServices) -> Response:
        """Say what a sign-in that came back from a provider still owes, as ``login`` does."""
        check_origin(request, self._settings.allowed_origins)
        returned = services.auth.oidc.held(request.cookies.get(HELD_COOKIE, ""))
        if returned is None or returned.progress is None:
            raise UnauthenticatedError("This sign-in was begun in another window, or too long ago. Begin again.")
        return await go_on(request, services, returned.progress, {"next": returned.next_path})

    async def logout(self, request: Request, services: HttpServices) -> Response:
        """End the sessions of somebody who has signed out at their provider."""
        media_type(request, (FORM,))
        token = decode_form(await read_body(request, NOTICE_BYTES_MAX)).get("logout_token", "")
        try:
            ended = await services.auth.oidc.sign_out_notice(request.path_params["directory_id"], token)
        except DirectoryRefusedError as error:
            log.warning("a notice of a sign-out proves nothing", extra=dict(error.facts))
            raise HttpError(400, "invalid_request", "This logout token proves nothing; the log says why.") from None
        return json_response({"ended": ended})

    def _set(self, request: Request, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name, value, max_age=LIFE_S, path=OIDC_PATH, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip


def _cookie_of(state: str) -> str:
    return STATE_COOKIE + "".join(letter for letter in state[:NAME_CHARACTERS] if letter.isascii() and letter.isalnum())


def _to_login(**facts: str) -> Response:
    return RedirectResponse(f"{LOGIN_PAGE}?{urlencode({name: fact for name, fact in facts.items() if fact})}", 303)
