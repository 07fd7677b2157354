"""Numbers of state signals, as `pdm_app.domain.assets.STATE_OF_NUMBER` reads them, from what a machine does."""

import numpy as np

from pdm_app.domain.samples import F8, I8
from pdm_app.simulation.physics.reasons import Reason

STOPPED, IDLE, RUNNING = 0.0, 1.0, 2.0
_WAITS = (Reason.STARVED, Reason.BLOCKED, Reason.BREAK, Reason.CLEANING)


def running(runs: F8, standing: float = STOPPED) -> F8:
    """Return running where ``runs`` is above zero, else ``standing``."""
    return np.where(runs > 0, RUNNING, standing)


def of_reasons(reasons: I8) -> F8:
    """Return running, idle where the machine waits or has its break, else stopped."""
    return np.where(reasons == Reason.RUNNING, RUNNING, np.where(np.isin(reasons, _WAITS), IDLE, STOPPED))
