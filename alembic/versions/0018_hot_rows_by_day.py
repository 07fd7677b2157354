"""Hot rows lie in partitions by day on MySQL and MariaDB.

Days that have rows get partitions of their own; the product adds those of the days to come. SQLite has no partitions
and stays as it is.

Revision: 0018, after 0017.
"""

from datetime import date
from itertools import pairwise

from alembic import op
from sqlalchemy import text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

DAY_US = 86_400_000_000
DAYS_MAX = 60
"""Older rows share the first partition: they are on their way to files and go row by row."""

PARTITIONED = """SELECT COUNT(*) FROM information_schema.partitions
    WHERE table_schema = DATABASE() AND table_name = 'samples' AND partition_name IS NOT NULL"""
LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()
DAYS = f"""SELECT DISTINCT source_at DIV {DAY_US} AS day FROM samples
    WHERE source_at >= 0 AND source_at < {LAST_DAY * DAY_US} ORDER BY day DESC LIMIT {DAYS_MAX}"""  # noqa: S608


def name_of(day: int) -> str:
    return f"d{date.fromordinal(date(1970, 1, 1).toordinal() + day):%Y%m%d}"


def upgrade() -> None:
    connection = op.get_bind()
    # Where the change took longer than anybody waited for it, the server has ended it meanwhile.
    if connection.dialect.name == "sqlite" or connection.scalar(text(PARTITIONED)):
        return
    days = [int(day) for day in connection.scalars(text(DAYS))]
    edges = sorted({edge for day in days for edge in (day, day + 1)})
    ends = [("past", edges[0])] if edges else []
    ends += [(name_of(day), end) for day, end in pairwise(edges)]
    made = [f"PARTITION {name} VALUES LESS THAN ({end * DAY_US})" for name, end in ends]
    made.append("PARTITION rest VALUES LESS THAN MAXVALUE")
    op.execute(f"ALTER TABLE samples PARTITION BY RANGE (source_at) ({', '.join(made)})")


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite" and connection.scalar(text(PARTITIONED)):
        op.execute("ALTER TABLE samples REMOVE PARTITIONING")
