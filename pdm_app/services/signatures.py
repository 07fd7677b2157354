"""Sign what a person approves, releases or has done: with the password typed again, in the transaction of the deed.

confirmed = await signatures.confirm(actor, password)       # before the transaction: it takes a while, and may refuse
async with work(actor.scope) as w:
    …                                                       # what is approved
    await signatures.sign(w, confirmed, Meaning.APPROVED, campaign, subject="campaign", …)
    await w.commit()
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, User
from pdm_app.domain.assets import Asset
from pdm_app.domain.audit import PAGE_MAX, AuditQuery, hash_of
from pdm_app.domain.errors import NotFoundError, UnauthenticatedError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record, Text
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.signatures import SIGNED, Meaning, Signature, content_hash, signature_of
from pdm_app.services.auditing import audit

SIGNABLE: dict[str, type[Asset]] = {"asset": Asset}
"""What can be signed as it stands, by subject; deeds sign their own content where they are done."""
GOOD_FOR_S = 120  # Between the password and the deed.
OPEN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody has typed the password again; good once, for a short while."""

    id: str
    actor: Actor
    user: User
    at: Micros


class Signing(Record):
    """What a person types to sign."""

    password: str = Field(max_length=256, repr=False)
    code: str = Field(
        default="", max_length=64, repr=False, description="Of the authenticator app, where there is one."
    )
    reason: Text = ""


class SignatureView(Record):
    """A signature, and whether the thing is still exactly what was signed."""

    signature: Signature
    holds: bool


class SignatureCheck(SignatureView):
    """What a look at one signature came to."""

    is_unaltered: bool = Field(description="Its entry of the audit trail has the hash that it was written with.")


class SignatureService:
    """Makes and reads signatures.

    Args:
        check: Returns the account of an actor whose password, and code of an app, these are; counts and refuses wrong
            ones.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, check: Callable[[Actor, str, str], Awaitable[User]]) -> None:
        self._work = work
        self._clock = clock
        self._check = check
        self._open: dict[str, None] = {}

    async def confirm(self, actor: Actor, password: str, code: str = "") -> Confirmed:
        """Check the actor's own password once more, and a code of the authenticator app where there is one.

        Raises:
            PermissionDeniedError: The actor is no person in a session.
            InvalidInputError: The password or the code is wrong or missing; nothing was signed.
            TooManyAttemptsError: Too many wrong ones.
        """
        user = await self._check(actor, password, code)
        now = self._clock.now()
        confirmed = Confirmed(new_id(now), actor, user, now)
        self._open[confirmed.id] = None
        if len(self._open) > OPEN_MAX:
            del self._open[next(iter(self._open))]
        return confirmed

    async def sign(
        self,
        work: Work,
        confirmed: Confirmed,
        meaning: Meaning,
        content: Record,
        *,
        subject: str,
        subject_id: str,
        name: str,
        site_id: str | None = None,
        reason: str = "",
    ) -> None:
        """Sign ``content`` when ``work`` commits; the signature stands or falls with the deed.

        Raises:
            UnauthenticatedError: The password was typed too long ago, or has signed something already.
            NotFoundError: The site lies outside the scope of ``work``.
        """
        now = self._clock.now()
        is_open = confirmed.id in self._open
        self._open.pop(confirmed.id, None)
        if not is_open or not 0 <= now - confirmed.at <= GOOD_FOR_S * MICROS_PER_S:
            raise UnauthenticatedError(
                f"{confirmed.user.display_name} has to type the password again to sign {name}: "
                f"it is good once and for {GOOD_FOR_S} s."
            )
        signed = {
            "printed_name": confirmed.user.display_name,
            "meaning": meaning.value,
            "content_sha256": content_hash(content),
        }
        await audit(
            work,
            confirmed.actor,
            now,
            SIGNED,
            subject=subject,
            subject_id=subject_id,
            name=name,
            site_id=site_id,
            after=signed,
            reason=reason,
        )

    async def sign_now(
        self, actor: Actor, subject: str, subject_id: str, meaning: Meaning, signing: Signing
    ) -> SignatureView:
        """Sign a thing as it stands, by its own content.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: The password or the code is wrong or missing; nothing was signed.
        """
        actor.require(Permission.SIGNATURES_SIGN)
        async with self._work(actor.scope) as work:
            await self._thing(work, actor, subject, subject_id)
        confirmed = await self.confirm(actor, signing.password, signing.code)
        async with self._work(actor.scope) as work:
            thing = await self._thing(work, actor, subject, subject_id)
            await self.sign(work, confirmed, meaning, thing, subject=subject, subject_id=subject_id, name=thing.code,
                            site_id=thing.site_id, reason=signing.reason)  # fmt: skip
            await work.commit()
        return (await self.views(actor, subject, subject_id))[0]

    async def views(self, actor: Actor, subject: str, subject_id: str) -> tuple[SignatureView, ...]:
        """Return the signatures of one thing, the newest first, also of one that was deleted.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            thing = await self._thing(work, actor, subject, subject_id, deleted=True)
        return tuple(
            SignatureView(signature=signature, holds=signature.holds_for(thing))
            for signature in await self.of(actor, subject, subject_id)
        )

    async def verify(self, actor: Actor, seq: int) -> SignatureCheck:
        """Look at one signature: whether its entry was altered, and whether it holds for what stands there now.

        Raises:
            NotFoundError: The entry is no signature, or of a thing outside the actor's sites.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            entries = await work.audit.after(seq - 1, 1)
        if not entries or entries[0].seq != seq or entries[0].action != SIGNED or entries[0].subject not in SIGNABLE:
            raise NotFoundError(f"There is no signature {seq}.", seq=seq)
        entry = entries[0]
        async with self._work(EVERY_SITE) as work:
            before = await work.audit.after(seq - 2, 1) if seq > 1 else ()
        async with self._work(actor.scope) as work:
            thing = await self._thing(work, actor, entry.subject, entry.subject_id, deleted=True)
        follows = not before or before[0].hash == entry.previous
        signature = signature_of(entry)
        return SignatureCheck(
            signature=signature,
            holds=signature.holds_for(thing),
            is_unaltered=follows and hash_of(entry) == entry.hash,
        )

    @staticmethod
    async def _thing(work: Work, actor: Actor, subject: str, subject_id: str, *, deleted: bool = False) -> Asset:
        kind = SIGNABLE[subject]
        thing = await work.plant.get(kind, subject_id)
        if thing is None and deleted:
            thing = await work.plant.get(kind, subject_id, deleted=True)
        if thing is None or not actor.scope.covers(thing.site_id):
            raise NotFoundError(f"There is no {subject} {subject_id!r}.", subject_id=subject_id)
        return thing

    async def of(self, actor: Actor, subject: str, subject_id: str) -> tuple[Signature, ...]:
        """Return the signatures of one thing in the actor's reach, the newest first, at most 500.

        Whether the actor may see the thing itself is for the caller to know.
        """
        query = AuditQuery(action=SIGNED, subject=subject, subject_id=subject_id, limit=PAGE_MAX)
        async with self._work(actor.scope) as work:
            entries = await work.audit.page(query)
        return tuple(signature_of(entry) for entry in entries)
