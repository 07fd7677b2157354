"""What each tier takes: rows and bytes of the tables, samples and bytes of the cold files."""

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.removals import TierSize
from pdm_app.storage import dialect
from pdm_app.storage.cold import FILES
from pdm_app.storage.database import Database
from pdm_app.storage.summary_rows import TABLES

TABLE_OF = {Tier.RAW: ("samples", "source_at"), **{tier: (TABLES[tier], "bucket_at") for tier in ROLLUPS}}


async def tier_sizes(database: Database) -> Sequence[TierSize]:
    """Return hot rows, cold files and the rollups; a tier without a row is there with zeros.

    MySQL and MariaDB count rows roughly; where SQLite cannot say how large a table is, its rows are counted.
    """
    found: list[TierSize] = []
    async with database.connected("look how large history is") as connection:
        sizes = await dialect.table_sizes(connection, is_sqlite=database.is_sqlite)
        for tier, (table, column) in TABLE_OF.items():
            rows, size = sizes.get(table, (0, 0))
            is_estimated = not database.is_sqlite
            if database.is_sqlite:
                rows = int(await connection.scalar(text(f"SELECT COUNT(*) FROM {table}")) or 0)  # noqa: S608
                size, is_estimated = (size, False) if table in sizes else (round(rows * dialect.ROW_BYTES), True)
            first_at, last_at = await _bounds(connection, table, column)
            found.append(
                TierSize(
                    tier=tier, place="hot", rows=rows, bytes=size if rows or first_at else 0,
                    first_at=first_at, last_at=last_at, is_estimated=is_estimated,
                )
            )  # fmt: skip
        statement = select(
            func.count(), func.coalesce(func.sum(FILES.c.samples), 0), func.coalesce(func.sum(FILES.c.bytes), 0),
            func.min(FILES.c.start_at), func.max(FILES.c.end_at),
        )  # fmt: skip
        _, samples, size, first_at, last_at = (await connection.execute(statement)).one()
    cold_size = TierSize(
        tier=Tier.RAW, place="cold", rows=int(samples), bytes=int(size),
        first_at=None if first_at is None else int(first_at), last_at=None if last_at is None else int(last_at),
    )  # fmt: skip
    return [found[0], cold_size, *found[1:]]


async def _bounds(connection: AsyncConnection, table: str, column: str) -> tuple[int | None, int | None]:
    """Return the oldest and the newest row: two looks into the key for each signal."""
    one = f"SELECT %s(s.{column}) FROM {table} s WHERE s.signal_id = l.signal_id"  # noqa: S608
    ends = f"SELECT ({one % 'MIN'}) AS oldest, ({one % 'MAX'}) AS newest FROM latest l"  # noqa: S608
    oldest, newest = (await connection.execute(text(f"SELECT MIN(oldest), MAX(newest) FROM ({ends}) found"))).one()  # noqa: S608
    return (None, None) if oldest is None else (int(oldest), int(newest))
