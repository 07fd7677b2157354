"""Where closed days are kept when not in a folder: a bucket of a server that speaks the protocol of Amazon S3."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, model_validator

from pdm_app.domain.section import Section

PURPOSE = "history.bucket"
RECORD = "key"
"""Under which its key is sealed; see `pdm_app.domain.secrets`."""


class BucketSettings(Section):
    """The bucket of closed days; the key to it is kept apart, sealed."""

    endpoint: str = Field(
        default="",
        max_length=300,
        pattern=r"^$|^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$",
        description="Such as https://s3.eu-central-1.amazonaws.com or the address of an own server.",
    )
    name: str = Field(
        default="",
        max_length=63,
        pattern=r"^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Empty: closed days are kept in a folder of the data directory.",
    )
    prefix: str = Field(
        default="pdm",
        max_length=200,
        pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$",
        description="What every object's key begins with; no two installations may share it.",
    )
    region: str = Field(
        default="us-east-1",
        min_length=1,
        max_length=60,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Signed with requests.",
    )
    ca_file: Path | None = Field(default=None, description="Authorities that may vouch for it; none: the system's.")
    timeout_s: float = Field(default=20, gt=0, le=300, description="So long it may be silent, at any time.")
    cache_bytes_max: int = Field(
        default=2_000_000_000, ge=1_000_000, description="Files, or parts of them, that are kept here to be read again."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "BucketSettings":
        if bool(self.name) != bool(self.endpoint):
            raise ValueError("the endpoint and the name of a bucket belong together; set both, or neither")
        return self

    @property
    def place(self) -> str:
        """Where it is, in words; empty where it is not set up."""
        return f"{self.endpoint.rstrip('/')}/{self.name}/{self.prefix}" if self.name else ""

    @property
    def is_secured(self) -> bool:
        return self.endpoint.startswith("https:")


@dataclass(frozen=True, slots=True)
class BucketKey:
    """Who we are to the server; the secret is in no text that is made of it."""

    id: str
    secret: str = field(repr=False)
