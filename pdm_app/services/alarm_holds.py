"""Keep alarms silent and let them speak again: shelving, out of service, and what is silent now.

``AlarmHoldService(alarms, work, book, clock)``. Rules are named, not alarms: whoever shelves a chattering alarm must
not miss it for the second in which it stands no longer.
"""

from collections.abc import Callable

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarm_holds import put_back, shelved, taken_out, unshelved
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import Alarm, AlarmRule, RuleMemory
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros, moment
from pdm_app.services.alarm_reach import reach_of, require_change
from pdm_app.services.alarms import AlarmService, checked_comment
from pdm_app.services.auditing import fact_of
from pdm_app.stream.alarm_book import AlarmBook

SHELVE_S_MIN = 60.0


class AlarmHoldService:
    """What people do so that an alarm is silent for a while."""

    def __init__(self, alarms: AlarmService, work: UnitOfWork, book: AlarmBook, clock: Clock) -> None:
        self._alarms = alarms
        self._work = work
        self._book = book
        self._clock = clock

    async def shelf(self, actor: Actor, site_id: str | None = None) -> tuple[Alarm, ...]:
        """Return the alarms that are kept silent: shelved, suppressed by design, and out of service.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        return self._book.alarms.silent(reach_of(actor, site_id).covers)

    async def shelve(
        self,
        actor: Actor,
        rule_id: str,
        for_s: float,
        reason: str,
        *,
        one_shot: bool = False,
        until_seen: int | None = None,
    ) -> Alarm:
        """Keep an alarm silent for some time; returns when that is stored.

        Args:
            actor: Who shelves.
            rule_id: Whose alarm.
            for_s: How long, in seconds from now.
            reason: Why.
            one_shot: The shelving ends as soon as the process returns.
            until_seen: To shelve longer or shorter what is shelved: the end that the actor has seen.

        Raises:
            NotFoundError: The rule does not exist or lies outside the actor's sites.
            InvalidInputError: No reason; longer than the rule allows.
            ConflictError: The rule is switched off, not shelvable, or shelved by somebody else in the meantime.
            UnavailableError: The database does not answer; says whether the shelving stands.
        """
        actor.require(Permission.ALARMS_SHELVE)
        reason = _reason(reason)
        rule, memory = await self._known(actor, rule_id)
        if not rule.shelvable:
            raise ConflictError(
                f"{rule.name} must not be shelved: its rule says so. Work on the cause, or ask an engineer to take it "
                "out of service.",
                rule_id=rule_id,
            )
        if not SHELVE_S_MIN <= for_s <= rule.shelve_s_max:
            raise InvalidInputError(
                f"{rule.name} can be shelved for one minute to {rule.shelve_s_max / 3600:g} h, not for {for_s:g} s.",
                [FieldIssue("for_s", "is out of bounds", f"give {SHELVE_S_MIN:g} to {rule.shelve_s_max:g}")],
                rule_id=rule_id,
            )
        if memory.shelved_until is not None and memory.shelved_until != until_seen:
            raise _shelved_already(rule, memory, self._book)
        now = self._clock.now()
        until = Micros(now + round(for_s * MICROS_PER_S))

        def does(rule: AlarmRule, memory: RuleMemory) -> tuple[RuleMemory, Transition | None]:
            return shelved(rule, memory, now, until, actor.name, reason, one_shot=one_shot)

        said = {"until": f"{moment(until):%Y-%m-%d %H:%M:%S} UTC", "one_shot": one_shot}
        return await self._do(actor, rule, now, "alarms.shelved", reason, does, said)

    async def unshelve(self, actor: Actor, rule_id: str, reason: str = "") -> Alarm:
        """Let a shelved alarm speak again, at once where the process is abnormal; raises as `shelve` does."""
        actor.require(Permission.ALARMS_SHELVE)
        reason = checked_comment(reason)
        rule, memory = await self._known(actor, rule_id)
        if memory.shelved_until is None:
            raise ConflictError(f"{rule.name} is not shelved any more. Nothing was changed.", rule_id=rule_id)
        now = self._clock.now()
        return await self._do(
            actor, rule, now, "alarms.unshelved", reason, lambda _, held: unshelved(held, now, actor.name, reason)
        )

    async def take_out(self, actor: Actor, rule_id: str, reason: str, permit: str = "") -> Alarm:
        """Take an alarm out of service, for maintenance, until somebody puts it back; raises as `shelve` does."""
        actor.require(Permission.ALARMS_SERVICE)
        reason, permit = _reason(reason), permit.strip()
        rule, memory = await self._known(actor, rule_id)
        if memory.out_of_service:
            raise ConflictError(f"{rule.name} is out of service already. Nothing was changed.", rule_id=rule_id)
        now = self._clock.now()

        def does(rule: AlarmRule, memory: RuleMemory) -> tuple[RuleMemory, Transition | None]:
            return taken_out(rule, memory, now, actor.name, reason, permit)

        return await self._do(actor, rule, now, "alarms.taken_out", reason, does, {"permit": permit})

    async def put_back(self, actor: Actor, rule_id: str, reason: str = "") -> Alarm:
        """Put an alarm back into service; raises as `shelve` does."""
        actor.require(Permission.ALARMS_SERVICE)
        reason = checked_comment(reason)
        rule, memory = await self._known(actor, rule_id)
        if not memory.out_of_service:
            raise ConflictError(f"{rule.name} is in service already. Nothing was changed.", rule_id=rule_id)
        now = self._clock.now()
        return await self._do(
            actor, rule, now, "alarms.put_back", reason, lambda _, held: put_back(held, now, actor.name, reason)
        )

    async def _known(self, actor: Actor, rule_id: str) -> tuple[AlarmRule, RuleMemory]:
        """Return a rule in force and what is known of it; foreign and unknown ones are answered alike."""
        known = self._book.rule(rule_id)
        if known is not None and actor.scope.shows(known[0].site_id, known[0].asset_id):
            require_change(actor, known[0].name, known[0].site_id, known[0].asset_id)
            return known
        async with self._work(actor.scope) as work:
            stored = await work.plant.get(AlarmRule, rule_id)
        if stored is None:
            raise NotFoundError(f"There is no alarm rule {rule_id!r}.", rule_id=rule_id)
        raise ConflictError(
            f"{stored.name} is switched off, so there is nothing to keep silent. Switch the rule on first.",
            rule_id=rule_id,
        )

    async def _do(
        self,
        actor: Actor,
        rule: AlarmRule,
        now: Micros,
        action: str,
        reason: str,
        does: Callable[[AlarmRule, RuleMemory], tuple[RuleMemory, Transition | None]],
        said: dict[str, object] | None = None,
    ) -> Alarm:
        """Do it at once, and wait until it is stored; nothing was awaited since the book was looked at."""
        fact = fact_of(
            actor,
            now,
            action,
            subject="alarm_rule",
            subject_id=rule.id,
            name=rule.name,
            site_id=rule.site_id,
            after=said,
            reason=reason,
        )
        alarm, stored = self._book.act(rule.id, now, does, fact)
        await self._alarms.until_stored(stored, f"The change to {rule.name} is on all screens", alarm.id)
        return self._alarms.as_it_is(alarm)


def _reason(reason: str) -> str:
    reason = checked_comment(reason)
    if not reason:
        raise InvalidInputError(
            "An alarm is kept silent with a reason only.", [FieldIssue("reason", "is empty", "write why")]
        )
    return reason


def _shelved_already(rule: AlarmRule, memory: RuleMemory, book: AlarmBook) -> ConflictError:
    alarm = book.get(memory.alarm_id or "")
    who = alarm.held_by if alarm is not None and alarm.held_by else "somebody"
    until = memory.shelved_until or 0
    return ConflictError(
        f"{who} has shelved {rule.name} already, until {moment(until):%H:%M:%S} UTC. Nothing was changed. To shelve it "
        "longer or shorter, start from that time.",
        rule_id=rule.id,
        shelved_by=who,
        shelved_until=until,
    )
