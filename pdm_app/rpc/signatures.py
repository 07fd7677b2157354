"""Procedures about electronic signatures: who stands behind which content, with what meaning, since when."""

from typing import Annotated, Literal

from pydantic import Field

from pdm_app.domain.record import Id, Text
from pdm_app.domain.signatures import Meaning
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.signatures import SignatureCheck, SignatureView, Signing

signatures = procedures()

Subject = Literal["asset"]
Number = Annotated[int, Field(ge=1, le=2**53)]
Word = Annotated[str, Field(max_length=256)]
Code = Annotated[str, Field(max_length=64)]


@signatures.query("list", permission="assets.read", rest="GET /signatures/{subject}/{subject_id}")
async def every(ctx: Ctx, *, subject: Subject, subject_id: Id) -> tuple[SignatureView, ...]:
    """Return the signatures of one thing, the newest first, and whether each still holds for it."""
    return await ctx.services.signatures.views(ctx.actor, subject, subject_id)


@signatures.mutation(permission="signatures.sign", rest="POST /signatures/{subject}/{subject_id} 201", rate="20/minute")
async def sign(
    ctx: Ctx,
    *,
    subject: Subject,
    subject_id: Id,
    meaning: Meaning,
    password: Word,
    code: Code = "",
    reason: Text = "",
) -> SignatureView:
    """Sign a thing as it stands, with the caller's password and, where there is an app, a code of it."""
    signing = Signing(password=password, code=code, reason=reason)
    return await ctx.services.signatures.sign_now(ctx.actor, subject, subject_id, meaning, signing)


@signatures.query(permission="assets.read", rest="GET /signatures/{seq}")
async def verify(ctx: Ctx, *, seq: Number) -> SignatureCheck:
    """Look at one signature, by its number in the audit trail: is it unaltered, and does it hold."""
    return await ctx.services.signatures.verify(ctx.actor, seq)
