"""Rollups of a minute and an hour, and what lets neighbours add up exactly.

Ten seconds get the same columns. They are derived anew from raw, beginning at the oldest sample; until they are, reads
take raw.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

HOT = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "sqlite_with_rowid": False,
}
ADDED = ("begins_at", "ends_at", "ends_quality", "usable_us", "held", "line")


def signal_number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def make_rollups(table: str, *, with_added: bool) -> None:
    columns = [
        sa.Column("signal_id", signal_number(), nullable=False, autoincrement=False),
        sa.Column("bucket_at", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("good", sa.BigInteger(), nullable=False),
        sa.Column("usable", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("first", sa.Double(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last", sa.Double(), nullable=True),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_quality", sa.SmallInteger(), nullable=False),
        sa.Column("good_us", sa.BigInteger(), nullable=False),
        sa.Column("usable_us", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Double(), nullable=True),
        sa.Column("line", sa.Double(), nullable=True),
    ]
    op.create_table(
        table,
        *(column for column in columns if with_added or column.name not in ADDED),
        sa.PrimaryKeyConstraint("signal_id", "bucket_at"),
        **HOT,
    )


def derive_anew() -> None:
    oldest = "(SELECT oldest - oldest % 10000000 FROM (SELECT MIN(source_at) AS oldest FROM samples) found)"
    op.execute("DELETE FROM rollup_marks")
    op.execute(f"UPDATE rollup_positions SET rolled_to = COALESCE({oldest}, 0)")  # noqa: S608 - one of this file.
    op.execute("UPDATE rollup_positions SET rolling_to = rolled_to")


def upgrade() -> None:
    op.drop_table("rollups_10s")
    for table in ("rollups_10s", "rollups_60s", "rollups_1h"):
        make_rollups(table, with_added=True)
    derive_anew()


def downgrade() -> None:
    for table in ("rollups_1h", "rollups_60s", "rollups_10s"):
        op.drop_table(table)
    make_rollups("rollups_10s", with_added=False)
    derive_anew()
