"""Connections: one driver instance talking to one endpoint, and what can be said of its state."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from pdm_app.domain.link_security import LinkSecurity
from pdm_app.domain.record import Facts, Id, Name, Record, Revision, Text

DriverName = Annotated[str, Field(min_length=1, max_length=24, description="Name in the DRIVERS list, such as opcua.")]
EndpointText = Annotated[str, Field(min_length=1, max_length=255, description="opc.tcp://…, host:port or mqtt://…")]


class ConnectionState(StrEnum):
    """Where a connection stands; only ONLINE and DEGRADED deliver values."""

    PAUSED = "paused"
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    ONLINE = "online"
    DEGRADED = "degraded"


DOWN = frozenset({ConnectionState.DISCONNECTED, ConnectionState.CONNECTING})


class ConnectionFacts(Facts):
    """What is said of a connection. Credentials are not here; they live in the secret store."""

    site_id: Id
    name: Name
    driver: DriverName
    endpoint: EndpointText
    options: dict[str, Any] = Field(default_factory=dict, description="What the driver offers beside the endpoint.")
    enabled: bool = True


class Connection(ConnectionFacts):
    """How one endpoint is reached."""

    id: Id
    simulated: bool = False
    revision: Revision = 0


class DriverFacts(Record):
    """What a form needs to know of a driver."""

    name: DriverName
    example: str = Field(description="An endpoint as it is written.")
    options: dict[str, Any] = Field(description="JSON Schema of what it takes beside the endpoint.")


class ConnectionTest(Record):
    """What came of one attempt."""

    reached: bool
    took_ms: float
    message: Text = Field(default="", description="Why it was not reached.")
    security: LinkSecurity | None = None
    refused: str = Field(default="", description="Fingerprint of the certificate that nobody has trusted yet.")


@dataclass(frozen=True, slots=True)
class Login:
    """As whom a connection signs in at its endpoint; on its way from the secret store to a driver, and nowhere else."""

    username: str
    password: str = field(repr=False)


class ConnectionStatus(Record):
    """What the collector knows of one connection now. Times in microseconds UTC."""

    connection_id: Id
    state: ConnectionState
    since: int
    signals: int = 0
    signals_failing: int = 0
    samples_total: int = 0
    samples_per_s: float = 0.0
    attempts: int = Field(default=0, description="Attempts to connect since the last success.")
    retry_at: int | None = None
    last_sample_at: int | None = None
    connect_ms: float | None = None
    last_error: Text = ""
    security: LinkSecurity | None = Field(default=None, description="What protects the link; None while none stands.")
    refused: str = Field(
        default="", description="Fingerprint of the certificate for which the last attempt waits to be trusted."
    )
    faults: dict[int, str] = Field(default_factory=dict, description="Why single signals fail, by signal id.")
