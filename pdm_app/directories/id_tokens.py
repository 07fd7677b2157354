"""What a provider signs: keys of today, and the checks that a token of it must pass.

Only signatures by a private key of the provider are taken. A token that names no algorithm, or one under a shared
secret, is refused whatever else it says; so is one for another client, of another issuer, out of its time, or not
an answer to the very question that was asked.

Source: OpenID Connect Core 1.0, section 3.1.3.7; Back-Channel Logout 1.0, section 2.6; RFC 8725.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pdm_app.domain.directories import SUBJECT_CHARACTERS_MAX, LogoutNotice, OidcProvider
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S, Micros

HASH_OF = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
ALGORITHMS = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in HASH_OF) | {"EdDSA"}
TOKEN_CHARACTERS_MAX = 65_536
RSA_BITS_MIN = 2_048
AGE_S_MAX = 600  # An ID token answers a question of this moment; nobody needs one made earlier.
KEYS_EARLIEST_S = 20  # A token that names an unknown key makes us ask for the keys, and not more often than this.
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_NOTICES_MAX = 1_000

ReadKeys = Callable[[], Awaitable[Mapping[str, Any]]]


class TokenError(Exception):
    """A token proves nothing; the text says which check it failed, for the log and for admins."""


class Keys:
    """The provider's public keys, read anew when a token names one that is not known: providers change them."""

    def __init__(self, read: ReadKeys, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._read_at: Micros | None = None

    async def refresh(self) -> int:
        """Read the keys and return how many can be used."""
        told = (await self._read()).get("keys")
        self._keys = [key for given in told if (key := _usable(given))] if isinstance(told, list) else []
        self._read_at = self._clock.now()
        return len(self._keys)

    async def candidates(self, kid: str | None) -> list[jwt.PyJWK]:
        """Return the keys that may have signed a token which names ``kid``."""
        found = self._named(kid)
        now = self._clock.now()
        if not found and (self._read_at is None or now - self._read_at >= KEYS_EARLIEST_S * MICROS_PER_S):
            await self.refresh()
            found = self._named(kid)
        return found

    def _named(self, kid: str | None) -> list[jwt.PyJWK]:
        return [key for key in self._keys if kid is None or key.key_id == kid]


class TokenReader:
    """Verifies tokens of one provider.

    Attributes:
        issuer: As it calls itself.
    """

    def __init__(self, provider: OidcProvider, issuer: str, keys: Keys, clock: Clock) -> None:
        self._provider = provider
        self.issuer = issuer
        self._keys = keys
        self._clock = clock
        self._notices: dict[str, None] = {}

    async def id_token(self, token: str, nonce: str | None, access_token: str = "") -> dict[str, Any]:
        """Return the claims of an ID token.

        Args:
            token: As it came.
            nonce: What the question carried; None for a token that renews an earlier one.
            access_token: What came with it; the token may vouch for it.

        Raises:
            TokenError: It proves nothing.
        """
        header, claims = await self._verified(token)
        self._check_times(claims)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_CHARACTERS_MAX:
            raise TokenError("it does not say who it is about")
        if nonce is not None and not _same(claims.get("nonce"), nonce):
            raise TokenError("its nonce is not the one that was asked with: it answers another question")
        audience, party = claims["aud"], claims.get("azp")
        if party not in (None, self._provider.client_id) or (
            isinstance(audience, list) and len(audience) > 1 and not party
        ):
            raise TokenError(f"it was made for the client {party or audience!r}")
        if access_token and "at_hash" in claims and not _same(claims["at_hash"], _half_hash(header, access_token)):
            raise TokenError("it belongs to another access token")
        return claims

    async def logout_token(self, token: str) -> LogoutNotice:
        """Return whom a back-channel logout token means.

        Raises:
            TokenError: It proves nothing, or was sent before.
        """
        header, claims = await self._verified(token)
        self._check_times(claims)
        events, jti = claims.get("events"), claims.get("jti")
        if header.get("typ", "logout+jwt").lower() not in ("logout+jwt", "application/logout+jwt", "jwt"):
            raise TokenError(f"it is a {header['typ']!r} and no logout token")
        if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
            raise TokenError("it is no logout token")
        subject, sid = claims.get("sub", ""), claims.get("sid", "")
        if not isinstance(subject, str) or not isinstance(sid, str) or not (subject or sid):
            raise TokenError("it names neither a person nor a session")
        if not isinstance(jti, str) or not 1 <= len(jti) <= SUBJECT_CHARACTERS_MAX or jti in self._notices:
            raise TokenError("it has no id, or one that was used before")
        self._notices[jti] = None
        if len(self._notices) > LOGOUT_NOTICES_MAX:
            del self._notices[next(iter(self._notices))]
        return LogoutNotice(subject[:SUBJECT_CHARACTERS_MAX], sid[:SUBJECT_CHARACTERS_MAX])

    async def _verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if not token or len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenError("it is missing or too long")
        try:
            header: dict[str, Any] = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise TokenError(f"it is malformed: {error}") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise TokenError(f"it is signed with {str(algorithm)[:20]!r}, which proves nothing here")
        if "crit" in header:
            raise TokenError("it demands an extension that is not known here")
        candidates = await self._keys.candidates(kid if isinstance(kid, str) else None)
        fault = "none of the provider's keys has signed it"
        for key in candidates:
            try:
                return header, self._decoded(token, key, algorithm)
            except (jwt.InvalidKeyError, jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, TypeError):
                continue
            except jwt.InvalidTokenError as error:
                fault = str(error)
                break
        raise TokenError(fault)

    def _decoded(self, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
        # Times are compared with the injected clock, so the library's own clock stays out of it.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._provider.client_id,
            issuer=self.issuer,
            options={
                "require": ["iss", "aud", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now_s = self._clock.now() / MICROS_PER_S
        skew_s = self._provider.skew_s
        times = {name: claims.get(name) for name in ("iat", "exp", "nbf")}
        if any(isinstance(at, bool) or not isinstance(at, int | float | None) for at in times.values()):
            raise TokenError("its times are no numbers")
        issued_at, ends_at, begins_at = times["iat"], times["exp"], times["nbf"]
        if issued_at is None or ends_at is None:
            raise TokenError("it does not say from when until when it holds")
        if ends_at + skew_s <= now_s:
            raise TokenError(f"it ended {now_s - ends_at:.0f} s ago; compare the clocks of both machines")
        if max(issued_at, begins_at or 0) - skew_s > now_s:
            raise TokenError(f"it begins in {max(issued_at, begins_at or 0) - now_s:.0f} s; compare the clocks")
        if issued_at + AGE_S_MAX + skew_s <= now_s:
            raise TokenError(f"it was made {now_s - issued_at:.0f} s ago, which is no answer of this moment")


def _usable(given: object) -> jwt.PyJWK | None:
    """Return a public key for signatures; None for what is none, or too weak."""
    if not isinstance(given, dict) or given.get("kty") == "oct" or given.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(given)
    except (jwt.PyJWKError, jwt.InvalidKeyError, ValueError, TypeError):
        return None
    is_weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_BITS_MIN
    return None if is_weak else key


def _same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _half_hash(header: Mapping[str, Any], token: str) -> str:
    """Hash as ``at_hash`` does: the left half, by the hash of the signature."""
    digest = HASH_OF.get(str(header["alg"])[2:], hashlib.sha512)(token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
