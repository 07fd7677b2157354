"""Electronic signatures: who stands behind which content, with what meaning, since when.

A signature is an entry of the audit trail, so it can be neither altered nor removed without notice. It holds the
SHA-256 of the content as it was signed: whatever changed afterwards is not signed.

Source: 21 CFR 11.50 and 11.70 (printed name, date and time, meaning; linked to the record).
"""

import json
from enum import StrEnum
from hashlib import sha256

from pydantic import Field

from pdm_app.domain.audit import AuditEntry, canonical
from pdm_app.domain.record import Instant, Record

SIGNED = "signatures.signed"


class Meaning(StrEnum):
    """What a person says by signing."""

    AUTHORED = "authored"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    REJECTED = "rejected"
    PERFORMED = "performed"


class Signature(Record):
    """One signature; ``seq`` is its number in the audit trail."""

    seq: int
    at: Instant
    signer_id: str
    username: str
    printed_name: str = Field(description="The signer's name at that time, as it is printed.")
    meaning: Meaning
    subject: str
    subject_id: str
    name: str
    content_sha256: str
    reason: str = ""

    def holds_for(self, content: Record) -> bool:
        """Whether this is exactly what was signed."""
        return self.content_sha256 == content_hash(content)


def content_hash(content: Record) -> str:
    """Return the SHA-256 of a record's canonical JSON."""
    return sha256(canonical(content.model_dump(mode="json")).encode()).hexdigest()


def signature_of(entry: AuditEntry) -> Signature:
    """Read the signature that an entry of the trail holds."""
    told = json.loads(entry.after)
    return Signature(
        seq=entry.seq,
        at=entry.at,
        signer_id=entry.actor_id,
        username=entry.actor,
        printed_name=told["printed_name"],
        meaning=told["meaning"],
        subject=entry.subject,
        subject_id=entry.subject_id,
        name=entry.name,
        content_sha256=told["content_sha256"],
        reason=entry.reason,
    )
