"""A batch as one blob of bytes with a checksum, and back.

Layout, little endian: magic and version, CRC-32 of all that follows, lengths, then device, the columns, texts as JSON.
"""

import struct
import zlib

import numpy as np
import orjson

from pdm_app.domain.samples import Batch, Micros

MAGIC = b"PB1\0"
_HEAD = struct.Struct("<4sI")
_LENGTHS = struct.Struct("<IHIq")  # rows, bytes of the device id, bytes of the texts, received_at
ROW_BYTES = 4 + 8 + 8 + 2


class CorruptBlobError(Exception):
    """The bytes are not what was written."""


def pack(batch: Batch) -> bytes:
    """Return the batch without its seq, which is the key of the row that holds the blob."""
    device = batch.device.encode()
    text = orjson.dumps({str(row): words for row, words in batch.text.items()}) if batch.text else b""
    body = b"".join(
        (
            _LENGTHS.pack(len(batch), len(device), len(text), batch.received_at),
            device,
            np.ascontiguousarray(batch.signal, dtype="<u4").tobytes(),
            np.ascontiguousarray(batch.source_at, dtype="<i8").tobytes(),
            np.ascontiguousarray(batch.value, dtype="<f8").tobytes(),
            np.ascontiguousarray(batch.quality, dtype="<u2").tobytes(),
            text,
        )
    )
    return _HEAD.pack(MAGIC, zlib.crc32(body)) + body


def unpack(blob: bytes, seq: int) -> Batch:
    """Return the batch that `pack` was given.

    Raises:
        CorruptBlobError: A byte differs, or some are missing.
    """
    if len(blob) < _HEAD.size + _LENGTHS.size:
        raise CorruptBlobError(f"only {len(blob)} bytes")
    magic, checksum = _HEAD.unpack_from(blob)
    if magic != MAGIC:
        raise CorruptBlobError(f"it begins with {magic!r}")
    if zlib.crc32(memoryview(blob)[_HEAD.size :]) != checksum:
        raise CorruptBlobError("its checksum is wrong")
    rows, device_length, text_length, received_at = _LENGTHS.unpack_from(blob, _HEAD.size)
    at = _HEAD.size + _LENGTHS.size
    if len(blob) != at + device_length + rows * ROW_BYTES + text_length:
        raise CorruptBlobError("its length is wrong")
    device = blob[at : at + device_length].decode()
    at += device_length
    signal = np.frombuffer(blob, dtype="<u4", count=rows, offset=at)
    at += 4 * rows
    source_at = np.frombuffer(blob, dtype="<i8", count=rows, offset=at)
    at += 8 * rows
    value = np.frombuffer(blob, dtype="<f8", count=rows, offset=at)
    at += 8 * rows
    quality = np.frombuffer(blob, dtype="<u2", count=rows, offset=at)
    at += 2 * rows
    text = {int(row): words for row, words in orjson.loads(blob[at:]).items()} if text_length else {}
    return Batch(
        device=device,
        signal=signal,
        source_at=source_at,
        value=value,
        quality=quality,
        received_at=Micros(received_at),
        seq=seq,
        text=text,
    )
