"""Why a key figure is what it is: its formula, what stands in it, and which time was left out."""

from enum import StrEnum

from pdm_app.domain.oee import FAILURES_FEW, FAILURES_MIN, Loss, Totals, figures
from pdm_app.domain.record import Finite, Record
from pdm_app.domain.samples import MICROS_PER_S


class Kpi(StrEnum):
    """A key figure that explains itself; the names are those of `pdm_app.domain.oee.Figures`."""

    AVAILABILITY = "availability"
    PERFORMANCE = "performance"
    QUALITY = "quality"
    OEE = "oee"
    NEE = "nee"
    TEEP = "teep"
    UTILISATION_EFFICIENCY = "utilisation_efficiency"
    ALLOCATION_EFFICIENCY = "allocation_efficiency"
    TECHNICAL_EFFICIENCY = "technical_efficiency"
    SETUP_RATIO = "setup_ratio"
    SCRAP_RATIO = "scrap_ratio"
    REWORK_RATIO = "rework_ratio"
    FIRST_PASS_YIELD = "first_pass_yield"  # noqa: S105 - a ratio, no password
    THROUGHPUT = "throughput_per_h"
    MTBF = "mtbf_s"
    MTTR = "mttr_s"
    ENERGY_PER_GOOD = "energy_per_good_kwh"


class Term(Record):
    """One symbol of a formula, and what stands for it."""

    symbol: str
    value: Finite | None
    unit: str


class Caution(StrEnum):
    """What to keep in mind when reading a figure."""

    NO_BASE = "no_base"
    IDEAL_CYCLE_TOO_LONG = "ideal_cycle_too_long"
    IDEAL_CYCLE_MISSING = "ideal_cycle_missing"
    ONE_FAILURE = "one_failure"
    FEW_FAILURES = "few_failures"
    NO_DATA = "no_data"


class Explanation(Record):
    """A figure with its formula, the terms in the order of the formula, and what was not counted, in seconds."""

    kpi: Kpi
    value: Finite | None
    formula: str
    terms: tuple[Term, ...]
    excluded_s: dict[Loss, float]
    cautions: tuple[Caution, ...]


_FORMULAS: dict[Kpi, tuple[str, tuple[str, ...]]] = {
    Kpi.AVAILABILITY: ("A = APT / PBT", ("APT", "PBT")),
    Kpi.PERFORMANCE: ("P = Σ(PRI · PQ) / APT", ("Σ(PRI · PQ)", "APT")),
    Kpi.QUALITY: ("Q = Σ(PRI · GQ) / Σ(PRI · PQ)", ("Σ(PRI · GQ)", "Σ(PRI · PQ)", "GQ", "PQ")),
    Kpi.OEE: ("OEE = A · P · Q = Σ(PRI · GQ) / PBT", ("A", "P", "Q", "Σ(PRI · GQ)", "PBT")),
    Kpi.NEE: ("NEE = (AUPT / PBT) · P · Q", ("AUPT", "PBT", "P", "Q")),
    Kpi.TEEP: ("TEEP = Σ(PRI · GQ) / calendar time", ("Σ(PRI · GQ)", "calendar time")),
    Kpi.UTILISATION_EFFICIENCY: ("APT / AUBT", ("APT", "AUBT")),
    Kpi.ALLOCATION_EFFICIENCY: ("AUBT / PBT", ("AUBT", "PBT")),
    Kpi.TECHNICAL_EFFICIENCY: ("APT / (APT + ADET)", ("APT", "ADET")),
    Kpi.SETUP_RATIO: ("AUST / AUPT", ("AUST", "AUPT")),
    Kpi.SCRAP_RATIO: ("SQ / PQ", ("SQ", "PQ")),
    Kpi.REWORK_RATIO: ("RQ / PQ", ("RQ", "PQ")),
    Kpi.FIRST_PASS_YIELD: ("FPY = GQ / PQ", ("GQ", "PQ")),
    Kpi.THROUGHPUT: ("PQ / AOET", ("PQ", "AOET")),
    Kpi.MTBF: ("MTBF = APT / FE", ("APT", "FE")),
    Kpi.MTTR: ("MTTR = ADOT / FE", ("ADOT", "FE")),
    Kpi.ENERGY_PER_GOOD: ("E / GQ", ("E", "GQ")),
}

_OF_FAILURES = (Kpi.MTBF, Kpi.MTTR)
_OF_CYCLES = (Kpi.PERFORMANCE, Kpi.OEE, Kpi.NEE, Kpi.TEEP)


def explained(kpi: Kpi, totals: Totals) -> Explanation:
    """Return a figure of a time with all that stands in it."""
    known = figures(totals)
    value = getattr(known, kpi)
    formula, symbols = _FORMULAS[kpi]
    terms = _terms(totals, known.availability, known.performance, known.quality)
    excluded = {
        Loss.UNSCHEDULED: totals.unscheduled_us / MICROS_PER_S,
        Loss.PLANNED: totals.planned_us / MICROS_PER_S,
        Loss.NO_DATA: totals.no_data_us / MICROS_PER_S,
    }
    cautions = [Caution.NO_BASE] if value is None else []
    if kpi in _OF_FAILURES:
        if totals.failures == FAILURES_MIN - 1:
            cautions.append(Caution.ONE_FAILURE)
        elif FAILURES_MIN <= totals.failures < FAILURES_FEW:
            cautions.append(Caution.FEW_FAILURES)
    if kpi in _OF_CYCLES:
        cautions += [Caution.IDEAL_CYCLE_TOO_LONG] * known.is_fast + [Caution.IDEAL_CYCLE_MISSING] * known.lacks_cycle
    if totals.no_data_us:
        cautions.append(Caution.NO_DATA)
    return Explanation(
        kpi=kpi,
        value=value,
        formula=formula,
        terms=tuple(terms[symbol] for symbol in symbols),
        excluded_s={} if kpi is Kpi.TEEP else {loss: left_s for loss, left_s in excluded.items() if left_s},
        cautions=tuple(cautions),
    )


def _terms(
    totals: Totals, availability: float | None, performance: float | None, quality: float | None
) -> dict[str, Term]:
    times_us = {
        "APT": totals.production_us,
        "PBT": totals.busy_us,
        "AUBT": totals.unit_busy_us,
        "AUPT": totals.processing_us,
        "AUST": totals.setup_us,
        "ADET": totals.delay_us,
        "ADOT": totals.breakdown_us,
        "AOET": totals.order_us,
        "calendar time": totals.calendar_us,
    }
    others: dict[str, tuple[float | None, str]] = {
        "A": (availability, ""),
        "P": (performance, ""),
        "Q": (quality, ""),
        "Σ(PRI · PQ)": (totals.ideal_made_s, "s"),
        "Σ(PRI · GQ)": (totals.ideal_good_s, "s"),
        "PQ": (totals.made, "pcs"),
        "GQ": (totals.good, "pcs"),
        "SQ": (totals.scrap, "pcs"),
        "RQ": (totals.rework, "pcs"),
        "FE": (totals.failures, ""),
        "E": (totals.energy_kwh, "kWh"),
    }
    timed = {symbol: Term(symbol=symbol, value=us / MICROS_PER_S, unit="s") for symbol, us in times_us.items()}
    counted = {symbol: Term(symbol=symbol, value=value, unit=unit) for symbol, (value, unit) in others.items()}
    return {**timed, **counted}
