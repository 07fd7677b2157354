"""What a certificate says of itself, and what is known of those that this server has, had or asked for."""

from typing import Annotated, Literal

from pydantic import Field

from pdm_app.domain.record import Facts, Instant, Record
from pdm_app.domain.samples import MICROS_PER_S

DAY = 86_400 * MICROS_PER_S
NAMES_MAX = 50

HostName = Annotated[
    str, Field(min_length=1, max_length=253, description="A host name such as plant.example, or an address.")
]
SubjectPart = Annotated[str, Field(max_length=64)]
KeyKind = Literal["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"]
Fingerprint = Annotated[str, Field(min_length=95, max_length=95, pattern=r"^[0-9A-F]{2}(:[0-9A-F]{2}){31}$")]
Source = Literal["settings", "brought", "acme", "own"]
Warn = Literal["ends_soon", "no_chain", "trusted_by_nobody", "other_names", "ends_late"]


class Certificate(Record):
    """One certificate; the private key that belongs to it is nowhere in here."""

    subject: str
    issuer: str
    names: tuple[str, ...] = Field(description="Host names and addresses it is good for.")
    valid_from: Instant
    valid_until: Instant
    serial: str
    fingerprint: str = Field(description="SHA-256, as browsers show it.")
    is_authority: bool
    key: str = Field(default="", description="Kind and size of its key, such as EC P-256.")

    def days_left(self, now: int) -> int:
        """Return whole days until it ends; negative from then on."""
        return (self.valid_until - now) // DAY


class ServerCertificate(Record):
    """What the server shows at this moment, and how it came by it."""

    source: Source
    certificates: tuple[Certificate, ...] = Field(description="The server's own first, then those up to its authority.")
    days_left: int = Field(description="Whole days until the first of them ends; negative from then on.")
    renews_itself: bool
    warnings: tuple[Warn, ...] = ()


class PreviousCertificate(Record):
    """One that was in use before, and may be again."""

    certificate: Certificate
    days_left: int
    kept_at: Instant = Field(description="When it was replaced.")
    is_own: bool = Field(default=False, description="Made by this server's own authority, which renews it.")


class RequestFacts(Facts):
    """What a certificate is to say, as an authority is asked for it."""

    names: tuple[HostName, ...] = Field(min_length=1, max_length=NAMES_MAX)
    organization: SubjectPart = ""
    unit: SubjectPart = ""
    locality: SubjectPart = ""
    state: SubjectPart = ""
    country: str = Field(default="", max_length=2, description="Two letters, such as DE; empty for none.")
    key_kind: KeyKind = "ec-p256"


class CertificateRequest(Record):
    """A request that waits for its certificate. The key stays on this machine."""

    facts: RequestFacts
    pem: str = Field(description="PKCS#10, for the authority.")
    made_at: Instant
