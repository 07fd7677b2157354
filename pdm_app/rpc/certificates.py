"""Procedures about the certificate with which this server proves who it is."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.certificates import NAMES_MAX, CertificateRequest, Fingerprint, HostName, RequestFacts
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.certificate_pairs import UPLOAD_CHARACTERS_MAX
from pdm_app.services.certificates import CertificateState

certificates = procedures()

Upload = Annotated[str, Field(max_length=UPLOAD_CHARACTERS_MAX, description="PEM, or base64 of the file.")]
FilePassword = Annotated[str, Field(max_length=1_024)]
Names = Annotated[tuple[HostName, ...], Field(max_length=NAMES_MAX)]


@certificates.query(permission="system.configure", rest="GET /certificates")
async def state(ctx: Ctx) -> CertificateState:
    """Return what is served, what waits, what was before, and how HTTPS is set up."""
    return await ctx.services.certificates.state(ctx.actor)


@certificates.mutation(permission="system.configure", rest="PUT /certificates/served", rate="20/minute")
async def replace(ctx: Ctx, *, certificate: Upload, key: Upload = "", password: FilePassword = "") -> CertificateState:
    """Check an uploaded certificate and serve with it from now on; open connections stay.

    The key may be in the same file, or be the one of the request that waits. PEM, DER, PKCS#7 and PKCS#12 are read.
    """
    return await ctx.services.certificates.replace(ctx.actor, certificate, key, password)


@certificates.mutation(permission="system.configure", rest="POST /certificates/renew", rate="20/minute")
async def renew(ctx: Ctx, *, names: Names | None = None) -> CertificateState:
    """Make a new certificate of our own authority; further names hold for its successors too."""
    return await ctx.services.certificates.renew(ctx.actor, names)


@certificates.mutation(permission="system.configure", rest="DELETE /certificates/served", rate="20/minute")
async def restore_own(ctx: Ctx) -> CertificateState:
    """Go back from an uploaded certificate to the one that renews itself."""
    return await ctx.services.certificates.restore_own(ctx.actor)


@certificates.mutation(permission="system.configure", rest="POST /certificates/use-again", rate="20/minute")
async def use_again(ctx: Ctx, *, fingerprint: Fingerprint) -> CertificateState:
    """Serve with a previous certificate."""
    return await ctx.services.certificates.use_again(ctx.actor, fingerprint)


@certificates.mutation(permission="system.configure", rest="POST /certificates/forget", rate="20/minute")
async def forget(ctx: Ctx, *, fingerprint: Fingerprint) -> CertificateState:
    """Delete a previous certificate and its key."""
    return await ctx.services.certificates.forget(ctx.actor, fingerprint)


@certificates.mutation(permission="system.configure", rest="POST /certificates/request", rate="20/minute")
async def request(ctx: Ctx, facts: RequestFacts) -> CertificateRequest:
    """Make a key, which stays here, and the request for its certificate, for an authority of the company."""
    return await ctx.services.certificates.request(ctx.actor, facts)


@certificates.mutation(permission="system.configure", rest="DELETE /certificates/request", rate="20/minute")
async def withdraw_request(ctx: Ctx) -> CertificateState:
    """Delete the request that waits, and its key."""
    return await ctx.services.certificates.withdraw_request(ctx.actor)


@certificates.mutation(permission="system.configure", rest="POST /certificates/obtain", rate="6/minute")
async def obtain(ctx: Ctx) -> CertificateState:
    """Have the ACME directory asked at once; `state` tells what comes of it."""
    return await ctx.services.certificates.obtain(ctx.actor)
