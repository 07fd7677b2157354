"""How a service tells the audit trail what it changes: inside the transaction of the change, before its commit.

    await audit(work, actor, now, "devices.key_created", subject="device", subject_id=device.id, name=device.code, …)

What is handed over holds no secret by rule; what is called like one is blotted out all the same.
"""

import re
from collections.abc import Mapping
from typing import Any

from pdm_app.domain.access import Actor, Role, Scope
from pdm_app.domain.audit import AuditFact, change_between
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.logs import SECRETS, correlation_id

STRANGER = "-"  # No id begins with a hyphen.
BLOT = "…"
SECRET_WORDS = re.compile(
    r"password|passwd|secret|private_key|credential(?!_per_minute)|(^|_)(token|hash)$", re.IGNORECASE
)
LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")

Side = Record | Mapping[str, Any] | None


async def audit(
    work: Work,
    actor: Actor,
    at: Micros,
    action: str,
    *,
    subject: str,
    subject_id: str = "",
    name: str = "",
    site_id: str | None = None,
    before: Side = None,
    after: Side = None,
    reason: str = "",
) -> None:
    """Put a change on record in the transaction that makes it; both are kept, or neither.

    Args:
        work: The transaction; its ``commit`` follows.
        actor: Who changes something, whoever called the service.
        at: Time of the change.
        action: Noun and what was done to it, such as ``connections.paused``.
        subject: Kind of the thing, such as ``connection``.
        subject_id: Its id.
        name: What it is called.
        site_id: The site it belongs to; None for what belongs to none, which only those who see all sites read.
        before: The record as it was, None for something new.
        after: The record as it is, None for something that is gone. Of both, only the fields that differ are kept.
        reason: Why, in the actor's words.

    Raises:
        NotFoundError: The site lies outside the scope of ``work``.
    """
    await work.audit.add(
        fact_of(
            actor,
            at,
            action,
            subject=subject,
            subject_id=subject_id,
            name=name,
            site_id=site_id,
            before=before,
            after=after,
            reason=reason,
        )
    )


def fact_of(
    actor: Actor,
    at: Micros,
    action: str,
    *,
    subject: str,
    subject_id: str = "",
    name: str = "",
    site_id: str | None = None,
    before: Side = None,
    after: Side = None,
    reason: str = "",
) -> AuditFact:
    """Make the fact of a change that somebody else stores, such as the engine for an acknowledged alarm."""
    old, new = change_between(_fields(before), _fields(after))
    return AuditFact(
        id=new_id(at),
        at=at,
        actor_id=actor.id,
        actor=_plain(actor.name, 120),
        role="" if actor.id == STRANGER else str(actor.role),
        session_id=actor.session_id or "",
        address=_plain(actor.address, 255),
        correlation_id=_plain(correlation_id.get(), 64),
        action=action,
        subject=subject,
        subject_id=_plain(subject_id, 80),
        name=_plain(name, 120),
        site_id=site_id,
        before=old,
        after=new,
        reason=_plain(reason, 2000),
    )


def stranger(name: str, address: str) -> Actor:
    """Make the actor of what nobody known has done, such as a sign-in that failed."""
    return Actor(
        id=STRANGER,
        name=name[:120] or STRANGER,
        role=Role.VIEWER,
        scope=Scope(sites=frozenset()),
        permissions=frozenset(),
        address=address,
    )


def _fields(side: Side) -> Mapping[str, Any] | None:
    if side is None:
        return None
    fields = side.model_dump(mode="json") if isinstance(side, Record) else side
    return {name: _blotted(name, value) for name, value in fields.items()}


def _blotted(name: str, value: Any) -> Any:
    if name.lower() in SECRETS or SECRET_WORDS.search(name):
        return BLOT if value is not None else None
    if isinstance(value, Mapping):
        return {str(inner): _blotted(str(inner), part) for inner, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_blotted("", part) for part in parts]
    if isinstance(value, str):
        return LOGIN_IN_URL.sub(f"{BLOT}@", value)
    return value if isinstance(value, int | float | bool) or value is None else str(value)


def _plain(words: str, characters_max: int) -> str:
    """Shorten, and replace what no database stores."""
    return words[:characters_max].encode("utf-8", "replace").decode()
