r"""Samples as InfluxDB line protocol: ``measurement,tag=value field=value time``.

A field has one type in a whole measurement, so each type of value has a field of its own. In names and tags a comma, a
space and an equals sign are escaped by a backslash, which itself cannot be: one at the very end of a tag would escape
what follows it, and becomes an underscore. Line ends cannot be said in a tag and become spaces.

Source: https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/.
"""

import re
from collections.abc import Iterator

from pdm_app.domain.sinks import SentSamples, SentSignal, Value

LINE_ENDS = re.compile(r"[\r\n\x00]+")
SPECIAL = re.compile(r"([,= ])")
SPECIAL_IN_MEASUREMENT = re.compile(r"([, ])")


def lines_of(samples: SentSamples, measurement: str) -> Iterator[str]:
    """Yield a line for each sample, times in microseconds."""
    series = {number: _series(measurement, signal) for number, signal in samples.signals.items()}
    columns = (samples.signal.tolist(), samples.values(), samples.quality.tolist(), samples.source_at.tolist())
    for number, value, quality, at in zip(*columns, strict=True):
        yield f"{series[number]} {_fields(value, quality)} {at}"


def _series(measurement: str, signal: SentSignal) -> str:
    name = SPECIAL_IN_MEASUREMENT.sub(r"\\\1", _plain(measurement))
    tags = {"machine": signal.machine, "signal": signal.name, "site": signal.site, "unit": signal.unit}
    return name + "".join(f",{key}={tag(value)}" for key, value in tags.items() if value)


def deletion(measurement: str, signal: SentSignal, begin: int, end: int) -> str:
    """Return the statement of InfluxDB 1.x that deletes a signal's points from a time up to another.

    The unit is not asked for: points of before may have another one.
    """
    name = _plain(measurement).replace("\\", "\\\\").replace('"', '\\"')
    where = "".join(f""""{key}" = '{_in_quotes(words)}' AND """ for key, words in _owner(signal))
    return f'DELETE FROM "{name}" WHERE {where}time >= {begin}u AND time < {end}u'  # noqa: S608 - quoted above


def predicate(measurement: str, signal: SentSignal) -> str:
    """Return what tells a signal's points from all others when they are to be deleted from an InfluxDB 2.x."""
    parts = (("_measurement", _plain(measurement)), *_owner(signal))
    return " AND ".join(f"{key}={quoted(words)}" for key, words in parts)


def _owner(signal: SentSignal) -> Iterator[tuple[str, str]]:
    for key, words in (("machine", signal.machine), ("signal", signal.name), ("site", signal.site)):
        yield key, _plain(words)


def _in_quotes(words: str) -> str:
    return words.replace("\\", "\\\\").replace("'", "\\'")


def _fields(value: Value, quality: int) -> str:
    match value:
        case None:
            return f"quality={quality}i"
        case bool():
            return f"boolean={'true' if value else 'false'},quality={quality}i"
        case int():
            return f"integer={value}i,quality={quality}i"
        case float():
            return f"number={value!r},quality={quality}i"
        case _:
            return f"quality={quality}i,text={quoted(value)}"


def tag(words: str) -> str:
    """Return the value of a tag as it stands in a line."""
    return SPECIAL.sub(r"\\\1", _plain(words))


def quoted(words: str) -> str:
    """Return the value of a text field as it stands in a line; a line end may be in it."""
    escaped = words.replace("\x00", "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(words: str) -> str:
    found = LINE_ENDS.sub(" ", words)
    return found[:-1] + "_" if found.endswith("\\") else found
