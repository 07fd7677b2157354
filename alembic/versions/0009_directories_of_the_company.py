"""Accounts that belong to a directory of the company, their addresses, and the sessions it vouched for.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("directory_id", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("is_made", sa.Boolean(), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("directory_id", "subject"),
        **MYSQL,
    )
    op.create_index("ix_identities_user", "identities", ["user_id"])
    op.create_table(
        "user_emails",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("email", name="uq_user_emails_email"),
        **MYSQL,
    )
    op.create_table(
        "directory_sessions",
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("directory_id", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("sid", sa.String(255), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
        **MYSQL,
    )
    op.create_index("ix_directory_sessions_subject", "directory_sessions", ["directory_id", "subject"])


def downgrade() -> None:
    for table in ("directory_sessions", "user_emails", "identities"):
        op.drop_table(table)
