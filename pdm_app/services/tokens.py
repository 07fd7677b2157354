"""Signed tokens that name a session: short-lived access tokens and rotated refresh tokens.

A token proves which session somebody holds; what the session may do is read from the session record, never from the
token, whose role and permissions are there for other programs to read.
"""

import hashlib
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from pydantic import SecretStr

from pdm_app.domain.access import User
from pdm_app.domain.errors import PdmError, UnauthenticatedError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.private_files import write_private

ISSUER = "pdm_app"
ACCESS = "pdm_app.access"
REFRESH = "pdm_app.refresh"
CHALLENGE = "pdm_app.challenge"
ALGORITHM = "HS256"  # Pinned: a token that names another algorithm, or none, is refused.
TOKEN_CHARACTERS_MAX = 4096
VERIFIED_MAX = 4096  # Tokens remembered as verified; each saves the signature check of every further call.

SIGN_IN_AGAIN = "Nobody is signed in, or the session has ended. Sign in again."


class SigningKeyError(PdmError):
    """The file with the signing key cannot be used."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token proves: which session of which user, until when."""

    session_id: str
    user_id: str
    expires_at: Micros


@dataclass(frozen=True, slots=True)
class ChallengeClaims:
    """What a challenge proves: whose sign-in is under way, which steps are done, and for which password.

    ``via`` names what a directory of the company has vouched for; empty where none has.
    """

    user_id: str
    done: frozenset[str]
    print_: str
    via: str = ""


def refused(reason: str) -> UnauthenticatedError:
    """Make the one error for every credential that is not good; ``reason`` is for the log."""
    return UnauthenticatedError(SIGN_IN_AGAIN, reason=reason)


def token_hash(token: str) -> str:
    """Hash a token of full entropy for storage; a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenMint:
    """Issues and reads tokens under one key; ``access_s``, the life of an access token, may be changed at any time."""

    def __init__(self, key: bytes, clock: Clock, access_s: int) -> None:
        self._key = key
        self._clock = clock
        self.access_s = access_s
        self._verified: dict[str, Claims] = {}

    def access(
        self, user: User, permissions: Collection[str], session_id: str, session_expires_at: Micros
    ) -> tuple[str, Micros]:
        """Return an access token and when it expires: after ``access_s``, or with the session if that is sooner."""
        expires_at = Micros(min(self._clock.now() + self.access_s * MICROS_PER_S, session_expires_at))
        return self._sign(
            ACCESS,
            user.id,
            session_id,
            expires_at,
            role=str(user.role),
            permissions=sorted(str(permission) for permission in permissions),
        ), expires_at

    def refresh(self, user_id: str, session_id: str, session_expires_at: Micros) -> str:
        """Return a refresh token, good once, that lives as long as its session."""
        return self._sign(REFRESH, user_id, session_id, session_expires_at)

    def read_access(self, token: str, *, allow_expired: bool = False) -> Claims:
        """Verify an access token.

        Args:
            token: As sent by the caller; anything.
            allow_expired: Accept one past its time: a socket proved its session at the handshake, and later calls
                only name it.

        Raises:
            UnauthenticatedError: Forged, of another kind, malformed or expired; one text for all.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token, ACCESS)
            if len(self._verified) >= VERIFIED_MAX:
                self._verified.clear()
            self._verified[token] = claims
        if not allow_expired and claims.expires_at <= self._clock.now():
            raise refused("expired")
        return claims

    def read_refresh(self, token: str) -> Claims:
        """Verify a refresh token's signature and time; whether it was used already is the session's to say."""
        claims = self._verify(token, REFRESH)
        if claims.expires_at <= self._clock.now():
            raise refused("expired")
        return claims

    def challenge(self, user_id: str, done: Collection[str], print_: str, life_s: int, via: str = "") -> str:
        """Return a token for a sign-in under way; it names no session and opens nothing."""
        expires_at = self._clock.now() + life_s * MICROS_PER_S
        return self._sign(CHALLENGE, user_id, "", expires_at, done=sorted(done), print=print_, via=via)

    def read_challenge(self, token: str) -> ChallengeClaims:
        """Verify a challenge's signature and time; whether the account is as it was is the caller's to say."""
        claims = self._decoded(token, CHALLENGE)
        if int(claims["exp"]) * MICROS_PER_S <= self._clock.now():
            raise refused("expired")
        done, via = frozenset(map(str, claims["done"])), str(claims.get("via", ""))
        return ChallengeClaims(str(claims["sub"]), done, str(claims["print"]), via)

    def _sign(self, audience: str, user_id: str, session_id: str, expires_at: int, **more: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": user_id,
            "sid": session_id,
            "jti": secrets.token_urlsafe(12),
            "iat": self._clock.now() // MICROS_PER_S,
            "exp": expires_at // MICROS_PER_S,
            **more,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def _verify(self, token: str, audience: str) -> Claims:
        claims = self._decoded(token, audience)
        return Claims(str(claims["sid"]), str(claims["sub"]), Micros(int(claims["exp"]) * MICROS_PER_S))

    def _decoded(self, token: str, audience: str) -> dict[str, Any]:
        if not token or len(token) > TOKEN_CHARACTERS_MAX:
            raise refused("missing or too long")
        try:
            # Times are compared with the injected clock by the callers, so the library's own clock stays out of it.
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={
                    "require": ["iss", "aud", "sub", "sid", "exp", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            int(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise refused(type(error).__name__) from None
        return claims


def signing_key(data_dir: Path, given: SecretStr | None) -> bytes:
    """Return the given key, else the one in ``auth.key`` of the data directory, made at the first start.

    Raises:
        SigningKeyError: The file cannot be made, read or is not a key; says what to do.
    """
    if given is not None:
        return given.get_secret_value().encode()
    path = data_dir / "auth.key"
    try:
        if not path.exists():
            write_private(path, secrets.token_hex(32), replace=False)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SigningKeyError(
            f"The signing key {path} cannot be used: {error.strerror}. "
            "Give the data directory to the user who runs this program, or set PDM_AUTH__KEY."
        ) from error
    except ValueError:
        key = b""
    if len(key) < 32:
        raise SigningKeyError(
            f"The signing key {path} is damaged. Delete it: a new one is made, and everybody signs in again."
        )
    return key
