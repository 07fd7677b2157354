"""What every alarm condition has in common: it sees a value and says abnormal, normal or neither."""

from typing import NamedTuple

from pdm_app.domain.record import Record


class Band(NamedTuple):
    """A condition as two comparisons, for judging many values at once.

    With ``x = sign * value``, a value is abnormal where ``x > abnormal_above`` and normal where ``x < normal_below``.
    """

    sign: float
    abnormal_above: float
    normal_below: float


class Condition(Record):
    """Judges single usable values. Between abnormal and back to normal may lie a deadband, where neither is true."""

    kind: str

    def is_abnormal(self, value: float) -> bool:
        """Return whether the value lies beyond the limit."""
        raise NotImplementedError

    def is_normal(self, value: float) -> bool:
        """Return whether the value has left the limit by more than the deadband."""
        raise NotImplementedError

    def band(self) -> Band:
        """Return the same judgement for columns; it agrees with the other two on every finite value."""
        raise NotImplementedError
