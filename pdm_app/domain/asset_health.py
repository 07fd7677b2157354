"""How machines are doing in the eyes of their models: the newest verdict of each version, and what stood out before.

What is kept between two verdicts is kept here, too: how far rows were judged, and how far the baseline has followed,
so that a model goes on after a restart where it was.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.models import SIGNALS_MAX
from pdm_app.domain.record import Finite, Id, Instant, Record, SignalNumber

SHARES_MAX = 5
PAGE_MAX = 500
SCORE_SIGNAL = "Anomaly_Score"
HEALTH_SIGNAL = "Health"
Ratio = Annotated[Finite, Field(ge=0, le=1)]
NotNegative = Annotated[Finite, Field(ge=0)]


class Verdict(StrEnum):
    """What can be said of the newest row."""

    JUDGED = "judged"
    STOPPED = "stopped"
    """It does not run, or has just started."""
    NO_DATA = "no_data"
    """Signals are missing, or of bad quality."""
    WAITING = "waiting"
    """Nothing has been judged yet."""
    FAULTY = "faulty"
    """The model could not be loaded or run; ``problem`` says why."""


class SignalShare(Record):
    """How much of a score one signal makes."""

    signal_id: SignalNumber
    share: Ratio


class OutlookState(StrEnum):
    """Whether there is a number for the remaining life."""

    KNOWN = "known"
    TOO_FEW_READINGS = "too_few_readings"
    NOT_ENOUGH_TREND = "not_enough_trend"
    BEYOND_HORIZON = "beyond_horizon"


class Outlook(Record):
    """When a wear reading reaches its limit, seen from ``at``; times in seconds, none where ``state`` says why."""

    state: OutlookState
    signal_id: SignalNumber
    limit: Finite
    source: Annotated[str, Field(max_length=200, description="Where the limit is from.")]
    at: Instant
    reading: Finite | None = None
    low_10_s: NotNegative | None = None
    middle_s: NotNegative | None = None
    high_90_s: NotNegative | None = None


class AssetHealth(Record):
    """The newest verdict of one version; its id is that of the version."""

    id: Id
    site_id: Id
    asset_id: Id
    model_id: Id
    is_shadow: bool = False
    verdict: Verdict = Verdict.WAITING
    problem: Annotated[str, Field(max_length=500)] = ""
    judged_until: Instant = Field(default=0, description="End of the newest row that was looked at.")
    score: NotNegative | None = Field(default=None, description="1 is the threshold; None where nothing is judged.")
    health: Annotated[Finite, Field(ge=0, le=100)] | None = None
    confidence: Ratio | None = None
    is_unusual: bool = False
    shares: tuple[SignalShare, ...] = Field(default=(), max_length=SHARES_MAX)
    drift: tuple[Finite, ...] = Field(default=(), max_length=SIGNALS_MAX, description="Of the baseline, in spreads.")
    outlook: Outlook | None = None
    simulated: bool = False


class Anomaly(Record):
    """A stretch in which a machine was unusual."""

    id: Id
    site_id: Id
    asset_id: Id
    model_id: Id
    version_id: Id
    is_shadow: bool = False
    begin_at: Instant
    end_at: Instant | None = None
    peak: NotNegative
    peak_at: Instant
    shares: tuple[SignalShare, ...] = Field(default=(), max_length=SHARES_MAX)
    simulated: bool = False


class AnomalyQuery(Record):
    """Which page of anomalies is asked for, the newest first."""

    site_id: Id | None = None
    asset_id: Id | None = None
    start_at: Instant | None = Field(default=None, description="Those that ended before are left out.")
    end_at: Instant | None = Field(default=None, description="Those that began then or later are left out.")
    shadows: bool = Field(default=False, description="Those of models that run as shadows, too.")
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class Healths(Protocol):
    """Where verdicts and anomalies are kept; reads and writes only what the scope covers."""

    async def all(self) -> Sequence[AssetHealth]: ...
    async def put(self, verdicts: Sequence[AssetHealth]) -> None:
        """Store the newest verdicts of versions in place of those before."""
        ...

    async def forget(self, version_id: str) -> None:
        """Delete the verdict of a version that scores no more."""
        ...

    async def anomalies(self, query: AnomalyQuery) -> Sequence[Anomaly]:
        """Return those that fit, the newest first."""
        ...

    async def standing(self) -> Sequence[Anomaly]:
        """Return those that have not ended."""
        ...

    async def put_anomalies(self, anomalies: Sequence[Anomaly]) -> None:
        """Store anomalies by their ids."""
        ...
