"""Modbus addresses, the requests that cover them with few calls, and what the registers mean.

Byte orders are named by the order in which the bytes A (most significant) to D arrive: ABCD is the standard's own,
CDAB swaps the words, BADC the bytes inside each word, DCBA both. Values of 64 bit follow the same two switches.

Source: MODBUS Application Protocol Specification V1.1b3, chapters 4.3, 6.1–6.4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from pdm_app.domain.record import Record
from pdm_app.domain.samples import F8
from pdm_app.domain.signals import Signal

REGISTERS_MAX = 125
BITS_MAX = 2000
REGISTER_GAP_MAX = 16  # Reading 16 registers nobody asked for is cheaper than a second round trip.
BIT_GAP_MAX = 256

Registers = NDArray[np.uint16]


class Table(StrEnum):
    """Which of a device's four tables."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def has_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE)


class ValueType(StrEnum):
    """What the registers of a value hold."""

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    FLOAT32 = "float32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT64 = "float64"


_NUMPY = {
    ValueType.INT16: ">i2",
    ValueType.UINT16: ">u2",
    ValueType.INT32: ">i4",
    ValueType.UINT32: ">u4",
    ValueType.FLOAT32: ">f4",
    ValueType.INT64: ">i8",
    ValueType.UINT64: ">u8",
    ValueType.FLOAT64: ">f8",
}
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]


class ModbusAddress(Record):
    """Where a signal lies in a device. ``register`` counts from 0, as on the wire.

    The field has another name only because every pydantic class already has a ``register``.
    """

    table: Table = Table.HOLDING
    first: int = Field(alias="register", ge=0, le=65_535, description="First register or bit of the value.")
    type: ValueType = ValueType.UINT16
    order: Order = "ABCD"
    bit: int | None = Field(default=None, ge=0, le=15, description="Bit of a register, 0 is the least significant.")
    unit: int = Field(default=1, ge=0, le=255)

    @model_validator(mode="after")
    def _fits(self) -> "ModbusAddress":
        if self.table.has_bits and self.type is not ValueType.BOOL:
            raise ValueError(f"a {self.table} holds single bits: its type is bool, not {self.type}")
        if not self.table.has_bits and self.type is ValueType.BOOL and self.bit is None:
            raise ValueError("a bool in a register needs its bit, 0 to 15")
        if self.first + self.width > 65_536:
            raise ValueError(f"a {self.type} at {self.first} reaches past the last register, 65535")
        return self

    @property
    def width(self) -> int:
        """Registers, or bits in the bit tables, that the value takes."""
        return 1 if self.type is ValueType.BOOL else np.dtype(_NUMPY[self.type]).itemsize // 2


def address_of(signal: Signal) -> ModbusAddress | str:
    """Return the signal's address, or what is wrong with it."""
    try:
        return ModbusAddress.model_validate(signal.address)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "address"
        return f"The Modbus address is wrong at {where}: {first['msg']}."


@dataclass(frozen=True, slots=True)
class Place:
    """One value inside a block."""

    row: int
    signal: Signal
    address: ModbusAddress


@dataclass(slots=True)
class Block:
    """One request: neighbouring values of one table of one unit, sorted by register."""

    unit: int
    table: Table
    places: list[Place] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.places[0].address.first

    @property
    def count(self) -> int:
        return max(place.address.first + place.address.width for place in self.places) - self.start

    def halves(self) -> "tuple[Block, Block]":
        """Split in two, to find the value that a device refuses."""
        middle = len(self.places) // 2
        return (
            Block(self.unit, self.table, self.places[:middle]),
            Block(self.unit, self.table, self.places[middle:]),
        )


def blocks(places: Iterable[Place]) -> list[Block]:
    """Cover ``places`` with as few requests as the protocol's limits and a small gap allow."""
    made: list[Block] = []
    for place in sorted(places, key=lambda p: (p.address.unit, p.address.table, p.address.first, p.address.width)):
        address = place.address
        last = made[-1] if made else None
        gap_max = BIT_GAP_MAX if address.table.has_bits else REGISTER_GAP_MAX
        count_max = BITS_MAX if address.table.has_bits else REGISTERS_MAX
        if (
            last is None
            or (last.unit, last.table) != (address.unit, address.table)
            or address.first - (last.start + last.count) > gap_max
            or address.first + address.width - last.start > count_max
        ):
            last = Block(address.unit, address.table)
            made.append(last)
        last.places.append(place)
    return made


def decode(block: Block, answer: Sequence[int] | Sequence[bool]) -> F8:
    """Turn the answer to a block into values, shape (places,). 64-bit integers beyond 2^53 lose their last digits."""
    value = np.empty(len(block.places), dtype=np.float64)
    cells = np.asarray(answer, dtype=np.uint16)
    kinds: dict[tuple[ValueType, Order], list[int]] = {}
    for index, place in enumerate(block.places):
        address = place.address
        if address.type is ValueType.BOOL:
            cell = int(cells[address.first - block.start])
            value[index] = (cell >> (address.bit or 0)) & 1
        else:
            kinds.setdefault((address.type, address.order), []).append(index)
    for (kind, order), indexes in kinds.items():
        width = block.places[indexes[0]].address.width
        first = np.array([block.places[index].address.first - block.start for index in indexes])
        words = cells[first[:, None] + np.arange(width)]
        value[indexes] = _ordered(words, order).view(_NUMPY[kind])[:, 0]
    return value


def encode(address: ModbusAddress, value: float) -> list[int]:
    """Turn a number into the registers to write.

    Raises:
        ValueError: The number does not fit the type.
    """
    kind = np.dtype(_NUMPY[address.type])
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        if not limits.min <= round(value) <= limits.max:
            raise ValueError(f"{value:g} does not fit {address.type} ({limits.min} to {limits.max})")
        number = np.array([[round(value)]], dtype=kind)
    else:
        number = np.array([[value]], dtype=kind)
    words: Registers = number.view(">u2").astype(np.uint16)
    return [int(word) for word in _ordered(words, address.order).astype(np.uint16)[0]]


def _ordered(words: Registers, order: Order) -> "NDArray[np.uint16]":
    """Bring words, shape (values, width), into the standard's order and big-endian bytes; its own inverse."""
    if order in ("CDAB", "DCBA"):
        words = words[:, ::-1]
    if order in ("BADC", "DCBA"):
        words = words.byteswap()
    return np.ascontiguousarray(words.astype(">u2"))
