"""First-order lag, exact for a target that stands still between two moments, over many moments at once."""

import numpy as np

from pdm_app.domain.samples import F8

_EXPONENT_MAX = 12.0  # exp(12) times rounding is 4e-11: what a block may lose of a value's precision.
_FOLLOWS_AT_ONCE = 1e-9


def lagged(target: F8, before: F8 | float, step_s: float, time_constant_s: float) -> F8:
    """Let a value follow its target: ``y += (target - y) * (1 - exp(-step_s / time_constant_s))`` at every moment.

    Args:
        target: Shape (times, ...), moments ``step_s`` apart.
        before: The value one step before the first moment, shape (...).
        step_s: Distance of two moments in seconds.
        time_constant_s: Of the lag.

    Returns:
        Shape of ``target``.
    """
    kept = float(np.exp(-step_s / time_constant_s))
    if kept < _FOLLOWS_AT_ONCE:
        return target.copy()
    block = max(1, int(_EXPONENT_MAX * time_constant_s / step_s))
    powers = kept ** np.arange(1.0, min(block, len(target)) + 1).reshape(-1, *([1] * (target.ndim - 1)))
    followed = np.empty_like(target)
    value = np.asarray(before, dtype=np.float64)
    whole = len(target) // block * block
    if whole:  # Within a block everything is known but the value at its beginning; that goes from block to block.
        parts = target[:whole].reshape(-1, block, *target.shape[1:])
        pushed = (1 - kept) * np.cumsum(parts / powers, axis=1)
        begins = np.empty((len(parts), *target.shape[1:]))
        for number, last in enumerate(pushed[:, -1]):
            begins[number] = value
            value = powers[-1] * (value + last)
        followed[:whole] = (powers * (begins[:, None] + pushed)).reshape(whole, *target.shape[1:])
    if whole < len(target):
        grown = powers[: len(target) - whole]
        followed[whole:] = grown * (value + (1 - kept) * np.cumsum(target[whole:] / grown, axis=0))
    return followed
