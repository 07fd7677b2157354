"""State of the page of health: machines ranked, what stood out, and the models behind it."""

import reflex as rx

from pdm_app.domain.asset_health import AnomalyQuery, OutlookState, Verdict
from pdm_app.domain.model_registry import ModelState
from pdm_app.domain.record import Record
from pdm_app.services.health import HealthView
from pdm_app.services.models import ModelView
from pdm_app.ui.states.session import Act, Follow, Session

DAY_S = 86_400.0
ANOMALIES_SHOWN = 50
CONTRIBUTORS_SHOWN = 3


class FleetLine(Record):
    """A machine as the page shows it; numbers are words, empty where there is nothing to say."""

    asset_id: str
    code: str
    name: str
    verdict: str
    problem: str
    is_unusual: bool
    health: str
    score: str
    contributors: str
    life: str
    life_range: str
    life_state: str
    life_limit: str
    cost: str
    judged_until: int


class AnomalyLine(Record):
    """A stretch in which a machine was unusual."""

    id: str
    asset_id: str
    code: str
    begin_at: int
    end_at: int
    goes_on: bool
    peak: str


class ModelLine(Record):
    """A version of a model that scores, or waits to."""

    id: str
    model_id: str
    code: str
    name: str
    number: int
    state: str
    detector: str
    signals: str
    rows: str
    false_per_month: str
    trained_until: int
    graph: str


class Fleet(Session):
    """What the page shows: the worst machine first."""

    machines: list[FleetLine] = []
    anomalies: list[AnomalyLine] = []
    models: list[ModelLine] = []

    @rx.event
    async def load(self) -> Follow:
        """Read all three lists of the site."""

        async def work(act: Act) -> None:
            site_id = self.site_id or None
            views = await act.services.health.fleet(act.actor, site_id)
            found = await act.services.health.anomalies(act.actor, AnomalyQuery(site_id=site_id, limit=ANOMALIES_SHOWN))
            kept = await act.services.models.list(act.actor, site_id)
            code_of = {view.verdict.asset_id: view.asset_code for view in views}
            self.machines = [_machine(view) for view in views]
            self.anomalies = [
                AnomalyLine(
                    id=each.id, asset_id=each.asset_id, code=code_of.get(each.asset_id, each.asset_id),
                    begin_at=each.begin_at, end_at=each.end_at or 0, goes_on=each.end_at is None,
                    peak=f"{each.peak:.2f}",
                )
                for each in found
            ]  # fmt: skip
            self.models = [line for view in kept for line in _versions(view, code_of)]
            self.is_loaded = True

        return await self._act(work)


def _machine(view: HealthView) -> FleetLine:
    verdict, outlook = view.verdict, view.verdict.outlook
    is_judged = verdict.verdict is Verdict.JUDGED
    life = life_range = ""
    if outlook is not None and outlook.state is OutlookState.KNOWN and outlook.middle_s is not None:
        life = f"{outlook.middle_s / DAY_S:.1f}"
        low = (outlook.low_10_s or 0.0) / DAY_S
        life_range = (
            f"{low:.1f} – {outlook.high_90_s / DAY_S:.1f}" if outlook.high_90_s is not None else f"{low:.1f} – ?"
        )
    return FleetLine(
        asset_id=verdict.asset_id, code=view.asset_code, name=view.asset_name, verdict=str(verdict.verdict),
        problem=verdict.problem, is_unusual=verdict.is_unusual,
        health=f"{verdict.health:.0f}" if verdict.health is not None else "",
        score=f"{verdict.score:.2f}" if verdict.score is not None else "",
        contributors=", ".join(view.contributors[:CONTRIBUTORS_SHOWN]) if is_judged else "",
        life=life, life_range=life_range, life_state=str(outlook.state) if outlook is not None else "",
        life_limit=f"{outlook.limit:g} ({outlook.source})" if outlook is not None else "",
        cost=f"{view.waiting_cost:,.0f} {view.currency}" if view.waiting_cost is not None else "",
        judged_until=verdict.judged_until,
    )  # fmt: skip


def _versions(view: ModelView, code_of: dict[str, str]) -> list[ModelLine]:
    return [
        ModelLine(
            id=version.id, model_id=version.model_id, code=code_of.get(version.asset_id, version.asset_id),
            name=view.model.name, number=version.number, state=str(version.state), detector=str(version.card.kind),
            signals=", ".join(version.card.signals), rows=f"{version.card.fitted_rows + version.card.held_out_rows:,}",
            false_per_month=_false(version.backtest.in_force.false_per_month) if version.backtest is not None else "",
            trained_until=version.training.end_at, graph=version.graph_sha256[:12],
        )
        for version in view.versions
        if version.state is not ModelState.RETIRED
    ]  # fmt: skip


def _false(per_month: float | None) -> str:
    return "" if per_month is None else f"{per_month:.1f}"
