"""Rules of retention as people see and change them, spans that are kept all the same, and what would go.

Everything here holds for the whole installation, so it is for those who see every site. Nothing is deleted in this
file: `plan` counts, and `pdm_app.services.retention_runs` has it done.
"""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.history import Tier
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record, Text
from pdm_app.domain.removals import DueRemoval, RemovalOrder, RemovalStore
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.retention import (
    DAY_US,
    HOLDS_MAX,
    RULES_MAX,
    RetentionFacts,
    RetentionHold,
    RetentionRule,
    RetentionSubject,
    kept,
    matches,
)
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit

DRAFT = "draft"
"""Stands for a rule that is not stored yet."""


class RetentionPlan(Record):
    """What would go now, by rule and tier; nothing was changed by asking."""

    at: int
    lines: tuple[DueRemoval, ...]
    rows: int
    bytes: int
    first_at: int | None = None


class RuleView(Record):
    """A rule, and how many signals it speaks of."""

    rule: RetentionRule
    signals: int


class HoldFacts(Record):
    """A span that somebody wants to keep."""

    reason: Text = Field(min_length=1)
    signals: tuple[int, ...] = Field(default=(), max_length=1000, description="Empty: of all signals.")
    start_at: int = Field(ge=0, le=2**53)
    end_at: int = Field(ge=0, le=2**53)


