"""What a file of firmware is by its content: an image of SWUpdate, a bundle of RAUC, or another file."""

from enum import StrEnum

from pydantic import Field

from pdm_app.domain.record import Record

PARTS_MAX = 200


class BundleKind(StrEnum):
    """The formats that are recognised."""

    SWUPDATE = "swupdate"
    RAUC = "rauc"
    OTHER = "other"


class BundleSignature(StrEnum):
    """Whether a bundle carries a signature of its own, for the updater on the device. It is not verified here."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_APPLICABLE = "not_applicable"


class BundlePart(Record):
    """One file within a bundle."""

    name: str = Field(max_length=255)
    bytes: int = Field(ge=0)


class Bundle(Record):
    """What can be told of a file without installing it."""

    kind: BundleKind
    signature: BundleSignature = BundleSignature.NOT_APPLICABLE
    version: str = Field(default="", max_length=120, description="As the bundle says itself; empty: it does not.")
    compatible: tuple[str, ...] = Field(default=(), max_length=32, description="Hardware as the bundle says itself.")
    parts: tuple[BundlePart, ...] = Field(default=(), max_length=PARTS_MAX)
