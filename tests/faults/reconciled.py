"""Rollups held against raw samples by the database itself, while nobody writes."""

from sqlalchemy import text

from pdm_app.domain.history import ROLLUPS
from pdm_app.storage.database import Database

MARKED = """EXISTS (SELECT 1 FROM rollup_marks m WHERE m.signal_id = {row}.signal_id AND m.bucket_at >= {row}.bucket_at
    AND m.bucket_at < {row}.bucket_at + {width})"""
BUCKETS = """(SELECT signal_id, source_at - source_at % {width} AS bucket_at, COUNT(*) AS samples, MIN(value) AS low,
    MAX(value) AS high FROM samples GROUP BY 1, 2)"""
DIFFERENT = """SELECT COUNT(*) FROM rollups_{tier} r LEFT JOIN {buckets} s USING (signal_id, bucket_at)
    WHERE (s.samples IS NULL OR s.samples <> r.samples OR s.low <> r.low OR s.high <> r.high) AND NOT {marked_r}"""
MISSING = """SELECT COUNT(*) FROM {buckets} s LEFT JOIN rollups_{tier} r USING (signal_id, bucket_at)
    WHERE r.samples IS NULL AND s.bucket_at + {width} <= (SELECT rolled_to FROM rollup_positions) AND NOT {marked_s}"""


async def assert_rollups_agree(url: str) -> None:
    """Each bucket stands for the very samples that raw has, and each has its bucket, save those marked to be due."""
    database = Database(url)
    try:
        async with database.connected("compare rollups with raw") as connection:
            for tier in ROLLUPS:
                width = tier.width_us
                words = {
                    "tier": tier, "width": width, "buckets": BUCKETS.format(width=width),
                    "marked_r": MARKED.format(row="r", width=width), "marked_s": MARKED.format(row="s", width=width),
                }  # fmt: skip
                assert await connection.scalar(text(DIFFERENT.format(**words))) == 0, tier
                assert await connection.scalar(text(MISSING.format(**words))) == 0, tier
            assert await connection.scalar(text("SELECT COUNT(*) FROM rollups_10s")), "there is something to compare"
    finally:
        await database.close()
