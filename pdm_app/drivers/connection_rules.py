"""What each driver asks of an endpoint, of options and of a signal's address: judged while they are typed.

``Rules()`` is the port's DriverRules. No protocol library is loaded for it.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any, Literal

from pydantic import Field, ValidationError
from typing_extensions import override

from pdm_app.domain.connections import Connection, DriverFacts
from pdm_app.domain.errors import ConnectionFailedError, FieldIssue
from pdm_app.domain.record import Record
from pdm_app.drivers.csv_replay import SCHEME, CsvReplayAddress, CsvReplayOptions, file_pattern
from pdm_app.drivers.egd_datagrams import PORT as EGD_PORT
from pdm_app.drivers.egd_layouts import EgdAddress, EgdOptions
from pdm_app.drivers.endpoint import endpoint_of
from pdm_app.drivers.modbus_blocks import ModbusAddress
from pdm_app.drivers.mqtt_payloads import MqttAddress


class CommonOptions(Record):
    """What every driver takes. Left out, the driver's own usual value holds."""

    connect_timeout_s: float | None = Field(default=None, gt=0, le=60)
    retry_cap_s: float = Field(default=2.0, ge=0.5, le=3_600, description="Longest wait between two attempts.")


class OpcuaOptions(CommonOptions):
    """Options of an OPC UA connection."""

    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    timeout_s: float = Field(default=2.0, gt=0, le=60, description="For one answer.")
    publishing_ms: float = Field(default=50.0, ge=10, le=60_000)
    security: Literal["best", "none", "Aes256_Sha256_RsaPss", "Basic256Sha256", "Aes128_Sha256_RsaOaep"] = Field(
        default="best", description="Policy; best is the strongest that is offered, and never none."
    )
    security_mode: Literal["best", "SignAndEncrypt", "Sign"] = "best"
    server_name: str = Field(
        default="", max_length=253, description="Whom the certificate must name, if not the host of the endpoint."
    )
    plain_password: bool = Field(
        default=False, description="Send the password also where anybody on the way can read it."
    )


class ModbusOptions(CommonOptions):
    """Options of a Modbus TCP connection."""

    connect_timeout_s: float = Field(default=3.0, gt=0, le=60)
    timeout_s: float = Field(default=0.5, gt=0, le=60, description="For one answer.")


class MqttOptions(CommonOptions):
    """Options of an MQTT connection."""

    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    version: Literal["3.1.1", "5"] = "3.1.1"
    qos: Literal[0, 1] = 1
    client_id: str = Field(default="", max_length=120, description="With one, the broker keeps the session.")
    keepalive_s: int = Field(default=4, ge=1, le=3_600)
    status_suffix: str = Field(default="/status", max_length=120)
    server_name: str = Field(
        default="", max_length=253, description="With mqtts://: whom the certificate must name, if not the endpoint."
    )
    pin: str = Field(
        default="",
        pattern=r"^$|^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}$",
        description="With mqtts://: SHA-256 of the one certificate that is accepted, whatever its name and issuer.",
    )
    public_authorities: bool = Field(
        default=False, description="With mqtts://: the authorities of the operating system are trusted as well."
    )


class OpcuaAddress(Record):
    """Where a signal lies in an OPC UA server."""

    node: str = Field(
        min_length=3, max_length=1_000, pattern=r"^(ns=\d{1,5};)?[isgb]=.+$", description="Such as ns=2;s=Pump.Flow."
    )


class _Rule:
    """One driver's rules."""

    def __init__(self, schemes: Mapping[str, int], options: type[Record], address: type[Record]) -> None:
        self.schemes = dict(schemes)
        self.options = options
        self.address = address

    @property
    def example(self) -> str:
        scheme, port = next(iter(self.schemes.items()))
        return f"{scheme}://192.168.0.10:{port}"

    def endpoint_issues(self, connection: Connection) -> list[FieldIssue]:
        issues: list[FieldIssue] = []
        if "@" in connection.endpoint.partition("://")[2].partition("/")[0]:
            issues.append(FieldIssue("endpoint", "names a user", "leave it out: everybody who may look sees endpoints"))
        try:
            endpoint_of(connection, self.schemes)
        except ConnectionFailedError as error:
            issues.append(FieldIssue("endpoint", str(error.facts.get("problem", error.message)), self.fix))
        return issues

    @property
    def fix(self) -> str:
        return f"write it like {self.example}"


class _FileRule(_Rule):
    """Rules of a driver that plays files of the product's own folder."""

    def __init__(self, options: type[Record], address: type[Record]) -> None:
        super().__init__({}, options, address)

    @property
    @override
    def example(self) -> str:
        return f"{SCHEME}history.csv"

    @override
    def endpoint_issues(self, connection: Connection) -> list[FieldIssue]:
        if file_pattern(connection.endpoint) is not None:
            return []
        return [FieldIssue("endpoint", "is no name of a recording, which ends in .csv and has no folder", self.fix)]


class _ListeningRule(_Rule):
    """Rules of a driver that listens: its endpoint is an address of this machine, or a group."""

    @property
    @override
    def example(self) -> str:
        scheme, port = next(iter(self.schemes.items()))
        return f"{scheme}://0.0.0.0:{port}"

    @override
    def endpoint_issues(self, connection: Connection) -> list[FieldIssue]:
        issues = super().endpoint_issues(connection)
        if not issues:
            host = endpoint_of(connection, self.schemes).host
            try:
                IPv4Address(host)
            except ValueError:
                issues.append(FieldIssue("endpoint", f"{host!r} is no IPv4 address of this machine or group", self.fix))
        return issues


RULES: Mapping[str, _Rule] = {
    "opcua": _Rule({"opc.tcp": 4840}, OpcuaOptions, OpcuaAddress),
    "modbus": _Rule({"modbus": 502, "tcp": 502}, ModbusOptions, ModbusAddress),
    "mqtt": _Rule({"mqtt": 1883, "tcp": 1883, "mqtts": 8883}, MqttOptions, MqttAddress),
    "egd": _ListeningRule({"egd": EGD_PORT}, EgdOptions, EgdAddress),
    "csv_replay": _FileRule(CsvReplayOptions, CsvReplayAddress),
}


class Rules:
    """The rules of all drivers."""

    @property
    def names(self) -> Sequence[str]:
        return tuple(RULES)

    def describe(self) -> Sequence[DriverFacts]:
        """Return what each takes, for forms."""
        return [
            DriverFacts(name=name, example=rule.example, options=rule.options.model_json_schema())
            for name, rule in RULES.items()
        ]

    def connection_issues(self, connection: Connection) -> Sequence[FieldIssue]:
        """Say what is wrong with endpoint and options."""
        rule = RULES.get(connection.driver)
        if rule is None:
            return ()
        issues = rule.endpoint_issues(connection)
        return [*issues, *_issues(rule.options, connection.options, "options")]

    def address_issues(self, driver: str, address: Mapping[str, object]) -> Sequence[FieldIssue]:
        """Say what is wrong with a signal's address."""
        rule = RULES.get(driver)
        return () if rule is None else _issues(rule.address, address, "address")


def _issues(model: type[Record], given: Mapping[str, Any], field: str) -> list[FieldIssue]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        return [
            FieldIssue(".".join([field, *(str(part) for part in each["loc"])]), each["msg"])
            for each in error.errors(include_url=False)
        ]
    return []
