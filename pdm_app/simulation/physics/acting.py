"""How bad each fault is at many moments at once.

Severity grows along a straight line from where the fault began to 1, and is a function of label and time alone.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S

HOUR_S = 3600.0
DAY_S = 86_400.0

BEARING_WEAR = "bearing_wear"
CAVITATION = "cavitation"
IMPELLER_IMBALANCE = "impeller_imbalance"
MISALIGNMENT = "misalignment"
SEAL_LEAK = "seal_leak"
AIR_LEAK = "air_leak"
FILTER_CLOG = "filter_clog"
TOOL_WEAR = "tool_wear"
VENT_CLOG = "vent_clog"
HOT_RUNNER = "hot_runner"
COOL_BLOCKED = "cool_blocked"
CAPPER_JAM = "capper_jam"
SENSOR_STUCK = "sensor_stuck"
SENSOR_DRIFT = "sensor_drift"
SENSOR_SPIKE = "sensor_spike"
SENSOR_DROPOUT = "sensor_dropout"
COMM_LOSS = "comm_loss"
LINK_WEAK = "link_weak"
ALARM_FLOOD = "alarm_flood"
CHATTERING = "chattering"
POWER_DIP = "power_dip"
LINE_CUT = "line_cut"
LINE_FROZEN = "line_frozen"
LINE_RESTART = "line_restart"

FULL_AFTER_S = {
    BEARING_WEAR: 27 * DAY_S,
    CAVITATION: 2 * HOUR_S,
    IMPELLER_IMBALANCE: 60.0,
    MISALIGNMENT: 1.0,
    SEAL_LEAK: 3 * DAY_S,
    AIR_LEAK: 10 * DAY_S,
    FILTER_CLOG: 14 * DAY_S,
    TOOL_WEAR: 6 * HOUR_S,
    VENT_CLOG: 2 * DAY_S,
    HOT_RUNNER: 2 * DAY_S,
    COOL_BLOCKED: DAY_S,
    CAPPER_JAM: 8 * HOUR_S,
    SENSOR_STUCK: 60.0,
    SENSOR_DRIFT: DAY_S,
    SENSOR_SPIKE: 1.0,
    SENSOR_DROPOUT: 1.0,
    COMM_LOSS: 60.0,
    LINK_WEAK: 6 * HOUR_S,
    ALARM_FLOOD: 240.0,
    CHATTERING: 1.0,
    POWER_DIP: 1.0,
    LINE_CUT: 1.0,
    LINE_FROZEN: 1.0,
    LINE_RESTART: 1.0,
}
"""Seconds from severity 0 to 1, by key."""


def severities(fault: InjectedFault, at: I8) -> F8:
    """Return how bad one fault is at each moment: 0 before it began and after it was cleared, else up to 1."""
    grown = fault.start_severity + (at - fault.injected_at) / (MICROS_PER_S * FULL_AFTER_S[fault.key])
    stands = at >= fault.injected_at
    if fault.cleared_at is not None:
        stands = stands & (at < fault.cleared_at)
    return np.where(stands, np.minimum(grown, 1.0), 0.0)


class Acting:
    """The faults that act on the plant, over given moments.

    Attributes:
        at: Moments in microseconds UTC, ascending, shape (times,).
    """

    def __init__(self, faults: Iterable[InjectedFault], at: I8) -> None:
        first, last = (int(at[0]), int(at[-1])) if len(at) else (0, -1)
        self.at = at
        self.faults: Sequence[InjectedFault] = tuple(
            fault
            for fault in faults
            if fault.injected_at <= last and (fault.cleared_at is None or fault.cleared_at > first)
        )
        self._none = np.zeros(len(at))
        self._none.flags.writeable = False

    def of(self, key: str, code: str | None = None) -> F8:
        """Return the severity of one kind of fault on one machine, or anywhere for None; shape (times,)."""
        acting = [each for each in self.faults if each.key == key and (code is None or each.asset_code == code)]
        if not acting:
            return self._none
        worst: F8 = np.max([severities(each, self.at) for each in acting], axis=0)
        return worst

    def since_s(self, key: str) -> F8:
        """Return the seconds since the latest fault of this kind began, anywhere; infinite where none stands."""
        elapsed = np.full(len(self.at), np.inf)
        for fault in self.faults:
            if fault.key == key:
                own = (self.at - fault.injected_at) / MICROS_PER_S
                ended = np.inf if fault.cleared_at is None else fault.cleared_at
                elapsed = np.where((own >= 0) & (self.at < ended), np.minimum(elapsed, own), elapsed)
        return elapsed
