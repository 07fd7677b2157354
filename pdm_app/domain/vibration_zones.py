"""Zones of vibration velocity: how much of it a machine may have, by cited tables that a plant may edit.

Published tables disagree, so a verdict always carries the table it came from.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pdm_app.domain.record import Finite, Name, Record

ALARM_ABOVE = 1.25
"""Of the border B/C for the alarm and of C/D for the trip. Source: ISO 20816-1:2016, 6.5."""

Border = Annotated[Finite, Field(gt=0, le=1000, description="mm/s RMS.")]


class Zone(StrEnum):
    """A new, B for long running, C for a limited time, D damages."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class ZoneTable(Record):
    """The borders of one kind of machine, in mm/s RMS, and where they are from."""

    name: Name
    source: Name
    a_b: Border
    b_c: Border
    c_d: Border

    @model_validator(mode="after")
    def _borders_ascend(self) -> Self:
        if not self.a_b < self.b_c < self.c_d:
            raise ValueError(f"{self.name}: the borders {self.a_b:g}, {self.b_c:g}, {self.c_d:g} do not ascend")
        return self

    def zone(self, velocity_mm_s: float) -> Zone:
        """Return the zone of a velocity; on a border the better one."""
        for border, zone in ((self.a_b, Zone.A), (self.b_c, Zone.B), (self.c_d, Zone.C)):
            if velocity_mm_s <= border:
                return zone
        return Zone.D

    @property
    def alarm_mm_s(self) -> float:
        return ALARM_ABOVE * self.b_c

    @property
    def trip_mm_s(self) -> float:
        return ALARM_ABOVE * self.c_d


_MACHINES, _PUMPS = "ISO 20816-3", "ISO 10816-7:2009"

ZONE_TABLES = (
    ZoneTable(name="Group 1, above 300 kW, rigid", source=_MACHINES, a_b=2.3, b_c=4.5, c_d=7.1),
    ZoneTable(name="Group 1, above 300 kW, flexible", source=_MACHINES, a_b=3.5, b_c=7.1, c_d=11.0),
    ZoneTable(name="Group 2, 15 to 300 kW, rigid", source=_MACHINES, a_b=1.4, b_c=2.8, c_d=4.5),
    ZoneTable(name="Group 2, 15 to 300 kW, flexible", source=_MACHINES, a_b=2.3, b_c=4.5, c_d=7.1),
    ZoneTable(name="Pumps, category I, up to 200 kW", source=_PUMPS, a_b=2.5, b_c=4.0, c_d=6.6),
    ZoneTable(name="Pumps, category I, above 200 kW", source=_PUMPS, a_b=3.5, b_c=5.0, c_d=7.6),
    ZoneTable(name="Pumps, category II, up to 200 kW", source=_PUMPS, a_b=3.2, b_c=5.1, c_d=8.5),
    ZoneTable(name="Pumps, category II, above 200 kW", source=_PUMPS, a_b=4.2, b_c=6.1, c_d=9.5),
)
"""What the product comes with."""
