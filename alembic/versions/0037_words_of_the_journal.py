"""The journal is searched by its words. Those of entries that are there already are kept by the running product.

Revision: 0037, after 0041.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0041"
branch_labels = None
depends_on = None

HOT = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "sqlite_with_rowid": False,
}


def upgrade() -> None:
    op.create_table(
        "journal_texts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **HOT,
    )
    op.create_table(
        "journal_words",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("word", sa.String(48), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **HOT,
    )
    op.create_table(
        "journal_text_words",
        sa.Column("word_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("word_id", "text_id"),
        **HOT,
    )
    op.add_column("alarm_journal", sa.Column("text_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_alarm_journal_text", "alarm_journal", ["text_id", "at", "id"])


def downgrade() -> None:
    op.drop_index("ix_alarm_journal_text", "alarm_journal")
    op.drop_column("alarm_journal", "text_id")
    for table in ("journal_text_words", "journal_words", "journal_texts"):
        op.drop_table(table)
