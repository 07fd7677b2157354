"""Tables for rules of retention, held spans, runs, and what was removed.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
HOT = {**MYSQL, "sqlite_with_rowid": False}


def signal_number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=True),
        sa.Column("asset_id", sa.String(36), nullable=True),
        sa.Column("signal_class", sa.String(24), nullable=True),
        sa.Column("pattern", sa.String(160), nullable=False),
        sa.Column("raw_days", sa.BigInteger(), nullable=True),
        sa.Column("rollup_10s_days", sa.BigInteger(), nullable=True),
        sa.Column("rollup_60s_days", sa.BigInteger(), nullable=True),
        sa.Column("rollup_1h_days", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_table(
        "retention_holds",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows_planned", sa.BigInteger(), nullable=False),
        sa.Column("blocked", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_table(
        "removed_spans",
        sa.Column("signal_id", signal_number(), nullable=False, autoincrement=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", "tier", "start_at"),
        **HOT,
    )


def downgrade() -> None:
    for table in ("removed_spans", "retention_runs", "retention_holds", "retention_rules"):
        op.drop_table(table)
