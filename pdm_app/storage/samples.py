"""The bulk statements of the data path, one text per dialect: many samples in one round trip.

MySQL and MariaDB read the rows from one JSON parameter (JSON_TABLE: twice as fast as multi-row VALUES). SQLite takes
them as bound parameters, since its JSON reader rounds some doubles by a unit in the last place.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.storage import dialect
from pdm_app.storage.columnar import Columns
from pdm_app.storage.repository import chunks
from pdm_app.storage.tables import SampleRow, table_of

SAMPLES = table_of(SampleRow)
ROWS_PER_STATEMENT = 10_000
"""Enough for full speed, few enough that a statement stays well under a second."""
NAMES = "signal_id, source_at, value, text, quality, received_at, place"

_GIVEN = """JSON_TABLE(%s, '$[*]' COLUMNS (
    signal_id BIGINT PATH '$[0]', source_at BIGINT PATH '$[1]', value DOUBLE PATH '$[2]', text TEXT PATH '$[3]',
    quality SMALLINT PATH '$[4]', received_at BIGINT PATH '$[5]', place BIGINT PATH '$[6]')) AS given"""
_GIVEN_KEYS = """JSON_TABLE(%s, '$[*]' COLUMNS (
    signal_id BIGINT PATH '$[0]', source_at BIGINT PATH '$[1]',
    received_at BIGINT PATH '$[2]', place BIGINT PATH '$[3]')) AS given"""

# IGNORE skips rows whose key exists and says how many it took; nothing else can go wrong with rows made from columns.
MYSQL_INSERT = f"INSERT IGNORE INTO samples ({NAMES}) SELECT {NAMES} FROM {_GIVEN}"  # noqa: S608
SQLITE_INSERT = (
    f"INSERT INTO samples ({NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (signal_id, source_at) DO NOTHING"  # noqa: S608
)

_STORED = "s.signal_id, s.source_at, s.value, s.text, s.quality, s.received_at, s.place, \
s.other_value, s.other_text, s.other_quality, s.other_received_at, s.other_place"
_DIFFERS = "NOT (s.received_at = given.received_at AND s.place = given.place)"
MYSQL_CONFLICTS = f"""SELECT {_STORED} FROM {_GIVEN_KEYS}
    STRAIGHT_JOIN samples s ON s.signal_id = given.signal_id AND s.source_at = given.source_at WHERE {_DIFFERS}"""  # noqa: S608
SQLITE_CONFLICTS = f"""WITH given AS (SELECT json_extract(value, '$[0]') AS signal_id,
    json_extract(value, '$[1]') AS source_at, json_extract(value, '$[2]') AS received_at,
    json_extract(value, '$[3]') AS place FROM json_each(?))
    SELECT {_STORED} FROM given
    CROSS JOIN samples s ON s.signal_id = given.signal_id AND s.source_at = given.source_at WHERE {_DIFFERS}"""  # noqa: S608

MYSQL_LATEST = f"""INSERT INTO latest ({NAMES})
    SELECT given.signal_id, given.source_at, given.value, given.text, given.quality, given.received_at, given.place
    FROM {_GIVEN} LEFT JOIN latest old ON old.signal_id = given.signal_id
    WHERE old.signal_id IS NULL
        OR (given.source_at, given.received_at, given.place) > (old.source_at, old.received_at, old.place)
    ON DUPLICATE KEY UPDATE source_at = VALUES(source_at), value = VALUES(value), text = VALUES(text),
        quality = VALUES(quality), received_at = VALUES(received_at), place = VALUES(place)"""  # noqa: S608
SQLITE_LATEST = f"""INSERT INTO latest ({NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (signal_id) DO UPDATE SET source_at = excluded.source_at, value = excluded.value,
    text = excluded.text, quality = excluded.quality, received_at = excluded.received_at, place = excluded.place
    WHERE (excluded.source_at, excluded.received_at, excluded.place)
        > (latest.source_at, latest.received_at, latest.place)"""  # noqa: S608

MYSQL_MARK = """INSERT INTO rollup_marks (signal_id, bucket_at) SELECT signal_id, bucket_at
    FROM JSON_TABLE(%s, '$[*]' COLUMNS (signal_id BIGINT PATH '$[0]', bucket_at BIGINT PATH '$[1]')) AS given
    ON DUPLICATE KEY UPDATE signal_id = rollup_marks.signal_id"""
SQLITE_MARK = "INSERT INTO rollup_marks (signal_id, bucket_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
# Row by row through the key: a scan, which the optimizer likes for small tables, would wait for marks of writers that
# wait for these, a deadlock.
MYSQL_UNMARK = """DELETE m FROM JSON_TABLE(%s, '$[*]' COLUMNS (signal_id BIGINT PATH '$[0]',
    bucket_at BIGINT PATH '$[1]')) AS given
    STRAIGHT_JOIN rollup_marks m FORCE INDEX (PRIMARY)
    ON m.signal_id = given.signal_id AND m.bucket_at = given.bucket_at"""
SQLITE_UNMARK = "DELETE FROM rollup_marks WHERE signal_id = ? AND bucket_at = ?"


async def insert_samples(connection: AsyncConnection, columns: Columns, *, is_sqlite: bool) -> int:
    """Insert the rows whose key is not there yet and return how many that were."""
    inserted = 0
    for some in _portions(columns):
        if is_sqlite:
            inserted += (await connection.exec_driver_sql(SQLITE_INSERT, some.tuples())).rowcount
        else:
            for part, _ in some.json_parts():
                inserted += (await connection.exec_driver_sql(MYSQL_INSERT, (part,))).rowcount
    return inserted


async def find_conflicts(connection: AsyncConnection, columns: Columns, *, is_sqlite: bool) -> list[tuple[Any, ...]]:
    """Return the stored rows that hold another sample at the key of one of ``columns``; a replay finds none."""
    found: list[tuple[Any, ...]] = []
    statement = SQLITE_CONFLICTS if is_sqlite else MYSQL_CONFLICTS
    for some in _portions(columns):
        result = await connection.exec_driver_sql(statement, (some.keys_json(),))
        found += [tuple(row) for row in result]
    return found


async def replace_samples(connection: AsyncConnection, rows: Sequence[dict[str, Any]], *, is_sqlite: bool) -> None:
    """Write whole rows over those with their keys."""
    for some in chunks(rows, ROWS_PER_STATEMENT):
        await connection.execute(dialect.upsert(SAMPLES, is_sqlite=is_sqlite), some)


async def put_latest(connection: AsyncConnection, newest: Columns, *, is_sqlite: bool) -> None:
    """Move the latest value of each signal forward; an older sample never replaces a newer one."""
    for some in _portions(newest):
        if is_sqlite:
            await connection.exec_driver_sql(SQLITE_LATEST, some.tuples())
        else:
            for part, _ in some.json_parts():
                await connection.exec_driver_sql(MYSQL_LATEST, (part,))


async def mark_buckets(connection: AsyncConnection, buckets: Sequence[tuple[int, int]], *, is_sqlite: bool) -> None:
    """Note (signal_id, bucket_at) pairs that were written to after they had been rolled up."""
    for some in chunks(buckets, ROWS_PER_STATEMENT):
        if is_sqlite:
            await connection.exec_driver_sql(SQLITE_MARK, some)
        else:
            await connection.exec_driver_sql(MYSQL_MARK, (orjson.dumps(some).decode(),))


async def unmark_buckets(connection: AsyncConnection, buckets: Sequence[tuple[int, int]], *, is_sqlite: bool) -> None:
    """Take the marks of (signal_id, bucket_at) pairs away."""
    for some in chunks(buckets, ROWS_PER_STATEMENT):
        if is_sqlite:
            await connection.exec_driver_sql(SQLITE_UNMARK, some)
        else:
            await connection.exec_driver_sql(MYSQL_UNMARK, (orjson.dumps(some).decode(),))


def _portions(columns: Columns) -> Iterator[Columns]:
    if len(columns) <= ROWS_PER_STATEMENT:
        if len(columns):
            yield columns
        return
    for start in range(0, len(columns), ROWS_PER_STATEMENT):
        yield columns.take(np.arange(start, min(start + ROWS_PER_STATEMENT, len(columns))))
