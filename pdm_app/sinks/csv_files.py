"""Samples as CSV by RFC 4180: one line each, with the columns of an export and the type of the value."""

import csv
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from pdm_app.domain.samples import Quality
from pdm_app.domain.sinks import SentSamples, Value
from pdm_app.sinks.files import OpenFile

HEAD = ("Time", "Signal", "Value", "Unit", "Text", "Quality", "Type")
QUALITIES = {int(quality): quality.name.lower() for quality in Quality}


class CsvFile(OpenFile):
    """A file of which everything up to the last write is on disk."""

    is_safe_at_once = True

    def __init__(self, path: Path, after: int) -> None:
        self._file = path.open("a" if after else "x", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file)
        if not after:
            self._file.write("\ufeff")  # By it, spreadsheets know UTF-8; programs read it with utf-8-sig.
            self._csv.writerow(HEAD)

    def write(self, samples: SentSamples) -> None:
        self._csv.writerows(rows_of(samples))
        self._file.flush()
        os.fsync(self._file.fileno())

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def end(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def leave(self) -> None:
        with suppress(OSError):
            self._file.close()


def rows_of(samples: SentSamples) -> "zip[tuple[str, ...]]":
    """Return the lines of samples as words."""
    times = np.datetime_as_string(samples.source_at.astype("datetime64[us]"), unit="us", timezone="UTC").tolist()
    about = [samples.signals[number] for number in samples.signal.tolist()]
    values = samples.values()
    return zip(
        times,
        (each.full_name for each in about),
        map(_cell, values),
        (each.unit for each in about),
        (value if isinstance(value, str) else "" for value in values),
        (QUALITIES.get(code, str(code)) for code in samples.quality.tolist()),
        (str(each.data_type) for each in about),
        strict=True,
    )


def _cell(value: Value) -> str:
    match value:
        case None | str():
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)
