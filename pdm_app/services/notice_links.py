"""Links in messages: each leads to one alarm, after signing in, and proves that this product has written it.

A link gives nobody a right: who opens it signs in and sees what they may see. It is sealed (AES-256-GCM), so that it
can be neither made nor changed elsewhere, tells nothing to who reads it on the way, and ends after a week.
"""

from pydantic import Field

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.outbox import Notice
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.secrets import Sealer, SealError

PURPOSE = "notices.link"
RECORD = "alarm"
PATH = "/notice/"
GOOD_FOR_S = 7 * 86_400
TOKEN_CHARACTERS_MAX = 600
DOT, TILDE = ".", "~"  # A dot in the last part of an address reads like a file's ending.


class OpenedLink(Record):
    """The alarm that a link leads to.

    Attributes:
        alarm: As it is now.
        machine: Code and name of its machine.
        was_for_other: The message was written to somebody else than who is signed in.
    """

    alarm: Alarm
    machine: str = Field(max_length=200)
    was_for_other: bool


class NoticeLinks:
    """Makes links and opens them.

    Args:
        sealer: Seals what a link says.
        work: Where alarms are.
        clock: Injected time.
        address: Where browsers find the pages, without a path; empty where nobody has said so. May be changed any time.
    """

    def __init__(self, sealer: Sealer, work: UnitOfWork, clock: Clock, address: str = "") -> None:
        self._sealer = sealer
        self._work = work
        self._clock = clock
        self.address = address

    def linked(self, notice: Notice) -> str:
        """Return the link to a notice's alarm; empty where nobody knows where the pages are found."""
        if not self.address:
            return ""
        ends_s = self._clock.now() // MICROS_PER_S + GOOD_FOR_S
        said = f"{notice.alarm_id} {notice.user_id} {ends_s}"
        token = self._sealer.seal(said, purpose=PURPOSE, record_id=RECORD)
        return f"{self.address}{PATH}{token.rstrip('=').replace(DOT, TILDE)}"

    async def open(self, actor: Actor, token: str) -> OpenedLink:
        """Return the alarm that a link leads to.

        Raises:
            InvalidInputError: It was not written here, was cut short, or has ended.
            NotFoundError: The alarm is not kept any more, or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_READ)
        alarm_id, user_id = self._read(token)
        async with self._work(actor.scope) as work:
            alarm = await work.alarms.get(alarm_id)
            asset = await work.assets.get(alarm.asset_id) if alarm is not None else None
        if alarm is None:
            raise NotFoundError(
                "The alarm of this link is not among those that you may see, or is no longer kept.", alarm_id=alarm_id
            )
        machine = f"{asset.code} {asset.name}" if asset is not None else alarm.asset_id
        return OpenedLink(alarm=alarm, machine=machine, was_for_other=user_id != actor.id)

    def _read(self, token: str) -> tuple[str, str]:
        sealed = token.replace(TILDE, DOT)
        padded = sealed + "=" * (-len(sealed.rpartition(DOT)[2]) % 4)
        try:
            if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
                raise SealError("too long")
            alarm_id, user_id, ends_s = self._sealer.open(padded, purpose=PURPOSE, record_id=RECORD).split(" ")
            has_ended = int(ends_s) < self._clock.now() // MICROS_PER_S
        except (SealError, ValueError):
            raise InvalidInputError(
                "This link was not written here, or a part of it is missing. Copy all of it from the message, or look "
                "for the alarm in the list.",
                fault="forged",
            ) from None
        if has_ended:
            raise InvalidInputError(
                f"This link has ended: it was good for {GOOD_FOR_S // 86_400} days. Look for the alarm in the journal.",
                fault="expired",
            )
        return alarm_id, user_id
