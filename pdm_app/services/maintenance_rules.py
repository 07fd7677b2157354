"""Rules that open maintenance events, as a service."""

from collections.abc import Awaitable, Callable

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.maintenance_rules import RULES_MAX, MaintenanceRule, MaintenanceRuleFacts, SignalBeyond
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.maintenance import currency_of


class MaintenanceRuleService:
    """Rules of the sites in an actor's scope.

    Args:
        work: Where they are stored.
        clock: Injected time.
        changed: Told after each change, so that it is in force.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, changed: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._clock = clock
        self._changed = changed

    async def list(self, actor: Actor, site_id: str | None = None) -> tuple[MaintenanceRule, ...]:
        """Return the rules of one site, or of all in scope, by name.

        Raises:
            NotFoundError: The site does not exist, or lies outside the actor's.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            if site_id is not None:
                await currency_of(work, site_id)
            return tuple(rule for rule in await work.maintenance.rules() if site_id in (None, rule.site_id))

    async def add(self, actor: Actor, facts: MaintenanceRuleFacts, reason: str = "") -> MaintenanceRule:
        """Make a rule; it is in force when the next look is taken.

        Raises:
            NotFoundError: The site or machine does not exist, or lies outside the actor's.
            InvalidInputError: No machine that is meant has the signals; or the site has too many rules.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await currency_of(work, facts.site_id)
            if sum(rule.site_id == facts.site_id for rule in await work.maintenance.rules()) >= RULES_MAX:
                raise InvalidInputError(f"The site has {RULES_MAX} rules already. Remove one that is not needed.")
            rule = MaintenanceRule(**facts.model_dump(), id=new_id(now), revision=1)
            await _require_signals(work, rule)
            await self._store(work, actor, now, "maintenance.rule_added", None, rule, reason)
        await self._changed()
        return rule

    async def change(
        self, actor: Actor, rule_id: str, facts: MaintenanceRuleFacts, revision: int, reason: str = ""
    ) -> MaintenanceRule:
        """Put other facts in the place of a rule's; ``revision`` is the one that was looked at.

        Raises:
            NotFoundError: The rule, the site or the machine does not exist, or lies outside the actor's.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: As for `add`; or it would move to another site.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _rule_of(work, rule_id, revision)
            await currency_of(work, facts.site_id)
            if facts.site_id != before.site_id:
                raise InvalidInputError("A rule stays at its site. Make another one there.")
            after = MaintenanceRule(**facts.model_dump(), id=rule_id, revision=revision + 1)
            await _require_signals(work, after)
            await self._store(work, actor, now, "maintenance.rule_changed", before, after, reason)
        await self._changed()
        return after

    async def remove(self, actor: Actor, rule_id: str, revision: int, reason: str = "") -> None:
        """Remove a rule; the events it has opened stay.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: Somebody else has changed it meanwhile.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _rule_of(work, rule_id, revision)
            after = before.model_copy(update={"deleted_at": int(now), "revision": revision + 1})
            await self._store(work, actor, now, "maintenance.rule_removed", before, after, reason)
        await self._changed()

    @staticmethod
    async def _store(
        work: Work,
        actor: Actor,
        now: Micros,
        action: str,
        before: MaintenanceRule | None,
        after: MaintenanceRule,
        reason: str,
    ) -> None:
        await work.maintenance.put_rule(after)
        await audit(
            work, actor, now, action, subject="maintenance_rule", subject_id=after.id, name=after.name,
            site_id=after.site_id, before=before, after=after, reason=reason,
        )  # fmt: skip
        await work.commit()


async def _rule_of(work: Work, rule_id: str, revision: int) -> MaintenanceRule:
    rule = await work.maintenance.rule(rule_id)
    if rule is None or rule.deleted_at is not None:
        raise NotFoundError(f"There is no maintenance rule {rule_id!r}.", rule_id=rule_id)
    if rule.revision != revision:
        raise ConflictError(f"Somebody has changed {rule.name!r} meanwhile. Look at it again.", rule_id=rule_id)
    return rule


async def _require_signals(work: Work, rule: MaintenanceRule) -> None:
    """Refuse a rule that could never find anything: the machine, or none of the class, has the signals.

    Raises:
        NotFoundError: There is no such machine at the site.
        InvalidInputError: Says which signal is missing.
    """
    meant = [asset for asset in await work.assets.all() if rule.is_for(asset)]
    if not meant:
        if rule.asset_id is not None:
            raise NotFoundError(f"There is no asset {rule.asset_id!r} at the site.", asset_id=rule.asset_id)
        raise InvalidInputError(
            f"The site has no machine of the class {rule.asset_class!r}. Name a class that machines have.",
            [FieldIssue("asset_class", "no machine has it", "name the class of a machine")],
        )
    wanted = {"score.signal": rule.score.signal}
    if isinstance(rule.sensor, SignalBeyond):
        wanted["sensor.signal"] = rule.sensor.signal
    known = {(signal.asset_id, signal.name) for signal in await work.maintenance.named(list(wanted.values()))}
    if any(all((asset.id, name) in known for name in wanted.values()) for asset in meant):
        return
    codes = ", ".join(asset.code for asset in meant[:3])
    field, name = next(
        ((field, name) for field, name in wanted.items() if not any((asset.id, name) in known for asset in meant)),
        ("score.signal", rule.score.signal),
    )
    raise InvalidInputError(
        f"The rule could never find anything: {codes} {'has' if len(meant) == 1 else 'have'} no signal {name!r}. "
        "Write the name as the list of signals has it.",
        [FieldIssue(field, "is no signal of the machine", "choose one of its signals")],
    )
