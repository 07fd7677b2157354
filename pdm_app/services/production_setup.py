"""How machines are rated, what is made, why machines stand, and what losses cost: read and changed."""

from typing import TypeVar

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.oee import CostRates
from pdm_app.domain.ports import Clock
from pdm_app.domain.production import (
    PRODUCTS_MAX,
    REASONS_MAX,
    Product,
    ProductFacts,
    ProductionUnit,
    ProductionUnitFacts,
    SiteRates,
    StopReason,
    StopReasonFacts,
)
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.record_changes import require_site
from pdm_app.stream.production_book import OWED_MAX, ProductionBook

DAY_US = 86_400 * MICROS_PER_S
AGAIN_SPAN_US = 400 * DAY_US

N = TypeVar("N", Product, StopReason)


class ProductionSetupService:
    """Set-up of production in an actor's sites.

    Args:
        work: Where it is stored.
        book: Told that something has changed.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, book: ProductionBook, clock: Clock) -> None:
        self._work = work
        self._book = book
        self._clock = clock

    async def units(self, actor: Actor, site_id: str) -> tuple[ProductionUnit, ...]:
        """Return how the machines of a site are rated.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            return tuple(unit for unit in await work.production.units() if unit.site_id == site_id)

    async def put_unit(
        self, actor: Actor, asset_id: str, facts: ProductionUnitFacts, revision: int, reason: str = ""
    ) -> ProductionUnit:
        """Say how a machine is rated, from the shift that runs now on; ``revision`` is the one looked at, 0 for none.

        Raises:
            NotFoundError: Machine, signal, product or reason do not exist or lie outside the actor's sites.
            ConflictError: Somebody else has changed it meanwhile.
        """
        actor.require(Permission.PRODUCTION_CONFIGURE)
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(asset_id)
            if asset is None or not actor.scope.covers(asset.site_id):
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            before = await work.production.unit(asset_id)
            _require_revision(before, revision)
            unit = ProductionUnit(
                **facts.model_dump(), id=asset_id, site_id=asset.site_id, asset_id=asset_id, line_id=asset.line_id,
                revision=revision + 1,
            )  # fmt: skip
            await _require_known(work, unit)
            await work.production.put_unit(unit)
            await audit(
                work, actor, self._clock.now(), "production.unit_changed", subject="asset", subject_id=asset_id,
                name=asset.code, site_id=asset.site_id, before=before, after=unit, reason=reason,
            )  # fmt: skip
            await work.commit()
        self._book.configuration_changed()
        return unit

    async def products(self, actor: Actor, site_id: str) -> tuple[Product, ...]:
        """Return what a site makes; raises as `units`."""
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            return tuple(product for product in await work.production.products() if product.site_id == site_id)

    async def put_product(
        self, actor: Actor, facts: ProductFacts, product_id: str | None = None, revision: int = 0
    ) -> Product:
        """Add a product, or change one.

        Raises:
            NotFoundError: Site or product do not exist or lie outside the actor's sites.
            InvalidInputError: Another product has its code or its number.
            ConflictError: There are too many, or somebody else has changed it meanwhile.
        """
        actor.require(Permission.PRODUCTION_CONFIGURE)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, facts.site_id)
            known = [one for one in await work.production.products() if one.site_id == facts.site_id]
            before = _found(known, product_id, "product")
            _require_revision(before, revision)
            others = [one for one in known if one.id != product_id]
            if len(others) >= PRODUCTS_MAX:
                raise ConflictError(f"A site has {PRODUCTS_MAX} products at most.")
            for name in ("code", "number"):
                value = getattr(facts, name)
                if value is not None and value in [getattr(one, name) for one in others]:
                    raise InvalidInputError(
                        f"Another product of this site has the {name} {value}.", [FieldIssue(name, "is taken")]
                    )
            product = Product(
                **facts.model_dump(), id=product_id or new_id(self._clock.now()), revision=revision + 1
            )  # fmt: skip
            await work.production.put_product(product)
            await self._record(work, actor, "production.product_changed", "product", product.code, before, product)
            await work.commit()
        self._book.configuration_changed()
        return product

    async def reasons(self, actor: Actor, site_id: str) -> tuple[StopReason, ...]:
        """Return the tree of a site's reasons in the order of its leaves; raises as `units`."""
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            return tuple(reason for reason in await work.production.reasons() if reason.site_id == site_id)

    async def put_reason(
        self, actor: Actor, facts: StopReasonFacts, reason_id: str | None = None, revision: int = 0
    ) -> StopReason:
        """Add a reason, or change one; what it was said of stays, and counts as it says now from the next sum on.

        Raises:
            NotFoundError: Site, reason or its parent do not exist or lie outside the actor's sites.
            InvalidInputError: It would be its own branch, or the tree has more than two levels.
            ConflictError: There are too many, or somebody else has changed it meanwhile.
        """
        actor.require(Permission.PRODUCTION_CONFIGURE)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, facts.site_id)
            known = [one for one in await work.production.reasons() if one.site_id == facts.site_id]
            before = _found(known, reason_id, "reason")
            _require_revision(before, revision)
            if before is None and len(known) >= REASONS_MAX:
                raise ConflictError(f"A site has {REASONS_MAX} reasons at most.")
            parent = _found(known, facts.parent_id, "reason")
            has_leaves = any(one.parent_id == reason_id for one in known if reason_id is not None)
            if parent is not None and (parent.parent_id is not None or parent.id == reason_id or has_leaves):
                raise InvalidInputError(
                    "The tree of reasons has two levels, so that one is said with two taps. Choose a branch as parent.",
                    [FieldIssue("parent_id", "is no branch", "leave it out, or name a reason without a parent")],
                )
            reason = StopReason(**facts.model_dump(), id=reason_id or new_id(self._clock.now()), revision=revision + 1)
            await work.production.put_reason(reason)
            await self._record(work, actor, "production.reason_changed", "reason", reason.name, before, reason)
            await work.commit()
        self._book.configuration_changed()
        return reason

    async def rates(self, actor: Actor, site_id: str) -> SiteRates:
        """Return what losses cost at a site; all zero where nobody has said so. Raises as `units`."""
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            known = [rates for rates in await work.production.rates() if rates.site_id == site_id]
        return known[0] if known else SiteRates(id=site_id, site_id=site_id)

    async def put_rates(
        self, actor: Actor, site_id: str, rates: CostRates, revision: int, reason: str = ""
    ) -> SiteRates:
        """Say what losses cost at a site.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            ConflictError: Somebody else has changed it meanwhile.
        """
        actor.require(Permission.PRODUCTION_MANAGE)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            before = next((one for one in await work.production.rates() if one.site_id == site_id), None)
            _require_revision(before, revision)
            after = SiteRates(**rates.model_dump(), id=site_id, site_id=site_id, revision=revision + 1)
            await work.production.put_rates(after)
            await self._record(work, actor, "production.rates_changed", "site", site_id, before, after, reason)
            await work.commit()
        return after

    async def derive_again(self, actor: Actor, asset_id: str, begin_at: int, end_at: int) -> int:
        """Have shifts of a machine derived from history again, such as after an import; return how many are.

        Shifts that are locked stay as they are.

        Raises:
            NotFoundError: The machine does not exist, is not rated or lies outside the actor's sites.
            InvalidInputError: The time is longer than 400 days, or ends before it begins.
            ConflictError: Too much is planned already.
        """
        actor.require(Permission.PRODUCTION_CONFIGURE)
        if not begin_at < end_at <= begin_at + AGAIN_SPAN_US:
            raise InvalidInputError(
                "Shifts of at most 400 days are derived at once, and the end follows the beginning. Ask for less.",
                [FieldIssue("end_at", "lies outside")],
            )
        async with self._work(actor.scope) as work:
            unit = await work.production.unit(asset_id)
            asset = await work.assets.get(asset_id)
            if unit is None or asset is None:
                raise NotFoundError(f"There is no machine {asset_id!r} whose production is rated.", asset_id=asset_id)
            stored = await work.production.sums([asset_id], begin_at, end_at)
            moments = [shift.begin_at for shift in stored if not shift.is_locked]
            if len(moments) + self._book.owed > OWED_MAX:
                raise ConflictError("More shifts wait to be derived than may. Try again in some minutes.")
            await audit(
                work, actor, self._clock.now(), "production.derived_again", subject="asset", subject_id=asset_id,
                name=asset.code, site_id=unit.site_id, after={"begin_at": begin_at, "end_at": end_at},
            )  # fmt: skip
            await work.commit()
        for at in moments:
            self._book.owe(asset_id, at)
        return len(moments)

    async def _record(
        self,
        work: Work,
        actor: Actor,
        action: str,
        subject: str,
        name: str,
        before: Record | None,
        after: Product | StopReason | SiteRates,
        reason: str = "",
    ) -> None:
        await audit(
            work, actor, self._clock.now(), action, subject=subject, subject_id=after.id, name=name,
            site_id=after.site_id, before=before, after=after, reason=reason,
        )  # fmt: skip


