"""Tables for the files that closed days are kept in.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
HOT = {**MYSQL, "sqlite_with_rowid": False}


def signal_number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "cold_files",
        sa.Column("start_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("signals", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("start_at"),
        **MYSQL,
    )
    op.create_table(
        "cold_erasures",
        sa.Column("signal_id", signal_number(), nullable=False, autoincrement=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", "start_at", "end_at"),
        **HOT,
    )


def downgrade() -> None:
    op.drop_table("cold_erasures")
    op.drop_table("cold_files")
