"""The asset tree: site › area › line › asset, and the devices that serve it.

Source: ISA-95 / IEC 62264-1, cut to the levels an operator names.
"""

from enum import StrEnum

from pydantic import Field

from pdm_app.domain.record import Code, Id, Name, Record


class Site(Record):
    """A plant with its own time zone and currency."""

    id: Id
    code: Code
    name: Name
    time_zone: str = Field(min_length=1, max_length=64, description="IANA name, such as Europe/Vienna.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217.")


class Area(Record):
    """A part of a site, such as Utilities."""

    id: Id
    site_id: Id
    name: Name
    position: int = 0


class Line(Record):
    """Machines that work together, in flow order."""

    id: Id
    site_id: Id
    area_id: Id
    name: Name
    position: int = 0
    lead_signal_id: int | None = Field(default=None, description="The one value that says how the line is doing.")


class Asset(Record):
    """A machine."""

    id: Id
    site_id: Id
    line_id: Id
    code: Code
    name: Name
    asset_class: str = Field(max_length=80, description="Equipment class in words, such as Centrifugal pump, 22 kW.")
    position: int = 0
    state_signal_id: int | None = Field(default=None, description="Signal whose value is an AssetState number.")
    simulated: bool = False


class AssetState(StrEnum):
    """What a machine is doing, as its shape on screen says it."""

    RUNNING = "running"
    IDLE = "idle"
    STOPPED = "stopped"
    OFFLINE = "offline"


STATE_OF_NUMBER = {0: AssetState.STOPPED, 1: AssetState.IDLE, 2: AssetState.RUNNING}
"""What the values of an asset's state signal mean; a bad or missing value means OFFLINE."""


class Device(Record):
    """A thing with a connection, credentials and firmware: PLC, gateway, pump controller."""

    id: Id
    site_id: Id
    code: Code
    name: Name
    model: str = Field(default="", max_length=80)
    asset_id: Id | None = None
    connection_id: Id | None = None
    simulated: bool = False
