"""Second factors, one-time links, keys of service accounts, preferences, and rights of one person.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.add_column("users", sa.Column("grants", sa.JSON(), nullable=True))
    op.add_column("users", sa.Column("denials", sa.JSON(), nullable=True))
    op.add_column("users", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("active_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("password_at", sa.BigInteger(), nullable=False),
        sa.Column("totp_at", sa.BigInteger(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        **MYSQL,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "code_hash"),
        **MYSQL,
    )
    op.create_table(
        "one_time_links",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("purpose", sa.String(24), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
        **MYSQL,
    )
    op.create_index("ix_one_time_links_user", "one_time_links", ["user_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_hash"),
        **MYSQL,
    )
    op.create_index("ix_api_keys_user", "api_keys", ["user_id"])
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("theme", sa.String(24), nullable=False),
        sa.Column("units", sa.String(24), nullable=False),
        sa.Column("language", sa.String(24), nullable=False),
        sa.Column("density", sa.String(24), nullable=False),
        sa.Column("home", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        **MYSQL,
    )


def downgrade() -> None:
    for table in ("preferences", "api_keys", "one_time_links", "recovery_codes", "credentials"):
        op.drop_table(table)
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("active_at")
    with op.batch_alter_table("users") as users:
        for column in ("deleted_at", "denials", "grants"):
            users.drop_column(column)
