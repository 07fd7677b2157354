"""Machines and samples for tests of production."""

from collections.abc import Sequence

import numpy as np

from pdm_app.domain.machine_states import MachineState, StateRule
from pdm_app.domain.production import IdealCycle, Product, ProductionUnitFacts
from pdm_app.domain.samples import MICROS_PER_S, Quality, Stretch

S = MICROS_PER_S
STATE, MADE, GOOD, PRODUCT = 1, 2, 3, 4
RUNS, STARVED, JAM, BROKEN, SET_UP, BREAK = 0, 1, 3, 5, 6, 7

RULES = (
    StateRule(signal_id=STATE, low=0, high=1, state=MachineState.RUNNING),
    StateRule(signal_id=STATE, low=1, high=2, state=MachineState.STARVED),
    StateRule(signal_id=STATE, low=3, high=4, state=MachineState.IDLE),
    StateRule(signal_id=STATE, low=5, high=6, state=MachineState.DOWN, reason_id="jam", may_be_minor=False),
    StateRule(signal_id=STATE, low=6, high=7, state=MachineState.SETUP, may_be_minor=False),
    StateRule(signal_id=STATE, low=7, high=8, state=MachineState.PLANNED, may_be_minor=False),
)
UNIT = ProductionUnitFacts(
    rules=RULES, made_signal_id=MADE, good_signal_id=GOOD, counter_modulus=65_536, cycles=(IdealCycle(seconds=0.5),)
)
P28 = Product(id="p28", site_id="graz", code="P-28", name="Cap 28 mm", number=28)
P38 = Product(id="p38", site_id="graz", code="P-38", name="Cap 38 mm", number=38)


def stretch(*samples: tuple[float, float | None]) -> Stretch:
    """Samples of one signal as (second, value); None is a bad one."""
    return columns([second for second, _ in samples], [value for _, value in samples])


def columns(seconds: Sequence[float], values: Sequence[float | None]) -> Stretch:
    return Stretch(
        np.array([round(second * S) for second in seconds], np.int64),
        np.array([np.nan if value is None else value for value in values], np.float64),
        np.array([Quality.BAD if value is None else Quality.GOOD for value in values], np.uint16),
    )
