"""An intake with everything around it, on a clock that is set by hand."""

from dataclasses import replace

from pdm_app.domain.ports import Ticket
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.engine.intake import Intake
from pdm_app.engine.ledger import Count
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import NOON, HandClock
from tests.engine.memory import MemoryBuffer

HOUR_S = 3600


class Plant:
    """An intake with everything around it."""

    def __init__(self, *signals: Signal) -> None:
        self.clock = HandClock()
        self.buffer = MemoryBuffer()
        self.latest = Latest()
        self.bus = Bus[Batch]()
        self.intake = Intake(signals, self.bus, self.latest, self.buffer, self.clock)

    def send(
        self,
        number: int,
        value: float | str | None,
        *,
        age_s: float = 0.0,
        quality: Quality = Quality.GOOD,
        may_repeat: bool = False,
    ) -> Ticket:
        """One sample, measured ``age_s`` ago by the source's clock, received now."""
        source_at = Micros(self.clock.at - round(age_s * MICROS_PER_S))
        sample = Sample(SignalId(number), value, quality, source_at)
        batch = Batch.of("line-1", [sample], self.clock.now())
        return self.intake.accept(replace(batch, may_repeat=may_repeat))

    def pass_s(self, seconds: float) -> None:
        self.clock.at += round(seconds * MICROS_PER_S)

    def shown(self, number: int) -> Sample:
        sample = self.latest.sample(number)
        assert sample is not None
        return sample

    def recorded(self, number: int) -> list[tuple[float, object, str]]:
        """Rows offered to the buffer, as (seconds after noon, value, quality)."""
        return [
            ((sample.source_at - NOON) / MICROS_PER_S, sample.value, sample.quality.name)
            for sample in self.buffer.samples()
            if sample.signal == number
        ]

    def count(self, number: int, count: Count) -> int:
        return self.intake.counts(number)[count]
