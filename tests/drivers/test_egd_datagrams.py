"""EGD datagrams, their order and what their bytes mean, with bytes worked out from the specification."""

import struct
from ipaddress import IPv4Address
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.samples import Quality
from pdm_app.drivers.egd_datagrams import DATAGRAM_MAX, Datagram, Strange, parsed, producer_of, quality_of
from pdm_app.drivers.egd_layouts import EgdAddress, EgdOptions, Layout, address_of
from pdm_app.drivers.egd_sequence import REQUESTS, Sequence, Verdict
from pdm_app.simulation.egd_producer import datagram
from tests.drivers.sinks import a_signal

# Decoded by the dissector of tshark 4.0.17: producer 10.20.30.40, exchange 7, request 42, 2026-11-20 20:00:00.123456789
# UTC, status 1, signature 258; the payload was packed as "<hHiIf?B".
GOLDEN = bytes.fromhex(
    "0d012a000a141e2807000000c0a6006b15cd5b07010000000201000000000000"  # The header,
    "2efbe8fdc01dfeff00286bee0000484101a5"  # and eighteen bytes of memory.
)


def test_the_header_is_read_as_another_dissector_reads_it() -> None:
    found = parsed(GOLDEN)
    assert isinstance(found, Datagram)
    assert (found.request_id, str(found.producer), found.exchange) == (42, "10.20.30.40", 7)
    assert (found.source_at, found.status, found.signature) == (1_795_204_800_123_456, 1, 0x0102)
    assert len(found.payload) == 18


def test_the_simulated_producer_sends_the_same_bytes() -> None:
    sent = datagram("10.20.30.40", 7, 42, 1_795_204_800_123_456_789, GOLDEN[32:], signature=0x0102)
    assert sent == GOLDEN


def test_a_time_of_zero_and_one_that_cannot_be_are_none() -> None:
    for at in (bytes(8), struct.pack("<II", 5, 1_000_000_000)):
        found = parsed(GOLDEN[:12] + at + GOLDEN[20:])
        assert isinstance(found, Datagram)
        assert found.source_at is None


def test_what_is_no_production_data_says_why() -> None:
    assert parsed(GOLDEN[:31]) is Strange.SHORT
    assert parsed(b"") is Strange.SHORT
    assert parsed(GOLDEN.ljust(DATAGRAM_MAX + 1, b"\0")) is Strange.LONG
    assert parsed(b"\x0e" + GOLDEN[1:]) is Strange.OTHER_TYPE
    assert parsed(b"\x0d\x02" + GOLDEN[2:]) is Strange.OTHER_VERSION
    swapped = b"\x01\x0d" + GOLDEN[2:]
    assert parsed(swapped) is Strange.OTHER_TYPE
    assert isinstance(parsed(swapped, swapped=True), Datagram)


@given(st.binary(max_size=1500), st.booleans())
def test_no_bytes_from_the_network_raise(raw: bytes, swapped: bool) -> None:
    found = parsed(raw, swapped=swapped)
    if isinstance(found, Datagram):
        assert found.payload == raw[32:]
        assert LAYOUT.values(found.payload).shape == (len(LAYOUT),)


def test_a_producer_is_named_with_dots_or_by_the_number_of_an_engineering_tool() -> None:
    assert producer_of("172.16.101.101") == producer_of("1701122220") == IPv4Address("172.16.101.101")
    for wrong in ("", "10.20.30", "4294967296", "-1", "plc-7", "10.20.30.400", "٣"):
        with pytest.raises(ValueError, match="producer id"):
            producer_of(wrong)


@pytest.mark.parametrize(
    ("status", "quality"),
    [(0, Quality.GOOD), (1, Quality.GOOD), (2, Quality.GOOD), (3, Quality.GOOD), (5, Quality.BAD_STALE),
     (10, Quality.BAD_DEVICE_FAILURE), (30, Quality.BAD_DEVICE_FAILURE), (77, Quality.UNCERTAIN)],
)  # fmt: skip
def test_what_a_producer_says_of_itself_becomes_quality(status: int, quality: Quality) -> None:
    assert quality_of(status) is quality


# --- layouts ------------------------------------------------------------------------------------------------------


def place(number: int, offset: int, kind: str, **more: Any) -> tuple[Any, EgdAddress]:
    written = {"exchange": 7, "offset": offset, "type": kind, **more}
    return a_signal(number, written), EgdAddress.model_validate(written)


LAYOUT = Layout(
    [
        place(1, 0, "int16"), place(2, 2, "uint16"), place(3, 4, "int32"), place(4, 8, "uint32"),
        place(5, 12, "float32"), place(6, 16, "bool", bit=0), place(7, 16, "bool", bit=1), place(8, 17, "uint8"),
        place(9, 17, "int8"), place(10, 17, "bool", bit=7), place(11, 0, "uint16", order="big"),
        place(12, 16, "uint32"),
    ]
)  # fmt: skip


