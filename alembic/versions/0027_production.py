"""Production: machines that are rated, products, reasons, prices, shifts, and what people said of stops.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _signal() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "production_units",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("gap_s", sa.Double(), nullable=False),
        sa.Column("minor_stop_s", sa.Double(), nullable=False),
        sa.Column("made_signal_id", _signal(), nullable=True),
        sa.Column("good_signal_id", _signal(), nullable=True),
        sa.Column("scrap_signal_id", _signal(), nullable=True),
        sa.Column("rework_signal_id", _signal(), nullable=True),
        sa.Column("counter_modulus", sa.Double(), nullable=True),
        sa.Column("pieces_per_count", sa.Double(), nullable=False),
        sa.Column("product_signal_id", _signal(), nullable=True),
        sa.Column("cycles", sa.JSON(), nullable=False),
        sa.Column("is_constraint", sa.Boolean(), nullable=False),
        sa.Column("target_oee", sa.Double(), nullable=True),
        sa.Column("line_id", sa.String(36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_production_units_site", "production_units", ["site_id"])
    op.create_table(
        "products",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_products_site", "products", ["site_id"])
    op.create_table(
        "stop_reasons",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("parent_id", sa.String(36), nullable=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_stop_reasons_site", "stop_reasons", ["site_id"])
    op.create_table(
        "site_rates",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("machine_hour", sa.Double(), nullable=False),
        sa.Column("scrap_piece", sa.Double(), nullable=False),
        sa.Column("energy_kwh", sa.Double(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_site_rates_site", "site_rates", ["site_id"])
    op.create_table(
        "production_shifts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("crew", sa.String(255), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("locked_by", sa.String(120), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("went_on", sa.Boolean(), nullable=False),
        sa.Column("derived", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_production_shifts_asset", "production_shifts", ["asset_id", "begin_at"])
    op.create_index("ix_production_shifts_site", "production_shifts", ["site_id", "begin_at"])
    op.create_table(
        "stop_edits",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("asset_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("reason_id", sa.String(36), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("shift_id", sa.String(36), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("said_by", sa.String(120), nullable=False),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_stop_edits_shift", "stop_edits", ["shift_id"])
    op.create_index("ix_stop_edits_site", "stop_edits", ["site_id"])


def downgrade() -> None:
    for table in (
        "stop_edits",
        "production_shifts",
        "site_rates",
        "stop_reasons",
        "products",
        "production_units",
    ):
        op.drop_table(table)
