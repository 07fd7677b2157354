"""Reports, the copies made of them, and messages that carry one.

Revision: 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("template", sa.String(24), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("period", sa.String(24), nullable=False),
        sa.Column("format", sa.String(24), nullable=False),
        sa.Column("paper", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.JSON(), nullable=True),
        sa.Column("recipient_ids", sa.JSON(), nullable=False),
        sa.Column("kept_days", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.String(36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("made_for_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_reports_site", "reports", ["site_id"])
    op.create_table(
        "report_copies",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("format", sa.String(24), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("message_ids", sa.JSON(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_report_copies_site", "report_copies", ["site_id"])
    op.create_index("ix_report_copies_report", "report_copies", ["report_id"])
    op.create_index("ix_report_copies_kept", "report_copies", ["kept_until"])
    op.create_table(
        "report_files",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("content", sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.add_column("notice_messages", sa.Column("copy_id", sa.String(36), nullable=True))


def downgrade() -> None:
    op.drop_column("notice_messages", "copy_id")
    for table in ("report_files", "report_copies", "reports"):
        op.drop_table(table)
