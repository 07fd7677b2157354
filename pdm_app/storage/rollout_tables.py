"""The tables of firmware on devices: what each runs, groups of them, campaigns, actions and the stories of actions."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index, UniqueConstraint

from pdm_app.domain.campaigns import Campaign
from pdm_app.domain.device_groups import DeviceGroup
from pdm_app.domain.firmware_actions import Action, ActionEvent
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class FirmwareTwinRow(FirmwareTwin, Row, table=True):
    __tablename__ = "firmware_twins"
    __table_args__ = (keyed("id"), Index("ix_firmware_twins_site", "site_id"), MYSQL)


class DeviceGroupRow(DeviceGroup, Row, table=True):
    __tablename__ = "device_groups"
    __table_args__ = (keyed("id"), Index("ix_device_groups_site", "site_id"), MYSQL)


class CampaignRow(Campaign, Row, table=True):
    __tablename__ = "campaigns"
    __table_args__ = (keyed("id"), Index("ix_campaigns_site", "site_id"), MYSQL)


class FirmwareActionRow(Action, Row, table=True):
    """``active_device_id`` is NULL in all but one action of a device, and NULLs stand beside each other."""

    __tablename__ = "firmware_actions"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("number", name="uq_firmware_actions_number"),
        UniqueConstraint("active_device_id", name="uq_firmware_actions_active_device"),
        Index("ix_firmware_actions_campaign", "campaign_id"),
        Index("ix_firmware_actions_device", "device_id", "number"),
        MYSQL,
    )


class FirmwareActionEventRow(ActionEvent, Row, table=True):
    __tablename__ = "firmware_action_events"
    __table_args__ = (keyed("id"), Index("ix_firmware_action_events_action", "action_id", "at"), MYSQL)
