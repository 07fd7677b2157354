"""Sign what a person approves, releases or has done: with the password typed again, in the transaction of the deed.

confirmed = await signatures.confirm(actor, password)       # before the transaction: it takes a while, and may refuse
async with work(actor.scope) as w:
    …                                                       # what is approved
    await signatures.sign(w, confirmed, Meaning.APPROVED, campaign, subject="campaign", …)
    await w.commit()
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pdm_app.domain.access import Actor, User
from pdm_app.domain.audit import PAGE_MAX, AuditQuery
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.signatures import SIGNED, Meaning, Signature, content_hash, signature_of
from pdm_app.services.auditing import audit

GOOD_FOR_S = 120  # Between the password and the deed.
OPEN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody has typed the password again; good once, for a short while."""

    id: str
    actor: Actor
    user: User
    at: Micros


class SignatureService:
    """Makes and reads signatures.

    Args:
        check: Returns the account of an actor whose password this is; counts and refuses wrong ones.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, check: Callable[[Actor, str], Awaitable[User]]) -> None:
        self._work = work
        self._clock = clock
        self._check = check
        self._open: dict[str, None] = {}

    async def confirm(self, actor: Actor, password: str) -> Confirmed:
        """Check the actor's own password once more.

        Raises:
            PermissionDeniedError: The actor is no person in a session.
            InvalidInputError: The password is wrong; nothing was signed.
            TooManyAttemptsError: Too many wrong ones.
        """
        user = await self._check(actor, password)
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

    async def of(self, actor: Actor, subject: str, subject_id: str) -> tuple[Signature, ...]:
        """Return the signatures of one thing in the actor's reach, the newest first, at most 500.

        Whether the actor may see the thing itself is for the caller to know.
        """
        query = AuditQuery(action=SIGNED, subject=subject, subject_id=subject_id, limit=PAGE_MAX)
        async with self._work(actor.scope) as work:
            entries = await work.audit.page(query)
        return tuple(signature_of(entry) for entry in entries)
