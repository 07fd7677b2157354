"""JSON payloads: values, types and times as devices really send them."""

import math
from typing import Any

import orjson
import pytest

from pdm_app.domain.samples import MICROS_PER_S, Quality
from pdm_app.domain.signals import DataType, Signal
from pdm_app.drivers.mqtt_payloads import (
    PAYLOAD_BYTES_MAX,
    MqttAddress,
    PayloadError,
    ValuePlace,
    address_of,
    parsed,
    place_of,
    reading,
    time_in,
)

NOW = 1_795_000_000 * MICROS_PER_S
HALF_PAST_NINE_US = 1_795_167_000 * MICROS_PER_S  # 2026-11-20T09:30:00Z


def a_place(path: str, data_type: DataType = DataType.NUMBER) -> ValuePlace:
    signal = Signal(id=1, site_id="p", asset_id="p", name="Flow", label="Flow", data_type=data_type)
    return place_of(signal, MqttAddress(topic="t", path=path))


def read(payload: str, path: str, data_type: DataType = DataType.NUMBER) -> Any:
    found = reading(parsed(payload.encode()), a_place(path, data_type))
    return found.text if found.text is not None else found.value


def test_a_value_is_found_by_key_by_path_by_index_and_alone() -> None:
    assert read('{"Flow": 12.5}', "Flow") == 12.5
    assert read('{"pump": {"flow": [1, 2, 3]}}', "pump.flow.1") == 2.0
    assert read("42", "") == 42.0
    assert read("true", "") == 1.0
    assert read('{"Flow": "12.5"}', "Flow") == 12.5, "many devices send numbers as text"
    assert read('{"fw": "2.4.1"}', "fw", DataType.TEXT) == "2.4.1"
    assert read('{"fw": 2}', "fw", DataType.TEXT) == "2"


def test_null_is_a_bad_sample_and_not_a_fault() -> None:
    found = reading(parsed(b'{"Flow": null}'), a_place("Flow"))
    assert math.isnan(found.value)
    assert found.quality is Quality.BAD


@pytest.mark.parametrize(
    ("payload", "path", "problem"),
    [
        ("", "Flow", "no JSON"),
        ("{", "Flow", "no JSON"),
        ('{"Flow": NaN}', "Flow", "no JSON"),
        ("[1, 2]", "Flow", "no 'Flow'"),
        ("[1, 2]", "2", "no '2'"),
        ('{"flow": 1}', "Flow", "no 'Flow'"),
        ('{"Flow": {}}', "Flow", "an object, not a number"),
        ('{"Flow": []}', "Flow", "an array, not a number"),
        ('{"Flow": "high"}', "Flow", "the text 'high', not a number"),
        ('{"Flow": 1}', "Flow.deep", "no 'Flow.deep'"),
    ],
)
def test_what_is_not_there_or_of_another_kind_is_named(payload: str, path: str, problem: str) -> None:
    with pytest.raises(PayloadError) as fault:
        read(payload, path)
    assert problem in str(fault.value)


def test_a_huge_payload_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(PayloadError, match="larger"):
        parsed(b" " * (PAYLOAD_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("written", "expected_us"),
    [
        ('"2026-11-20T09:30:00Z"', HALF_PAST_NINE_US),
        ('"2026-11-20T15:00:00+05:30"', HALF_PAST_NINE_US),
        ('"2026-11-20T09:30:00.000001Z"', HALF_PAST_NINE_US + 1),
        ('"2026-11-20 09:30:00"', HALF_PAST_NINE_US),
        ("1795167000", HALF_PAST_NINE_US),
        ("1795167000.25", HALF_PAST_NINE_US + 250_000),
        ("1795167000250", HALF_PAST_NINE_US + 250_000),
        ("null", NOW),
    ],
)
def test_times_are_iso_8601_or_seconds_or_milliseconds(written: str, expected_us: int) -> None:
    assert time_in(orjson.loads(f'{{"t": {written}}}'), ("t",), NOW) == expected_us


def test_without_a_time_the_receipt_counts() -> None:
    assert time_in({"Flow": 1}, ("timestamp",), NOW) == NOW
    assert time_in(17.5, (), NOW) == NOW


@pytest.mark.parametrize("written", ['"yesterday"', "true", "{}", "1e300", '""'])
def test_a_time_that_cannot_be_read_is_a_fault_and_not_the_receipt(written: str) -> None:
    with pytest.raises(PayloadError, match="time"):
        time_in(orjson.loads(f'{{"t": {written}}}'), ("t",), NOW)


@pytest.mark.parametrize("topic", ["plant/#", "plant/+/pump", ""])
def test_a_signal_comes_from_one_topic(topic: str) -> None:
    signal = Signal(id=1, site_id="p", asset_id="p", name="Flow", label="Flow", address={"topic": topic})
    assert "topic" in str(address_of(signal))
