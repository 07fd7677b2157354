"""G-1 to G-24: the edge gateways of the station in Pune; radio, battery, memory and up time."""

import numpy as np

from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.acting import DAY_S
from pdm_app.simulation.physics.moments import Columns, Moments
from pdm_app.simulation.physics.states import RUNNING

COUNT = 24
CODES = tuple(f"G-{number}" for number in range(1, COUNT + 1))
LINK_LOST_AT = 0.8
"""Share of the way to the weakest signal at which the radio link breaks."""

RSSI_LOST_DBM = -95.0
RSSI_WEAK_DBM = -87.0
HEAP_TOP_KB = 214.0
HEAP_USE_KB_S = 0.09
HEAP_COLLECT_EVERY_S = 540
_RSSI_DBM = (-58.0, -63.0, -66.0, -61.0, -69.0, -68.0)  # Of the first six; the others repeat them a little apart.
_BOOTED_BEFORE_D = (41.3, 12.8, 3.4, 41.3, 27.9, 8.1)  # Before the plant's first start.


def columns(moments: Moments) -> Columns:
    """Return the readings before the noise of the sensors; the firmware version, a text, is not among them."""
    return {code: _gateway(row, code, moments) for row, code in enumerate(CODES)}


def _gateway(row: int, code: str, moments: Moments) -> dict[str, F8]:
    loss, weakness = (moments.acting.of(key, code) for key in (acting.COMM_LOSS, acting.LINK_WEAK))
    kind, rank = row % len(_RSSI_DBM), row // len(_RSSI_DBM)
    rssi = _RSSI_DBM[kind] - 0.7 * rank
    booted = round((_BOOTED_BEFORE_D[kind] + 1.7 * rank + 31.0) * DAY_S)  # The month behind a new plant included.
    up_s = np.floor((moments.at - moments.since) / MICROS_PER_S) + booted
    return {
        "rssi_dbm": rssi + np.minimum((RSSI_LOST_DBM - rssi) * loss, (RSSI_WEAK_DBM - rssi) * weakness),
        "battery_pct": np.full(len(moments.at), 98.0 - 0.7 * kind - 1.1 * rank),
        "heap_free_kb": HEAP_TOP_KB - HEAP_USE_KB_S * (up_s % HEAP_COLLECT_EVERY_S),
        "uptime_s": up_s,
        "State": np.full(len(moments.at), RUNNING),
    }
