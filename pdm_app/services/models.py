"""Models as a service: registered, tested on the past, put beside the one in force, promoted, rolled back.

Whoever trains calls `register` with the card and the graph, then `attach` with what the replay has shown.
"""

from collections.abc import Awaitable, Callable, Sequence

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.model_registry import (
    MODELS_PER_ASSET_MAX,
    VERSIONS_MAX,
    KeptModel,
    ModelAct,
    ModelBacktest,
    ModelOrigin,
    ModelState,
    ModelVersion,
    TrainingFacts,
    decided,
)
from pdm_app.domain.models import ModelCard
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.model_graphs import ModelGraphs


class NewVersion(Record):
    """What a training hands over.

    ``name`` is that of the model: a machine's model of that name gets another version, or there is a new one.
    """

    asset_id: str
    name: str
    card: ModelCard
    signal_ids: tuple[int, ...]
    origin: ModelOrigin
    training: TrainingFacts


class ModelView(Record):
    """A model with its versions, the newest first."""

    model: KeptModel
    versions: tuple[ModelVersion, ...]

    @property
    def champion(self) -> ModelVersion | None:
        return next((version for version in self.versions if version.state is ModelState.CHAMPION), None)


class ModelService:
    """What may be asked of models.

    Args:
        work: Where they are stored.
        clock: Injected time.
        graphs: Where the files lie.
        changed: Called after a change of what scores.
    """

    def __init__(
        self, work: UnitOfWork, clock: Clock, graphs: ModelGraphs, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._work = work
        self._clock = clock
        self._graphs = graphs
        self._changed = changed

    async def list(
        self, actor: Actor, site_id: str | None = None, asset_id: str | None = None
    ) -> tuple[ModelView, ...]:
        """Return the models of the sites in reach, of one of them, or of one machine, by name.

        What a drawing of a backtest needs is left to `show`.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            models = [
                model for model in await work.models.all()
                if site_id in (None, model.site_id) and asset_id in (None, model.asset_id)
            ]  # fmt: skip
            found = [(model, await work.models.versions(model.id)) for model in models]
        return tuple(
            ModelView(model=model, versions=tuple(_brief(version) for version in versions)) for model, versions in found
        )

    async def show(self, actor: Actor, model_id: str) -> ModelView:
        """Return a model with its versions.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            model = await work.models.get(model_id)
            if model is None:
                raise NotFoundError(f"There is no model {model_id!r}.", model_id=model_id)
            return ModelView(model=model, versions=tuple(await work.models.versions(model_id)))

    async def graph(self, actor: Actor, version_id: str) -> tuple[ModelVersion, bytes]:
        """Return a version and its graph.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            UnavailableError: The file is damaged.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            version = await _version(work, version_id)
        return version, await self._graphs.get(version.graph_sha256)

    async def register(self, actor: Actor, new: NewVersion, graph: bytes) -> ModelVersion:
        """Keep a trained model as a candidate; its graph is in the store before the record names it.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
            InvalidInputError: A signal is no one's of the machine, or card, signals and graph do not fit each other.
            ConflictError: There are too many models.
            UnavailableError: The graph cannot be stored.
        """
        actor.require(Permission.MODELS_TRAIN)
        now = self._clock.now()
        sha256 = await self._graphs.put(graph)
        if sha256 != new.card.graph_sha256:
            raise InvalidInputError(f"The card of {new.name} speaks of another graph: {new.card.graph_sha256[:12]}….")
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(new.asset_id)
            if asset is None or not actor.scope.covers(asset.site_id):
                raise NotFoundError(f"There is no asset {new.asset_id!r}.", asset_id=new.asset_id)
            await _require_signals(work, asset.id, new)
            before = [model for model in await work.models.all() if model.asset_id == asset.id]
            model = next((model for model in before if model.name == new.name), None)
            if model is None:
                if len(before) >= MODELS_PER_ASSET_MAX:
                    raise ConflictError(
                        f"{asset.code} has {MODELS_PER_ASSET_MAX} models already. Train one of them again."
                    )
                model = KeptModel(
                    id=new_id(now), site_id=asset.site_id, asset_id=asset.id, name=new.name, created_at=int(now),
                    created_by=actor.name, simulated=asset.simulated,
                )  # fmt: skip
                await work.models.put(model)
            versions = await work.models.versions(model.id)
            await _make_room(work, versions)
            champion = next((version for version in versions if version.state is ModelState.CHAMPION), None)
            number = max((version.number for version in versions), default=0) + 1
            version = ModelVersion(
                id=new_id(now), model_id=model.id, site_id=model.site_id, asset_id=model.asset_id, number=number,
                origin=new.origin, parent_id=champion.id if champion is not None else None,
                card=new.card.model_copy(update={"version": number}), signal_ids=new.signal_ids, graph_sha256=sha256,
                graph_bytes=len(graph), training=new.training, created_at=int(now), created_by=actor.name,
                state_at=int(now), state_by=actor.name, simulated=asset.simulated,
            )  # fmt: skip
            await work.models.add_version(version)
            await _on_record(work, actor, now, "models.registered", None, version)
            await work.commit()
        return version

    async def attach(self, actor: Actor, version_id: str, backtest: ModelBacktest) -> ModelVersion:
        """Keep what the replay of the past has shown of a version; an earlier one makes way.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: Somebody else has changed it at the same moment.
        """
        actor.require(Permission.MODELS_TRAIN)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _version(work, version_id)
            after = before.model_copy(update={"backtest": backtest, "revision": before.revision + 1})
            await _change(work, before, after)
            await _on_record(work, actor, now, "models.tested", before, after)
            await work.commit()
        return after

    async def decide(
        self, actor: Actor, version_id: str, act: ModelAct, revision: int, reason: str = ""
    ) -> ModelVersion:
        """Have a version score as a shadow, come into force, retire, or make way for the one before it.

        Args:
            actor: Needs ``models.promote``.
            version_id: Which; to roll back, the one in force.
            act: What is decided.
            revision: As it was seen.
            reason: Why; kept with the version.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: It stands otherwise, lacks a backtest, or somebody was first.
        """
        actor.require(Permission.MODELS_PROMOTE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            meant = await _version(work, version_id)
            if meant.revision != revision:
                raise _too_late(meant)
            versions = await work.models.versions(meant.model_id)
            known = {version.id: version for version in versions}
            changed = decided(versions, version_id, act, now, actor.name, reason)
            for after in reversed(changed):  # The one in force goes first.
                await _change(work, known[after.id], after)
            await _on_record(work, actor, now, f"models.{_DONE[act]}", known[version_id], changed[0], reason)
            await work.commit()
        await self._changed()
        return changed[0]

    async def remove_unused_graphs(self) -> None:
        """Delete graphs whose versions are gone; for the start, when nobody registers one."""
        async with self._work(EVERY_SITE) as work:
            used = await work.models.graphs()
        await self._graphs.remove_unused(used)


_DRAWN = {"episodes", "is_seen"}
_DONE = {
    ModelAct.SHADOW: "shadowed",
    ModelAct.PROMOTE: "promoted",
    ModelAct.RETIRE: "retired",
    ModelAct.ROLL_BACK: "rolled_back",
}


def _brief(version: ModelVersion) -> ModelVersion:
    if version.backtest is None:
        return version
    return version.model_copy(update={"backtest": version.backtest.figures})


async def _version(work: Work, version_id: str) -> ModelVersion:
    version = await work.models.version(version_id)
    if version is None:
        raise NotFoundError(f"There is no version {version_id!r} of a model.", version_id=version_id)
    return version


async def _require_signals(work: Work, asset_id: str, new: NewVersion) -> None:
    own = {signal.id for signal in await work.signals.of_asset(asset_id)}
    strange = [number for number in new.signal_ids if number not in own]
    if strange:
        issue = FieldIssue("signal_ids", f"names {strange[0]}", "choose signals of the machine")
        raise InvalidInputError(f"Signal {strange[0]} does not belong to the machine.", [issue])
    if len(new.signal_ids) != len(new.card.signals):
        raise InvalidInputError(
            f"The card of {new.name} has {len(new.card.signals)} signals, {len(new.signal_ids)} were given."
        )


async def _make_room(work: Work, versions: Sequence[ModelVersion]) -> None:
    """Delete the oldest version out of use where there are too many; one to which could be rolled back goes last."""
    if len(versions) < VERSIONS_MAX:
        return
    idle = [version for version in versions if version.state in (ModelState.RETIRED, ModelState.CANDIDATE)]
    if not idle:
        raise ConflictError(f"{versions[0].card.name} has {VERSIONS_MAX} versions in use. Retire some first.")
    oldest = min(idle, key=lambda version: (version.champion_at is not None, version.number))
    await work.models.remove_version(oldest.id)


def _too_late(version: ModelVersion) -> ConflictError:
    return ConflictError(
        f"{version.state_by} has changed version {version.number} of {version.card.name} meanwhile. Look at it again, "
        "then decide.",
        version_id=version.id,
    )


async def _change(work: Work, before: ModelVersion, after: ModelVersion) -> None:
    if not await work.models.change_version(after, before.revision):
        raise _too_late(before)


async def _on_record(
    work: Work,
    actor: Actor,
    now: Micros,
    action: str,
    before: ModelVersion | None,
    after: ModelVersion,
    reason: str = "",
) -> None:
    await audit(
        work,
        actor,
        now,
        action,
        subject="model",
        subject_id=after.id,
        name=f"{after.card.name} {after.number}",
        site_id=after.site_id,
        before=None if before is None else _said(before),
        after=_said(after),
        reason=reason,
    )


def _said(version: ModelVersion) -> dict[str, object]:
    """Return what of a version belongs into the audit trail: not the hundreds of numbers of its card."""
    tested = version.backtest
    return {
        "model_id": version.model_id,
        "asset_id": version.asset_id,
        "number": version.number,
        "state": str(version.state),
        "origin": str(version.origin),
        "detector": str(version.card.kind),
        "signals": list(version.card.signals),
        "graph_sha256": version.graph_sha256,
        "backtest": None
        if tested is None
        else {"made_at": tested.made_at, **tested.in_force.model_dump(exclude=_DRAWN)},
    }
