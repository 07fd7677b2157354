"""Who changed what, when and why: entries of a trail that only grows and in which each row seals the one before it.

An entry's hash covers its content, its number and the hash of the entry before: whoever alters, removes, inserts
or moves one has to write everything after it anew. That, too, shows against any later hash that was kept elsewhere: an
export, a log line, a printed report (see ``Anchor``).
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field

from pdm_app.domain.record import Id, Instant, Record, Text

FORMAT = 1
"""Which fields the hash covers, and how they are written; a later program that adds some counts on and reads both."""

BEFORE_THE_FIRST = "0" * 64
CHANGE_BYTES_MAX = 16_384  # Of each side of a change; MySQL's TEXT ends at 65,535.
LEFT_OUT_MAX = 8  # Fields; a record of a thousand small ones is left out as a whole.
PAGE_MAX = 500

Words = Annotated[str, Field(max_length=120)]
Hash = Annotated[str, Field(max_length=64)]


class AuditFact(Record):
    """One change, as it is told to the trail; ``before`` and ``after`` are canonical JSON of the fields that differ."""

    id: Id
    at: Instant
    actor_id: str = Field(max_length=36)
    actor: Words
    role: str = Field(default="", max_length=24, description="Of the actor at that time; empty for a stranger.")
    session_id: str = Field(default="", max_length=36)
    address: str = Field(default="", max_length=255)
    correlation_id: str = Field(default="", max_length=64)
    action: str = Field(max_length=80, description="Noun and what was done to it, such as connections.paused.")
    subject: str = Field(max_length=40, description="Kind of the thing, such as connection.")
    subject_id: str = Field(default="", max_length=80)
    name: Words = Field(default="", description="What the thing was called then.")
    site_id: str | None = Field(default=None, max_length=36)
    before: str = Field(default="", max_length=CHANGE_BYTES_MAX)
    after: str = Field(default="", max_length=CHANGE_BYTES_MAX)
    reason: Text = ""


class AuditEntry(AuditFact):
    """A fact with its place in the chain."""

    seq: int = Field(description="1 for the first, and no number is missing.")
    format: int = FORMAT
    previous: Hash = Field(description="Hash of the entry before; zeros for the first.")
    hash: Hash = Field(default="", description="SHA-256 over everything else, in hexadecimal.")


class AuditHead(Record):
    """The newest entry's number and hash; number 0 and zeros while there is none."""

    seq: int = 0
    hash: str = BEFORE_THE_FIRST


class Anchor(Record):
    """A number and its hash that were kept elsewhere; the chain must still hold it."""

    seq: int = Field(ge=1)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


class AuditQuery(Record):
    """Which entries, newest first; what is not named does not matter."""

    start_at: Instant | None = Field(default=None, description="From this time on.")
    end_at: Instant | None = Field(default=None, description="Before this time.")
    actor: Words = Field(default="", description="Name of who did it, or its beginning.")
    action: str = Field(default="", max_length=80, description="Action or its beginning, such as connections.")
    subject: str = Field(default="", max_length=40)
    subject_id: str = Field(default="", max_length=80)
    site_id: Id | None = None
    text: Words = Field(default="", description="Words in name, reason or the change itself, in any case.")
    before: int | None = Field(default=None, ge=1, le=2**53, description="Go on with entries older than this number.")
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class AuditPage(Record):
    """Entries, and the number with which to ask for older ones, None at the end."""

    entries: tuple[AuditEntry, ...]
    before: int | None = None


def sealed(fact: AuditFact, head: AuditHead) -> AuditEntry:
    """Give a fact the place after ``head``."""
    entry = AuditEntry(
        **{name: getattr(fact, name) for name in AuditFact.model_fields}, seq=head.seq + 1, previous=head.hash
    )
    return entry.model_copy(update={"hash": hash_of(entry)})


def hash_of(entry: AuditEntry) -> str:
    """Return the SHA-256 over the canonical JSON of everything but the hash itself."""
    content = {name: getattr(entry, name) for name in AuditEntry.model_fields if name != "hash"}
    return sha256(canonical(content).encode()).hexdigest()


