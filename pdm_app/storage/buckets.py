"""The SQL that cuts raw samples and rollups into buckets of time, the same text on both databases.

Numbers stand in the text as literals, checked by int(): MySQL's optimizer turns ``signal_id IN (1,2) AND source_at >=
…`` into one range of the key per signal, but joins an id list from another table without using the times.
"""

from collections.abc import Sequence

from pdm_app.domain.history import Tier
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN

BUCKET_US = 10 * MICROS_PER_S
"""Width of a bucket of the finest rollup."""

IS_GOOD = f"s.quality < {QUALITY_UNCERTAIN_MIN}"
IS_USABLE = f"(s.quality < {QUALITY_BAD_MIN} AND s.value IS NOT NULL)"

_AGGREGATES = f"""COUNT(*) AS samples, COUNT(CASE WHEN {IS_GOOD} THEN 1 END) AS good,
    COUNT(CASE WHEN {IS_USABLE} THEN 1 END) AS usable,
    MIN(CASE WHEN {IS_USABLE} THEN s.value END) AS low, MAX(CASE WHEN {IS_USABLE} THEN s.value END) AS high,
    SUM(CASE WHEN {IS_USABLE} THEN s.value END) AS total,
    MAX(CASE WHEN {IS_USABLE} THEN s.source_at END) AS last_at"""


def inside(signals: Sequence[int], start: int, end: int, column: str = "s.source_at") -> str:
    """Return the condition for some signals from ``start`` up to, not including, ``end``."""
    owner = column.rpartition(".")[0]
    number = f"{owner}.signal_id" if owner else "signal_id"
    ids = ",".join(str(int(signal)) for signal in signals)
    return f"{number} IN ({ids}) AND {column} >= {int(start)} AND {column} < {int(end)}"


def inside_ranges(ranges: Sequence[tuple[int, int, int]], column: str = "s.source_at") -> str:
    """Return the condition for (signal, start, end) ranges."""
    return " OR ".join(f"({inside([signal], start, end, column)})" for signal, start, end in ranges)


def joined(marks: Sequence[tuple[int, int]], width_us: int = BUCKET_US) -> list[tuple[int, int, int]]:
    """Join neighbours: (signal, bucket) pairs in order become (signal, start, end) ranges."""
    ranges: list[tuple[int, int, int]] = []
    for signal, bucket in marks:
        if ranges and ranges[-1][0] == signal and ranges[-1][2] == bucket:
            ranges[-1] = (signal, ranges[-1][1], bucket + width_us)
        else:
            ranges.append((signal, bucket, bucket + width_us))
    return ranges


def raw_buckets(where: str, width_us: int) -> str:
    """Return the query of raw samples in buckets.

    Its columns: signal, at, samples, good, usable, low, high, total, last_at, last.
    """
    return f"""SELECT g.signal_id, g.at, g.samples, g.good, g.usable, g.low, g.high, g.total, g.last_at, l.value
FROM ({_raw(where, width_us)}) g
LEFT JOIN samples l ON l.signal_id = g.signal_id AND l.source_at = g.last_at"""  # noqa: S608


def rollup_buckets(tier: Tier, where: str, width_us: int, *, has_marks: bool) -> str:
    """Return the query of a tier's buckets without a mark inside, joined to wider ones; columns as of `raw_buckets`.

    With ``has_marks`` False none of them is marked, which spares the database the look.
    """
    table = f"rollups_{tier}"
    unmarked = f"FROM {table} r WHERE {where}"
    if has_marks:
        inside_it = f"m.bucket_at >= r.bucket_at AND m.bucket_at < r.bucket_at + {tier.width_us}"
        unmarked += f" AND NOT EXISTS (SELECT 1 FROM rollup_marks m WHERE m.signal_id = r.signal_id AND {inside_it})"  # noqa: S608
    if width_us == tier.width_us:
        return f"""SELECT r.signal_id, r.bucket_at, r.samples, r.good, r.usable, r.low, r.high, r.total,
            r.last_at, r.last {unmarked}"""
    at = f"r.bucket_at - r.bucket_at % {int(width_us)}"
    last_slot = int(width_us) - tier.width_us
    # The newest value nearly always stands in the last slot of the wide bucket; only elsewhere it is looked up.
    # Counts are added up as doubles, exact to 2^53: MySQL adds whole numbers as slow DECIMALs.
    return f"""SELECT g.signal_id, g.at, g.samples, g.good, g.usable, g.low, g.high, g.total, g.last_at,
    CASE WHEN g.last_at >= g.at + {last_slot} THEN g.slot_last ELSE (
        SELECT l.last FROM {table} l
        WHERE l.signal_id = g.signal_id AND l.bucket_at = g.last_at - g.last_at % {tier.width_us}) END
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
