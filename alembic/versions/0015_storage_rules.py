"""Tables of storage rules, of runs and of the rules that find them.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def signal_number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "storage_rules",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("pattern", sa.String(120), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=True),
        sa.Column("unit", sa.String(24), nullable=True),
        sa.Column("data_type", sa.String(24), nullable=True),
        sa.Column("method", sa.String(24), nullable=False),
        sa.Column("bound", sa.Double(), nullable=False),
        sa.Column("bound_in", sa.String(24), nullable=False),
        sa.Column("every_s", sa.Double(), nullable=False),
        sa.Column("keep_peaks", sa.Boolean(), nullable=False),
        sa.Column("at_least_every_s", sa.Double(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_storage_rules_site", "storage_rules", ["site_id"])
    op.create_table(
        "run_rules",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("gap_s", sa.Double(), nullable=False),
        sa.Column("min_s", sa.Double(), nullable=False),
        sa.Column("id_signal_id", signal_number(), nullable=True),
        sa.Column("product", sa.String(120), nullable=False),
        sa.Column("product_signal_id", signal_number(), nullable=True),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("full_rate", sa.Boolean(), nullable=False),
        sa.Column("pre_s", sa.Double(), nullable=False),
        sa.Column("post_s", sa.Double(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_run_rules_site", "run_rules", ["site_id"])
    op.create_table(
        "runs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("rule_id", sa.String(36), nullable=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("product", sa.String(120), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("started_by", sa.String(120), nullable=False),
        sa.Column("ended_by", sa.String(120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("is_golden", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_runs_site", "runs", ["site_id", "started_at"])
    op.create_index("ix_runs_asset", "runs", ["asset_id", "started_at"])
    op.create_index("ix_runs_rule", "runs", ["rule_id", "started_at"])


def downgrade() -> None:
    op.drop_table("runs")
    op.drop_table("run_rules")
    op.drop_table("storage_rules")
