"""People of an OpenID Connect provider: the authorisation code flow with PKCE, and what keeps its answers honest.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, 7636 (PKCE), 9207 (who answers), 9700 (best practice).
"""

import base64
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pdm_app.directories.id_tokens import Keys, TokenError, TokenReader
from pdm_app.directories.tls import trust
from pdm_app.directories.web import Refusal, Web, WebError
from pdm_app.domain.directories import (
    GROUPS_MAX,
    DirectoryAwayError,
    DirectoryPerson,
    DirectoryRefusedError,
    LogoutNotice,
    OidcProvider,
    Proof,
    check_https,
)
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S, Micros

log = logging.getLogger(__name__)

DESCRIPTION = "/.well-known/openid-configuration"
FRESH_S = 3_600  # A description is read anew after this; while the provider is away the old one holds.
WORDS_MAX = 300
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
WELCOME = ("userinfo_endpoint", "end_session_endpoint")

Told = Mapping[str, Any]


class OidcClient:
    """One provider; implements `pdm_app.domain.directories.OidcDoor`.

    Raises:
        InvalidInputError: The file of the authority cannot be read.
    """

    def __init__(self, provider: OidcProvider, clock: Clock, secret: Callable[[], Awaitable[str | None]]) -> None:
        self.provider = provider
        self._clock = clock
        self._secret = secret
        self._web = Web(_trust(provider), provider.timeout_s)
        self._described: dict[str, Any] = {}
        self._described_at: Micros | None = None
        self._keys = Keys(self._read_keys, clock)
        self._tokens = TokenReader(provider, provider.issuer, self._keys, clock)

    async def address(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser goes to sign in."""
        provider = self.provider
        async with self._answering():
            described = await self._description()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"acr_values": provider.acr_values} if provider.acr_values else {}),
        }
        return _with_query(described["authorization_endpoint"], query)

    async def redeem(self, redirect_uri: str, code: str, nonce: str, verifier: str, iss: str | None) -> Proof:
        """Exchange a code for the proof of who it is."""
        async with self._answering():
            described = await self._description()
            self._check_who_answers(described, iss)
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
            told = await self._tokens_for(described, form)
            access_token = _text(told, "access_token")
            claims = await self._tokens.id_token(_text(told, "id_token"), nonce, access_token)
            claims = await self._complete(described, claims, access_token)
        return Proof(
            person=_person(self.provider, claims),
            sid=str(claims.get("sid", ""))[:WORDS_MAX],
            id_token=_text(told, "id_token"),
            refresh_token=_text(told, "refresh_token"),
        )

    async def renew(self, subject: str, refresh_token: str) -> Proof:
        """Ask whether somebody is still there."""
        async with self._answering():
            described = await self._description()
            told = await self._tokens_for(described, {"grant_type": "refresh_token", "refresh_token": refresh_token})
            claims: Told = {"sub": subject}
            if _text(told, "id_token"):
                claims = await self._tokens.id_token(_text(told, "id_token"), None)
                if claims["sub"] != subject:
                    raise TokenError("it is about somebody else")
            whole = await self._complete(described, claims, _text(told, "access_token"))
        return Proof(
            person=_person(self.provider, whole),
            refresh_token=_text(told, "refresh_token") or refresh_token,
            is_whole=len(whole) > 1,
        )

    async def logout_address(self, id_token: str, back_to: str) -> str:
        """Return where the browser goes to sign out there too; empty where the provider has no such page."""
        try:
            async with self._answering():
                page = (await self._description()).get("end_session_endpoint")
        except DirectoryAwayError:
            return ""
        if not page:
            return ""
        hint = {"id_token_hint": id_token} if id_token else {}
        query = {"client_id": self.provider.client_id, "post_logout_redirect_uri": back_to, **hint}
        return _with_query(page, query)

    async def read_logout(self, token: str) -> LogoutNotice:
        """Verify a back-channel logout token."""
        async with self._answering():
            await self._description()
            return await self._tokens.logout_token(token)

    async def check(self) -> Sequence[str]:
        """Read the provider's description and keys anew, and return what is worth knowing."""
        self._described_at = None
        self._described = {}
        async with self._answering():
            described = await self._description()
            if not await self._keys.refresh():
                raise WebError(f"{described['jwks_uri']} has no key for signatures that can be used")
        methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return [
            f"issuer {described['issuer']}",
            f"sign-in at {described['authorization_endpoint']}",
            f"proves itself by {', '.join(map(str, methods))[:WORDS_MAX]}",
            "signs out there too" if described.get("end_session_endpoint") else "has no page to sign out",
            "tells of sign-outs there" if described.get("backchannel_logout_supported") else "tells of no sign-outs",
        ]

    async def close(self) -> None:
        await self._web.close()

    # --- what the provider says of itself ----------------------------------------------------------------------------

    async def _description(self) -> dict[str, Any]:
        now = self._clock.now()
        if self._described_at is not None and now - self._described_at < FRESH_S * MICROS_PER_S:
            return self._described
        try:
            described = self._checked(await self._web.get(self.provider.issuer.rstrip("/") + DESCRIPTION))
        except WebError as error:
            if not self._described:
                raise
            log.warning("provider's description is old", extra={"directory": self.provider.id, "why": str(error)})
            described = self._described
        self._described, self._described_at = described, now
        return described

    def _checked(self, described: dict[str, Any]) -> dict[str, Any]:
        issuer = described.get("issuer")
        if issuer != self.provider.issuer:
            raise WebError(f"it calls itself {str(issuer)[:WORDS_MAX]!r} and not {self.provider.issuer!r}")
        for name in (
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        ):
            address = described.get(name)
            if address is None and name in ("userinfo_endpoint", "end_session_endpoint"):
                continue
            try:
                check_https(address if isinstance(address, str) else "")
            except ValueError as error:
                raise WebError(f"its {name} {str(address)[:WORDS_MAX]!r} {error}") from None
        return described

    async def _read_keys(self) -> Told:
        return await self._web.get((await self._description())["jwks_uri"])

    def _check_who_answers(self, described: Told, iss: str | None) -> None:
        """Refuse an answer of another provider, whose code would be handed to this one, or the other way round."""
        if iss is None and described.get("authorization_response_iss_parameter_supported") is True:
            raise TokenError("the answer does not say which provider gives it, though this one always does")
        if iss is not None and iss != self.provider.issuer:
            raise TokenError(f"the answer is of {iss[:WORDS_MAX]!r}")

    # --- tokens ------------------------------------------------------------------------------------------------------

    async def _tokens_for(self, described: Told, form: dict[str, str]) -> Told:
        client_id, secret = self.provider.client_id, await self._secret()
        methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        headers: dict[str, str] = {}
        if not secret:
            form = {**form, "client_id": client_id}
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, section 2.3.1.
            headers["authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        else:
            form = {**form, "client_id": client_id, "client_secret": secret}
        return await self._web.post(described["token_endpoint"], form, headers)

    async def _complete(self, described: Told, claims: Told, access_token: str) -> dict[str, Any]:
        """Add what only the userinfo endpoint says; what the signed token says stands."""
        page = described.get("userinfo_endpoint")
        if not (self.provider.asks_userinfo and page and access_token):
            return dict(claims)
        more = await self._web.get(page, access_token)
        if more.get("sub") != claims["sub"]:
            raise TokenError("the provider's userinfo is about somebody else")
        return {**more, **claims}

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Turn what the provider does wrong into the errors that the product knows."""
        provider = self.provider
        try:
            yield
        except (TokenError, Refusal) as error:
            raise DirectoryRefusedError(
                f"{provider.name} did not prove who you are. Begin the sign-in again; an admin finds the reason in the "
                "log.",
                directory=provider.id,
                why=str(error),
                code=error.code if isinstance(error, Refusal) else "",
            ) from None
        except WebError as error:
            raise DirectoryAwayError(
                f"{provider.name} does not answer, so nobody can sign in with it now. Accounts made here sign in as "
                "before; try again in a moment.",
                directory=provider.id,
                why=str(error),
            ) from None


def _person(provider: OidcProvider, claims: Told) -> DirectoryPerson:
    subject = str(claims["sub"])
    methods = claims.get("amr")
    shown = {str(method) for method in (methods if isinstance(methods, list) else ())} | {str(claims.get("acr", ""))}
    username = _words(_deep(claims, provider.username_claim)) or _words(claims.get("email")) or subject
    email = _words(claims.get("email"))
    return DirectoryPerson(
        subject=subject,
        username=username,
        display_name=_words(_deep(claims, provider.name_claim)) or username,
        email=email,
        email_verified=bool(email) and claims.get("email_verified") is True,
        groups=_groups(_deep(claims, provider.groups_claim)),
        has_mfa=bool(shown & set(provider.mfa_values)),
    )


def _deep(claims: Told, path: str) -> object:
    """Find a claim by its name, or by a path with points, such as ``realm_access.roles``."""
    if path in claims:
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _groups(found: object) -> tuple[str, ...]:
    if isinstance(found, str):
        return (found[:WORDS_MAX],)
    if not isinstance(found, list):
        return ()
    return tuple(group[:500] for group in found[:GROUPS_MAX] if isinstance(group, str))


def _words(found: object) -> str:
    return found.strip()[:WORDS_MAX] if isinstance(found, str) else ""


def _text(told: Told, name: str) -> str:
    found = told.get(name)
    return found if isinstance(found, str) else ""


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _trust(provider: OidcProvider) -> ssl.SSLContext:
    try:
        return trust(provider.ca_file)
    except OSError as error:  # An SSLError is one, too.
        raise InvalidInputError(
            f"The authority of the provider {provider.id} in {provider.ca_file} cannot be read: {error}. "
            "Name a PEM file with its certificate in ca_file."
        ) from None
