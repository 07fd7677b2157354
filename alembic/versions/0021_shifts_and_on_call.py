"""Shifts, who is on call, templates of messages, and routes that ask for area, class and time.

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
ROUTES = (
    ("area_ids", sa.JSON(), "'[]'"),
    ("classes", sa.JSON(), "'[]'"),
    ("hours", sa.String(24), "'always'"),
    ("weekdays", sa.JSON(), "'[]'"),
    ("from_time", sa.String(5), None),
    ("to_time", sa.String(5), None),
)


def upgrade() -> None:
    op.create_table(
        "shift_calendars",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("anchor", sa.String(10), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("exceptions", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_shift_calendars_site", "shift_calendars", ["site_id"])
    op.create_table(
        "rotas",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("anchor", sa.String(10), nullable=False),
        sa.Column("handover", sa.String(5), nullable=False),
        sa.Column("turn_days", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("crews", sa.JSON(), nullable=False),
        sa.Column("stand_ins", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_rotas_site", "rotas", ["site_id"])
    op.create_table(
        "notice_templates",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    for name, kind, _ in ROUTES:
        op.add_column("notice_routes", sa.Column(name, kind, nullable=True))
    values = {name: sa.text(value) for name, _, value in ROUTES if value is not None}
    op.execute(sa.table("notice_routes", *map(sa.column, values)).update().values(values))
    with op.batch_alter_table("notice_routes") as batch:
        for name, kind, value in ROUTES:
            if value is not None:
                batch.alter_column(name, existing_type=kind, nullable=False)
    op.add_column("notices", sa.Column("rota_id", sa.String(36), nullable=True))


def downgrade() -> None:
    op.drop_column("notices", "rota_id")
    with op.batch_alter_table("notice_routes") as batch:
        for name, _, _ in ROUTES:
            batch.drop_column(name)
    for table in ("notice_templates", "rotas", "shift_calendars"):
        op.drop_table(table)
