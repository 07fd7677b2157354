"""Sign-in and its cookies: ``/api/auth/login``, ``step``, ``setup``, ``refresh``, ``logout``; ``token`` for programs.

``link`` and ``accept`` are for the holders of one-time links. A step that is owed is answered with 200 and
``{"step": …, "challenge": …}``, and its answer goes to ``step`` with that challenge; cookies come with the last one.

Pages send JSON or an HTML form; a form is answered with a redirect. Tokens never reach a page's scripts: they live in
HttpOnly, SameSite=Strict cookies. Programs ask ``/api/auth/token`` and get tokens and no cookies.
"""

import re
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pdm_app.domain.errors import FieldIssue, InvalidInputError, PdmError, UnauthenticatedError, UnavailableError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.endpoints.answers import JSON, error_response, json_response, status_of
from pdm_app.endpoints.bodies import FORM, decode_form, decode_json, media_type, read_body
from pdm_app.endpoints.callers import (
    ACCESS_COOKIE,
    REFRESH_COOKIE,
    HttpServices,
    address_of,
    base_of,
    bearer,
    check_origin,
)
from pdm_app.services.auth import AuthService
from pdm_app.services.first_run import SetupRequest
from pdm_app.services.passwords import strength_of
from pdm_app.services.sessions import SignedIn
from pdm_app.services.sign_in import Progress, Visit, whole
from pdm_app.settings import AuthSettings

BYTES_MAX = 10_000
LENGTH_MAX = 256
REFRESH_PATH = "/api/auth"  # The refresh token travels nowhere else.
AFTER_SIGN_IN = "/plant"
LOGIN_PAGE = "/login"
SETUP_PAGE = "/setup"
OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")

Fields = dict[str, Any]


