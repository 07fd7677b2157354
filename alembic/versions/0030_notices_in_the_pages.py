"""Notices in the pages of the product, in the language of whoever reads them.

Revision: 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# By table: column, type, and what stands in it for rows that are there already; None where nothing may.
TABLES: dict[str, tuple[tuple[str, sa.types.TypeEngine[object], object], ...]] = {
    "notice_contacts": (
        ("in_page", sa.Boolean(), True),
        ("sounds_to", sa.BigInteger(), 2),
        ("language", sa.String(24), "en"),
        ("local_times", sa.Boolean(), False),
    ),
    "notice_messages": (("alarm_id", sa.String(36), None), ("read_at", sa.BigInteger(), None)),
    "notice_templates": (("channel", sa.String(24), "email"), ("language", sa.String(24), "en")),
}


def upgrade() -> None:
    for table, columns in TABLES.items():
        for name, kind, _ in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
        filled = {name: value for name, _, value in columns if value is not None}
        if not filled:
            continue
        op.execute(sa.table(table, *(sa.column(name, kind) for name, kind, _ in columns)).update().values(filled))
        with op.batch_alter_table(table) as batch:
            for name, kind, value in columns:
                if value is not None:
                    batch.alter_column(name, existing_type=kind, nullable=False)
    _rename_templates(lambda id_: f"{id_}.en", with_channel=True)


def downgrade() -> None:
    templates = sa.table("notice_templates", sa.column("id"), sa.column("language"))
    op.execute(templates.delete().where(templates.c.language != "en"))
    _rename_templates(lambda id_: id_.removesuffix(".en"), with_channel=False)
    for table, columns in reversed(TABLES.items()):
        with op.batch_alter_table(table) as batch:
            for name, _, _ in columns:
                batch.drop_column(name)


def _rename_templates(named, *, with_channel: bool) -> None:  # type: ignore[no-untyped-def]
    """A template was named by its channel alone, and is by channel and language."""
    templates = sa.table("notice_templates", sa.column("id"), sa.column("channel"))
    link = op.get_bind()
    for (id_,) in link.execute(sa.select(templates.c.id)).all():
        values = {"id": named(id_)} | ({"channel": id_} if with_channel else {})
        link.execute(templates.update().where(templates.c.id == id_).values(**values))
