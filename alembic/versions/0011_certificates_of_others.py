"""The trust list of connections.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "peer_certificates",
        sa.Column("fingerprint", sa.String(95), nullable=False),
        sa.Column("certificate", sa.JSON(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(24), nullable=False),
        sa.Column("as_authority", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.String(36), nullable=False),
        sa.Column("connection_name", sa.String(120), nullable=False),
        sa.Column("endpoint", sa.String(255), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("peer_certificates")
