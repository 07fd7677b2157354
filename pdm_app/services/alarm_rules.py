"""Alarm rules, the master alarm database: listed, created, changed, approved, deleted, restored; in force at once."""

from typing import Any

from typing_extensions import override

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts
from pdm_app.domain.audit import AuditEntry, AuditQuery
from pdm_app.domain.conditions.discrete import Calculated
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.record import Facts
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import DataType, Signal
from pdm_app.domain.suppression import ShiftSuppression, guarding_signals
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Noun

CHANGES_MAX = 200
ALARM_RULE = Noun(
    kind=AlarmRule,
    facts=AlarmRuleFacts,
    word="alarm rule",
    actions="alarm_rules",
    read=Permission.ALARMS_READ,
    configure=Permission.ALARMS_CONFIGURE,
    name="name",
    within="asset_id",
    parent=(Signal, "signal_id", "signal"),
    fixed=frozenset({"signal_id"}),
    holds=(),
    bounds=(Bound("signal_id", 50, "rules of this signal"), Bound("site_id", 20_000, "alarm rules in this site")),
)


class AlarmRuleService(PlantService[AlarmRule]):
    """The rules by which alarms are raised.

    The alarm of a rule that is deleted or switched off is cleared, and the journal says why; a delay that runs begins
    anew where the rule judges otherwise than before.
    """

    noun = ALARM_RULE

    async def approve(self, actor: Actor, rule_id: str, revision: int | None = None, reason: str = "") -> AlarmRule:
        """Say that a rule, as it was read, is what it should be; whatever is changed of it later takes that back.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since.
        """
        actor.require(self.noun.configure)
        said = {"approved_by": actor.name, "approved_at": self._desk.clock.now()}
        async with self._work(actor.scope) as work:
            before = await self._held(work, rule_id, revision, to_change=True)
            after = await self.change_in(work, actor, before, said, reason, "approved")
            await work.commit()
        await self._put_in_force(self._desk.in_force, before, after)
        return after

    async def history(self, actor: Actor, rule_id: str) -> tuple[AuditEntry, ...]:
        """Return what was changed of a rule, newest first: who, when, why, what it was and what it is.

        Raises:
            NotFoundError: It never existed or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            await self._mark(work, rule_id)
            query = AuditQuery(subject="alarm_rule", subject_id=rule_id, action="alarm_rules", limit=CHANGES_MAX)
            return tuple(await work.audit.page(query))

    async def enable(self, actor: Actor, rule_id: str) -> AlarmRule:
        """Judge by the rule again."""
        return await self.change(actor, rule_id, {"enabled": True})

    async def disable(self, actor: Actor, rule_id: str) -> AlarmRule:
        """Judge by the rule no longer; its alarm is cleared."""
        return await self.change(actor, rule_id, {"enabled": False})

    @override
    async def _added(self, work: Work, facts: Facts, parent: Any, now: Micros) -> dict[str, object]:
        return {**await super()._added(work, facts, parent, now), "asset_id": parent.asset_id}

    @override
    async def _inferred(self, work: Work, before: AlarmRule | None, after: AlarmRule) -> AlarmRule:
        """An approval holds for what was approved; switching off and on is no other rule."""
        if before is None or before.approved_at != after.approved_at:
            return after
        if any(
            getattr(before, name) != getattr(after, name) for name in AlarmRuleFacts.model_fields if name != "enabled"
        ):
            return after.model_copy(update={"approved_by": "", "approved_at": None})
        return after

    @override
    async def _judge(self, work: Work, before: AlarmRule | None, after: AlarmRule) -> None:
        signal = await work.plant.get(Signal, after.signal_id)
        if signal is not None:
            refuse_unfit(signal, after)
        others = [("condition", number) for number in after.condition.inputs()]
        others += [("suppressions", number) for number in guarding_signals(after.suppressions)]
        for field, number in others:
            await _require_signal(work, after, field, number)

    @override
    async def _put_in_force(self, in_force: InForce, before: AlarmRule | None, after: AlarmRule | None) -> None:
        await in_force.rules_changed()


def refuse_unfit(signal: Signal, rule: AlarmRuleFacts) -> None:
    """Refuse a rule that its signal cannot be judged by.

    Raises:
        InvalidInputError: Names the field and what to do.
    """
    if signal.data_type is DataType.TEXT:
        raise InvalidInputError(
            f"Signal {signal.name} is text, which has no limits.",
            [FieldIssue("signal_id", "is a text signal", "choose one with numbers")],
        )
    if isinstance(rule.condition, Calculated) and not signal.is_derived:
        raise InvalidInputError(
            f"Signal {signal.name} has no formula, so nothing is calculated.",
            [FieldIssue("condition", "asks for a derived signal", "make a derived signal, and the rule on that")],
        )
    if len([each for each in rule.suppressions if isinstance(each, ShiftSuppression)]) > 1:
        raise InvalidInputError(
            f"{rule.name} would be silent in every hour of the plant.",
            [FieldIssue("suppressions", "names the shifts twice", "keep it silent off shift or in shift, not both")],
        )
    if rule.condition.is_expiry and rule.off_delay_s:
        raise InvalidInputError(
            f"{rule.name} ends with the first sample that moves; an off-delay would say otherwise.",
            [FieldIssue("off_delay_s", "does not fit the condition", "leave it at 0")],
        )


async def _require_signal(work: Work, rule: AlarmRule, field: str, number: int) -> None:
    """Refuse a signal that another site owns, that is no number, or that does not exist; all alike but the second."""
    signal = await work.plant.get(Signal, number)
    if signal is None or signal.site_id != rule.site_id:
        raise NotFoundError(f"There is no signal {number} in this site.", field=field, signal_id=number)
    if signal.data_type is DataType.TEXT:
        raise InvalidInputError(
            f"Signal {signal.name} is text; {field} compares numbers.",
            [FieldIssue(field, "names a text signal", "choose one with numbers")],
        )
