"""What OPC UA nodes hold, in the product's words: numbers, quality and source time, and back again for writes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError

from pdm_app.domain.ports import BrowsedNode
from pdm_app.domain.samples import U2, U4, Batch, Micros, Quality, micros

_SUBCODE = 0xFFFF0000  # Severity and subcode; the lower half holds flags.
_SEVERITY = 0xC0000000
_UNCERTAIN = 0x40000000

_QUALITY_OF = {
    int(code): quality
    for codes, quality in (
        (
            (StatusCodes.BadNoCommunication, StatusCodes.BadNotConnected, StatusCodes.BadCommunicationError),
            Quality.BAD_CONNECTION_LOST,
        ),
        (
            (StatusCodes.BadDeviceFailure, StatusCodes.BadSensorFailure, StatusCodes.BadOutOfService),
            Quality.BAD_DEVICE_FAILURE,
        ),
        ((StatusCodes.BadWaitingForInitialData,), Quality.BAD_WAITING),
        (
            (
                StatusCodes.BadConfigurationError,
                StatusCodes.BadNodeIdInvalid,
                StatusCodes.BadNodeIdUnknown,
                StatusCodes.BadAttributeIdInvalid,
                StatusCodes.BadUserAccessDenied,
                StatusCodes.BadNotReadable,
            ),
            Quality.BAD_CONFIGURATION,
        ),
    )
    for code in codes
}


_INTEGERS: dict[ua.VariantType, str] = {
    ua.VariantType.SByte: "i1",
    ua.VariantType.Byte: "u1",
    ua.VariantType.Int16: "i2",
    ua.VariantType.UInt16: "u2",
    ua.VariantType.Int32: "i4",
    ua.VariantType.UInt32: "u4",
    ua.VariantType.Int64: "i8",
    ua.VariantType.UInt64: "u8",
}


def quality_of(status: ua.StatusCode | None) -> Quality:
    """Map a status code; no status means good.

    Source: OPC 10000-4, 7.39 (StatusCode).
    """
    if status is None or status.value == 0:
        return Quality.GOOD
    severity = status.value & _SEVERITY
    if severity == 0:
        return Quality.GOOD
    if severity == _UNCERTAIN:
        return Quality.UNCERTAIN
    return _QUALITY_OF.get(status.value & _SUBCODE, Quality.BAD)


def qualities_of(status: U4) -> U2:
    """Map a column of status codes."""
    quality = np.zeros(len(status), dtype=np.uint16)
    for code in np.unique(status[status != 0]).tolist():
        quality[status == code] = quality_of(ua.StatusCode(ua.UInt32(code)))
    return quality


def source_at_of(value: ua.DataValue, received_at: int) -> int:
    """Return the source time in microseconds UTC, else the server's, else the receiver's."""
    stamp: datetime | None = value.SourceTimestamp or value.ServerTimestamp
    if stamp is None:
        return received_at
    return micros(stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC))


def number_or_text(value: Any) -> float | str | None:
    """Return a scalar as a number or text; None for nothing, arrays and structures."""
    if isinstance(value, float | int):  # bool is an int.
        return float(value)
    if isinstance(value, str):
        return value
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    if isinstance(value, datetime):
        return value.isoformat()
    return None


def batch_of(device: str, signals: Sequence[int], values: Sequence[ua.DataValue], received_at: Micros) -> Batch:
    """Return single readings as a batch, for what is read now and then."""
    held = [number_or_text(value.Value.Value) if value.Value is not None else None for value in values]
    return Batch(
        device=device,
        signal=np.array(signals, dtype=np.uint32),
        source_at=np.array([source_at_of(value, received_at) for value in values], dtype=np.int64),
        value=np.array([entry if isinstance(entry, float) else np.nan for entry in held], dtype=np.float64),
        quality=np.array([quality_of(value.StatusCode) for value in values], dtype=np.uint16),
        received_at=received_at,
        text={row: entry for row, entry in enumerate(held) if isinstance(entry, str)},
    )


def node_of(address: Mapping[str, object]) -> ua.NodeId:
    written = address.get("node")
    if not isinstance(written, str):
        raise ValueError('The OPC UA address needs a node, such as {"node": "ns=2;s=Pump.Flow"}.')
    try:
        return ua.NodeId.from_string(written)
    except (UaError, ValueError) as error:
        raise ValueError(f"{written!r} is no OPC UA node id. Write it like ns=2;s=Pump.Flow.") from error


def as_type(value: float | str, kind: ua.VariantType) -> object:
    """Convert to what the node's type holds.

    Raises:
        ValueError: It does not fit.
    """
    if kind is ua.VariantType.String:
        return str(value)
    number = float(value)
    if kind is ua.VariantType.Boolean:
        return bool(number)
    if kind in (ua.VariantType.Float, ua.VariantType.Double):
        return float(np.float32(number)) if kind is ua.VariantType.Float else number
    limits = _INTEGERS.get(kind)
    if limits is None or not np.iinfo(np.dtype(limits)).min <= round(number) <= np.iinfo(np.dtype(limits)).max:
        raise ValueError(f"{number} does not fit {kind.name}")
    return round(number)


def browsed(entry: ua.ReferenceDescription, value: ua.DataValue | None) -> BrowsedNode:
    held = value.Value.Value if value is not None and value.Value is not None else None
    return BrowsedNode(
        address={"node": entry.NodeId.to_string()},
        name=entry.DisplayName.Text or entry.BrowseName.Name,
        is_folder=entry.NodeClass is ua.NodeClass.Object,
        data_type=value.Value.VariantType.name if value is not None and value.Value is not None else "",
        value="" if held is None else str(held)[:200],
    )
