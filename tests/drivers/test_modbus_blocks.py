"""Modbus addresses, block building and the meaning of registers."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.signals import Signal
from pdm_app.drivers.modbus_blocks import (
    BIT_GAP_MAX,
    BITS_MAX,
    REGISTER_GAP_MAX,
    REGISTERS_MAX,
    Block,
    ModbusAddress,
    Order,
    Place,
    ValueType,
    address_of,
    blocks,
    decode,
    encode,
)


def place(row: int, **address: Any) -> Place:
    signal = Signal(
        id=row + 1, site_id="graz", asset_id="press", name=f"S{row}", label="S", address=address, connection_id="c"
    )
    found = address_of(signal)
    assert isinstance(found, ModbusAddress), found
    return Place(row, signal, found)


def spans(*places: Place) -> list[tuple[int, str, int, int]]:
    return [(block.unit, str(block.table), block.start, block.count) for block in blocks(places)]


def test_neighbours_are_read_in_one_request() -> None:
    assert spans(place(0, register=4, type="float32"), place(1, register=0), place(2, register=1, type="float32")) == [
        (1, "holding", 0, 6)
    ]


def test_a_small_gap_is_read_over_and_a_large_one_is_not() -> None:
    assert spans(place(0, register=0), place(1, register=1 + REGISTER_GAP_MAX)) == [(1, "holding", 0, 18)]
    assert len(spans(place(0, register=0), place(1, register=2 + REGISTER_GAP_MAX))) == 2


def test_a_request_never_asks_for_more_than_the_protocol_allows() -> None:
    registers = spans(*(place(row, register=row * 2, type="float32") for row in range(200)))
    assert [count for *_, count in registers] == [124, 124, 124, 28], "a value is never cut in two"
    assert max(count for *_, count in registers) <= REGISTERS_MAX
    coils = spans(*(place(row, table="coil", type="bool", register=row * BIT_GAP_MAX) for row in range(20)))
    assert max(count for *_, count in coils) <= BITS_MAX


def test_units_and_tables_are_never_mixed() -> None:
    assert spans(
        place(0, register=0), place(1, register=1, unit=2), place(2, register=2, table="input"), place(3, register=3)
    ) == [(1, "holding", 0, 4), (1, "input", 2, 1), (2, "holding", 1, 1)]


def test_overlapping_values_share_a_block() -> None:
    assert spans(place(0, register=0, type="float64"), place(1, register=2)) == [(1, "holding", 0, 4)]


@pytest.mark.parametrize(("order", "arrives"), [("ABCD", "ABCD"), ("CDAB", "CDAB"), ("BADC", "BADC"), ("DCBA", "DCBA")])
def test_byte_orders_are_named_by_the_order_of_arrival(order: Order, arrives: str) -> None:
    sent = dict(zip("ABCD", struct.pack(">f", -123.456), strict=True))
    wire = bytes(sent[letter] for letter in arrives)
    block = Block(1, ModbusAddress(register=0).table, [place(0, register=0, type="float32", order=order)])
    [value] = decode(block, list(struct.unpack(">HH", wire)))
    assert value == pytest.approx(-123.456, rel=1e-6)


def test_every_type_is_read_as_a_hand_made_register_image_says() -> None:
    image = struct.pack(">hHiIfqQd", -2, 65535, -100_000, 4_000_000_000, 1.5, -(2**40), 2**40, 3.25)
    cells = list(struct.unpack(f">{len(image) // 2}H", image))
    kinds = ["int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64"]
    at, places = 0, []
    for row, kind in enumerate(kinds):
        places.append(place(row, register=at, type=kind))
        at += places[-1].address.width
    assert decode(blocks(places)[0], cells).tolist() == [
        -2, 65535, -100_000, 4_000_000_000, 1.5, -(2**40), 2**40, 3.25
    ]  # fmt: skip


def test_a_bit_of_a_register_counts_from_the_least_significant() -> None:
    places = [place(bit, register=7, type="bool", bit=bit) for bit in range(16)]
    assert decode(blocks(places)[0], [0b1000_0000_0000_0101]).nonzero()[0].tolist() == [0, 2, 15]


@given(
    kind=st.sampled_from([kind for kind in ValueType if kind is not ValueType.BOOL]),
    order=st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    value=st.floats(-30_000, 30_000),
)
def test_what_is_encoded_is_decoded_in_every_type_and_order(kind: ValueType, order: Order, value: float) -> None:
    if str(kind).startswith("uint"):
        value = abs(value)
    if "int" in kind:
        value = round(value)
    one = place(0, register=0, type=str(kind), order=order)
    [back] = decode(Block(1, one.address.table, [one]), encode(one.address, value))
    assert back == pytest.approx(value, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize(("kind", "value"), [("uint16", -1), ("uint16", 65_536), ("int16", 40_000), ("int32", 2**31)])
def test_a_value_that_does_not_fit_is_refused_and_not_wrapped_around(kind: str, value: float) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(place(0, register=0, type=kind).address, value)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ({}, "register"),
        ({"register": -1}, "greater than or equal to 0"),
        ({"register": 65_535, "type": "float32"}, "past the last register"),
        ({"register": 0, "type": "float16"}, "type"),
        ({"register": 0, "order": "ADBC"}, "order"),
        ({"register": 0, "type": "bool"}, "bit"),
        ({"register": 0, "table": "coil"}, "its type is bool"),
        ({"register": 0, "adress": 7}, "adress"),
        ({"register": "first"}, "register"),
    ],
)
def test_a_wrong_address_is_named_with_its_fault(address: dict[str, Any], problem: str) -> None:
    signal = Signal(id=1, site_id="g", asset_id="p", name="S", label="S", address=address, connection_id="c")
    found = address_of(signal)
    assert isinstance(found, str)
    assert problem in found
