"""Models as a service: what is kept of a training, how a version comes into force and goes, and what is refused."""

import hashlib
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.model_registry import ModelAct, ModelOrigin, ModelState, TrainingFacts
from pdm_app.services.model_graphs import ModelGraphs
from pdm_app.services.models import ModelService, NewVersion
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201, P_501
from tests.counterparts.models import AT, GRAPH, SHA256, backtest, card

ERIN, OTTO = person("erin", Role.ENGINEER), person("otto", Role.OPERATOR)
GRETA = person("greta", Role.ENGINEER, "graz")


class Changes:
    """Counts how often what scores was changed."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def service(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, changes: Changes) -> ModelService:
    return ModelService(work, clock, ModelGraphs(tmp_path / "models"), changes)


async def new(work: SqlUnitOfWork, graph: bytes = GRAPH, **said: object) -> NewVersion:
    async with work(EVERY_SITE) as transaction:
        own = [signal.id for signal in await transaction.signals.of_asset(P_501.id)][:2]
    given: dict[str, object] = {
        "asset_id": P_501.id, "name": "Ensemble", "card": card(graph_sha256=hashlib.sha256(graph).hexdigest()),
        "signal_ids": tuple(own), "origin": ModelOrigin.TRAINED, "training": TrainingFacts(begin_at=AT, end_at=AT + 1),
        **said,
    }  # fmt: skip
    return NewVersion.model_validate(given)


async def test_a_version_is_registered_tested_shadowed_promoted_and_rolled_back_and_each_is_on_record(
    service: ModelService, work: SqlUnitOfWork, clock: HandClock, changes: Changes
) -> None:
    first = await service.register(ERIN, await new(work), GRAPH)
    assert (first.number, first.state, first.parent_id) == (1, ModelState.CANDIDATE, None)
    shadow = await service.decide(ERIN, first.id, ModelAct.SHADOW, first.revision)
    with pytest.raises(ConflictError, match="has no backtest"):
        await service.decide(ERIN, first.id, ModelAct.PROMOTE, shadow.revision)
    tested = await service.attach(ERIN, first.id, backtest())
    clock.at += 1
    champion = await service.decide(ERIN, first.id, ModelAct.PROMOTE, tested.revision, "seen it run")
    second = await service.register(ERIN, await new(work, b"another"), b"another")
    assert (second.number, second.parent_id, second.model_id) == (2, champion.id, first.model_id)
    second = await service.attach(ERIN, second.id, backtest())
    second = await service.decide(ERIN, second.id, ModelAct.SHADOW, second.revision)
    clock.at += 1
    second = await service.decide(ERIN, second.id, ModelAct.PROMOTE, second.revision)
    clock.at += 1
    await service.decide(ERIN, second.id, ModelAct.ROLL_BACK, second.revision, "too many alarms")
    [view] = await service.list(OTTO, asset_id=P_501.id)
    assert view == await service.show(OTTO, first.model_id)
    assert [(each.number, each.state) for each in view.versions] == [(2, "retired"), (1, "champion")]
    assert view.champion is not None
    assert view.champion.id == first.id
    assert (await service.graph(OTTO, first.id))[1] == GRAPH
    assert changes.count == 5, "each decision, and nothing else"
    async with work(EVERY_SITE) as transaction:
        actions = [entry.action for entry in await transaction.audit.page(AuditQuery())]
    assert actions[:9] == [
        "models.rolled_back", "models.promoted", "models.shadowed", "models.tested", "models.registered",
        "models.promoted", "models.tested", "models.shadowed", "models.registered",
    ]  # fmt: skip


async def test_what_does_not_fit_together_is_refused_and_nothing_is_kept(
    service: ModelService, work: SqlUnitOfWork
) -> None:
    fits = await new(work)
    with pytest.raises(InvalidInputError, match="speaks of another graph"):
        await service.register(ERIN, fits, b"another graph")
    with pytest.raises(InvalidInputError, match="does not belong to the machine"):
        await service.register(ERIN, fits.model_copy(update={"signal_ids": (fits.signal_ids[0], 999_999)}), GRAPH)
    with pytest.raises(InvalidInputError, match="has 2 signals, 1 were given"):
        await service.register(ERIN, fits.model_copy(update={"signal_ids": fits.signal_ids[:1]}), GRAPH)
    with pytest.raises(InvalidInputError, match="A graph has 1 to"):
        await service.register(ERIN, fits, b"")
    with pytest.raises(NotFoundError, match="no asset"):
        await service.register(ERIN, fits.model_copy(update={"asset_id": C_201.id}), GRAPH)
    assert await service.list(OTTO) == ()


async def test_who_may_not_is_refused_and_what_is_elsewhere_is_not_there(
    service: ModelService, work: SqlUnitOfWork
) -> None:
    version = await service.register(ERIN, await new(work), GRAPH)
    with pytest.raises(PermissionDeniedError):
        await service.register(OTTO, await new(work), GRAPH)
    with pytest.raises(PermissionDeniedError):
        await service.decide(OTTO, version.id, ModelAct.SHADOW, version.revision)
    assert await service.list(GRETA) == ()
    for reached in (
        service.show(GRETA, version.model_id),
        service.graph(GRETA, version.id),
        service.attach(GRETA, version.id, backtest()),
        service.decide(GRETA, version.id, ModelAct.SHADOW, version.revision),
    ):
        with pytest.raises(NotFoundError):
            await reached
    with pytest.raises(ConflictError, match="has changed version 1"):
        await service.decide(ERIN, version.id, ModelAct.SHADOW, version.revision + 1)


async def test_a_damaged_or_missing_graph_is_told_and_those_that_nobody_uses_go(
    service: ModelService, work: SqlUnitOfWork, tmp_path: Path
) -> None:
    version = await service.register(ERIN, await new(work), GRAPH)
    stray = await ModelGraphs(tmp_path / "models").put(b"of nobody")
    await service.remove_unused_graphs()
    with pytest.raises(NotFoundError, match="Restore the folder"):
        await ModelGraphs(tmp_path / "models").get(stray)
    place = tmp_path / "models" / SHA256[:2] / SHA256
    place.write_bytes(GRAPH[:-1])
    with pytest.raises(UnavailableError, match="was damaged"):
        await service.graph(ERIN, version.id)
