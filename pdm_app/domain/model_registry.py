"""Models that are kept: versions of what watches a machine, from the candidate to the one in force and back.

A version is never changed once it is there, but for its state and the backtest that speaks for it. Nothing comes into
force without a backtest: whoever is warned must be able to see what the same model would have said of the past.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol, Self

from pydantic import Field

from pdm_app.domain.errors import ConflictError
from pdm_app.domain.models import SIGNALS_MAX, ModelCard
from pdm_app.domain.record import Finite, Id, Instant, Name, Record, Revision, SignalNumber, Text
from pdm_app.domain.samples import Micros

MODELS_PER_ASSET_MAX = 16
VERSIONS_MAX = 200
"""Of one model; retraining every night for half a year. The oldest retired ones have to go first."""
METRICS_MAX = 40
LOSS_MAX = 500
BARS_MAX = 100
POINTS_MAX = 20
EPISODES_MAX = 500
POINT_EPISODES_MAX = 100
TRACE_MAX = 480
"""Parts of a replay of which the highest score is kept: as many as a page is wide."""

Count = Annotated[int, Field(ge=0, le=2**53)]
NotNegative = Annotated[Finite, Field(ge=0)]


class ModelState(StrEnum):
    """Where a version stands."""

    CANDIDATE = "candidate"
    """Trained, judged by nobody yet; scores nothing."""
    SHADOW = "shadow"
    """Scores live signals, and warns nobody."""
    CHAMPION = "champion"
    """In force: its scores are the machine's, and what alarms look at. One of each model."""
    RETIRED = "retired"


class ModelOrigin(StrEnum):
    """Where a version comes from."""

    AUTOMATIC = "automatic"
    TRAINED = "trained"
    IMPORTED = "imported"
    FOREIGN = "foreign"


class ModelAct(StrEnum):
    """What is decided about a version."""

    SHADOW = "shadow"
    PROMOTE = "promote"
    RETIRE = "retire"
    ROLL_BACK = "roll_back"


class BacktestEpisode(Record):
    """One alarm that a version would have raised."""

    begin_at: Instant
    end_at: Instant
    peak: NotNegative
    is_false: bool


class BacktestTrouble(Record):
    """One failure that a version ought to have seen."""

    name: Name
    begin_at: Instant
    end_at: Instant


class BacktestPoint(Record):
    """What the alarms of one threshold would have been worth; see `pdm_app.domain.model_replays.ReplayFigures`."""

    shift: Finite
    alarms: Count
    false_alarms: Count
    false_per_month: NotNegative | None
    seen: Count
    missed: Count
    forewarning_s: NotNegative | None
    episodes: tuple[BacktestEpisode, ...] = Field(
        default=(), max_length=POINT_EPISODES_MAX, description="The newest of its alarms."
    )
    is_seen: tuple[bool, ...] = Field(default=(), max_length=EPISODES_MAX, description="Of each trouble.")


class ModelBacktest(Record):
    """A version's replay over the past: what it would have said, at each place of the threshold."""

    begin_at: Instant
    end_at: Instant
    rows: Count
    judged_rows: Count = Field(description="Neither masked nor without samples.")
    failures: Count = Field(description="Known ones, from labels and maintenance events.")
    points: tuple[BacktestPoint, ...] = Field(min_length=1, max_length=POINTS_MAX)
    episodes: tuple[BacktestEpisode, ...] = Field(default=(), max_length=EPISODES_MAX)
    troubles: tuple[BacktestTrouble, ...] = Field(default=(), max_length=EPISODES_MAX)
    trace: tuple[Finite | None, ...] = Field(
        default=(), max_length=TRACE_MAX,
        description="Highest log score of even parts of the time, 0 at the threshold; null where nothing was judged.",
    )  # fmt: skip
    made_at: Instant
    made_by: Name

    @property
    def in_force(self) -> BacktestPoint:
        """The point of the threshold that the version has."""
        return min(self.points, key=lambda point: abs(point.shift))

    @property
    def figures(self) -> Self:
        """The same without what only a drawing needs."""
        points = tuple(point.model_copy(update={"episodes": (), "is_seen": ()}) for point in self.points)
        return self.model_copy(update={"points": points, "trace": (), "troubles": ()})


class HistogramBar(Record):
    """So many errors from ``low`` up to and without ``high``."""

    low: Finite
    high: Finite
    count: Count


class TrainingFacts(Record):
    """How a version was trained, for its page."""

    begin_at: Instant = Field(description="First row it learned from; 0 where that is not known.")
    end_at: Instant
    excluded_rows: Count = 0
    took_s: NotNegative = 0.0
    loss: tuple[Finite, ...] = Field(default=(), max_length=LOSS_MAX, description="One per epoch.")
    histogram: tuple[HistogramBar, ...] = Field(default=(), max_length=BARS_MAX)
    metrics: dict[Annotated[str, Field(max_length=60)], Finite] = Field(default_factory=dict, max_length=METRICS_MAX)


class KeptModel(Record):
    """One model of a machine; what it does is in its versions."""

    id: Id
    site_id: Id
    asset_id: Id
    name: Name
    created_at: Instant
    created_by: Name
    simulated: bool = False
    revision: Revision = 0


class ModelVersion(Record):
    """One version: what it was made of, where its graph lies, and where it stands."""

    id: Id
    model_id: Id
    site_id: Id
    asset_id: Id
    number: Annotated[int, Field(ge=1, le=1_000_000)]
    state: ModelState = ModelState.CANDIDATE
    origin: ModelOrigin
    parent_id: Id | None = Field(default=None, description="The version that it was trained to replace.")
    card: ModelCard
    signal_ids: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX, description="As on the card.")
    graph_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    graph_bytes: Count
    training: TrainingFacts
    backtest: ModelBacktest | None = None
    created_at: Instant
    created_by: Name
    state_at: Instant
    state_by: Name
    reason: Text = ""
    champion_at: Instant | None = Field(default=None, description="When it came into force last.")
    simulated: bool = False
    revision: Revision = 0


