"""Releases of firmware, and the public keys that vouch for them.

Revision: 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "releases",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("security_version", sa.BigInteger(), nullable=False),
        sa.Column("hardware", sa.JSON(), nullable=False),
        sa.Column("min_from_version", sa.String(60), nullable=True),
        sa.Column("rollback_safe", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("artifact", sa.JSON(), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("signature", sa.JSON(), nullable=True),
        sa.Column("uploaded_by_id", sa.String(36), nullable=False),
        sa.Column("uploaded_by", sa.String(120), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(120), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("published_by", sa.String(120), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(120), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version", name="uq_releases_version"),
        **MYSQL,
    )
    op.create_table(
        "signing_keys",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("public_key", sa.String(44), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("added_by", sa.String(120), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(120), nullable=False),
        sa.Column("revoke_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("signing_keys")
    op.drop_table("releases")
