"""What every alarm condition has in common: it sees a value and says abnormal, normal or neither."""

from pdm_app.domain.record import Record


class Condition(Record):
    """Judges single good values. Between "abnormal" and "back to normal" may lie a deadband, where neither is true."""

    kind: str

    def is_abnormal(self, value: float) -> bool:
        """Return whether the value lies beyond the limit."""
        raise NotImplementedError

    def is_normal(self, value: float) -> bool:
        """Return whether the value has left the limit by more than the deadband."""
        raise NotImplementedError
