"""The SQL that cuts raw samples and rollups into buckets of time, the same text on both databases.

Numbers stand in the text as literals, checked by int(): MySQL's optimizer turns ``signal_id IN (1,2) AND source_at >=
…`` into one range of the key per signal, but joins an id list from another table without using the times.
"""

from collections.abc import Sequence

from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN

BUCKET_US = 10 * MICROS_PER_S
"""Width of a bucket of the finest rollup."""

IS_GOOD = f"s.quality < {QUALITY_UNCERTAIN_MIN}"
IS_USABLE = f"(s.quality < {QUALITY_BAD_MIN} AND s.value IS NOT NULL)"

_AGGREGATES = f"""COUNT(*) AS samples, COUNT(CASE WHEN {IS_GOOD} THEN 1 END) AS good,
    COUNT(CASE WHEN {IS_USABLE} THEN 1 END) AS usable, MIN(s.source_at) AS begins_at,
    MIN(CASE WHEN {IS_USABLE} THEN s.value END) AS low, MAX(CASE WHEN {IS_USABLE} THEN s.value END) AS high,
    SUM(CASE WHEN {IS_USABLE} THEN s.value END) AS total,
    MIN(CASE WHEN {IS_USABLE} THEN s.source_at END) AS first_at,
    MAX(CASE WHEN {IS_USABLE} THEN s.source_at END) AS last_at"""

# From each good sample to the next one, or to the end of the bucket; what lies before the first is not known here.
_GOOD_US = f"""CASE WHEN g.good = g.samples THEN g.at + {BUCKET_US} - g.begins_at WHEN g.good = 0 THEN 0 ELSE (
        SELECT SUM(COALESCE((
            SELECT MIN(n.source_at) FROM samples n WHERE n.signal_id = s.signal_id
            AND n.source_at > s.source_at AND n.source_at < g.at + {BUCKET_US}
        ), g.at + {BUCKET_US}) - s.source_at)
        FROM samples s WHERE s.signal_id = g.signal_id AND s.source_at >= g.at
        AND s.source_at < g.at + {BUCKET_US} AND {IS_GOOD}
    ) END"""  # noqa: S608


def inside(signals: Sequence[int], start: int, end: int, column: str = "s.source_at") -> str:
    """Return the condition for some signals from ``start`` up to, not including, ``end``."""
    owner = column.split(".", maxsplit=1)[0]
    ids = ",".join(str(int(signal)) for signal in signals)
    return f"{owner}.signal_id IN ({ids}) AND {column} >= {int(start)} AND {column} < {int(end)}"


def inside_ranges(ranges: Sequence[tuple[int, int, int]]) -> str:
    """Return the condition for (signal, start, end) ranges."""
    return " OR ".join(f"({inside([signal], start, end)})" for signal, start, end in ranges)


def joined(marks: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Join neighbours: (signal, bucket) pairs in order become (signal, start, end) ranges."""
    ranges: list[tuple[int, int, int]] = []
    for signal, bucket in marks:
        if ranges and ranges[-1][0] == signal and ranges[-1][2] == bucket:
            ranges[-1] = (signal, ranges[-1][1], bucket + BUCKET_US)
        else:
            ranges.append((signal, bucket, bucket + BUCKET_US))
    return ranges


def derive_rollups(where: str) -> str:
    """Return the statement that derives whole 10 s buckets from the samples ``where`` holds."""
    return f"""REPLACE INTO rollups_10s (signal_id, bucket_at, samples, good, usable, low, high, total,
    first_at, first, last_at, last, good_us)
SELECT g.signal_id, g.at, g.samples, g.good, g.usable, g.low, g.high, g.total,
    g.first_at, f.value, g.last_at, l.value, {_GOOD_US}
FROM ({_raw(where, BUCKET_US)}) g
LEFT JOIN samples f ON f.signal_id = g.signal_id AND f.source_at = g.first_at
LEFT JOIN samples l ON l.signal_id = g.signal_id AND l.source_at = g.last_at"""  # noqa: S608


def raw_buckets(where: str, width_us: int) -> str:
    """Return the query of raw samples in buckets.

    Its columns: signal, at, samples, good, usable, low, high, total, last_at, last.
    """
    return f"""SELECT g.signal_id, g.at, g.samples, g.good, g.usable, g.low, g.high, g.total, g.last_at, l.value
FROM ({_raw(where, width_us)}) g
LEFT JOIN samples l ON l.signal_id = g.signal_id AND l.source_at = g.last_at"""  # noqa: S608


def rollup_buckets(signals: Sequence[int], start: int, end: int, width_us: int, *, has_marks: bool) -> str:
    """Return the query of 10 s buckets without a mark, joined to wider ones; columns as of `raw_buckets`.

    With ``has_marks`` False none of them is marked, which spares the database the look.
    """
    unmarked = f"FROM rollups_10s r WHERE {inside(signals, start, end, 'r.bucket_at')}"
    if has_marks:
        unmarked += """ AND NOT EXISTS (
            SELECT 1 FROM rollup_marks m WHERE m.signal_id = r.signal_id AND m.bucket_at = r.bucket_at)"""
    if width_us == BUCKET_US:
        return f"""SELECT r.signal_id, r.bucket_at, r.samples, r.good, r.usable, r.low, r.high, r.total,
            r.last_at, r.last {unmarked}"""
    at = f"r.bucket_at - r.bucket_at % {int(width_us)}"
    last_slot = int(width_us) - BUCKET_US
    # The newest value nearly always stands in the last slot of the wide bucket; only elsewhere it is looked up.
    # Counts are added up as doubles, exact to 2^53: MySQL adds whole numbers as slow DECIMALs.
    return f"""SELECT g.signal_id, g.at, g.samples, g.good, g.usable, g.low, g.high, g.total, g.last_at,
    CASE WHEN g.last_at >= g.at + {last_slot} THEN g.slot_last ELSE (
        SELECT l.last FROM rollups_10s l
        WHERE l.signal_id = g.signal_id AND l.bucket_at = g.last_at - g.last_at % {BUCKET_US}) END
FROM (
    SELECT r.signal_id, {at} AS at, SUM(r.samples + 0e0) AS samples,
        SUM(r.good + 0e0) AS good, SUM(r.usable + 0e0) AS usable, MIN(r.low) AS low,
        MAX(r.high) AS high, SUM(r.total) AS total, MAX(r.last_at) AS last_at,
        MAX(CASE WHEN r.bucket_at % {int(width_us)} = {last_slot} THEN r.last END) AS slot_last
    {unmarked} GROUP BY r.signal_id, {at}
) g"""  # noqa: S608


def _raw(where: str, width_us: int) -> str:
    at = f"s.source_at - s.source_at % {int(width_us)}"
    return f"SELECT s.signal_id, {at} AS at, {_AGGREGATES} FROM samples s WHERE {where} GROUP BY s.signal_id, {at}"  # noqa: S608
