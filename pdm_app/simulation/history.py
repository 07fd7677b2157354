"""The plant's past, in columns: the same reader that is live, asked for moments long gone.

Samples lie at whole multiples of their step, so that a coarse series is a part of a finer one. Parts may be asked for
in any order and by several processes; what they say does not depend on it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, U2, Quality
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.gateways import LINK_LOST_AT
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.packing import CODES as PACKING
from pdm_app.simulation.plant import MACHINES
from pdm_app.simulation.readings import TEXTS, PlantReader

ROWS_MAX = 8640  # Moments told at once: a day of ten seconds; all 57 machines then take about 60 MB.

U4 = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class PlantColumns:
    """One machine over part of a span.

    Attributes:
        code: Of the machine.
        at: Microseconds UTC, shape (times,).
        signal_ids: Of its numbers, shape (signals,).
        values: Shape (signals, times); NaN where there is none.
        quality: A `pdm_app.domain.samples.Quality` each, shape (signals, times).
        texts: What its text signals say all the time, by signal id.
    """

    code: str
    at: I8
    signal_ids: U4
    values: F8
    quality: U2
    texts: dict[int, str]


def plant_columns(
    start_at: int,
    end_at: int,
    step_s: int,
    *,
    since: int,
    faults: Sequence[InjectedFault] = (),
    codes: Collection[str] | None = None,
    seed: int = SEED,
) -> Iterator[PlantColumns]:
    """Tell a span of the past, oldest part first, every machine of a part after the other.

    Args:
        start_at: First moment, microseconds UTC; samples begin at the next multiple of the step.
        end_at: The first moment left out.
        step_s: Seconds between two samples.
        since: First start of the plant.
        faults: All that acted, as `pdm_app.simulation.labels.Labels` has them.
        codes: Machines; None for all.
        seed: Of the plant.

    Raises:
        ValueError: The step is not a whole number of seconds above zero, or there is no such machine.
    """
    if step_s < 1 or step_s != int(step_s):
        raise ValueError(f"A step of {step_s} s; give a whole number of seconds, such as 1, 10 or 60.")
    machines = [machine for machine in MACHINES if codes is None or machine.asset.code in codes]
    unknown = set(codes or ()) - {machine.asset.code for machine in machines}
    if unknown:
        raise ValueError(f"The plant has no machine {', '.join(sorted(unknown))}.")
    step = int(step_s) * MICROS_PER_S
    reader = PlantReader(since, seed, {machine.asset.code for machine in machines})
    memory, held = None, None
    for first in range(-(-start_at // step), -(-end_at // step), ROWS_MAX):
        last = min(first + ROWS_MAX, -(-end_at // step))
        told = reader.read(np.arange(first, last, dtype=np.int64) * step, faults, memory, held)
        memory, held = told.memory, told.held
        for machine in machines:
            code = machine.asset.code
            signals = [signal for signal in machine.signals if signal.name not in TEXTS[code]]
            values = np.stack([told.columns[code][signal.name] for signal in signals])
            silent = _silent(code, told.at, faults)
            values = np.where(silent, np.nan, values)
            quality = np.where(np.isnan(values), Quality.BAD_DEVICE_FAILURE, Quality.GOOD)
            yield PlantColumns(
                code,
                told.at,
                np.array([signal.id for signal in signals], dtype=np.uint32),
                values,
                np.where(silent, Quality.BAD_CONNECTION_LOST, quality).astype(np.uint16),
                {signal.id: TEXTS[code][signal.name] for signal in machine.signals if signal.name in TEXTS[code]},
            )


def _silent(code: str, at: I8, faults: Sequence[InjectedFault]) -> npt.NDArray[np.bool_]:
    """Return where nobody could read the machine; gateways store what they measure meanwhile, controllers do not."""
    if code not in PACKING:
        return np.zeros(len(at), dtype=np.bool_)
    lost: npt.NDArray[np.bool_] = Acting(faults, at).of(acting.COMM_LOSS, code) >= LINK_LOST_AT
    return lost
