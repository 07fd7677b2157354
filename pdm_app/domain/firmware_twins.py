"""What a device runs and how it fetches the next release: reported by itself, never assumed.

A version is what the device said last. The attributes are strings that it sends of its own accord; two of them may
name what it runs and on what, see `reported_version` and `reported_hardware`.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field, TypeAdapter, ValidationError

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.firmware_versions import FirmwareVersion, is_same
from pdm_app.domain.record import Id, Instant, Record, Revision
from pdm_app.domain.releases import Target

ATTRIBUTES_MAX = 100
ATTRIBUTE_KEY_MAX = 128
ATTRIBUTE_VALUE_MAX = 512
QUARANTINED_MAX = 100
VERSION_KEYS = ("fw_version", "firmware_version", "sw_version", "version")
"""Attributes that say what runs, the first one there counts."""
HARDWARE_KEYS = ("hardware", "hw_model", "device_type", "compatible")
CLIENT_KEY = "update_client"
"""Attribute by which a client names its kind; others are set by hand."""
REVISION_KEYS = ("hw_revision", "hardware_revision", "revision")

Attributes = Annotated[dict[str, str], Field(max_length=ATTRIBUTES_MAX)]
AttributeMode = Literal["merge", "replace", "remove"]


VERSION = TypeAdapter(FirmwareVersion)


class ClientKind(StrEnum):
    """The update client of a device; clients differ in what they make of the same words."""

    SWUPDATE = "swupdate"
    RAUC = "rauc"
    AGENT = "agent"
    UNKNOWN = "unknown"

    @property
    def closes_what_it_skips(self) -> bool:
        """Whether it reports success for an update that it was told to skip; an unknown one may."""
        return self in (ClientKind.SWUPDATE, ClientKind.UNKNOWN)


class FirmwareTwin(Record):
    """The firmware of one device; ``id`` is the device's."""

    id: Id
    site_id: Id
    client: ClientKind = ClientKind.UNKNOWN
    hardware: str = Field(default="", max_length=80)
    hardware_revision: str = Field(default="", max_length=80)
    version: str = Field(default="", max_length=80, description="Reported last; empty before the first report.")
    version_at: Instant | None = None
    security_floor: int = Field(default=0, ge=0, le=2**31 - 1, description="Releases below it are refused.")
    release_id: Id | None = Field(default=None, description="Proven to run.")
    good_release_id: Id | None = Field(default=None, description="Proven to have run before that.")
    quarantined: tuple[Id, ...] = Field(default=(), max_length=QUARANTINED_MAX, description="Releases that failed.")
    attributes: Attributes = Field(default_factory=dict)
    wants_attributes: bool = Field(default=True, description="The device is asked for its attributes.")
    polled_at: Instant | None = None
    address: str = Field(default="", max_length=80)
    auto_confirm: bool = False
    auto_confirm_by: str = Field(default="", max_length=120)
    auto_confirm_at: Instant | None = None
    revision: Revision = 0

    @property
    def target(self) -> Target:
        """What decides which releases fit; a version that is none in our spelling is not known."""
        return Target(
            model=self.hardware,
            revision=self.hardware_revision[:40],
            version=_version(self.version),
            security_version=self.security_floor,
        )

    def runs(self, version: str) -> bool:
        """Whether it reported to run a version, in whatever spelling."""
        reported, wanted = _version(self.version), _version(version)
        if reported is None or wanted is None:
            return bool(self.version) and self.version == version
        return is_same(reported, wanted)

    def quarantine(self, release_id: str) -> "FirmwareTwin":
        """Return it with a release that it must not be given again; the oldest is forgotten at the limit."""
        kept = tuple(each for each in self.quarantined if each != release_id)
        return self.model_copy(update={"quarantined": (*kept, release_id)[-QUARANTINED_MAX:]})

    def with_attributes(self, mode: AttributeMode, given: Mapping[str, str], now: int) -> "FirmwareTwin":
        """Return it with the attributes a device sent, and with what they say of its version and hardware.

        Raises:
            InvalidInputError: There are too many, or one is too long or no text.
        """
        check_attributes(given)
        if mode == "replace":
            attributes = dict(given)
        elif mode == "remove":
            attributes = {key: value for key, value in self.attributes.items() if key not in given}
        else:
            attributes = {**self.attributes, **given}
        if len(attributes) > ATTRIBUTES_MAX:
            problem = f"makes {len(attributes)} attributes, and {ATTRIBUTES_MAX} are kept"
            raise InvalidInputError(f"The body {problem}.", [FieldIssue("data", problem, "send fewer")])
        changes: dict[str, object] = {"attributes": attributes, "wants_attributes": False}
        said = {} if mode == "remove" else given
        if version := _first(said, VERSION_KEYS):
            changes |= {"version": version, "version_at": now}
        if hardware := _first(said, HARDWARE_KEYS):
            changes["hardware"] = hardware
        if revision := _first(said, REVISION_KEYS):
            changes["hardware_revision"] = revision
        if said.get(CLIENT_KEY) in set(ClientKind):
            changes["client"] = ClientKind(said[CLIENT_KEY])
        return self.model_copy(update={**changes, "revision": self.revision + 1})


def check_attributes(given: Mapping[str, str]) -> None:
    """Refuse attributes that cannot be kept.

    Raises:
        InvalidInputError: Names the first one that is wrong.
    """
    if len(given) > ATTRIBUTES_MAX:
        problem = f"has {len(given)} attributes; at most {ATTRIBUTES_MAX} are taken"
        raise InvalidInputError(f"The body {problem}.", [FieldIssue("data", problem, "send fewer")])
    for key, value in given.items():
        if not 0 < len(key) <= ATTRIBUTE_KEY_MAX or not key.isprintable():
            problem = f"is empty, not printable or longer than {ATTRIBUTE_KEY_MAX} characters"
            raise InvalidInputError(f"The name of an attribute {problem}.", [FieldIssue("data", problem)])
        if len(value) > ATTRIBUTE_VALUE_MAX or not value.isprintable():
            problem = f"is not printable or longer than {ATTRIBUTE_VALUE_MAX} characters"
            raise InvalidInputError(f"The attribute {key[:40]!r} {problem}.", [FieldIssue(f"data.{key[:40]}", problem)])


def _version(text: str) -> str | None:
    try:
        return VERSION.validate_python(text)
    except ValidationError:
        return None


def _first(said: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((said[key][:80] for key in keys if said.get(key)), "")


class Poll(NamedTuple):
    """When, microseconds UTC, and from where a device asked."""

    at: int
    address: str


class FirmwareTwins(Protocol):
    """Where it is kept."""

    async def all(self) -> Sequence[FirmwareTwin]: ...
    async def get(self, device_id: str) -> FirmwareTwin | None: ...
    async def put(self, twins: Sequence[FirmwareTwin]) -> None: ...
    async def of(self, device_ids: Collection[str]) -> Sequence[FirmwareTwin]:
        """Return those of some devices."""
        ...

    async def polled(self, polls: Mapping[str, "Poll"]) -> None:
        """Set when and from where devices asked, by their ids, and nothing else."""
        ...