def decided(
    versions: Sequence[ModelVersion], version_id: str, act: ModelAct, now: Micros, actor: str, reason: str = ""
) -> tuple[ModelVersion, ...]:
    """Return the versions that a decision changes, as they are after it; the one it is about first.

    Args:
        versions: All of the model.
        version_id: The one it is about; to roll back, the one in force.
        act: What is decided.
        now: Time of it.
        actor: Who decides.
        reason: Why.

    Raises:
        ConflictError: It stands otherwise, lacks a backtest, or there is none to go back to; says what to do.
    """
    meant = next(version for version in versions if version.id == version_id)

    def to(version: ModelVersion, state: ModelState) -> ModelVersion:
        changes: dict[str, object] = {
            "state": state, "state_at": int(now), "state_by": actor, "reason": reason.strip(),
            "revision": version.revision + 1,
        }  # fmt: skip
        if state is ModelState.CHAMPION:
            changes["champion_at"] = int(now)
        return version.model_copy(update=changes)

    if meant.state not in _FROM[act]:
        raise ConflictError(
            f"Version {meant.number} of {meant.card.name} is {_WORDS[meant.state]}; {_NEEDED[act]}",
            version_id=meant.id,
            state=str(meant.state),
        )
    if act is ModelAct.RETIRE:
        return (to(meant, ModelState.RETIRED),)
    if act is ModelAct.SHADOW:
        return (to(meant, ModelState.SHADOW),)
    if act is ModelAct.PROMOTE:
        if meant.backtest is None:
            raise ConflictError(
                f"Version {meant.number} of {meant.card.name} has no backtest. Replay it on the machine's own history "
                "first: nobody should be warned by a model of which nobody knows how often it is wrong.",
                version_id=meant.id,
            )
        before = [version for version in versions if version.state is ModelState.CHAMPION]
        return (to(meant, ModelState.CHAMPION), *(to(version, ModelState.RETIRED) for version in before))
    return _rolled_back(versions, meant, to(meant, ModelState.RETIRED), now, actor, reason)


def _rolled_back(
    versions: Sequence[ModelVersion], meant: ModelVersion, retired: ModelVersion, now: Micros, actor: str, reason: str
) -> tuple[ModelVersion, ...]:
    served = [
        version for version in versions
        if version.id != meant.id and version.champion_at is not None and version.state is ModelState.RETIRED
        and (meant.champion_at is None or version.champion_at < meant.champion_at)
    ]  # fmt: skip
    if not served:
        raise ConflictError(
            f"No version of {meant.card.name} was in force before number {meant.number}. "
            "Promote another one, or retire this one.",
            version_id=meant.id,
        )
    last = max(served, key=lambda version: (version.champion_at or 0, version.number))
    # It keeps the time it first came into force, so that rolling back again leads to the one before it.
    again = last.model_copy(
        update={
            "state": ModelState.CHAMPION, "state_at": int(now), "state_by": actor, "reason": reason.strip(),
            "revision": last.revision + 1,
        }
    )  # fmt: skip
    return retired, again


_FROM: dict[ModelAct, tuple[ModelState, ...]] = {
    ModelAct.SHADOW: (ModelState.CANDIDATE, ModelState.RETIRED),
    ModelAct.PROMOTE: (ModelState.SHADOW,),
    ModelAct.RETIRE: (ModelState.CANDIDATE, ModelState.SHADOW, ModelState.CHAMPION),
    ModelAct.ROLL_BACK: (ModelState.CHAMPION,),
}
_NEEDED = {
    ModelAct.SHADOW: "a candidate or a retired one can run as a shadow.",
    ModelAct.PROMOTE: "one that runs as a shadow can be promoted. Let it score beside the one in force first.",
    ModelAct.RETIRE: "it is out of use already.",
    ModelAct.ROLL_BACK: "the one in force can be rolled back.",
}
_WORDS = {
    ModelState.CANDIDATE: "a candidate",
    ModelState.SHADOW: "a shadow",
    ModelState.CHAMPION: "in force",
    ModelState.RETIRED: "retired",
}


class Models(Protocol):
    """Where models and their versions are kept; reads and writes only what the scope covers."""

    async def all(self) -> Sequence[KeptModel]:
        """Return every model, by name."""
        ...

    async def get(self, model_id: str) -> KeptModel | None: ...
    async def put(self, model: KeptModel) -> None:
        """Store a model.

        Raises:
            ConflictError: The machine has another model of that name.
        """
        ...

    async def versions(self, model_id: str) -> Sequence[ModelVersion]:
        """Return a model's versions, the newest first."""
        ...

    async def version(self, version_id: str) -> ModelVersion | None: ...
    async def standing(self) -> Sequence[ModelVersion]:
        """Return the versions that score: champions and shadows."""
        ...

    async def add_version(self, version: ModelVersion) -> None:
        """Store a new version.

        Raises:
            ConflictError: The model has another version of that number.
        """
        ...

    async def change_version(self, version: ModelVersion, revision: int) -> bool:
        """Store a version if it still has ``revision``; False where somebody was first."""
        ...

    async def remove_version(self, version_id: str) -> None: ...
    async def graphs(self) -> Sequence[str]:
        """Return the SHA-256 of every graph that a version names."""
        ...
