"""What devices run, groups of devices, campaigns, and one device's way to a release.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    _devices()
    _campaigns()
    _actions()


def _devices() -> None:
    op.create_table(
        "firmware_twins",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("client", sa.String(24), nullable=False),
        sa.Column("hardware", sa.String(80), nullable=False),
        sa.Column("hardware_revision", sa.String(80), nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("version_at", sa.BigInteger(), nullable=True),
        sa.Column("security_floor", sa.BigInteger(), nullable=False),
        sa.Column("release_id", sa.String(36), nullable=True),
        sa.Column("good_release_id", sa.String(36), nullable=True),
        sa.Column("quarantined", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("wants_attributes", sa.Boolean(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.String(80), nullable=False),
        sa.Column("auto_confirm", sa.Boolean(), nullable=False),
        sa.Column("auto_confirm_by", sa.String(120), nullable=False),
        sa.Column("auto_confirm_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_firmware_twins_site", "firmware_twins", ["site_id"])
    op.create_table(
        "device_groups",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("device_ids", sa.JSON(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(120), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_device_groups_site", "device_groups", ["site_id"])


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("release_id", sa.String(36), nullable=True),
        sa.Column("group_id", sa.String(36), nullable=False),
        sa.Column("phases", sa.JSON(), nullable=False),
        sa.Column("mode", sa.String(24), nullable=False),
        sa.Column("forced_at", sa.BigInteger(), nullable=True),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("only_when_idle", sa.Boolean(), nullable=False),
        sa.Column("ask_users", sa.Boolean(), nullable=False),
        sa.Column("retry", sa.JSON(), nullable=False),
        sa.Column("concurrent_max", sa.BigInteger(), nullable=False),
        sa.Column("soak_s", sa.BigInteger(), nullable=False),
        sa.Column("silent_s", sa.BigInteger(), nullable=False),
        sa.Column("takes_new_members", sa.Boolean(), nullable=False),
        sa.Column("second_person", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("phase", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("creator_id", sa.String(36), nullable=False),
        sa.Column("approved_by", sa.String(120), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("rolls_back", sa.String(36), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_campaigns_site", "campaigns", ["site_id"])


def _actions() -> None:
    op.create_table(
        "firmware_actions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("campaign_id", sa.String(36), nullable=False),
        sa.Column("device_id", sa.String(36), nullable=False),
        sa.Column("release_id", sa.String(36), nullable=False),
        sa.Column("phase", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.String(24), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.Column("served_to", sa.BigInteger(), nullable=False),
        sa.Column("from_version", sa.String(80), nullable=False),
        sa.Column("to_version", sa.String(80), nullable=False),
        sa.Column("verified_from", sa.BigInteger(), nullable=True),
        sa.Column("active_device_id", sa.String(36), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number", name="uq_firmware_actions_number"),
        sa.UniqueConstraint("active_device_id", name="uq_firmware_actions_active_device"),
        **MYSQL,
    )
    op.create_index("ix_firmware_actions_campaign", "firmware_actions", ["campaign_id"])
    op.create_index("ix_firmware_actions_device", "firmware_actions", ["device_id", "number"])
    op.create_table(
        "firmware_action_events",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("action_id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("happening", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("is_a_move", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **MYSQL,
    )
    op.create_index("ix_firmware_action_events_action", "firmware_action_events", ["action_id", "at"])


def downgrade() -> None:
    for table in (
        "firmware_action_events",
        "firmware_actions",
        "campaigns",
        "device_groups",
        "firmware_twins",
    ):
        op.drop_table(table)
