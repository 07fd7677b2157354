"""Opens the target of a sink: one line for each kind."""

from pathlib import Path

from pdm_app.domain.ports import Clock
from pdm_app.domain.sinks import FileOptions, InfluxdbOptions, PostgresqlOptions, Sink, Target
from pdm_app.sinks.csv_files import CsvFile
from pdm_app.sinks.files import FileTarget
from pdm_app.sinks.influxdb import InfluxdbTarget
from pdm_app.sinks.parquet_files import ParquetFile
from pdm_app.sinks.postgresql import PostgresqlTarget

FOLDER = "sinks"


class SinkDoors:
    """Makes targets; reaches nothing yet.

    Args:
        root: Files of sinks are made below it.
        clock: Says when a file is over.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock

    def target(self, sink: Sink, secret: str | None) -> Target:
        match sink.options:
            case FileOptions(kind="csv"):
                return FileTarget(self._root, sink.options, self._clock, CsvFile)
            case FileOptions():
                return FileTarget(self._root, sink.options, self._clock, ParquetFile)
            case PostgresqlOptions():
                return PostgresqlTarget(sink.options, secret)
            case InfluxdbOptions():
                return InfluxdbTarget(sink.options, secret)
