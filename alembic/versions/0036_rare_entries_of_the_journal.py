"""Pages of the alarm journal that keep to one kind or one priority are found however rare that is.

Revision: 0036, after 0035.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INDEXES = {"ix_alarm_journal_kind": "kind", "ix_alarm_journal_priority": "priority"}


def upgrade() -> None:
    for name, column in INDEXES.items():
        op.create_index(name, "alarm_journal", [column, "at", "id"])


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "alarm_journal")
