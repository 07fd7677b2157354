"""Uploads: files that people hand in, of kinds that the product takes, kept until they are used or too old."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pdm_app.domain.access import Permission
from pdm_app.domain.record import Id, Instant, Record

NAME_MAX = 120
FINGERPRINT_MAX = 100

UploadName = Annotated[str, Field(min_length=1, max_length=NAME_MAX, description="As its owner calls it; no path.")]
KindName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]


class UnusableFileError(ValueError):
    """A file is not what it should be; the message goes on after the file's name."""


Sniff = Callable[[Path], str]
"""Looks at a whole file and returns its format. Blocks; called in a thread.

Raises:
    UnusableFileError: It is none of the formats of the kind, damaged, or made to do harm; says which.
"""


@dataclass(frozen=True, slots=True)
class UploadKind:
    """What may be handed in for one purpose; tables of history are the first, firmware and models can follow.

    Attributes:
        name: As callers ask for it.
        permission: Needed to hand one in.
        sniff: Tells by the content what it is; name and headers are never believed.
        takes: The formats in words, for who hands in something else.
    """

    name: str
    permission: Permission
    sniff: Sniff
    takes: str


class Unfinished(Record):
    """A file of which the beginning has arrived; the rest may come over another connection. Only its owner sees it."""

    id: Id = Field(description="That of the upload it becomes.")
    kind: KindName
    owner_id: Id
    name: UploadName
    bytes: int = Field(ge=1, description="Of the whole file.")
    fingerprint: str = Field(
        default="", max_length=FINGERPRINT_MAX, description="By which its sender knows it again, such as its date."
    )
    sha256: str = Field(default="", max_length=64, pattern=r"^([0-9a-f]{64})?$", description="If its sender knows it.")
    begun_at: Instant
    expires_at: Instant = Field(description="Then it is removed, unless more of it comes.")
    offset: int = Field(default=0, ge=0, description="So much of it has arrived.")


class Upload(Record):
    """One file that was handed in whole. Nobody but its owner sees it."""

    id: Id
    kind: KindName
    owner_id: Id
    owner: str
    name: UploadName
    format: str = Field(max_length=24, description="By its content.")
    bytes: int = Field(ge=0)
    sha256: str = Field(min_length=64, max_length=64)
    uploaded_at: Instant
    expires_at: Instant = Field(description="Then it is removed, unless something uses it.")
    used_by: str = Field(default="", max_length=60, description="What needs it still; empty for nothing.")