class RetentionService:
    """Reading and changing rules and held spans, and counting what they would take.

    Args:
        work: Where they are stored.
        store: Counts; None where there is no cold tier.
        clock: Days are counted back from it.
    """

    def __init__(self, work: UnitOfWork, store: RemovalStore, clock: Clock) -> None:
        self._work = work
        self._store = store
        self._clock = clock

    async def rules(self, actor: Actor) -> tuple[RuleView, ...]:
        """Return the rules by name."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            rules, subjects = await work.retention.rules(), await work.retention.subjects()
        return tuple(RuleView(rule=rule, signals=sum(matches(rule, subject) for subject in subjects)) for rule in rules)

    async def add(self, actor: Actor, facts: RetentionFacts, reason: str = "") -> RetentionRule:
        """Store a new rule; it takes effect with the next run.

        Raises:
            InvalidInputError: Its site or machine does not exist, or nothing could ever match its pattern.
            ConflictError: There are too many rules already.
        """
        _require(actor)
        now = self._clock.now()
        rule = RetentionRule(**facts.model_dump(), id=new_id(now), changed_at=now, changed_by=actor.name)
        async with self._work(EVERY_SITE) as work:
            if len(await work.retention.rules()) >= RULES_MAX:
                raise ConflictError(f"There are {RULES_MAX} rules of retention already. Remove one first.")
            await _check(work, facts)
            await work.retention.put_rule(rule)
            await audit(
                work, actor, now, "retention.rule_added", subject="retention_rule", subject_id=rule.id,
                name=rule.name, site_id=rule.site_id, after=rule, reason=reason,
            )  # fmt: skip
            await work.commit()
        return rule

    async def change(self, actor: Actor, rule_id: str, facts: RetentionFacts, reason: str = "") -> RetentionRule:
        """Put other facts in the place of a rule's.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: As `add`.
        """
        _require(actor)
        now = self._clock.now()
        rule = RetentionRule(**facts.model_dump(), id=rule_id, changed_at=now, changed_by=actor.name)
        async with self._work(EVERY_SITE) as work:
            before = await _rule(work, rule_id)
            await _check(work, facts)
            await work.retention.put_rule(rule)
            await audit(
                work, actor, now, "retention.rule_changed", subject="retention_rule", subject_id=rule.id,
                name=rule.name, site_id=rule.site_id, before=before, after=rule, reason=reason,
            )  # fmt: skip
            await work.commit()
        return rule

    async def remove(self, actor: Actor, rule_id: str, reason: str = "") -> RetentionRule:
        """Take a rule away; what it spoke of is kept for ever again unless another rule speaks of it.

        Raises:
            NotFoundError: There is none.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            before = await _rule(work, rule_id)
            await work.retention.remove_rule(rule_id)
            await audit(
                work, actor, self._clock.now(), "retention.rule_removed", subject="retention_rule",
                subject_id=rule_id, name=before.name, site_id=before.site_id, before=before, reason=reason,
            )  # fmt: skip
            await work.commit()
        return before

    async def holds(self, actor: Actor) -> tuple[RetentionHold, ...]:
        """Return the spans that are kept whatever the rules say, oldest first."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            return tuple(await work.retention.holds())

    async def hold(self, actor: Actor, facts: HoldFacts) -> RetentionHold:
        """Keep a span from now on; what is gone already does not come back.

        Raises:
            InvalidInputError: The span is empty.
            ConflictError: There are too many of them.
        """
        _require(actor)
        now = self._clock.now()
        if facts.end_at <= facts.start_at:
            raise InvalidInputError(
                "The span is empty.", [FieldIssue("end_at", "is not after the beginning", "choose a later end")]
            )
        hold = RetentionHold(**facts.model_dump(), id=new_id(now), made_at=now, made_by=actor.name)
        async with self._work(EVERY_SITE) as work:
            if len(await work.retention.holds()) >= HOLDS_MAX:
                raise ConflictError(f"{HOLDS_MAX} spans are held already. Release one first.")
            await work.retention.put_hold(hold)
            await audit(
                work, actor, now, "retention.span_held", subject="retention_hold", subject_id=hold.id,
                name=hold.reason[:120], after=hold, reason=hold.reason,
            )  # fmt: skip
            await work.commit()
        return hold

    async def release(self, actor: Actor, hold_id: str, reason: str = "") -> RetentionHold:
        """Let the rules have a span again.

        Raises:
            NotFoundError: There is none.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            before = next((one for one in await work.retention.holds() if one.id == hold_id), None)
            if before is None:
                raise NotFoundError(f"There is no held span {hold_id!r}.", hold_id=hold_id)
            await work.retention.remove_hold(hold_id)
            await audit(
                work, actor, self._clock.now(), "retention.span_released", subject="retention_hold",
                subject_id=hold_id, name=before.reason[:120], before=before, reason=reason,
            )  # fmt: skip
            await work.commit()
        return before

    async def plan(
        self, actor: Actor, draft: RetentionFacts | None = None, rule_id: str | None = None
    ) -> RetentionPlan:
        """Count what would go now; with a draft as if it were a rule already, in the place of ``rule_id`` if given.

        Raises:
            InvalidInputError: The draft's site or machine does not exist.
            UnavailableError: The database does not answer, or a cold file cannot be read.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            if draft is not None:
                await _check(work, draft)
        drafted = None if draft is None else RetentionRule(**draft.model_dump(), id=rule_id or DRAFT)
        lines = [await self._store.due(order) for order in await self.orders(drafted)]
        lines = [line for line in lines if line.rows]
        return RetentionPlan(
            at=self._clock.now(),
            lines=tuple(lines),
            rows=sum(line.rows for line in lines),
            bytes=sum(line.bytes for line in lines),
            first_at=min((line.first_at for line in lines if line.first_at is not None), default=None),
        )

    async def orders(self, draft: RetentionRule | None = None) -> list[RemovalOrder]:
        """Return what the rules order now: finer tiers first, so that each is held against what is still there."""
        async with self._work(EVERY_SITE) as work:
            rules, subjects = await work.retention.rules(), await work.retention.subjects()
            holds = await work.retention.holds()
        if draft is not None:
            rules = [*(rule for rule in rules if rule.id != draft.id), draft]
        return orders_of(rules, subjects, holds, self._clock.now())


def orders_of(
    rules: Sequence[RetentionRule],
    subjects: Sequence[RetentionSubject],
    holds: Sequence[RetentionHold],
    now: Micros,
) -> list[RemovalOrder]:
    """Return one order for each tier and rule that says how long it is kept."""
    today = now - now % DAY_US
    signals: dict[tuple[Tier, int, str], list[int]] = defaultdict(list)
    for subject in subjects:
        for tier, keep in kept(rules, subject).items():
            signals[tier, keep.days, keep.rule_id].append(subject.signal)
    held = tuple((hold.signals, *hold.span) for hold in holds)
    found: list[RemovalOrder] = []
    for (tier, days, rule_id), some in sorted(signals.items(), key=lambda item: (item[0][0].width_us, item[0][1:])):
        before_at = today - days * DAY_US
        if before_at > 0:
            mine = tuple(span for span in held if span[1] < before_at)
            found.append(RemovalOrder(rule_id=rule_id, tier=tier, signals=tuple(some), before_at=before_at, held=mine))
    return found


def _require(actor: Actor) -> None:
    actor.require(Permission.STORAGE_CONFIGURE)
    if actor.scope.sites is not None:
        raise NotFoundError("There is no retention in your sites.")


async def _rule(work: Work, rule_id: str) -> RetentionRule:
    found = next((rule for rule in await work.retention.rules() if rule.id == rule_id), None)
    if found is None:
        raise NotFoundError(f"There is no rule of retention {rule_id!r}.", rule_id=rule_id)
    return found


async def _check(work: Work, facts: RetentionFacts) -> None:
    if facts.site_id is not None and facts.site_id not in {site.id for site in await work.sites.all()}:
        raise InvalidInputError(
            f"There is no site {facts.site_id!r}.", [FieldIssue("site_id", "does not exist", "choose one of the list")]
        )
    if facts.asset_id is None:
        return
    asset = await work.assets.get(facts.asset_id)
    if asset is None:
        raise InvalidInputError(
            f"There is no machine {facts.asset_id!r}.",
            [FieldIssue("asset_id", "does not exist", "choose one of the list")],
        )
    if facts.site_id not in (None, asset.site_id):
        raise InvalidInputError(
            f"{asset.code} stands in another site than the rule is for, so it would never match.",
            [FieldIssue("asset_id", "stands in another site", "leave the site out")],
        )
