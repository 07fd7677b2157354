"""Effectiveness of machines: sums of time and pieces, and the key figures that follow from them.

Only sums are kept and only sums are added: a figure of a week is made from the week's sums, never from the figures of
its days, because the mean of percentages is no percentage of anything. A ratio whose base is zero is None and shown as
a dash. Times are whole microseconds, so that no second is lost or counted twice by rounding.

Source: ISO 22400-2:2014 for times and figures; TEEP and the six big losses are the industry's. The number of failures
divides MTBF and MTTR as in EN 15341.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Finite, Record
from pdm_app.domain.samples import MICROS_PER_S

S_PER_H = 3_600.0
FAILURES_MIN = 2  # One failure has no time between failures.
FAILURES_FEW = 5  # Below, the figure is shown with a caution.
FAST = 1.0 + 1e-9  # Performance above it says that an ideal cycle is too long.

Span = Annotated[int, Field(ge=0, le=2**53, description="Microseconds.")]
Pieces = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Totals(Record):
    """What a machine, a line or a plant did over a time, as sums that may be added.

    Every microsecond of ``calendar_us`` is in exactly one of the eleven times from ``unscheduled_us`` to
    ``running_us``. Slow running is running; ``slow_us`` says how much of it.
    """

    unscheduled_us: Span = Field(default=0, description="No shift ran.")
    planned_us: Span = Field(default=0, description="Planned downtime: breaks, planned maintenance.")
    no_data_us: Span = Field(default=0, description="Nothing is known; counts neither for nor against.")
    breakdown_us: Span = 0
    setup_us: Span = 0
    blocked_us: Span = 0
    starved_us: Span = 0
    idle_us: Span = Field(default=0, description="Other delay: it could have run, and did not.")
    minor_us: Span = Field(default=0, description="Stops below the machine's threshold; part of production time.")
    running_us: Span = Field(default=0, description="Running, slowly or not.")
    slow_us: Span = Field(default=0, description="Of the running time.")
    uncategorised_us: Span = Field(default=0, description="Of breakdown and idle time, what has no reason yet.")
    order_us: Span = Field(default=0, description="Scheduled time in which a known product was in work.")
    stops: int = Field(default=0, ge=0, description="Of any kind but planned ones, minor ones left out.")
    minor_stops: int = Field(default=0, ge=0)
    failures: int = Field(default=0, ge=0, description="Breakdowns that began in this time.")
    made: Pieces = 0
    good: Pieces = Field(default=0, description="At the first pass.")
    scrap: Pieces = 0
    rework: Pieces = 0
    startup_scrap: Pieces = Field(default=0, description="Of the scrap, what was made before the first good ones.")
    without_cycle: Pieces = Field(default=0, description="Of those made, pieces whose ideal cycle is not known.")
    ideal_made_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    ideal_good_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    ideal_startup_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    energy_kwh: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @property
    def calendar_us(self) -> int:
        return self.operation_us + self.unscheduled_us

    @property
    def operation_us(self) -> int:
        """Planned operation time (POT): the time of the shifts."""
        return self.busy_us + self.planned_us + self.no_data_us

    @property
    def busy_us(self) -> int:
        """Planned busy time (PBT), without the time of which nothing is known."""
        return self.unit_busy_us + self.breakdown_us

    @property
    def unit_busy_us(self) -> int:
        """Actual unit busy time (AUBT)."""
        return self.processing_us + self.delay_us

    @property
    def delay_us(self) -> int:
        """Actual unit delay time (ADET)."""
        return self.blocked_us + self.starved_us + self.idle_us

    @property
    def processing_us(self) -> int:
        """Actual unit processing time (AUPT)."""
        return self.production_us + self.setup_us

    @property
    def production_us(self) -> int:
        """Actual production time (APT), minor stops inside."""
        return self.running_us + self.minor_us


def added(totals: Iterable[Totals]) -> Totals:
    """Return the sums of several; energy is None where none of them knows any."""
    sums: dict[str, float] = {}
    for one in totals:
        for name, value in one.__dict__.items():
            if value is not None:
                sums[name] = sums.get(name, 0) + value
    return Totals.model_validate(sums)


class Figures(Record):
    """The key figures of a time; ratios from 0 up, None where there is nothing to divide by.

    ``performance`` above 1 is kept: it says that an ideal cycle is too long, and ``is_fast`` flags it.
    """

    availability: Finite | None
    performance: Finite | None
    quality: Finite | None
    oee: Finite | None
    nee: Finite | None = Field(description="Net equipment effectiveness: set-ups are not held against it.")
    teep: Finite | None = Field(description="OEE over all of the calendar time.")
    utilisation_efficiency: Finite | None
    allocation_efficiency: Finite | None
    technical_efficiency: Finite | None
    setup_ratio: Finite | None
    scrap_ratio: Finite | None
    rework_ratio: Finite | None
    first_pass_yield: Finite | None
    throughput_per_h: Finite | None
    mtbf_s: Finite | None = Field(description="None below two failures.")
    mttr_s: Finite | None
    failures: int
    energy_per_good_kwh: Finite | None
    uncategorised_ratio: Finite | None = Field(description="Down time without a reason; below 5 % is the aim.")
    is_fast: bool
    lacks_cycle: bool = Field(description="Pieces were made whose ideal cycle is not known: OEE is too low.")


def figures(totals: Totals) -> Figures:
    """Work out the key figures.

    Availability is APT / PBT, performance Σ(PRI·PQ) / APT, quality Σ(PRI·GQ) / Σ(PRI·PQ), which is GQ / PQ for one
    product, and OEE their product, Σ(PRI·GQ) / PBT.
    """
    apt, pbt = totals.production_us / MICROS_PER_S, totals.busy_us / MICROS_PER_S
    aubt, aupt = totals.unit_busy_us / MICROS_PER_S, totals.processing_us / MICROS_PER_S
    performance = _ratio(totals.ideal_made_s, apt)
    quality = _ratio(totals.ideal_good_s, totals.ideal_made_s)
    if quality is None:
        quality = _ratio(totals.good, totals.made)
    down_s = (totals.breakdown_us + totals.idle_us) / MICROS_PER_S
    several = totals.failures >= FAILURES_MIN
    return Figures(
        availability=_ratio(apt, pbt),
        performance=performance,
        quality=quality,
        oee=_ratio(totals.ideal_good_s, pbt),
        nee=_product(_ratio(aupt, pbt), performance, quality),
        teep=_ratio(totals.ideal_good_s, totals.calendar_us / MICROS_PER_S) if pbt else None,
        utilisation_efficiency=_ratio(apt, aubt),
        allocation_efficiency=_ratio(aubt, pbt),
        technical_efficiency=_ratio(apt, apt + totals.delay_us / MICROS_PER_S),
        setup_ratio=_ratio(totals.setup_us / MICROS_PER_S, aupt),
        scrap_ratio=_ratio(totals.scrap, totals.made),
        rework_ratio=_ratio(totals.rework, totals.made),
        first_pass_yield=_ratio(totals.good, totals.made),
        throughput_per_h=_ratio(totals.made * S_PER_H, totals.order_us / MICROS_PER_S),
        mtbf_s=apt / totals.failures if several else None,
        mttr_s=totals.breakdown_us / MICROS_PER_S / totals.failures if several else None,
        failures=totals.failures,
        energy_per_good_kwh=None if totals.energy_kwh is None else _ratio(totals.energy_kwh, totals.good),
        uncategorised_ratio=_ratio(totals.uncategorised_us / MICROS_PER_S, down_s),
        is_fast=performance is not None and performance > FAST,
        lacks_cycle=totals.without_cycle > 0,
    )


class Loss(StrEnum):
    """A bar between calendar time and fully productive time."""

    UNSCHEDULED = "unscheduled"
    PLANNED = "planned"
    NO_DATA = "no_data"
    BREAKDOWN = "breakdown"
    SETUP = "setup"
    BLOCKED = "blocked"
    STARVED = "starved"
    IDLE = "idle"
    MINOR_STOPS = "minor_stops"
    SPEED = "speed"
    DEFECTS = "defects"
    STARTUP = "startup"


AVOIDABLE = tuple(loss for loss in Loss if loss not in (Loss.UNSCHEDULED, Loss.PLANNED, Loss.NO_DATA))
"""The losses for which a plant can be asked: those inside planned busy time."""


class LossBar(Record):
    """One loss of a time. ``seconds`` of speed is below zero where machines ran faster than their ideal cycle."""

    loss: Loss
    seconds: Finite
    cost: Finite | None = Field(default=None, description="In the currency of the site; None without a rate.")


class CostRates(Record):
    """What lost time and lost pieces cost at a site, in its currency; assumptions that a manager can change."""

    machine_hour: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0
    scrap_piece: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0
    energy_kwh: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0


class OeePeriod(Record):
    """Effectiveness of one thing over one time: sums, figures, and the way from calendar time to productive time.

    ``waterfall`` and ``productive_s`` sum to ``calendar_s``.
    """

    begin_at: int
    end_at: int
    totals: Totals
    figures: Figures
    calendar_s: Finite
    waterfall: tuple[LossBar, ...]
    productive_s: Finite = Field(description="Fully productive time: ideal cycle times good pieces.")

    @property
    def biggest(self) -> LossBar | None:
        """Return the avoidable loss that took most time; None where nothing was lost."""
        bars = [bar for bar in self.waterfall if bar.loss in AVOIDABLE and bar.seconds > 0]
        return max(bars, key=lambda bar: bar.seconds, default=None)


def period(begin_at: int, end_at: int, totals: Totals, rates: CostRates | None = None) -> OeePeriod:
    """Return a time's effectiveness; with rates, each avoidable loss has its price."""
    return OeePeriod(
        begin_at=begin_at,
        end_at=end_at,
        totals=totals,
        figures=figures(totals),
        calendar_s=totals.calendar_us / MICROS_PER_S,
        waterfall=waterfall(totals, rates),
        productive_s=totals.ideal_good_s,
    )


