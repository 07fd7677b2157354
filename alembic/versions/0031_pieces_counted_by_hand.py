"""Pieces that people count, beside what they say of stops.

Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

COLUMNS = {
    "counted": sa.String(24),
    "pieces": sa.Double(),
    "product_id": sa.String(36),
    "cycle_s": sa.Double(),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("stop_edits", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("stop_edits", name)
