"""Recalculating derived signals over a span of history: what is asked, how far it has come, how it ended."""

from pydantic import Field

from pdm_app.domain.jobs import JobState
from pdm_app.domain.record import Id, Instant, Record, SignalNumber
from pdm_app.domain.signals import Signal


class Recalculation(Record):
    """One recalculation, of a signal and, after it, of the derived signals that read it."""

    id: Id
    site_id: Id
    signal_id: SignalNumber
    name: str = Field(description="Of the signal, when it was asked for.")
    signals: tuple[SignalNumber, ...] = Field(description="In the order in which they are reckoned; the first is it.")
    start_at: Instant
    end_at: Instant
    state: JobState = JobState.WAITING
    share: float = Field(default=0.0, ge=0, le=1, description="How much of it is done.")
    written: int = Field(default=0, description="Samples that stand in the span now.")
    replaced: int = Field(default=0, description="Samples that stood there before.")
    problem: str = ""
    asked_by: str
    asked_at: Instant
    ended_at: Instant | None = None


class DerivedSignal(Record):
    """A derived signal, and why it is not reckoned where it is not."""

    signal: Signal
    fault: str = ""
