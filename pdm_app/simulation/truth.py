"""What really happened: true states, counts, losses and effectiveness of machines, told by the physics itself.

The product must find these figures from the signals alone. Shifts are those of the plant in Graz; a shift's figures
follow ISO 22400-2: a stop shorter than the minor-stop threshold stays inside production time, set-ups are lost
availability, breaks and cleaning are not planned for production.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, Micros
from pdm_app.simulation.physics import acting, bearing, machining, moulding, packing
from pdm_app.simulation.physics.acting import DAY_S
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.timeline import Timeline
from pdm_app.simulation.physics.work_days import SHIFT_S, WorkDay, day_at

MINOR_STOP_S = 120.0
IDEAL_S = {**dict.fromkeys(moulding.CODES, 23.5 / moulding.CAVITIES), **dict.fromkeys(machining.CODES, 138.0)}
"""Planned run time per part; that of the packing line depends on the product."""
CODES = (*packing.CODES, *moulding.CODES, *machining.CODES)
"""Machines that produce."""

_NOT_PLANNED = (Reason.BREAK, Reason.CLEANING)
_MAY_BE_MINOR = (Reason.MINOR_STOP, Reason.STARVED, Reason.BLOCKED, Reason.TRIP)


@dataclass(frozen=True, slots=True)
class Span:
    """What a machine did from one moment to another; the end is excluded."""

    begin: Micros
    end: Micros
    reason: Reason

    @property
    def length_s(self) -> float:
        return (self.end - self.begin) / MICROS_PER_S


@dataclass(frozen=True, slots=True)
class ShiftTruth:
    """One shift of one machine; times in seconds, counts in parts.

    Attributes:
        code: Of the machine.
        begin: Of the shift.
        end: Of the shift.
        planned_s: Planned busy time.
        running_s: Actual production time, minor stops included.
        lost_s: Availability lost, by reason.
        made: Parts produced.
        good: Of these.
        ideal_made_s: Planned run time of all parts.
        ideal_good_s: Planned run time of the good ones.
    """

    code: str
    begin: Micros
    end: Micros
    planned_s: float
    running_s: float
    lost_s: dict[Reason, float]
    made: int
    good: int
    ideal_made_s: float
    ideal_good_s: float

    @property
    def availability(self) -> float | None:
        return self.running_s / self.planned_s if self.planned_s else None

    @property
    def performance(self) -> float | None:
        return self.ideal_made_s / self.running_s if self.running_s else None

    @property
    def quality(self) -> float | None:
        return self.ideal_good_s / self.ideal_made_s if self.ideal_made_s else None

    @property
    def oee(self) -> float | None:
        return self.ideal_good_s / self.planned_s if self.planned_s else None


class Truth:
    """What really happened on the plant of one seed under some faults."""

    def __init__(self, faults: Sequence[InjectedFault] = (), seed: int = SEED) -> None:
        self._faults = tuple(faults)
        self._seed = seed

    def spans(self, code: str, start_at: int, end_at: int) -> list[Span]:
        """Return what a producing machine did, oldest first, neighbours of one reason joined.

        Raises:
            KeyError: The machine does not produce parts.
        """
        told: list[Span] = []
        for day in _days(start_at, end_at):
            line = self._timeline(code, day)
            edges = day.begin + np.round(line.edges_s * MICROS_PER_S).astype(np.int64)
            for begin, end, reason in zip(edges[:-1].tolist(), edges[1:].tolist(), line.reasons.tolist(), strict=True):
                begin, end = max(begin, start_at), min(end, end_at)
                if begin >= end:
                    continue
                if told and told[-1].reason == reason and told[-1].end == begin:
                    told[-1] = Span(told[-1].begin, Micros(end), Reason(reason))
                else:
                    told.append(Span(Micros(begin), Micros(end), Reason(reason)))
        return told

    def shift(self, code: str, at: int) -> ShiftTruth:
        """Return the shift in which a moment lies.

        Raises:
            KeyError: The machine does not produce parts.
        """
        day = day_at(at)
        shift_us = round(SHIFT_S * MICROS_PER_S)
        number = min((at - day.begin) // shift_us, 2)
        begin = day.begin + number * shift_us
        end = day.end if number == 2 else begin + shift_us  # The last is longer or shorter when the clocks change.
        spans = self.spans(code, begin, end)
        planned_s = sum(span.length_s for span in spans if span.reason not in _NOT_PLANNED)
        lost: dict[Reason, float] = {}
        for span in spans:
            minor = span.reason in _MAY_BE_MINOR and span.length_s < MINOR_STOP_S
            if span.reason not in (Reason.RUNNING, *_NOT_PLANNED) and not minor:
                lost[span.reason] = lost.get(span.reason, 0.0) + span.length_s
        made, good, ideal_made_s, ideal_good_s = self._counts(code, day, begin, end)
        return ShiftTruth(
            code, Micros(begin), Micros(end), planned_s, planned_s - sum(lost.values()), lost,
            made, good, ideal_made_s, ideal_good_s,
        )  # fmt: skip

    def shifts(self, code: str, start_at: int, end_at: int) -> list[ShiftTruth]:
        """Return the shifts that touch a span, oldest first."""
        told: list[ShiftTruth] = []
        at = start_at
        while at < end_at:
            told.append(self.shift(code, at))
            at = told[-1].end
        return told

    def remaining_life_s(self, at: int) -> float | None:
        """Return how long the bearing of P-101A still lives; None without a defect."""
        for fault in self._faults:
            worn = float(acting.severities(fault, np.array([at], dtype=np.int64))[0])
            if fault.key == acting.BEARING_WEAR and worn > 0:
                return (1.0 - worn) * bearing.LIFE_D * DAY_S
        return None

    def _timeline(self, code: str, day: WorkDay) -> Timeline:
        if code in packing.CODES:
            return packing.packing_day(self._seed, day.number, self._faults).timeline(packing.CODES.index(code))
        if code in moulding.CODES:
            return moulding.moulding_day(self._seed, code, day.number, self._faults).timeline
        if code in machining.CODES:
            return machining.machining_day(self._seed, code, day.number, self._faults).timeline
        raise KeyError(code)

    def _counts(self, code: str, day: WorkDay, begin: int, end: int) -> tuple[int, int, float, float]:
        """Return parts made and good, and the planned run time of both."""
        if code in packing.CODES:
            return self._packed(packing.CODES.index(code), day, begin, end)
        edges = (np.array([begin, end]) - day.begin) / MICROS_PER_S
        if code in moulding.CODES:
            shots_day = moulding.moulding_day(self._seed, code, day.number, self._faults)
            shots = shots_day.shots(edges)
            made = moulding.CAVITIES * int(np.diff(shots)[0])
            good = made - int(np.diff(shots_day.scrap(shots))[0])
        else:
            parts_day = machining.machining_day(self._seed, code, day.number, self._faults)
            parts = parts_day.parts(edges)
            made = int(np.diff(parts)[0])
            good = made - int(np.diff(parts_day.scrap(parts))[0])
        return made, good, made * IDEAL_S[code], good * IDEAL_S[code]

    def _packed(self, place: int, day: WorkDay, begin: int, end: int) -> tuple[int, int, float, float]:
        """Count order by order, for each product has its own planned run time.

        The capper rates the line, so that what the camera rejects behind it is not good of its pieces either.
        """
        told = packing.packing_day(self._seed, day.number, self._faults)
        first, last = ((moment - day.begin) / MICROS_PER_S for moment in (begin, end))
        inside = told.order_edges_s[(told.order_edges_s > first) & (told.order_edges_s < last)]
        edges: F8 = np.concatenate([[first], inside, [last]])
        taken, passed = told.flow.counted(edges)
        ideal = np.array([packing.PRODUCTS[int(product)] for product in told.product(edges[:-1])])
        made: I8 = np.diff(taken[:, place])
        good: I8 = np.diff(passed[:, place])
        if place == packing.CAPPER:
            good = made - np.diff(told.flow.rejected(edges, packing.CAMERA))
        return int(made.sum()), int(good.sum()), float(np.sum(made * ideal)), float(np.sum(good * ideal))


def _days(start_at: int, end_at: int) -> Iterator[WorkDay]:
    at = start_at
    while at < end_at:
        day = day_at(at)
        yield day
        at = day.end