def test_every_type_and_order_is_read_and_what_lies_behind_the_end_is_not_a_number() -> None:
    value = LAYOUT.values(GOLDEN[32:]).tolist()
    assert value[:11] == [-1234, 65000, -123456, 4_000_000_000, 12.5, 1, 0, 0xA5, 0xA5 - 256, 1, 0x2EFB]
    assert np.isnan(value[11])
    wide = Layout([place(1, 1, "int64"), place(2, 9, "float64", order="big"), place(3, 1, "uint64")])
    assert wide.values(b"\xff" + struct.pack("<q", -5) + struct.pack(">d", 0.1)).tolist() == [-5.0, 0.1, 2.0**64]


@pytest.mark.parametrize(
    ("address", "problem"),
    [({"offset": 1}, "exchange"), ({"exchange": 7, "offset": -1}, "offset"), ({"exchange": 7, "offset": 1397}, "past"),
     ({"exchange": 7, "offset": 0, "type": "bool"}, "needs its bit"),
     ({"exchange": 7, "offset": 0, "bit": 1}, "nothing else has one"),
     ({"exchange": 7, "offset": 0, "producer": "plc"}, "producer id"), ({"exchange": 7, "offset": 0, "x": 1}, "x"),
     ({"exchange": 7, "offset": 0}, "names no producer")],
)  # fmt: skip
def test_an_address_that_cannot_be_says_what_is_wrong(address: dict[str, Any], problem: str) -> None:
    found = address_of(a_signal(1, address), "")
    assert isinstance(found, str)
    assert problem in found


def test_exchanges_are_described_once_and_by_a_producer() -> None:
    seven = {"exchange": 7, "length": 18}
    assert EgdOptions.model_validate({"producer": "1701122220", "exchanges": [seven]}).producer == "172.16.101.101"
    for options, problem in (
        ({"exchanges": [seven]}, "names no producer"),
        ({"producer": "10.0.0.1", "exchanges": [seven, {"exchange": 7, "producer": "10.0.0.1"}]}, "twice"),
        ({"interface": "eth0"}, "IPv4 address"),
    ):
        with pytest.raises(ValidationError, match=problem):
            EgdOptions.model_validate(options)


# --- order --------------------------------------------------------------------------------------------------------


def judged(order: Sequence, *request_ids: int, at: int | None = None, silent: bool = False) -> list[Verdict]:
    return [order.judge(number, at, "10.0.0.1", was_silent=silent) for number in request_ids]


def test_what_is_missing_is_counted_also_where_the_number_wraps() -> None:
    order = Sequence()
    assert set(judged(order, 65_533, 65_534, 65_535, 0, 1, 5)) == {Verdict.NEWS}
    assert (order.counts.received, order.counts.missed) == (6, 3)


def test_doubled_and_late_datagrams_are_counted_and_not_taken() -> None:
    order = Sequence()
    assert judged(order, 10, 10, 12, 11) == [Verdict.NEWS, Verdict.DUPLICATE, Verdict.NEWS, Verdict.LATE]
    assert order.judge(12, None, "10.0.0.2", was_silent=False) is Verdict.CONFLICT
    counts = order.counts
    assert (counts.received, counts.missed, counts.duplicates, counts.late, counts.conflicts) == (2, 1, 1, 1, 1)


def test_a_producer_that_began_anew_is_followed() -> None:
    order = Sequence()
    judged(order, 5000, at=100)
    assert judged(order, 1, at=90) == [Verdict.LATE], "an older time: it was on its way for long"
    assert judged(order, 1, at=200) == [Verdict.RESTART]
    assert judged(order, 2, at=210) == [Verdict.NEWS]
    assert judged(order, 1, at=220) == [Verdict.LATE], "one back is a matter of the network"
    assert judged(order, 1, silent=True) == [Verdict.RESTART]
    assert (order.counts.restarts, order.counts.missed) == (2, 0)


def test_one_datagram_sent_again_and_again_is_no_sign_of_life() -> None:
    order = Sequence()
    judged(order, 7, at=100)
    assert judged(order, 7, 7, at=100, silent=True) == [Verdict.DUPLICATE, Verdict.DUPLICATE]
    assert judged(order, 7, at=500, silent=True) == [Verdict.RESTART]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=200), st.integers(0, REQUESTS - 1))
def test_received_and_missed_are_all_that_was_produced(steps: list[int], first: int) -> None:
    order = Sequence()
    number = first
    judged(order, number)
    for step in steps:
        number = (number + step) % REQUESTS
        assert judged(order, number, number) == [Verdict.NEWS, Verdict.DUPLICATE]
    assert order.counts.received + order.counts.missed == 1 + sum(steps)
    assert order.counts.duplicates == len(steps)
