"""What to do about a finding, until when, and what is known of episodes that looked alike.

How long one may wait is the usual time a fault of that kind leaves, shortened where the machine's own wear leaves less.
Sources: ISO 13373-3:2015, annexes; ISO 17359:2018, table B; the manufacturer's word counts more than either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from pdm_app.domain.diagnosis import MOVED_SPREADS, Diagnosis, Finding
from pdm_app.domain.movements import Movement
from pdm_app.domain.record import Finite, Id, Instant, Name, Record
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.sensor_faults import SensorFault
from pdm_app.domain.signal_roles import Role

HOUR_S, DAY_S = 3600.0, 86_400.0
LIFE_SHARE = 0.8
"""Of the time that nine in ten last: the repair needs time, too."""
ALIKE_MIN = 0.7
EPISODES_MAX = 5
STEPS_MAX = 6


class Advice(Record):
    """What to do."""

    title: Name = Field(description="What it probably is, in words.")
    do: tuple[str, ...] = Field(max_length=STEPS_MAX, description="In this order.")
    by_at: Instant | None = Field(description="Until when; None where nothing presses.")
    why_by: str = Field(description="Where the time comes from.")
    if_not: str = Field(description="What happens otherwise.")


@dataclass(frozen=True, slots=True)
class _Known:
    title: str
    do: tuple[str, ...]
    within_s: float | None
    if_not: str


_KNOWN: Mapping[Finding, _Known] = {
    Finding.BEARING: _Known(
        "Bearing damage develops",
        ("Listen at the bearing and measure its envelope spectrum.", "Check the lubrication: a dry one knocks.",
         "Order the bearing and plan the change for the next stop."),
        14 * DAY_S, "The bearing seizes and may take shaft and seal with it.",
    ),
    Finding.IMBALANCE: _Known(
        "Imbalance of the rotor",
        ("Stop it and look for dirt, ice, or a lost blade or weight.", "Clean it, then balance it in place."),
        7 * DAY_S, "Bearings and fastenings wear out within weeks.",
    ),
    Finding.MISALIGNMENT: _Known(
        "Misaligned coupling",
        ("Check the alignment by laser, cold and warm.", "Look for soft feet and pipes that pull.",
         "Do not release it from maintenance before it is aligned."),
        3 * DAY_S, "Coupling, seal and bearings wear out within weeks.",
    ),
    Finding.CAVITATION: _Known(
        "Cavitation",
        ("Check the tank level and that the suction valve is fully open.", "Clean the suction strainer.",
         "Change over to another pump meanwhile, or throttle the discharge."),
        8 * HOUR_S, "The impeller erodes within hours.",
    ),
    Finding.LEAK: _Known(
        "Oil is being lost",
        ("Look for oil below the machine and at its seals.", "Compare with a gauge.", "Top up, plan the seal."),
        2 * DAY_S, "Bearings run dry.",
    ),
    Finding.AIR_LEAK: _Known(
        "Compressed air is being lost",
        ("Walk the lines at night or with an ultrasonic detector.", "Close off lines that nobody needs."),
        14 * DAY_S, "Only money: the compressor works for the leak.",
    ),
    Finding.CLOGGING: _Known(
        "Filter or strainer clogs",
        ("Clean or change the filter at the next stop.", "Look what has clogged it."),
        7 * DAY_S, "Flow falls, energy rises; the filter may tear, a pump may cavitate.",
    ),
    Finding.COOLING_BLOCKED: _Known(
        "Cooling channel is blocked",
        ("Compare flow and temperatures of the cooling circuits.", "Flush or descale the blocked one."),
        2 * DAY_S, "Each cycle takes longer; parts warp.",
    ),
    Finding.HEATING_WEAK: _Known(
        "Melt too cold",
        ("Check heater bands and thermocouple of the hot runner.", "Watch for short shots meanwhile."),
        DAY_S, "Scrap rises.",
    ),
    Finding.TOOL_WEAR: _Known(
        "Tool is worn",
        ("Measure the next part.", "Change the tool, and see whether feed and coolant are right."),
        4 * HOUR_S, "Parts leave their tolerance, the tool breaks.",
    ),
    Finding.SCRAP: _Known(
        "More scrap than usual",
        ("Look at the rejected parts: burnt, short or flashed?", "Clean the vents of the mould."),
        DAY_S, "Parts are lost hour by hour.",
    ),
    Finding.MINOR_STOPS: _Known(
        "Many short stops",
        ("Watch one hour at the machine and note what jams.", "Check the feed, and the parts that come from before."),
        DAY_S, "The line stands before and behind it.",
    ),
    Finding.STOPPED: _Known(
        "The machine has stopped", ("Look at its first alarm: that one tells why.",), HOUR_S, "It stands.",
    ),
    Finding.WEAK_LINK: _Known(
        "Radio link is weak",
        ("Look what stands between antenna and mast.", "Check the antenna and its plug."),
        7 * DAY_S, "The link breaks; values come late.",
    ),
    Finding.SENSOR: _Known(
        "Sensor, not machine",
        ("Compare the reading with a second instrument.", "Check plug, cable and supply of the sensor.",
         "Until it is repaired, do not steer by its value."),
        7 * DAY_S, "A real fault behind it would not be seen.",
    ),
    Finding.UNCLEAR: _Known(
        "Unusual, and like no known fault",
        ("Look at the signals named first in the trend.", "Ask whoever worked at the machine last.",
         "Say in a case what it was: the next time it is recognised."),
        3 * DAY_S, "Nobody knows.",
    ),
    Finding.USUAL: _Known("As usual", (), None, ""),
}  # fmt: skip
_SENSOR_WORDS = {
    SensorFault.STUCK: "Sensor stands still, not the machine",
    SensorFault.DROPOUT: "Sensor drops out",
    SensorFault.SPIKES: "Sensor jumps",
    SensorFault.DRIFT: "Sensor drifts, probably",
}


def advice(diagnosis: Diagnosis, now: int, lasts_s: float | None = None) -> Advice:
    """Return what to do.

    Args:
        diagnosis: What it probably is.
        now: Microseconds UTC.
        lasts_s: Seconds that nine in ten such machines still last, of the machine's own wear; None where nobody knows.
    """
    known = _KNOWN[diagnosis.finding]
    title = known.title if diagnosis.sensor is None else _SENSOR_WORDS[diagnosis.sensor]
    within, why = known.within_s, "how fast such a fault usually grows"
    if within is not None and diagnosis.is_machine_fault and lasts_s is not None and LIFE_SHARE * lasts_s < within:
        within, why = LIFE_SHARE * lasts_s, "the remaining life of this machine"
    by_at = None if within is None else now + round(within * MICROS_PER_S)
    return Advice(title=title, do=known.do, by_at=by_at, why_by=why if by_at is not None else "", if_not=known.if_not)


class Episode(Record):
    """Something that was looked into once, with what it turned out to be."""

    case_id: Id
    asset_id: Id
    at: Instant
    title: Name
    label: str
    is_confirmed: bool
    alike: Annotated[Finite, Field(ge=-1, le=1)] = Field(description="1: the same pattern; 0: nothing in common.")


def signature(moved: Sequence[Movement]) -> dict[Role, float]:
    """Return a pattern of movements by role, so that machines of a kind can be compared: the furthest of each role."""
    found: dict[Role, float] = {}
    for each in moved:
        if each.role is Role.AMBIENT_TEMPERATURE or abs(each.spreads) < MOVED_SPREADS:
            continue
        size = float(np.sign(each.spreads) * np.log1p(abs(each.spreads)))
        if abs(size) > abs(found.get(each.role, 0.0)):
            found[each.role] = size
    return found


def alike(one: Mapping[Role, float], other: Mapping[Role, float]) -> float:
    """Return the cosine between two patterns; 0 where one of them is empty."""
    lengths = float(np.sqrt(sum(v * v for v in one.values())) * np.sqrt(sum(v * v for v in other.values())))
    product = sum(value * other.get(role, 0.0) for role, value in one.items())
    return float(np.clip(product / lengths, -1, 1)) if lengths else 0.0


def similar(episodes: Sequence[Episode]) -> tuple[Episode, ...]:
    """Return those that look alike, the likest first; of equals the newest."""
    near = [each for each in episodes if each.alike >= ALIKE_MIN]
    return tuple(sorted(near, key=lambda each: (-each.alike, -each.at))[:EPISODES_MAX])
