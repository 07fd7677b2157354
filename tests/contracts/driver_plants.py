"""The devices that the driver contract is run against: one per protocol, each a real server on loopback."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pdm_app.domain.connections import Connection
from pdm_app.domain.ports import Clock, Driver
from pdm_app.domain.signals import DataType, Signal
from pdm_app.drivers.registry import DRIVERS, drivers_with
from tests.counterparts.device_process import DeviceProcess, SendingProcess
from tests.counterparts.mosquitto import Mosquitto

COUNTER, LEVEL, MISSING, SETPOINT, ILLEGIBLE = 1, 2, 3, 4, 5


class Server(Protocol):
    """A counterpart in a process of its own."""

    port: int

    @property
    def is_well(self) -> bool: ...

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...


@dataclass
class DevicePlant:
    """One device and how its signals are addressed.

    Attributes:
        addresses: By signal id. ``COUNTER`` changes about every 100 ms, ``LEVEL`` is 2.5, ``MISSING`` does not exist,
            ``SETPOINT`` can be written, ``ILLEGIBLE`` is no address at all.
        has_source_time: The protocol carries it.
        recordings: The folder of the files of a driver that plays them; its connection names one of these.
    """

    driver: str
    server: Server
    scheme: str
    addresses: Mapping[int, dict[str, Any]]
    has_source_time: bool
    can_write: bool
    can_browse: bool
    recordings: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        return Connection(
            id=self.driver,
            site_id="graz",
            name=f"The {self.driver} device",
            driver=self.driver,
            endpoint=f"{self.scheme}127.0.0.1:{self.server.port}" if self.recordings is None else self.scheme,
            options=self.options,
        )

    def make(self, clock: Clock, port: int | None = None) -> Driver:
        """Return a fresh driver, for another port than the server's if one is given."""
        connection = self.connection
        if port is not None:
            connection = connection.model_copy(update={"endpoint": f"{self.scheme}127.0.0.1:{port}"})
        known = DRIVERS if self.recordings is None else drivers_with(self.recordings)
        return known[self.driver](connection, clock)

    def signals(self, *ids: int) -> list[Signal]:
        return [
            Signal(
                id=number,
                site_id="graz",
                asset_id="pump",
                name=f"Signal_{number}",
                label="Signal",
                data_type=DataType.NUMBER,
                connection_id=self.driver,
                address=self.addresses[number],
                poll_every_s=0.1,
            )
            for number in ids
        ]


def opcua_plant() -> Iterator[DevicePlant]:
    server = DeviceProcess("opcua_device.py")
    server.start()
    names = {COUNTER: "Counter", LEVEL: "Level", MISSING: "Nowhere", SETPOINT: "Setpoint"}
    addresses: dict[int, dict[str, Any]] = {key: {"node": f"ns=2;s={name}"} for key, name in names.items()}
    yield DevicePlant(
        "opcua", server, "opc.tcp://", addresses | {ILLEGIBLE: {"node": "Counter"}},
        has_source_time=True, can_write=True, can_browse=True,
        options={"connect_timeout_s": 2.0, "security": "none"},
    )  # fmt: skip
    server.kill()


def modbus_plant() -> Iterator[DevicePlant]:
    server = DeviceProcess("modbus_device.py")
    server.start()
    addresses: dict[int, dict[str, Any]] = {
        COUNTER: {"register": 0, "type": "float32"},
        LEVEL: {"register": 2, "type": "float32"},
        MISSING: {"register": 5},
        SETPOINT: {"register": 10, "type": "int16"},
        ILLEGIBLE: {"register": -1},
    }
    yield DevicePlant(
        "modbus", server, "", addresses, has_source_time=False, can_write=True, can_browse=False,
        options={"connect_timeout_s": 2.0},
    )  # fmt: skip
    server.kill()


class Broker(Mosquitto):
    """Mosquitto with a publisher beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_well = False
        self._publisher = DeviceProcess("mqtt_device.py", self.port)

    def start(self) -> None:
        super().start()
        self._publisher.start()
        self.is_well = True

    def kill(self) -> None:
        self.is_well = False
        self._publisher.kill()
        super().kill()

    def freeze(self) -> None:
        self.is_well = False
        os.kill(self.pid, signal.SIGSTOP)


def mqtt_plant(folder: Path) -> Iterator[DevicePlant]:
    server = Broker(folder)
    server.start()
    addresses: dict[int, dict[str, Any]] = {
        COUNTER: {"topic": "plant/pump", "path": "Counter"},
        LEVEL: {"topic": "plant/pump", "path": "Level"},
        MISSING: {"topic": "plant/pump", "path": "Nowhere"},
        SETPOINT: {"topic": "plant/pump/setpoint"},
        ILLEGIBLE: {"topic": "plant/#"},
    }
    yield DevicePlant(
        "mqtt", server, "mqtt://", addresses, has_source_time=True, can_write=False, can_browse=False,
        options={"keepalive_s": 1, "connect_timeout_s": 2.0},
    )  # fmt: skip
    server.kill()


def egd_plant() -> Iterator[DevicePlant]:
    server = SendingProcess("egd_device.py")
    server.start()
    addresses: dict[int, dict[str, Any]] = {
        COUNTER: {"exchange": 7, "offset": 0},
        LEVEL: {"exchange": 7, "offset": 4},
        MISSING: {"exchange": 7, "offset": 13},  # Its last byte is behind the end.
        SETPOINT: {"exchange": 7, "offset": 8, "type": "int16"},
        ILLEGIBLE: {"exchange": 7, "offset": 0, "type": "bool"},
    }
    yield DevicePlant(
        "egd", server, "egd://", addresses, has_source_time=True, can_write=False, can_browse=False,
        options={"producer": "10.20.30.40", "connect_timeout_s": 2.0},
    )  # fmt: skip
    server.kill()


class RecordedFile:
    """A recording that is there, or has been taken away."""

    port = 0

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_well(self) -> bool:
        return self._path.is_file()

    def start(self) -> None:
        rows = [f"2026-03-01T06:00:{tenth / 10:06.3f}Z,{tenth},2.5,7" for tenth in range(600)]
        self._path.write_text("\n".join(["time,Counter,Level,Setpoint", *rows]) + "\n", encoding="utf-8")

    def kill(self) -> None:
        self._path.unlink(missing_ok=True)

    def freeze(self) -> None:
        raise NotImplementedError("A file does not freeze.")


def csv_replay_plant(folder: Path) -> Iterator[DevicePlant]:
    server = RecordedFile(folder / "pump.csv")
    server.start()
    names = {COUNTER: "Counter", LEVEL: "Level", MISSING: "Nowhere", SETPOINT: "Setpoint", ILLEGIBLE: ""}
    yield DevicePlant(
        "csv_replay", server, "replay://pump.csv", {key: {"column": name} for key, name in names.items()},
        has_source_time=True, can_write=False, can_browse=True, recordings=folder, options={"loop": True},
    )  # fmt: skip
    server.kill()
