"""Maintenance: rules that open events, what work costs, and the events themselves.

Revision: 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _signal() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "maintenance_rules",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=True),
        sa.Column("asset_class", sa.String(80), nullable=False),
        sa.Column("sensor", sa.JSON(), nullable=False),
        sa.Column("score", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(24), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_maintenance_rules_site", "maintenance_rules", ["site_id"])
    op.create_table(
        "maintenance_costs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("base", sa.Double(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("critical", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("medium", sa.Double(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_maintenance_costs_site", "maintenance_costs", ["site_id"])
    op.create_table(
        "maintenance_events",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("severity", sa.String(24), nullable=False),
        sa.Column("rule_id", sa.String(36), nullable=True),
        sa.Column("alarm_id", sa.String(36), nullable=True),
        sa.Column("signal_id", _signal(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("limit", sa.Double(), nullable=True),
        sa.Column("score_signal_id", _signal(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("score_limit", sa.Double(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(120), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Double(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(120), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    for name, first in (("site", "site_id"), ("asset", "asset_id")):
        op.create_index(
            f"ix_maintenance_events_{name}", "maintenance_events", [first, "resolved_at", "opened_at", "id"]
        )
    op.create_index("ix_maintenance_events_at", "maintenance_events", ["opened_at", "id"])


def downgrade() -> None:
    for table in ("maintenance_events", "maintenance_costs", "maintenance_rules"):
        op.drop_table(table)
