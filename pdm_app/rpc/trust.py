"""Procedures about the trust list: certificates of servers and brokers, and whether connections believe them."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Text
from pdm_app.domain.trust import PEM_CHARACTERS_MAX, Fingerprint, PeerCertificate
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.trust import BROUGHT_MAX, OwnCertificate, TrustList

trust = procedures()

Brought = Annotated[
    str,
    Field(
        min_length=1,
        max_length=PEM_CHARACTERS_MAX * BROUGHT_MAX,
        description="PEM of one certificate or several, or base64 of one in DER.",
    ),
]


@trust.query("list", permission="trust.configure", rest="GET /trust")
async def every(ctx: Ctx) -> TrustList:
    """Return what waits for a decision, what is trusted and what is rejected, and this program's own certificate."""
    return await ctx.services.trust.all(ctx.actor)


@trust.query(permission="trust.configure", rest="GET /trust/{fingerprint}")
async def by_fingerprint(ctx: Ctx, *, fingerprint: Fingerprint) -> PeerCertificate:
    """Return one certificate."""
    return await ctx.services.trust.by_fingerprint(ctx.actor, fingerprint)


@trust.mutation("trust", permission="trust.configure", rest="POST /trust/{fingerprint}/trust")
async def believe(
    ctx: Ctx, *, fingerprint: Fingerprint, as_authority: bool = False, reason: Text = ""
) -> PeerCertificate:
    """Trust a certificate: for itself, or as an authority for all it has signed. Who waited for it connects at once."""
    return await ctx.services.trust.trust(ctx.actor, fingerprint, reason, as_authority=as_authority)


@trust.mutation(permission="trust.configure", rest="POST /trust/{fingerprint}/reject")
async def reject(ctx: Ctx, *, fingerprint: Fingerprint, reason: Text = "") -> PeerCertificate:
    """Refuse a certificate, whoever has signed it; connections that stand on it end at once."""
    return await ctx.services.trust.reject(ctx.actor, fingerprint, reason)


@trust.mutation(permission="trust.configure", rest="DELETE /trust/{fingerprint}")
async def withdraw(ctx: Ctx, *, fingerprint: Fingerprint, reason: Text = "") -> PeerCertificate:
    """Take a certificate off the list; connections that stand on it end at once, and it waits again when it is met."""
    return await ctx.services.trust.remove(ctx.actor, fingerprint, reason)


@trust.mutation(permission="trust.configure", rest="POST /trust 201")
async def add(
    ctx: Ctx, *, certificates: Brought, as_authority: bool = True, reason: Text = ""
) -> tuple[PeerCertificate, ...]:
    """Trust certificates before they are met, such as the authority of the plant's controllers."""
    return await ctx.services.trust.add(ctx.actor, certificates, reason, as_authority=as_authority)


@trust.mutation(permission="trust.configure", rest="POST /trust/own/renewal", rate="6/minute")
async def renew_own(ctx: Ctx) -> OwnCertificate:
    """Make a new certificate for this program; OPC UA servers have to trust it anew."""
    return await ctx.services.trust.renew_own(ctx.actor)
