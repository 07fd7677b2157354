"""Alarm rules carry their rationale; alarms can be latched, shelved, suppressed and out of service.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

RULES = (
    ("latching", sa.Boolean(), "0"),
    ("ack_required", sa.Boolean(), "1"),
    ("alarm_class", sa.String(120), "''"),
    ("group", sa.String(120), "''"),
    ("first_out", sa.Boolean(), "0"),
    ("suppressions", sa.JSON(), "'[]'"),
    ("shelvable", sa.Boolean(), "1"),
    ("shelve_s_max", sa.Double(), "28800"),
    ("consequence_level", sa.String(24), None),
    ("respond_within", sa.String(24), None),
    ("owner_role", sa.String(120), "''"),
    ("notification", sa.String(120), "''"),
    ("escalation", sa.String(120), "''"),
    ("review_at", sa.BigInteger(), None),
    ("approved_by", sa.String(120), "''"),
    ("approved_at", sa.BigInteger(), None),
)
MEMORIES = (
    ("abnormal", sa.Boolean(), "0"),
    ("latched", sa.Boolean(), "0"),
    ("shelved_until", sa.BigInteger(), None),
    ("one_shot", sa.Boolean(), "0"),
    ("suppressed_by", sa.JSON(), "'[]'"),
    ("out_of_service", sa.Boolean(), "0"),
    ("recall", sa.JSON(), "'[]'"),
    ("heard", sa.JSON(), "'[]'"),
)
ALARMS = (
    ("kind", sa.String(24), "'high'"),
    ("group", sa.String(120), "''"),
    ("latching", sa.Boolean(), "0"),
    ("abnormal", sa.Boolean(), "1"),
    ("shelvable", sa.Boolean(), "1"),
    ("shelve_s_max", sa.Double(), "28800"),
    ("shelved_until", sa.BigInteger(), None),
    ("one_shot", sa.Boolean(), "0"),
    ("suppressed_by", sa.String(120), "''"),
    ("held_at", sa.BigInteger(), None),
    ("held_by", sa.String(120), "''"),
    ("hold_reason", sa.Text(), "''"),
    ("permit", sa.String(120), "''"),
)
TABLES = (("alarm_rules", RULES), ("rule_memories", MEMORIES), ("alarms", ALARMS))


def upgrade() -> None:
    for table, columns in TABLES:
        for name, kind, _ in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
        values = {name: sa.text(value) for name, _, value in columns if value is not None}
        op.execute(sa.table(table, *map(sa.column, values)).update().values(values))
        with op.batch_alter_table(table) as batch:
            for name, kind, value in columns:
                if value is not None:
                    batch.alter_column(name, existing_type=kind, nullable=False)
            if table == "alarms":
                batch.alter_column("limit", existing_type=sa.Double(), nullable=True)


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM alarms WHERE state IN ('E', 'F', 'G', 'H', 'I')"))
    op.execute(sa.table("alarms", sa.column("limit")).update().values(limit=0).where(sa.column("limit").is_(None)))
    for table, columns in TABLES:
        with op.batch_alter_table(table) as batch:
            for name, _, _ in columns:
                batch.drop_column(name)
            if table == "alarms":
                batch.alter_column("limit", existing_type=sa.Double(), nullable=False)
