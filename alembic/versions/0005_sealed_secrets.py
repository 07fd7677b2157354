"""A table for what is stored encrypted.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "record_id"),
        **MYSQL,
    )
    op.create_index("ix_secrets_key", "secrets", ["key_id"])


def downgrade() -> None:
    op.drop_table("secrets")
