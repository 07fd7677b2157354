"""Procedures about the audit trail."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.audit import Anchor, AuditPage, AuditQuery
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.audit import AuditVerdict

audit = procedures()

AnchorNumber = Annotated[int, Field(ge=1, le=2**53)]
AnchorHash = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]{64}$")]


@audit.query(permission="audit.read", rest="GET /audit")
async def page(ctx: Ctx, query: AuditQuery) -> AuditPage:
    """Return one page of who changed what, newest first."""
    return await ctx.services.audit.page(ctx.actor, query)


@audit.query(permission="audit.read", rest="GET /audit/verdict")
async def verify(ctx: Ctx, *, seq: AnchorNumber | None = None, hash: AnchorHash | None = None) -> AuditVerdict:
    """Walk the whole chain and name the first entry that is not what it was.

    An entry's number and hash that were kept elsewhere may be held up against it.
    """
    if (seq is None) != (hash is None):
        missing = "seq" if seq is None else "hash"
        raise InvalidInputError(
            "A number and its hash are held up together.",
            [FieldIssue(missing, "is missing", "send both seq and hash, or neither")],
        )
    anchor = None if seq is None or hash is None else Anchor(seq=seq, hash=hash)
    return await ctx.services.audit.verify(ctx.actor, anchor)