def canonical(content: object) -> str:
    """Write JSON in the one form that is hashed: keys sorted, no spaces, all characters as they are."""
    words = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return words.encode("utf-8", "replace").decode()  # Half of a surrogate pair cannot be stored.


class ChainCheck:
    """Walks a chain from its beginning in any portions and holds the first fault; bounded memory, however long it is.

    Attributes:
        checked: Entries that were found whole.
        broken_at: Number of the first entry that is not what it was, None so far.
        fault: What is wrong there, in words; empty so far.
    """

    def __init__(self, anchor: Anchor | None = None) -> None:
        self._anchor = anchor
        self._last = AuditHead()
        self.broken_at: int | None = None
        self.fault = ""

    @property
    def checked(self) -> int:
        return self._last.seq

    @property
    def last_hash(self) -> str:
        return self._last.hash

    def take(self, entries: Iterable[AuditEntry]) -> bool:
        """Check the next entries by number; False once a fault was found."""
        for entry in entries:
            if self.broken_at is None:
                self._check(entry)
            if self.broken_at is None:
                self._last = AuditHead(seq=entry.seq, hash=entry.hash)
        return self.broken_at is None

    def end(self, head: AuditHead) -> bool:
        """Compare the end of what was taken with the head that was kept apart; False where they do not agree."""
        if self.broken_at is not None:
            return False
        if head.seq > self._last.seq:
            self._fail(self._last.seq + 1, f"the newest entries, up to {head.seq}, are missing")
        elif head.seq < self._last.seq:
            self._fail(head.seq + 1, "it was added past the end of the chain")
        elif head.hash != self._last.hash:
            self._fail(max(1, head.seq), "the end of the chain was written anew")
        elif self._anchor is not None and self._anchor.seq > self._last.seq:
            self._fail(self._last.seq + 1, f"entry {self._anchor.seq}, whose hash was kept elsewhere, is missing")
        return self.broken_at is None

    def _check(self, entry: AuditEntry) -> None:
        expected = self._last.seq + 1
        if entry.seq > expected:
            self._fail(expected, "it is missing")
        elif entry.seq < expected:
            self._fail(entry.seq, "its number is none of the chain's")
        elif entry.hash != hash_of(entry):
            self._fail(expected, "its content was altered")
        elif entry.previous != self._last.hash:
            self._fail(expected, "it does not follow the entry before it")
        elif self._anchor is not None and self._anchor.seq == expected and self._anchor.hash != entry.hash:
            self._fail(
                expected, "it is not the entry whose hash was kept elsewhere: this or earlier ones were written anew"
            )

    def _fail(self, seq: int, fault: str) -> None:
        self.broken_at, self.fault = seq, fault


def change_between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return both sides of a change as canonical JSON of the fields that differ; empty for a side that is None.

    A side over the limit gives up its largest fields first; their size and SHA-256 stand in their place.
    """
    if before is not None and after is not None:
        differ = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        before = {name: value for name, value in before.items() if name in differ}
        after = {name: value for name, value in after.items() if name in differ}
    return _limited(before), _limited(after)


def _limited(side: Mapping[str, Any] | None) -> str:
    if side is None:
        return ""
    words = canonical(dict(side))
    if _size(words) <= CHANGE_BYTES_MAX:
        return words
    kept = dict(side)
    sizes = {name: _size(canonical(value)) for name, value in side.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True)[:LEFT_OUT_MAX]:
        kept[name] = _stand_in(canonical(side[name]))
        words = canonical(kept)
        if _size(words) <= CHANGE_BYTES_MAX:
            return words
    return canonical(_stand_in(canonical(dict(side))))


def _stand_in(words: str) -> dict[str, object]:
    return {"left_out_bytes": _size(words), "sha256": sha256(words.encode()).hexdigest()}


def _size(words: str) -> int:
    return len(words.encode())
