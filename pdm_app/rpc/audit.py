"""Procedures about the audit trail."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.audit import Anchor, AuditPage, AuditQuery
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.audit import AuditCheck, AuditVerdict

audit = procedures()

AnchorNumber = Annotated[int, Field(ge=1, le=2**53)]
AnchorHash = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]{64}$")]


@audit.query(permission="audit.read", rest="GET /audit")
async def page(ctx: Ctx, query: AuditQuery) -> AuditPage:
    """Return one page of who changed what, newest first."""
    return await ctx.services.audit.page(ctx.actor, query)


@audit.query(permission="audit.read", rest="GET /audit/verdict")
async def verify(ctx: Ctx, *, seq: AnchorNumber | None = None, hash: AnchorHash | None = None) -> AuditVerdict:
    """Walk a chain of up to some 300,000 entries and name the first one that is not what it was; see `begin_check`.

    An entry's number and hash that were kept elsewhere may be held up against it.
    """
    return await ctx.services.audit.verify(ctx.actor, _anchor(seq, hash))


@audit.mutation(permission="audit.read", rest="POST /audit/check 200", rate="10/minute")
async def begin_check(ctx: Ctx, *, seq: AnchorNumber | None = None, hash: AnchorHash | None = None) -> AuditCheck:
    """Begin to walk the whole chain, however long it is; `checking` says how far it is and what came of it."""
    return await ctx.services.audit.begin_check(ctx.actor, _anchor(seq, hash))


@audit.query(permission="audit.read", rest="GET /audit/check")
async def checking(ctx: Ctx) -> AuditCheck:
    """Return how far the check is that runs, or how the last one ended."""
    return ctx.services.audit.checking(ctx.actor)


@audit.mutation(permission="audit.read", rest="DELETE /audit/check")
async def cancel_check(ctx: Ctx) -> AuditCheck:
    """Stop the check that runs."""
    return await ctx.services.audit.cancel_check(ctx.actor)


def _anchor(seq: int | None, hash: str | None) -> Anchor | None:
    if (seq is None) != (hash is None):
        missing = "seq" if seq is None else "hash"
        raise InvalidInputError(
            "A number and its hash are held up together.",
            [FieldIssue(missing, "is missing", "send both seq and hash, or neither")],
        )
    return None if seq is None or hash is None else Anchor(seq=seq, hash=hash)
