"""Sags of the mains in Graz: machines with drives trip and are started again one after the other."""

from collections.abc import Iterable

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.simulation.physics.acting import POWER_DIP
from pdm_app.simulation.physics.noise import channel_key
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.timeline import Stop
from pdm_app.simulation.physics.work_days import WorkDay

RESTARTED_AFTER_S = (40.0, 160.0)


def trips(faults: Iterable[InjectedFault], day: WorkDay, seed: int, machine: str) -> list[Stop]:
    """Return the stops of one machine by sags of a day; each machine takes its own time to be started again."""
    shortest_s, longest_s = RESTARTED_AFTER_S
    share = (channel_key(machine) ^ seed) % 101 / 100
    stops = []
    for fault in faults:
        begin_s = (fault.injected_at - day.begin) / MICROS_PER_S
        if fault.key == POWER_DIP and 0 <= begin_s < day.length_s:
            stops.append(Stop(begin_s, begin_s + shortest_s + share * (longest_s - shortest_s), Reason.TRIP))
    return stops
