"""Procedures about the public keys that vouch for firmware."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.firmware_keys import SigningKey, SigningKeyFacts
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.director import DirectorKey

Reason = Annotated[str, Field(min_length=3, max_length=2000, description="Why; the page shows it.")]

signing_keys = procedures()


@signing_keys.query("list", permission="firmware.read", rest="GET /signing-keys")
async def every(ctx: Ctx) -> tuple[SigningKey, ...]:
    """Return all public keys of those who sign firmware, revoked and expired ones too."""
    return await ctx.services.signing_keys.all(ctx.actor)


@signing_keys.query(permission="firmware.read", rest="GET /signing-keys/director")
async def director(ctx: Ctx) -> DirectorKey:
    """Return the public key with which this program signs the tickets of actions, for devices to be set up with."""
    return await ctx.services.director.show(ctx.actor)


@signing_keys.mutation(permission="firmware.trust", rest="POST /signing-keys 201", rate="20/minute")
async def add(ctx: Ctx, *, facts: SigningKeyFacts) -> SigningKey:
    """Trust what is signed with a key from now on."""
    return await ctx.services.signing_keys.add(ctx.actor, facts)


@signing_keys.mutation(permission="firmware.trust", rest="POST /signing-keys/{key}/revoke", rate="20/minute")
async def revoke(ctx: Ctx, *, key: Id, reason: Reason) -> SigningKey:
    """Trust a key no more: nothing that is signed with it reaches a device from now on, published or not."""
    return await ctx.services.signing_keys.revoke(ctx.actor, key, reason)