def waterfall(totals: Totals, rates: CostRates | None = None) -> tuple[LossBar, ...]:
    """Return the losses in the order in which they are taken off calendar time; they and the productive time sum to it.

    Lost time costs the machine's hours, lost pieces the price of scrap besides; a gain in speed is a negative cost.
    """
    production_s = totals.production_us / MICROS_PER_S
    minor_s = totals.minor_us / MICROS_PER_S
    seconds = {
        Loss.UNSCHEDULED: totals.unscheduled_us / MICROS_PER_S,
        Loss.PLANNED: totals.planned_us / MICROS_PER_S,
        Loss.NO_DATA: totals.no_data_us / MICROS_PER_S,
        Loss.BREAKDOWN: totals.breakdown_us / MICROS_PER_S,
        Loss.SETUP: totals.setup_us / MICROS_PER_S,
        Loss.BLOCKED: totals.blocked_us / MICROS_PER_S,
        Loss.STARVED: totals.starved_us / MICROS_PER_S,
        Loss.IDLE: totals.idle_us / MICROS_PER_S,
        Loss.MINOR_STOPS: minor_s,
        Loss.SPEED: production_s - minor_s - totals.ideal_made_s,
        Loss.DEFECTS: totals.ideal_made_s - totals.ideal_good_s - totals.ideal_startup_s,
        Loss.STARTUP: totals.ideal_startup_s,
    }
    pieces = {Loss.DEFECTS: max(totals.scrap - totals.startup_scrap, 0.0), Loss.STARTUP: totals.startup_scrap}
    bars = []
    for loss, lost_s in seconds.items():
        cost = None
        if rates is not None and loss in AVOIDABLE:
            cost = lost_s / S_PER_H * rates.machine_hour + pieces.get(loss, 0.0) * rates.scrap_piece
        bars.append(LossBar(loss=loss, seconds=lost_s, cost=cost))
    return tuple(bars)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _product(*ratios: float | None) -> float | None:
    whole = 1.0
    for ratio in ratios:
        if ratio is None:
            return None
        whole *= ratio
    return whole