class AuthEndpoints:
    """Serves the addresses under ``/api/auth``, but for those of providers; see `pdm_app.endpoints.oidc`."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    async def login(self, request: Request, services: HttpServices) -> Response:
        """Sign in with username and password."""
        check_origin(request, self._settings.allowed_origins)
        is_form, fields = await _fields(request)
        try:
            progress = await services.auth.begin_sign_in(
                _word(fields, "username"), _word(fields, "password"), visit_of(request)
            )
            if is_form:  # A page without scripts has no place for a further step.
                whole(progress, _word(fields, "username"))
        except PdmError as error:
            if is_form:
                return _back(LOGIN_PAGE, error, next=own_path(fields.get("next")))
            raise
        return await go_on(request, services, progress, fields, is_form=is_form)

    async def step(self, request: Request, services: HttpServices) -> Response:
        """Go on with a sign-in: a code, or a new password."""
        check_origin(request, self._settings.allowed_origins)
        fields = await _json_fields(request)
        progress = await services.auth.proceed(_word(fields, "challenge"), _word(fields, "answer"), visit_of(request))
        return await go_on(request, services, progress, fields)

    async def link(self, request: Request, services: HttpServices) -> Response:
        """Say what a one-time link is for."""
        check_origin(request, self._settings.allowed_origins)
        fields = await _json_fields(request)
        view = await services.auth.link_view(_word(fields, "token"), address_of(request))
        return json_response(view.model_dump(mode="json"))

    async def accept(self, request: Request, services: HttpServices) -> Response:
        """Set a password by a one-time link, and go on to sign in."""
        check_origin(request, self._settings.allowed_origins)
        fields = await _json_fields(request)
        progress = await services.auth.accept_link(_word(fields, "token"), _word(fields, "password"), visit_of(request))
        return await go_on(request, services, progress, fields)

    async def strength(self, request: Request, _services: HttpServices) -> Response:
        """Say how strong a password would be, while it is being chosen; it is kept nowhere."""
        check_origin(request, self._settings.allowed_origins)
        fields = await _json_fields(request)
        told = strength_of(_word(fields, "password")[:LENGTH_MAX], _word(fields, "username")[:LENGTH_MAX])
        return json_response({"level": told.level, "problem": told.problem})

    async def setup(self, request: Request, services: HttpServices) -> Response:
        """Make the first admin with the one-time link's token, and sign in."""
        check_origin(request, self._settings.allowed_origins)
        is_form, fields = await _fields(request)
        try:
            wanted = {name: value for name, value in fields.items() if name in SetupRequest.model_fields}
            signed_in = await services.auth.set_up(
                SetupRequest.model_validate(wanted), address_of(request), _agent(request), has_page=True
            )
        except ValidationError as error:
            raise InvalidInputError(
                "The set-up form is incomplete or has a field that cannot be used.",
                [FieldIssue(str(fault["loc"][0]), fault["msg"]) for fault in error.errors(include_input=False)],
            ) from None
        except PdmError as error:
            if is_form:
                return _back(SETUP_PAGE, error, token=_word(fields, "token"))
            raise
        return _welcome(request, signed_in, fields, is_form=is_form)

    async def refresh(self, request: Request, services: HttpServices) -> Response:
        """Exchange the refresh cookie for new cookies; an ended session loses its cookies."""
        check_origin(request, self._settings.allowed_origins)
        try:
            signed_in = await services.auth.refresh(request.cookies.get(REFRESH_COOKIE, ""))
        except UnauthenticatedError as error:
            response = error_response(error)
            _clear_cookies(response)
            return response
        response = json_response(_facts(signed_in))
        set_cookies(request, response, signed_in)
        return response

    async def logout(self, request: Request, services: HttpServices) -> Response:
        """End the session, whichever of its tokens is still there; nothing to end is no error."""
        check_origin(request, self._settings.allowed_origins)
        is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
        try:
            page = await self._end_session(request, services.auth)
            told: Fields = {"signed_out": True, **({"next": page} if page else {})}
            response: Response = RedirectResponse(page or LOGIN_PAGE, 303) if is_form else json_response(told)
        except UnavailableError as error:  # Ended in this process; on the cookies' side it is over in any case.
            response = _back(LOGIN_PAGE, error) if is_form else error_response(error)
        _clear_cookies(response)
        return response

    async def _end_session(self, request: Request, auth: AuthService) -> str:
        """End it, and return where the browser goes to sign out at the company's provider too; empty for nowhere."""
        address = address_of(request)
        access_token = bearer(request) or request.cookies.get(ACCESS_COOKIE, "")
        try:
            actor = await auth.actor_of_access(access_token, allow_expired=True, address=address)
        except UnauthenticatedError:
            try:
                session_id = auth.session_of_refresh(request.cookies.get(REFRESH_COOKIE, ""))
                actor = await auth.actor_of_session(session_id, address)
            except UnauthenticatedError:
                return ""
        back_to = base_of(request, self._settings.public_url) + LOGIN_PAGE
        page = await auth.oidc.logout_address(actor.session_id, back_to) if actor.session_id else ""
        await auth.sign_out(actor)
        return page

    async def token(self, request: Request, services: HttpServices) -> Response:
        """Give a program tokens for ``username``, ``password`` and, where one is needed, ``code``.

        Or for ``refresh_token``.
        """
        media_type(request, (JSON,))
        fields = _object(decode_json(await read_body(request, BYTES_MAX)))
        if "refresh_token" in fields:
            signed_in = await services.auth.refresh(_word(fields, "refresh_token"))
        else:
            signed_in = await services.auth.sign_in(
                _word(fields, "username"),
                _word(fields, "password"),
                address_of(request),
                _agent(request),
                _word(fields, "code") if "code" in fields else "",
            )
        return json_response(
            {
                **_facts(signed_in),
                "token_type": "Bearer",
                "access_token": signed_in.access_token,
                "refresh_token": signed_in.refresh_token,
            }
        )


def own_path(wanted: object, otherwise: str = AFTER_SIGN_IN) -> str:
    """Return a path of this product: a foreign address after sign-in would be a gift to phishers."""
    return wanted if isinstance(wanted, str) and OWN_PATH.fullmatch(wanted) else otherwise


