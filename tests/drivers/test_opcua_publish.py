"""Reading publish responses in columns gives what the library reads, for whatever a server may send."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import micros
from pdm_app.drivers.opcua_publish import columns_of

NOON = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)
INTEGERS = {
    ua.VariantType.SByte: 8,
    ua.VariantType.Int16: 16,
    ua.VariantType.Int32: 32,
    ua.VariantType.Int64: 53,  # Beyond, a double is not exact.
}


def message(*groups: list[ua.MonitoredItemNotification], sequence: int = 7) -> bytes:
    """A publish response as a server of the library encodes it."""
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = ua.IntegerId(42)
    response.Parameters.AvailableSequenceNumbers = [ua.Counter(5), ua.Counter(6)]
    notifications: Any = [ua.DataChangeNotification(MonitoredItems=group) for group in groups]
    response.Parameters.NotificationMessage.NotificationData = notifications
    response.Parameters.NotificationMessage.SequenceNumber = ua.Counter(sequence)
    return struct_to_binary(response)


def item(handle: int, variant: ua.Variant, status: int = 0, **times: Any) -> ua.MonitoredItemNotification:
    value = ua.DataValue(variant, StatusCode=ua.StatusCode(ua.UInt32(status)), **times)
    return ua.MonitoredItemNotification(ClientHandle=ua.IntegerId(handle), Value=value)


def doubles(count: int, **times: Any) -> list[ua.MonitoredItemNotification]:
    return [item(n, ua.Variant(n / 2, ua.VariantType.Double), **times) for n in range(1, count + 1)]


def test_a_plain_notification_is_read_whole() -> None:
    found = columns_of(message(doubles(1000, SourceTimestamp=NOON)))
    assert found is not None
    [columns] = found.Parameters.NotificationMessage.NotificationData
    assert columns.handle.tolist() == list(range(1, 1001))
    assert columns.value.tolist() == [n / 2 for n in range(1, 1001)]
    assert set(columns.source_at.tolist()) == {micros(NOON)}, "to the microsecond"
    assert found.Parameters.SubscriptionId == 42
    assert found.Parameters.NotificationMessage.SequenceNumber == 7


def test_several_notifications_of_one_response_stay_apart() -> None:
    found = columns_of(message(doubles(3), doubles(5)))
    assert found is not None
    assert [len(columns.handle) for columns in found.Parameters.NotificationMessage.NotificationData] == [3, 5]


def test_the_servers_time_stands_in_for_a_missing_source_time() -> None:
    found = columns_of(message(doubles(4, ServerTimestamp=NOON)))
    assert found is not None
    assert set(found.Parameters.NotificationMessage.NotificationData[0].source_at.tolist()) == {micros(NOON)}


def test_a_bad_value_among_good_ones_keeps_its_status_and_has_no_number() -> None:
    sick = item(99, ua.Variant(None), StatusCodes.BadSensorFailure, SourceTimestamp=NOON)
    found = columns_of(message([*doubles(50, SourceTimestamp=NOON), sick, *doubles(50, SourceTimestamp=NOON)]))
    assert found is not None
    [columns] = found.Parameters.NotificationMessage.NotificationData
    assert int(columns.status[50]) == StatusCodes.BadSensorFailure
    assert math.isnan(columns.value[50])
    assert columns.status.nonzero()[0].tolist() == [50]


@pytest.mark.parametrize(
    "odd",
    [
        ua.Variant("text", ua.VariantType.String),
        ua.Variant([1.0, 2.0], ua.VariantType.Double),
        ua.Variant(NOON, ua.VariantType.DateTime),
        ua.Variant(ua.LocalizedText("x"), ua.VariantType.LocalizedText),
    ],
)
def test_text_arrays_and_the_like_are_left_to_the_library(odd: ua.Variant) -> None:
    assert columns_of(message([*doubles(20), item(99, odd)])) is None


def test_a_keep_alive_and_a_status_change_are_left_to_the_library() -> None:
    assert columns_of(message()) is None
    response = ua.PublishResponse()
    change: Any = [ua.StatusChangeNotification(Status=ua.StatusCode(ua.UInt32(StatusCodes.BadTimeout)))]
    response.Parameters.NotificationMessage.NotificationData = change
    assert columns_of(struct_to_binary(response)) is None


def test_a_truncated_message_is_never_read_in_part() -> None:
    whole = message(doubles(20, SourceTimestamp=NOON))
    for length in range(len(whole) - 8):
        found = columns_of(whole[:length])
        assert found is None or len(found.Parameters.NotificationMessage.NotificationData[0].handle) == 20


variants = st.one_of(
    st.floats(allow_nan=False).map(lambda x: ua.Variant(x, ua.VariantType.Double)),
    st.floats(width=32, allow_nan=False).map(lambda x: ua.Variant(x, ua.VariantType.Float)),
    st.booleans().map(lambda x: ua.Variant(x, ua.VariantType.Boolean)),
    st.sampled_from(list(INTEGERS)).flatmap(
        lambda kind: st.integers(-(2 ** (INTEGERS[kind] - 1)), 2 ** (INTEGERS[kind] - 1) - 1).map(
            lambda x: ua.Variant(x, kind)
        )
    ),
    st.just(ua.Variant(None)),
)
stamps = st.one_of(st.none(), st.integers(0, 10**12).map(lambda us: NOON + timedelta(microseconds=us)))
items = st.builds(
    lambda handle, variant, status, source, server: item(
        handle, variant, status, SourceTimestamp=source, ServerTimestamp=server
    ),
    st.integers(1, 2**32 - 1),
    variants,
    st.sampled_from([0, 0, 0, int(StatusCodes.UncertainLastUsableValue), int(StatusCodes.BadSensorFailure)]),
    stamps,
    stamps,
)
runs = st.lists(st.tuples(items, st.integers(1, 12)), min_size=1, max_size=4).map(
    lambda drawn: [one for one, times in drawn for _ in range(times)]
)


@settings(max_examples=400, deadline=None)
@given(runs)
def test_columns_hold_exactly_what_the_library_reads(group: list[ua.MonitoredItemNotification]) -> None:
    encoded = message(group)
    found = columns_of(encoded)
    if found is None:
        assert len(group) < 40, "long runs are read in columns"
        return
    [columns] = found.Parameters.NotificationMessage.NotificationData
    read: Any = struct_from_binary(ua.PublishResponse, Buffer(encoded))
    [expected] = read.Parameters.NotificationMessage.NotificationData
    assert len(expected.MonitoredItems) == len(columns.handle)
    for row, one in enumerate(expected.MonitoredItems):
        held, stamp = one.Value.Value.Value, one.Value.SourceTimestamp or one.Value.ServerTimestamp
        assert int(columns.handle[row]) == one.ClientHandle
        assert int(columns.status[row]) == one.Value.StatusCode.value
        assert int(columns.source_at[row]) == (0 if stamp is None else micros(stamp))
        if held is None:
            assert math.isnan(columns.value[row])
        else:
            assert columns.value[row] == held
