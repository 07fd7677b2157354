"""Signals may have a formula, and say what it reads.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signals", sa.Column("formula", sa.Text(), nullable=True))
    op.add_column("signals", sa.Column("formula_reads", sa.JSON(), nullable=True))
    op.execute("UPDATE signals SET formula_reads = '[]'")
    with op.batch_alter_table("signals") as batch:
        batch.alter_column("formula_reads", existing_type=sa.JSON(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("signals") as batch:
        batch.drop_column("formula_reads")
        batch.drop_column("formula")
