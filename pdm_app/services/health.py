"""How machines are doing, as a service: ranked, the worst first, and what stood out before."""

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.asset_health import Anomaly, AnomalyQuery, AssetHealth, OutlookState
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork

SOUND_HEALTH = 101.0  # Of machines of which nothing is known now: behind all that are judged.


class HealthView(Record):
    """One machine in the ranking; the newest verdict of the model in force."""

    verdict: AssetHealth
    asset_code: str
    asset_name: str
    contributors: tuple[str, ...]
    waiting_cost: float | None
    currency: str


class HealthService:
    """What may be asked of health."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def fleet(self, actor: Actor, site_id: str | None = None) -> tuple[HealthView, ...]:
        """Return the machines that models watch, the one in the worst state first.

        ``waiting_cost`` is what work at the machine is estimated to cost if it fails, by the site's costs; None where
        it is not unusual, or nobody has said what work costs.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            verdicts = [each for each in await work.health.all() if site_id in (None, each.site_id)]
            assets = {asset.id: asset for asset in await work.assets.all()}
            costs = {basis.site_id: basis for basis in await work.maintenance.costs()}
            currencies = {site.id: site.currency for site in await work.sites.all()}
            meant = [share.signal_id for each in verdicts for share in each.shares]
            names = {signal.id: signal.label for signal in await work.signals.some(meant)}
        found: list[HealthView] = []
        for verdict in verdicts:
            asset = assets.get(verdict.asset_id)
            if asset is None or verdict.is_shadow:
                continue
            basis = costs.get(verdict.site_id)
            cost = basis.estimate(asset.asset_class, Severity.CRITICAL) if basis is not None else None
            found.append(
                HealthView(
                    verdict=verdict, asset_code=asset.code, asset_name=asset.name,
                    contributors=tuple(names[share.signal_id] for share in verdict.shares if share.signal_id in names),
                    waiting_cost=cost if verdict.is_unusual else None, currency=currencies.get(verdict.site_id, ""),
                )
            )  # fmt: skip
        return tuple(sorted(found, key=_rank))

    async def anomalies(self, actor: Actor, query: AnomalyQuery) -> tuple[Anomaly, ...]:
        """Return stretches in which machines were unusual, the newest first."""
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            return tuple(await work.health.anomalies(query))


def _rank(view: HealthView) -> tuple[float, float, str]:
    outlook = view.verdict.outlook
    is_told = outlook is not None and outlook.state is OutlookState.KNOWN and outlook.middle_s is not None
    life_s = outlook.middle_s if is_told and outlook is not None and outlook.middle_s is not None else float("inf")
    return (SOUND_HEALTH if view.verdict.health is None else view.verdict.health, life_s, view.asset_code)
