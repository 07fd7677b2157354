"""How long a start of a machine lasts, and its meter.

Revision: 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

SIGNAL = sa.BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def upgrade() -> None:
    with op.batch_alter_table("production_units") as batch:
        batch.add_column(sa.Column("energy_signal_id", SIGNAL, nullable=True))
        batch.add_column(sa.Column("startup_pieces", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("production_units") as batch:
        batch.alter_column(
            "startup_pieces", existing_type=sa.BigInteger(), existing_nullable=False, server_default=None
        )


def downgrade() -> None:
    for name in ("startup_pieces", "energy_signal_id"):
        with op.batch_alter_table("production_units") as batch:
            batch.drop_column(name)