async def _fields(request: Request) -> tuple[bool, Fields]:
    is_form = media_type(request, (JSON, FORM)) == FORM
    body = await read_body(request, BYTES_MAX)
    return is_form, decode_form(body) if is_form else _object(decode_json(body))


async def _json_fields(request: Request) -> Fields:
    media_type(request, (JSON,))
    return _object(decode_json(await read_body(request, BYTES_MAX)))


def visit_of(request: Request) -> Visit:
    return Visit(address_of(request), _agent(request), has_page=True)


async def go_on(
    request: Request, services: HttpServices, progress: Progress, fields: Fields, *, is_form: bool = False
) -> Response:
    """Ask for the next step, or welcome whoever has done them all."""
    codes: Fields = {"recovery_codes": list(progress.recovery_codes)} if progress.recovery_codes else {}
    if progress.signed_in is None:
        enrolment = progress.enrolment.model_dump(mode="json") if progress.enrolment else None
        return json_response({"step": progress.step, "challenge": progress.challenge, "enrolment": enrolment, **codes})
    actor = await services.auth.actor_of_session(progress.signed_in.session_id, address_of(request))
    preferences = await services.auth.profile.preferences(actor)
    more = {**codes, "preferences": preferences.model_dump(mode="json")}
    return _welcome(
        request, progress.signed_in, fields, is_form=is_form, home=preferences.first_page(actor.role), more=more
    )


def _object(given: Any) -> Fields:
    if not isinstance(given, dict):
        raise InvalidInputError("The body is not an object.", [FieldIssue("body", "is not an object", "send {…}")])
    return given


def _word(fields: Fields, name: str) -> str:
    given = fields.get(name)
    if not isinstance(given, str):
        problem = "is missing" if given is None else "is not text"
        raise InvalidInputError(f"{name} {problem}; send it as text.", [FieldIssue(name, problem, "send it as text")])
    return given


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _back(page: str, error: PdmError, **more: str) -> Response:
    """Send a form's visitor back to it; the page words the error by its code."""
    facts = {"error": status_of(error)[1]}
    if "retry_after_s" in error.facts:
        facts["retry_after_s"] = str(error.facts["retry_after_s"])
    if isinstance(error, InvalidInputError) and error.issues:
        facts["field"] = error.issues[0].field
    return RedirectResponse(f"{page}?{urlencode({**facts, **more})}", 303)


def _welcome(
    request: Request,
    signed_in: SignedIn,
    fields: Fields,
    *,
    is_form: bool,
    home: str = AFTER_SIGN_IN,
    more: Fields | None = None,
) -> Response:
    next_path = own_path(fields.get("next"), home)
    response: Response = (
        RedirectResponse(next_path, 303)
        if is_form
        else json_response({**_facts(signed_in), "next": next_path, **(more or {})})
    )
    set_cookies(request, response, signed_in)
    return response


def _facts(signed_in: SignedIn) -> Fields:
    user = signed_in.user
    return {
        "user": {"id": user.id, "username": user.username, "display_name": user.display_name, "role": str(user.role)},
        "access_expires_at": signed_in.access_expires_at,
        "session_expires_at": signed_in.session_expires_at,
    }


def set_cookies(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Both cookies live as long as the session; the access token inside expires long before.

    A page that comes back after a pause then still names its session, and gets a fresh token by refreshing.
    """
    expires_s = (signed_in.session_expires_at - signed_in.issued_at) // MICROS_PER_S
    common: Fields = {
        "max_age": expires_s,
        "httponly": True,
        "samesite": "strict",
        "secure": request.url.scheme == "https",
    }
    response.set_cookie(ACCESS_COOKIE, signed_in.access_token, path="/", **common)
    if signed_in.refresh_token is not None:
        response.set_cookie(REFRESH_COOKIE, signed_in.refresh_token, path=REFRESH_PATH, **common)


def _clear_cookies(response: Response) -> None:
    response.delete_cookie(ACCESS_COOKIE, path="/", httponly=True, samesite="strict")
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, httponly=True, samesite="strict")