def _found(known: list[N], wanted: str | None, word: str) -> N | None:
    if wanted is None:
        return None
    for one in known:
        if one.id == wanted:
            return one
    raise NotFoundError(f"There is no {word} {wanted!r}.")


def _require_revision(before: ProductionUnit | Product | StopReason | SiteRates | None, revision: int) -> None:
    if (0 if before is None else before.revision) != revision:
        raise ConflictError("Somebody has changed this meanwhile. Look at it again.")


async def _require_known(work: Work, unit: ProductionUnit) -> None:
    """Refuse signals, products and reasons that the machine's site does not have."""
    signals = {signal.id for signal in await work.signals.some(unit.signals) if signal.site_id == unit.site_id}
    for number in unit.signals:
        if number not in signals:
            raise NotFoundError(f"There is no signal {number}.", signal_id=number)
    products = {product.id for product in await work.production.products() if product.site_id == unit.site_id}
    for cycle in unit.cycles:
        if cycle.product_id is not None and cycle.product_id not in products:
            raise NotFoundError(f"There is no product {cycle.product_id!r}.", product_id=cycle.product_id)
    reasons = {reason.id for reason in await work.production.reasons() if reason.site_id == unit.site_id}
    for rule in unit.rules:
        if rule.reason_id is not None and rule.reason_id not in reasons:
            raise NotFoundError(f"There is no reason {rule.reason_id!r}.", reason_id=rule.reason_id)
