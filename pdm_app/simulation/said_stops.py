"""What the crews of the demo plant said of its stops in the weeks before it first started.

Whoever opens the plant finds a Pareto of a month, and a few stops that still wait for a reason. The reasons follow from
the stops alone, so that the same plant has the same past.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.production_shifts import shift_id
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.stop_edits import EditKind, StopEdit
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import acted
from pdm_app.simulation.physics import machining, moulding
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.work_days import SHIFT_S, day_at
from pdm_app.simulation.plant import MACHINES
from pdm_app.simulation.production import CONSTRAINT, SITE_ID
from pdm_app.simulation.truth import MINOR_STOP_S, Span, Truth

SAID_BY = "Olga, operator"
SAID_AFTER_US = 240 * MICROS_PER_S
WAITING = {CONSTRAINT: 2, **dict.fromkeys((*moulding.CODES, *machining.CODES), 1)}
"""So many of a machine's youngest stops wait for a reason when the plant opens."""

_DOWN = (("graz-jam", 0.5), ("graz-drive", 0.2), ("graz-sensor", 0.3))
_DELAY = (("graz-material", 0.6), ("graz-crew", 0.4))
_LIKELY: Mapping[Reason, Sequence[tuple[str, float]]] = {Reason.BREAKDOWN: _DOWN, Reason.MINOR_STOP: _DELAY}
"""Why a machine stood, with how often that is, by what its controller tells; what tells a reason itself is left out."""


def said_stops(labels: Labels, days: int) -> list[StopEdit]:
    """Return what was said of the stops of some days before the first start, of the machines by which lines are rated.

    Args:
        labels: Of the plant.
        days: How far back.
    """
    truth, since = Truth(acted(labels)), labels.since
    assets = {machine.asset.code: machine.asset for machine in MACHINES}
    said: list[StopEdit] = []
    for code, waiting in WAITING.items():
        asked = [span for span in truth.spans(code, since - days * 86_400 * MICROS_PER_S, since) if _is_asked(span)]
        said += [_said(assets[code].id, span) for span in asked[: len(asked) - waiting]]
    return said


def _is_asked(span: Span) -> bool:
    return span.reason in _LIKELY and (span.reason is Reason.BREAKDOWN or span.length_s >= MINOR_STOP_S)


def _said(asset_id: str, span: Span) -> StopEdit:
    at = (span.begin + span.end) // 2
    day = day_at(at)
    shift_us = round(SHIFT_S * MICROS_PER_S)
    begin_at = day.begin + min((at - day.begin) // shift_us, 2) * shift_us
    key = f"{asset_id} {span.begin}"
    likely = _LIKELY[span.reason]
    drawn = day.draws(SEED, key).random()
    reason_id = next(
        (reason for (reason, _), reach in zip(likely, accumulate(share for _, share in likely), strict=True)
         if drawn < reach),
        likely[-1][0],
    )  # fmt: skip
    said_at = Micros(span.end + SAID_AFTER_US)
    return StopEdit(
        id=derived_id(said_at, "said stop", key), site_id=SITE_ID, asset_id=asset_id,
        shift_id=shift_id(asset_id, begin_at), said_at=said_at, said_by=SAID_BY, kind=EditKind.REASON, at=at,
        reason_id=reason_id,
    )  # fmt: skip
