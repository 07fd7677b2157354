"""Storage rules between buffer and historian: what is stored, what readers see, and crashes at any moment."""

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import I8, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Shape, Signal
from pdm_app.domain.storage_rules import Method, StorageRule
from pdm_app.engine.recorder import CONSUMER, Recorder
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.engine.thinner import Thinner
from tests.counterparts.clocks import HandClock, settle
from tests.engine.memory import MemoryBuffer, MemoryHistorian

S = 1_000_000


class MemoryFile:
    """What is saved of the rules, in memory; can be full."""

    def __init__(self) -> None:
        self.content = b""
        self.is_full = False
        self.saves = 0

    async def load(self) -> bytes:
        return self.content

    async def save(self, content: bytes) -> None:
        if self.is_full:
            raise UnavailableError("The disk is full.")
        self.content = content
        self.saves += 1


class Plant:
    """A recorder with rules between memory on both sides; `crash` leaves only what is durable."""

    def __init__(self, *rules: StorageRule) -> None:
        self.rules = list(rules)
        self.clock, self.file = HandClock(), MemoryFile()
        self.buffer, self.historian = MemoryBuffer(), MemoryHistorian()
        self.left_out: dict[int, int] = {}
        self.values: list[float] = []
        self.start()

    def start(self) -> None:
        self.supervisor = Supervisor(self.clock, lambda _, error: pytest.fail(str(error)))
        self.thinner = Thinner(self.file, cast("UnitOfWork", self._work), self.clock, self._count)
        self.recorder = Recorder(self.buffer, self.historian, self._fence, self.clock, thinner=self.thinner)
        self.supervisor.start(
            "recorder", self.recorder.run, stage=Stage.CONSUMER, backoff=self.recorder.backoff,
            on_retry=self.recorder.retrying, drain=self.recorder.drain,
        )  # fmt: skip

    def _count(self, signals: I8, samples: I8) -> None:
        for signal, count in zip(signals.tolist(), samples.tolist(), strict=True):
            self.left_out[signal] = self.left_out.get(signal, 0) + count

    async def _fence(self) -> Fence:
        return Fence(1)

    @asynccontextmanager
    async def _work(self, _scope: object) -> Any:
        async def rules() -> list[StorageRule]:
            return self.rules

        async def signals() -> list[Signal]:
            facts = {"asset_id": "p-1", "site_id": "graz", "shape": Shape.CONTINUOUS, "label": "Flow"}
            return [Signal(id=1, name="Flow", **facts), Signal(id=2, name="Speed", **facts)]  # type: ignore[arg-type]

        async def assets() -> list[Asset]:
            return [Asset(id="p-1", code="P-1", name="Pump", line_id="line-1", site_id="graz")]

        yield SimpleNamespace(
            storage_rules=SimpleNamespace(all=rules),
            signals=SimpleNamespace(all=signals),
            assets=SimpleNamespace(all=assets),
        )

    def collect(self, *values: float, signal: int = 1) -> None:
        """Offer the next samples of a signal, a second apart, in one batch."""
        now = self.clock.now()
        rows = []
        for value in values:
            self.values.append(value)
            rows.append(Sample(SignalId(signal), value, Quality.GOOD, Micros(len(self.values) * S)))
        self.buffer.offer(Batch.of("line-1", rows, now))

    async def crash(self) -> None:
        """End without a drain: what was in memory is gone."""
        self.supervisor.start("unused", self._sleep, stage=Stage.SERVICE)
        await self.supervisor.cancel("recorder")
        self.start()

    async def _sleep(self) -> None:
        await self.clock.sleep(1e9)

    def stored(self) -> list[tuple[int, float | str | None]]:
        return sorted((sample.source_at // S, sample.value) for sample in self.historian.rows.values())

    async def seen(self) -> set[tuple[int, float | str | None]]:
        """What a reader finds: history and what waits."""
        waits = await self.recorder.waiting(10**6)
        return {*self.stored(), *((s.source_at // S, s.value) for batch in waits for s in batch.samples())}


def rule(**facts: Any) -> StorageRule:
    given = {"id": "rule-1", "site_id": "graz", "name": "Lines", "pattern": "P-1.Fl*", "method": Method.DOOR,
             "bound": 0.5, **facts}  # fmt: skip
    return StorageRule.model_validate(given)


async def test_only_what_draws_the_line_is_stored_and_readers_see_the_newest() -> None:
    plant = Plant(rule())
    for value in range(20):
        plant.collect(float(value))
        await plant.clock.advance(1)
    assert plant.stored() == [(1, 0.0)]
    assert await plant.seen() == {(1, 0.0), (20, 19.0)}
    assert plant.left_out == {1: 19}, "left out by rule, one of them for now"
    plant.collect(0.0)
    await plant.clock.advance(1)
    assert plant.stored() == [(1, 0.0), (20, 19.0)]
    await plant.supervisor.stop()


async def test_signals_that_no_rule_fits_are_stored_in_full_and_confirmed_at_once() -> None:
    plant = Plant(rule(pattern="P-9.*"))
    for value in range(5):
        plant.collect(float(value), signal=2)
        await plant.clock.advance(1)
    assert len(plant.stored()) == 5
    assert plant.buffer.positions[CONSUMER] == 5
    assert plant.file.saves == 0
    await plant.supervisor.stop()


@pytest.mark.parametrize("crash_after", range(1, 14))
async def test_a_crash_at_any_sample_stores_the_same_in_the_end(crash_after: int) -> None:
    random = np.random.default_rng(3)
    values = np.cumsum(random.normal(size=14)).round(3).tolist()

    async def recorded(crash: int | None) -> list[tuple[int, float | str | None]]:
        plant = Plant(rule(bound=1.5))
        for place, value in enumerate(values):
            plant.collect(value)
            await plant.clock.advance(1)
            if place + 1 == crash:
                await plant.crash()
                await plant.clock.advance(1)
        await plant.supervisor.stop()
        return plant.stored()

    assert await recorded(crash_after) == await recorded(None)


async def test_the_buffer_keeps_what_waits_until_the_disk_has_it() -> None:
    plant = Plant(rule())
    plant.collect(1.0)
    await plant.clock.advance(1)
    saved = plant.buffer.positions[CONSUMER]
    plant.file.is_full = True
    plant.collect(2.0, 3.0)
    await plant.clock.advance(60)
    plant.collect(4.0)
    await plant.clock.advance(60)
    assert plant.buffer.positions[CONSUMER] == saved
    assert "disk is full" in plant.recorder.status().last_error
    plant.file.is_full = False
    await plant.clock.advance(60)
    assert plant.buffer.positions[CONSUMER] == 3
    assert await plant.seen() == {(1, 1.0), (4, 4.0)}
    await plant.supervisor.stop()


async def test_a_rule_that_is_changed_or_goes_lets_nothing_be_lost() -> None:
    plant = Plant(rule())
    plant.collect(1.0, 2.0, 3.0)
    await settle()
    plant.rules = []
    await plant.thinner.reload()
    plant.collect(4.0, 5.0)
    await plant.clock.advance(1)
    assert plant.stored() == [(1, 1.0), (3, 3.0), (4, 4.0), (5, 5.0)]
    await plant.clock.advance(10)
    plant.collect(6.0)
    await plant.clock.advance(1)
    assert plant.buffer.positions[CONSUMER] == 3, "nothing waits any more"
    assert plant.file.content == b""
    await plant.supervisor.stop()


async def test_a_damaged_memory_is_said_and_recording_goes_on() -> None:
    plant = Plant(rule())
    await plant.crash()
    plant.file.content = b"not what was saved"
    await plant.crash()
    plant.collect(1.0)
    await plant.clock.advance(1)
    assert plant.stored() == [(1, 1.0)]
    await plant.supervisor.stop()
