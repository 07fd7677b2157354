"""What a certificate says of itself, as the pages and commands show it."""

from pydantic import Field

from pdm_app.domain.record import Instant, Record
from pdm_app.domain.samples import MICROS_PER_S

DAY = 86_400 * MICROS_PER_S


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

    def days_left(self, now: int) -> int:
        """Return whole days until it ends; negative from then on."""
        return (self.valid_until - now) // DAY
