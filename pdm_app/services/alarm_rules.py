"""Alarm rules: listed, created, changed, switched on and off, deleted and restored; in force at once."""

from typing import Any

from typing_extensions import override

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.record import Facts
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import DataType, Signal
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Noun

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
    async def _judge(self, work: Work, before: AlarmRule | None, after: AlarmRule) -> None:
        signal = await work.plant.get(Signal, after.signal_id)
        if signal is not None and signal.data_type is DataType.TEXT:
            raise InvalidInputError(
                f"Signal {signal.name} is text, which has no limits.",
                [FieldIssue("signal_id", "is a text signal", "choose one with numbers")],
            )

    @override
    async def _put_in_force(self, in_force: InForce, before: AlarmRule | None, after: AlarmRule | None) -> None:
        await in_force.rules_changed()
