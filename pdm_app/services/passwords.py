"""Passwords: rules for new ones, argon2id hashes, and a check that takes as long for an unknown user.

Source: NIST SP 800-63B, section 3.1.1 (length and blocklist, no composition rules); OWASP password storage
recommendations (argon2id, 46 MiB, one pass, one lane).
"""

import asyncio
import gzip
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TypeVar

from passlib.context import CryptContext

from pdm_app.domain.errors import FieldIssue, InvalidInputError, UnavailableError

CHARACTERS_MIN = 10
CHARACTERS_MAX = 256  # More is no stronger, only dearer to hash.
DISTINCT_MIN = 5
LEVELS_AT = (CHARACTERS_MIN, 13, 16, 20)  # Characters from which each level of strength counts.
WAITING_MAX = 64  # About 3 s of work; beyond that the next one is told to come back.

_LOOKS_LIKE = str.maketrans("@4301!$57", "aaeoiisst")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Does the password fit, and the hash to store instead if the parameters have been raised since."""

    fits: bool
    new_hash: str | None = None


def check_strength(password: str, username: str, field: str = "password") -> None:
    """Refuse a new password that a guesser tries early.

    Raises:
        InvalidInputError: Says what is weak and what would be strong.
    """
    problem = _weakness(_normal(password), username.casefold())
    if problem:
        fix = f"choose at least {CHARACTERS_MIN} characters; three or four unrelated words are strong and easy to keep"
        raise InvalidInputError(f"This password {problem}; {fix}.", [FieldIssue(field, problem, fix)])


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a password would be: 0, refused, for the reason said, to 4."""

    level: int
    problem: str = ""


def strength_of(password: str, username: str) -> Strength:
    """Rate a password while it is being chosen: once the common ones are out, length decides."""
    plain = _normal(password)
    problem = _weakness(plain, username.strip().casefold())
    return Strength(0, problem) if problem else Strength(sum(len(plain) >= least for least in LEVELS_AT))


def _weakness(password: str, username: str) -> str:
    if len(password) < CHARACTERS_MIN:
        return f"has {len(password)} characters"
    if len(password) > CHARACTERS_MAX:
        return f"has more than {CHARACTERS_MAX} characters"
    plain = password.casefold()
    if len(set(plain)) < DISTINCT_MIN:
        return f"has fewer than {DISTINCT_MIN} different characters"
    if any(part in plain for part in {username, *username.split(".")} if len(part) >= 4):
        return "contains the username"
    if _is_sequence(plain):
        return "is a sequence"
    if plain in leaked_passwords():
        return "is among those most often found in leaks, a common one"
    core = _core(plain)
    if any(word in common_words() or word in leaked_passwords() for word in (core, core.translate(_LOOKS_LIKE))):
        return "is a common one with decoration"
    return ""


def _core(plain: str) -> str:
    """Strip what people put around a word: digits, signs, and the word said twice."""
    core = plain.strip("0123456789 !?.,;:-_#+*$%&/()=@'\"")
    half = len(core) // 2
    return core[:half] if core and core[:half] == core[half:] else core


def _is_sequence(plain: str) -> bool:
    steps = {ord(later) - ord(earlier) for earlier, later in pairwise(plain)}
    rows = ("qwertzuiopasdfghjklyxcvbnm", "qwertyuiopasdfghjklzxcvbnm", "12345678901234567890", "09876543210987654321")
    return steps in ({1}, {-1}) or any(plain in row for row in rows)


@cache
def common_words() -> frozenset[str]:
    """Return the words that guessers try first."""
    text = files("pdm_app.services").joinpath("common_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)


@cache
def leaked_passwords() -> frozenset[str]:
    """Return the 30,000 passwords most often found in leaks, in small letters.

    Source: the list by which zxcvbn 4.5.0 ranks; see ``leaked_passwords.LICENSE`` beside it.
    """
    packed = files("pdm_app.services").joinpath("leaked_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n"))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


class PasswordHasher:
    """Hashes and checks in one thread of its own, so that the event loop never waits and memory is used once."""

    def __init__(self, memory_kib: int = 47_104, passes: int = 1) -> None:
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=memory_kib,
            argon2__time_cost=passes,
            argon2__parallelism=1,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._waiting = 0
        self._dummy_hash: str | None = None

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        return await self._run(lambda: str(self._context.hash(_normal(password))))

    async def verify(self, password: str, stored_hash: str | None) -> Verdict:
        """Check a password; ``stored_hash`` None (unknown user) takes the same work and never fits."""
        return await self._run(lambda: self._verify(password, stored_hash))

    def _verify(self, password: str, stored_hash: str | None) -> Verdict:
        if self._dummy_hash is None:
            self._dummy_hash = str(self._context.hash(secrets.token_urlsafe(32)))
        words = _normal(password)[: CHARACTERS_MAX + 1]
        try:
            fits, new_hash = self._context.verify_and_update(words, stored_hash or self._dummy_hash)
        except (ValueError, TypeError):  # NUL characters, or a hash of a scheme that is not ours.
            return Verdict(fits=False)
        return Verdict(bool(fits) and stored_hash is not None, new_hash if fits and stored_hash else None)

    async def warm_up(self) -> None:
        """Make the hash that unknown users are checked against, so that the first one takes no longer."""
        await self.verify("", None)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise UnavailableError(
                "Too many people are signing in at this moment. Try again in a few seconds.", retry_after_s=5
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Stop the thread after the work at hand."""
        self._thread.shutdown(wait=True, cancel_futures=True)
