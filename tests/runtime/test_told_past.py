"""What is told of the demo's past: stored, then judged, then its shifts derived, which is over once for all."""

from typing import cast

from pdm_app.domain.past import PastProgress
from pdm_app.engine.backfill import Backfill
from pdm_app.engine.past_alarms import PastAlarms
from pdm_app.runtime.demo import ToldPast


class _Stored:
    def __init__(self) -> None:
        self.is_done = False

    def progress(self) -> PastProgress:
        return PastProgress(
            pieces=2, pieces_done=1 + self.is_done, samples=0, back_to=None, begins_at=None, is_done=self.is_done
        )


class _Judged:
    judged = 0.25


def test_shifts_that_are_owed_are_told_until_none_was_left_once() -> None:
    stored, judged = _Stored(), _Judged()
    told = ToldPast(cast("Backfill", stored), cast("PastAlarms", judged))
    owed: int | None = None
    told.shifts_owed = lambda: owed
    assert (told().judged, told().shifts_owed, told().is_done) == (0.25, 0, False)
    owed = 0
    assert told().shifts_owed == 0, "nothing is owed of what is not stored yet"
    owed = 90
    assert told().shifts_owed == 90
    stored.is_done, judged.judged, owed = True, 1.0, 12
    assert (told().judged, told().shifts_owed, told().is_done) == (1.0, 12, True)
    owed = 0
    assert told().shifts_owed == 0
    owed = 1  # Of a shift that ends later, in a life like any other.
    assert told().shifts_owed == 0
