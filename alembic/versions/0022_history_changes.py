"""What was changed in history on another way than the recorder's, until every sink knows it.

Revision: 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "history_changes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("spans", sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("history_changes")
