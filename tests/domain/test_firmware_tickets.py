"""Tickets as they travel, and what they allow."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.canonical_json import canonical
from pdm_app.domain.firmware_tickets import TICKET_TYPE, Ticket, TicketError, read_ticket, refusal, written

TICKET = Ticket(
    device_id="gw-7", action_id="41", manifest_sha256="ab" * 32, issued_at=1_000, expires_at=2_000, nonce="0f" * 16
)
SIGNATURE = bytes(range(64))
ASKED: dict[str, Any] = {"device_id": "gw-7", "action_id": "41", "manifest_sha256": "ab" * 32, "now": 1_500}


def encoded(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode() + "." + base64.urlsafe_b64encode(SIGNATURE).decode()


def test_a_ticket_comes_back_as_it_was_written() -> None:
    assert read_ticket(written(TICKET, SIGNATURE)) == (TICKET, SIGNATURE)
    assert refusal(TICKET, **ASKED) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"device_id": "gw-8"}, "another device"),
        ({"action_id": "42"}, "another action"),
        ({"manifest_sha256": "cd" * 32}, "another release"),
        ({"now": 2_000}, "expired"),
    ],
)
def test_a_ticket_allows_one_thing(change: dict[str, Any], why: str) -> None:
    assert why in refusal(TICKET, **{**ASKED, **change})


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "abc", "a.b", "é.é", "a" * 3_000,
        encoded(b"[]"), encoded(b"\xff"), encoded(b"[" * 1_400), encoded(canonical({"type": TICKET_TYPE})),
        encoded(canonical({**TICKET.model_dump(), "type": "pdm-firmware-manifest/1"})),
        encoded(json.dumps({"type": TICKET_TYPE, **TICKET.model_dump()}).encode()),
        encoded(canonical({"type": TICKET_TYPE, **TICKET.model_dump(), "more": 1})),
    ],
)  # fmt: skip
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(TicketError):
        read_ticket(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(TicketError):
        read_ticket(text)
