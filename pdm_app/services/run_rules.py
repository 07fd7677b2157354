"""Rules that find runs: listed with their faults, changed; in force at once."""

from collections.abc import Awaitable, Callable, Mapping

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.formulas.syntax import FormulaError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.runs import RULES_MAX, RunRule, RunRuleFacts, RunRuleView
from pdm_app.domain.samples import Micros
from pdm_app.services.record_changes import changed, in_force, put_on_record, require_revision, require_site
from pdm_app.services.run_conditions import compiled, condition_refused

WORD = "run rule"


class RunRuleService:
    """The rules of the sites.

    Args:
        work: Where they are stored.
        clock: Injected time.
        reload: Awaited after a change, to put it in force.
        faults: By rule, why it finds nothing now.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        reload: Callable[[], Awaitable[None]],
        faults: Callable[[], Mapping[str, str]],
    ) -> None:
        self._work = work
        self._clock = clock
        self._reload = reload
        self._faults = faults

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[RunRuleView, ...]:
        """Return the rules in the actor's sites, and why one of them finds nothing."""
        actor.require(Permission.SIGNALS_READ)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            rules = [rule for rule in await work.runs.rules() if site_id in (None, rule.site_id)]
        faults = self._faults()
        return tuple(RunRuleView(rule=rule, fault=faults.get(rule.id, "")) for rule in rules)

    async def create(self, actor: Actor, facts: RunRuleFacts) -> RunRule:
        """Create a rule.

        Raises:
            NotFoundError: Its machine or a signal does not exist or lies outside the actor's sites.
            InvalidInputError: Names each field and its fix; of the condition, the column.
            ConflictError: There are as many as there may be.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        rule = RunRule(**facts.model_dump(), id=new_id(now), revision=1, changed_at=int(now), changed_by=actor.name)
        async with self._work(actor.scope) as work:
            await _judge(work, actor, rule)
            if len([other for other in await work.runs.rules() if other.site_id == rule.site_id]) >= RULES_MAX:
                raise ConflictError(f"There are {RULES_MAX} rules for runs in this site. Delete one first.")
            await self._put(work, actor, now, "created", None, rule)
        await in_force(self._reload, WORD)
        return rule

    async def change(
        self, actor: Actor, rule_id: str, changes: Mapping[str, object], revision: int | None = None
    ) -> RunRule:
        """Change the fields named in ``changes`` and no others.

        Raises:
            NotFoundError: It, or what it names, does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, rule_id)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, changes, actor.name, now)
            if after is before:
                return before
            await _judge(work, actor, after)
            await self._put(work, actor, now, "changed", before, after)
        await in_force(self._reload, WORD)
        return after

    async def delete(self, actor: Actor, rule_id: str, revision: int | None = None) -> RunRule:
        """Delete a rule; the runs it has found stay.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, rule_id)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, {"deleted_at": int(now)}, actor.name, now)
            await self._put(work, actor, now, "deleted", before, None, stored=after)
        await in_force(self._reload, WORD)
        return after

    async def restore(self, actor: Actor, rule_id: str) -> RunRule:
        """Bring back a rule that was deleted.

        Raises:
            NotFoundError: It never existed, or what it names is gone.
            ConflictError: It is there.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, rule_id, gone=True)
            after = changed(before, WORD, {"deleted_at": None}, actor.name, now)
            await _judge(work, actor, after)
            await self._put(work, actor, now, "restored", None, after)
        await in_force(self._reload, WORD)
        return after

    async def _put(
        self, work: Work, actor: Actor, at: Micros, done: str, before: RunRule | None, after: RunRule | None,
        stored: RunRule | None = None,
    ) -> None:  # fmt: skip
        record = stored or after
        if record is not None:
            await work.runs.put_rule(record)
        await put_on_record(work, actor, at, f"run_rules.{done}", WORD, before, after)
        await work.commit()


async def _found(work: Work, rule_id: str, *, gone: bool = False) -> RunRule:
    found = await work.runs.rule(rule_id)
    if found is None or (found.deleted_at is not None and not gone):
        raise NotFoundError(f"There is no rule {rule_id!r} for runs.", rule_id=rule_id)
    if gone and found.deleted_at is None:
        raise ConflictError("This rule is there; there is nothing to restore.", rule_id=rule_id)
    return found


async def _judge(work: Work, actor: Actor, rule: RunRule) -> None:
    await require_site(work, actor, rule.site_id, rule.asset_id)
    named = [*rule.signals, *(number for number in (rule.id_signal_id, rule.product_signal_id) if number is not None)]
    known = {signal.id for signal in await work.signals.some(named) if signal.site_id == rule.site_id}
    missing = [number for number in named if number not in known]
    if missing:
        raise NotFoundError(f"There is no signal {missing[0]}.", signal_id=missing[0])
    try:
        await compiled(work, rule)
    except FormulaError as error:
        raise condition_refused(error) from None
