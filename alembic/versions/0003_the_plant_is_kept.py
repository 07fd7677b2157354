"""Nouns of the plant count their changes, say who made the last one, and can be deleted and restored.

Revision: 0003. Names are unique among the rows that are not deleted: ``is_live`` is NULL in the others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Table: its unique columns, and whether they were unique before.
UNIQUE = {
    "sites": (("code",), True),
    "areas": (("site_id", "name"), False),
    "lines": (("area_id", "name"), False),
    "assets": (("site_id", "code"), True),
    "devices": (("site_id", "code"), True),
    "connections": (("site_id", "name"), False),
    "signals": (("asset_id", "name"), True),
    "alarm_rules": (("asset_id", "name"), False),
}
FILLED = (
    ("revision", sa.BigInteger(), False),
    ("changed_at", sa.BigInteger(), False),
    ("changed_by", sa.String(120), False),
    ("is_live", sa.SmallInteger(), True),
)
"""Columns with a default only as long as it takes to fill the rows that are there."""

COVERED = {"areas": "ix_areas_site", "connections": "ix_connections_site"}
"""Indexes that the new unique keys make superfluous."""


def upgrade() -> None:
    for table, (columns, was_unique) in UNIQUE.items():
        key = f"uq_{table}_{columns[-1]}"
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"))
            batch.add_column(sa.Column("changed_at", sa.BigInteger(), nullable=False, server_default="0"))
            batch.add_column(sa.Column("changed_by", sa.String(120), nullable=False, server_default=""))
            batch.add_column(sa.Column("deleted_at", sa.BigInteger(), nullable=True))
            batch.add_column(sa.Column("is_live", sa.SmallInteger(), nullable=True, server_default="1"))
        with op.batch_alter_table(table) as batch:
            for name, kind, nullable in FILLED:
                batch.alter_column(name, existing_type=kind, existing_nullable=nullable, server_default=None)
            if was_unique:
                batch.drop_constraint(key, type_="unique")
            batch.create_unique_constraint(key, [*columns, "is_live"])
            if table in COVERED:
                batch.drop_index(COVERED[table])
    op.create_index("ix_alarm_rules_signal", "alarm_rules", ["signal_id"])


def downgrade() -> None:
    op.drop_index("ix_alarm_rules_signal", "alarm_rules")
    for table, (columns, was_unique) in UNIQUE.items():
        key = f"uq_{table}_{columns[-1]}"
        kept = sa.table(table, sa.column("deleted_at"))
        op.execute(kept.delete().where(kept.c.deleted_at.is_not(None)))
        with op.batch_alter_table(table) as batch:
            if table in COVERED:
                batch.create_index(COVERED[table], ["site_id"])
            batch.drop_constraint(key, type_="unique")
            for column in ("revision", "changed_at", "changed_by", "deleted_at", "is_live"):
                batch.drop_column(column)
            if was_unique:
                batch.create_unique_constraint(key, list(columns))
