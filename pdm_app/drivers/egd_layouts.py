"""What a connection of EGD says of its exchanges, where signals lie in them, and the values of a payload.

A payload is raw memory. Its layout comes from the producer's configuration, by hand: there is nothing in it to go by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, ValidationError, model_validator

from pdm_app.domain.record import Record
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, U4
from pdm_app.domain.signals import Signal
from pdm_app.drivers.egd_datagrams import PAYLOAD_MAX, producer_of

TYPES = {
    "bool": "u1",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "float32": "f4",
    "float64": "f8",
}
ValueType = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"
]
EXCHANGES_MAX = 500
SENDERS_MAX = 100


def _producer(written: str) -> str:
    return str(producer_of(written)) if written else ""


def _address(written: str) -> str:
    try:
        return str(IPv4Address(written))
    except ValueError:
        raise ValueError("is no IPv4 address, such as 192.168.0.10") from None


Producer = Annotated[
    str,
    Field(max_length=15, description="Dotted, or the decimal number of an engineering tool; empty: the connection's."),
    AfterValidator(_producer),
]
ExchangeNumber = Annotated[int, Field(ge=0, le=2**32 - 1)]
TimeoutS = Annotated[
    float,
    Field(
        ge=0, le=3_600, description="Silence after which values are bad; 0: never. Left out: three periods, 1 s least."
    ),
]
Address = Annotated[str, Field(max_length=15), AfterValidator(_address)]


class EgdExchange(Record):
    """What is known of one exchange beforehand; each is optional."""

    producer: Producer = ""
    exchange: ExchangeNumber
    length: int | None = Field(default=None, ge=1, le=PAYLOAD_MAX, description="Bytes; another length is refused.")
    signature: int = Field(
        default=0, ge=0, le=0xFFFF, description="Of its configuration: another major version is refused; 0: any."
    )
    timeout_s: TimeoutS | None = None


class EgdOptions(Record):
    """Options of a connection that listens to EGD."""

    connect_timeout_s: float = Field(default=5.0, gt=0, le=60, description="For the first datagram.")
    retry_cap_s: float = Field(default=2.0, ge=0.5, le=3_600, description="Longest wait between two attempts.")
    producer: Producer = Field(default="", description="Of every signal that names none.")
    interface: Address = Field(default="0.0.0.0", description="This machine's address on which a group is joined.")  # noqa: S104
    timeout_s: TimeoutS | None = None
    exchanges: tuple[EgdExchange, ...] = Field(default=(), max_length=EXCHANGES_MAX)
    senders: tuple[Address, ...] = Field(
        default=(), max_length=SENDERS_MAX, description="Only what comes from these addresses is taken; empty: any."
    )
    strict_time: bool = Field(default=False, description="Values of a producer with a doubtful clock are uncertain.")
    swapped_header: bool = Field(default=False, description="Type and version come the other way round.")

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        named = [(each.producer or self.producer, each.exchange) for each in self.exchanges]
        if len(set(named)) < len(named):
            raise ValueError("an exchange is described twice")
        if ("") in [producer for producer, _ in named]:
            raise ValueError("an exchange names no producer, and neither does the connection")
        return self


class EgdAddress(Record):
    """Where a signal lies: in which exchange of whom, at which byte, as what."""

    producer: Producer = ""
    exchange: ExchangeNumber
    offset: int = Field(ge=0, lt=PAYLOAD_MAX, description="First byte of the value in the payload, from 0.")
    type: ValueType = "float32"
    bit: int | None = Field(default=None, ge=0, le=7, description="Of a bool; 0 is the least significant.")
    order: Literal["little", "big"] = "little"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.type == "bool") != (self.bit is not None):
            raise ValueError("a bool needs its bit, 0 to 7, and nothing else has one")
        if self.end > PAYLOAD_MAX:
            raise ValueError(f"a {self.type} at {self.offset} reaches past the last byte of any payload, {PAYLOAD_MAX}")
        return self

    @property
    def end(self) -> int:
        return self.offset + np.dtype(TYPES[self.type]).itemsize


Key = tuple[IPv4Address, int]
"""Producer and exchange: what names an exchange, whoever sent it."""


def address_of(signal: Signal, producer: str) -> tuple[Key, EgdAddress] | str:
    """Return where a signal lies, or what is wrong with its address.

    Args:
        producer: The connection's, for a signal that names none.
    """
    try:
        address = EgdAddress.model_validate(signal.address)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "address"
        return f"The EGD address is wrong at {where}: {first['msg']}."
    if not (address.producer or producer):
        return "The EGD address names no producer, and neither does the connection. Write one into either."
    return (IPv4Address(address.producer or producer), address.exchange), address


@dataclass(frozen=True, slots=True)
class _Kind:
    """Values of one type and byte order: rows of the layout, and the bytes of each, shape (values, width)."""

    rows: NDArray[np.intp]
    cells: NDArray[np.intp]
    dtype: str


class Layout:
    """The signals of one exchange, ready to be read out of a payload.

    Attributes:
        signal: Ids, shape (signals,).
        every_us: Each signal's period, microseconds: of the productions in one period, the first is taken.
        end: First byte behind each value.
    """

    def __init__(self, members: Sequence[tuple[Signal, EgdAddress]]) -> None:
        self.signal: U4 = np.array([signal.id for signal, _ in members], dtype=np.uint32)
        self.every_us: I8 = np.array([round(s.poll_every_s * MICROS_PER_S) for s, _ in members], dtype=np.int64)
        self.end = np.array([address.end for _, address in members], dtype=np.int64)
        self._reach = int(self.end.max(initial=0))
        grouped: dict[str, list[int]] = {}
        for row, (_, address) in enumerate(members):
            grouped.setdefault((">" if address.order == "big" else "<") + TYPES[address.type], []).append(row)
        offsets = np.array([address.offset for _, address in members], dtype=np.intp)
        self._kinds = [
            _Kind(np.array(rows), offsets[rows][:, None] + np.arange(np.dtype(kind).itemsize), kind)
            for kind, rows in grouped.items()
        ]
        bits = [(row, address.bit) for row, (_, address) in enumerate(members) if address.bit is not None]
        self._bit_rows = np.array([row for row, _ in bits], dtype=np.intp)
        self._bits = np.array([bit for _, bit in bits], dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.signal)

    def values(self, payload: bytes) -> F8:
        """Return the values, shape (signals,); what lies behind the payload's end is NaN.

        64-bit integers beyond 2^53 lose their last digits.
        """
        padded = payload if len(payload) >= self._reach else payload.ljust(self._reach, b"\0")
        memory = np.frombuffer(padded, dtype=np.uint8)
        value = np.empty(len(self.signal), dtype=np.float64)
        for kind in self._kinds:
            value[kind.rows] = memory[kind.cells].view(kind.dtype)[:, 0]
        if len(self._bits):
            value[self._bit_rows] = (value[self._bit_rows].astype(np.uint8) >> self._bits) & 1
        if padded is not payload:
            value[self.end > len(payload)] = np.nan
        return value
