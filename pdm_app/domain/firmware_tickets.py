"""Tickets: one permission for one device to carry out one action with one release, for a while.

A signed manifest says what may run at all; it says nothing of who may install it today. Whoever could copy yesterday's
download could send a device back to it. So each action has a ticket, signed with a key of this program, and a device
takes a ticket once.

A ticket travels as ``<body>.<signature>``, both in base64url without padding: the canonical JSON of the body, and the
Ed25519 signature over exactly those bytes.
"""

import base64
import json

from pydantic import Field

from pdm_app.domain.canonical_json import canonical
from pdm_app.domain.record import Id, Instant, Record
from pdm_app.domain.releases import Sha256

TICKET_TYPE = "pdm-firmware-ticket/1"
TICKET_CHARACTERS_MAX = 2_000
NONCE_BYTES = 16
VALID_S = 7 * 24 * 3600
"""A device that was switched off over a week asks anew and gets another one."""


class TicketError(ValueError):
    """A ticket is none, or not for this; the message goes on after "The ticket"."""


class Ticket(Record):
    """What a ticket says."""

    device_id: Id
    action_id: Id
    manifest_sha256: Sha256
    issued_at: Instant
    expires_at: Instant
    nonce: str = Field(min_length=32, max_length=32, pattern=r"^[0-9a-f]{32}$")

    @property
    def body(self) -> bytes:
        """What is signed."""
        return canonical({"type": TICKET_TYPE, **self.model_dump(mode="json")})


def written(ticket: Ticket, signature: bytes) -> str:
    """Return a ticket as it travels."""
    return f"{_encoded(ticket.body)}.{_encoded(signature)}"


def read_ticket(text: str) -> tuple[Ticket, bytes]:
    """Take a ticket apart.

    Returns:
        What it says, and the signature, which is still to be verified over ``body``.

    Raises:
        TicketError: It is none, or not spelled canonically.
    """
    head, dot, tail = text.partition(".")
    if len(text) > TICKET_CHARACTERS_MAX or not dot:
        raise TicketError("is none")
    try:
        body, signature = _decoded(head), _decoded(tail)
        said = json.loads(body)
        if not isinstance(said, dict) or said.pop("type", None) != TICKET_TYPE:
            raise TicketError("is of another type")
        ticket = Ticket.model_validate(said)
    except TicketError:
        raise
    except (ValueError, RecursionError):  # Of base64, UTF-8, JSON and the fields alike.
        raise TicketError("cannot be read") from None
    if ticket.body != body:
        raise TicketError("is not spelled canonically")
    return ticket, signature


def refusal(ticket: Ticket, *, device_id: str, action_id: str, manifest_sha256: str, now: int) -> str:
    """Return why a ticket whose signature holds does not allow this; empty where it does."""
    if ticket.device_id != device_id:
        return "is for another device"
    if ticket.action_id != action_id:
        return "is for another action"
    if ticket.manifest_sha256 != manifest_sha256:
        return "is for another release"
    return "has expired" if ticket.expires_at <= now else ""


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
