"""The plant told forward, from one moment to another: the same physics as live, in steps of some minutes of plant time.

``Replayed(labels, start_at, end_at)`` implements `pdm_app.domain.plant_replay.ReplaySource`. The servers of the plant
do not run in it: what they would have sent is told at once, so that faults of the wire do not exist here.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.plant_replay import ReplayStep
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.simulation.history import PlantColumns, plant_columns
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import DEVICE, acted
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.world import CODES
from pdm_app.simulation.plant import machines_of

EVERY_S = 10
EVERY_S_MAX = 60
STEP_S = 300
"""So much is told at once: who looks at the clock, as for shifts and for delays of silent signals, looks so often."""


class Replayed:
    """What the machines of a plant send in a span.

    Args:
        labels: Which plant, since when, and what goes wrong.
        start_at: First moment, microseconds UTC.
        end_at: The first moment left out.
        every_s: Seconds between two samples of a signal; each moment is a whole multiple of it.
        seed: Of the plant.

    Raises:
        InvalidInputError: The span is empty, or samples are too seldom for those who look at them.
    """

    def __init__(
        self, labels: Labels, start_at: Micros, end_at: Micros, every_s: int = EVERY_S, seed: int = SEED
    ) -> None:
        if not 1 <= every_s <= EVERY_S_MAX:
            raise InvalidInputError(
                f"A sample every {every_s} s cannot be replayed; choose 1 to {EVERY_S_MAX} s.",
                [FieldIssue("every_s", "out of range", f"choose 1 to {EVERY_S_MAX}")],
            )
        if end_at - start_at < STEP_S * MICROS_PER_S:
            raise InvalidInputError(
                f"A replay lasts at least {STEP_S} s of plant time; choose a later end, or an earlier beginning.",
                [FieldIssue("end_at", "is too early", "choose a later end")],
            )
        self.start_at = start_at
        self.end_at = end_at
        self._labels = labels
        self._every_s = every_s
        self._seed = seed
        self._codes = [machine.asset.code for machine in machines_of(labels.plant) if machine.asset.code in CODES]

    def steps(self) -> Iterator[ReplayStep]:
        """Tell all of it, step by step; no step lies across a full hour."""
        told = plant_columns(
            self.start_at,
            self.end_at,
            self._every_s,
            since=self._labels.since,
            faults=acted(self._labels),
            codes=self._codes,
            seed=self._seed,
        )
        while machines := list(islice(told, len(self._codes))):
            yield from self._cut(machines)

    def _cut(self, machines: Sequence[PlantColumns]) -> Iterator[ReplayStep]:
        """Turn columns of machines into batches of moments: each is what one look at the whole plant would bring."""
        at = machines[0].at
        signal = np.concatenate([machine.signal_ids for machine in machines]).astype(np.uint32)
        value = np.concatenate([machine.values for machine in machines])
        quality = np.concatenate([machine.quality for machine in machines])
        texts = {number: words for machine in machines for number, words in machine.texts.items()}
        signal = np.concatenate([signal, np.array(list(texts), dtype=np.uint32)])
        value = np.concatenate([value, np.full((len(texts), len(at)), np.nan)])
        quality = np.concatenate([quality, np.zeros((len(texts), len(at)), np.uint16)])
        text = {len(signal) - len(texts) + row: words for row, words in enumerate(texts.values())}
        moments = [
            Batch(DEVICE, signal, np.full(len(signal), moment), value[:, row].copy(), quality[:, row].copy(),
                  received_at=Micros(moment), text=text)
            for row, moment in enumerate(at.tolist())
        ]  # fmt: skip
        steps = at // (STEP_S * MICROS_PER_S)
        for some in np.split(np.arange(len(at)), np.flatnonzero(np.diff(steps)) + 1):
            batches = moments[int(some[0]) : int(some[-1]) + 1]
            yield ReplayStep(batches, batches[-1].received_at)
