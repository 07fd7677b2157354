"""The asset tree: site › area › line › asset, and the devices that serve it.

Source: ISA-95 / IEC 62264-1, cut to the levels an operator names.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Code, Facts, Id, Name, Position, Revision, SignalNumber

TimeZone = Annotated[str, Field(min_length=1, max_length=64, description="IANA name, such as Europe/Vienna.")]
Currency = Annotated[str, Field(min_length=3, max_length=3, description="ISO 4217.")]
AssetClass = Annotated[
    str, Field(max_length=80, description="Equipment class in words, such as Centrifugal pump, 22 kW.")
]
ModelName = Annotated[str, Field(max_length=80)]


class SiteFacts(Facts):
    """What is said of a site."""

    code: Code
    name: Name
    time_zone: TimeZone
    currency: Currency


class Site(SiteFacts):
    """A plant with its own time zone and currency."""

    id: Id
    revision: Revision = 0


class AreaFacts(Facts):
    """What is said of an area."""

    site_id: Id
    name: Name
    position: Position = 0


class Area(AreaFacts):
    """A part of a site, such as Utilities."""

    id: Id
    revision: Revision = 0


class LineFacts(Facts):
    """What is said of a line."""

    area_id: Id
    name: Name
    position: Position = 0
    lead_signal_id: SignalNumber | None = Field(
        default=None, description="The one value that says how the line is doing."
    )


class Line(LineFacts):
    """Machines that work together, in flow order."""

    id: Id
    site_id: Id
    revision: Revision = 0


class AssetFacts(Facts):
    """What is said of a machine."""

    line_id: Id
    code: Code
    name: Name
    asset_class: AssetClass = ""
    position: Position = 0
    state_signal_id: SignalNumber | None = Field(
        default=None, description="Signal whose value is an AssetState number."
    )


class Asset(AssetFacts):
    """A machine."""

    id: Id
    site_id: Id
    simulated: bool = False
    revision: Revision = 0


class AssetState(StrEnum):
    """What a machine is doing, as its shape on screen says it."""

    RUNNING = "running"
    IDLE = "idle"
    STOPPED = "stopped"
    OFFLINE = "offline"


STATE_OF_NUMBER = {0: AssetState.STOPPED, 1: AssetState.IDLE, 2: AssetState.RUNNING}
"""What the values of an asset's state signal mean; a bad or missing value means OFFLINE."""


class DeviceFacts(Facts):
    """What is said of a device."""

    site_id: Id
    code: Code
    name: Name
    model: ModelName = ""
    asset_id: Id | None = None
    connection_id: Id | None = None


class Device(DeviceFacts):
    """A thing with a connection, credentials and firmware: PLC, gateway, pump controller."""

    id: Id
    simulated: bool = False
    revision: Revision = 0
