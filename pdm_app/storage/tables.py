"""Every table: domain records with keys and column types added, and what only storage knows.

There are no foreign keys: partitioned tables take none, a sharded or group-replicated MySQL restricts them, and rows
are never deleted but by retention. Uniqueness is held by keys, references by the services that write them.
Secrets (password, device key and refresh token hashes) are columns of rows here, never fields of a record.
"""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import JSON, BigInteger, Double, Index, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.access import DeviceKey
from pdm_app.domain.alarms import Alarm, AlarmRule, JournalEntry, RuleMemory
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.signals import Signal
from pdm_app.storage.columns import HOT, MYSQL, Kept, Row, signal_number, small

METADATA = SQLModel.metadata

Short = Annotated[str, FieldInfoMetadata(sa_type=String(120), nullable=False)]
Key = Annotated[str, FieldInfoMetadata(sa_type=String(36), nullable=False)]
Hash = Annotated[str, FieldInfoMetadata(sa_type=String(255), nullable=False)]
Number = Annotated[int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False)]
NumberOrNone = Annotated[int | None, FieldInfoMetadata(sa_type=BigInteger(), nullable=True)]
SignalNumber = Annotated[
    int, FieldInfoMetadata(sa_type=signal_number(), nullable=False, sa_column_kwargs={"autoincrement": False})
]
SignalNumberOrNone = Annotated[int | None, FieldInfoMetadata(sa_type=signal_number(), nullable=True)]
Small = Annotated[int, FieldInfoMetadata(sa_type=small(), nullable=False)]
SmallOrNone = Annotated[int | None, FieldInfoMetadata(sa_type=small(), nullable=True)]
Real = Annotated[float, FieldInfoMetadata(sa_type=Double(), nullable=False)]
RealOrNone = Annotated[float | None, FieldInfoMetadata(sa_type=Double(), nullable=True)]
ListOrNone = Annotated[list[str] | None, FieldInfoMetadata(sa_type=JSON(), nullable=True)]
WordsOrNone = Annotated[str | None, FieldInfoMetadata(sa_type=Text(), nullable=True)]


def keyed(*primary: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*primary)


def _unique(table: str, *columns: str) -> UniqueConstraint:
    """Return the key that keeps names apart among the rows that are not deleted."""
    return UniqueConstraint(*columns, "is_live", name=f"uq_{table}_{columns[-1]}")


# --- the plant ----------------------------------------------------------------------------------------------------


class SiteRow(Site, Kept, table=True):
    __tablename__ = "sites"
    __table_args__ = (keyed("id"), _unique("sites", "code"), MYSQL)


class AreaRow(Area, Kept, table=True):
    __tablename__ = "areas"
    __table_args__ = (keyed("id"), _unique("areas", "site_id", "name"), MYSQL)


class LineRow(Line, Kept, table=True):
    __tablename__ = "lines"
    __table_args__ = (keyed("id"), _unique("lines", "area_id", "name"), Index("ix_lines_site", "site_id"), MYSQL)

    lead_signal_id: SignalNumberOrNone = None


class AssetRow(Asset, Kept, table=True):
    __tablename__ = "assets"
    __table_args__ = (keyed("id"), _unique("assets", "site_id", "code"), MYSQL)

    state_signal_id: SignalNumberOrNone = None


class DeviceRow(Device, Kept, table=True):
    __tablename__ = "devices"
    __table_args__ = (keyed("id"), _unique("devices", "site_id", "code"), MYSQL)


class DeviceKeyRow(DeviceKey, Row, table=True):
    __tablename__ = "device_keys"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("key_hash", name="uq_device_keys_hash"),
        Index("ix_device_keys_device", "device_id"),
        MYSQL,
    )

    key_hash: Hash


class SignalRow(Signal, Kept, table=True):
    __tablename__ = "signals"
    __table_args__ = (
        keyed("id"),
        _unique("signals", "asset_id", "name"),
        Index("ix_signals_site", "site_id"),
        Index("ix_signals_connection", "connection_id"),
        MYSQL,
    )

    id: SignalNumber


class ConnectionRow(Connection, Kept, table=True):
    __tablename__ = "connections"
    __table_args__ = (keyed("id"), _unique("connections", "site_id", "name"), MYSQL)


# --- alarms -------------------------------------------------------------------------------------------------------


class AlarmRuleRow(AlarmRule, Kept, table=True):
    __tablename__ = "alarm_rules"
    __table_args__ = (
        keyed("id"),
        _unique("alarm_rules", "asset_id", "name"),
        Index("ix_alarm_rules_site", "site_id"),
        Index("ix_alarm_rules_signal", "signal_id"),
        MYSQL,
    )

    signal_id: SignalNumber


class RuleMemoryRow(RuleMemory, Row, table=True):
    __tablename__ = "rule_memories"
    __table_args__ = (keyed("rule_id"), MYSQL)

    rule_id: Key


class AlarmRow(Alarm, Row, table=True):
    __tablename__ = "alarms"
    __table_args__ = (
        keyed("id"),
        Index("ix_alarms_standing", "state", "site_id"),
        Index("ix_alarms_site", "site_id", "raised_at"),
        MYSQL,
    )

    signal_id: SignalNumber


class JournalRow(JournalEntry, Row, table=True):
    __tablename__ = "alarm_journal"
    __table_args__ = (
        keyed("id"),
        Index("ix_alarm_journal_at", "at", "id"),
        Index("ix_alarm_journal_site", "site_id", "at", "id"),
        Index("ix_alarm_journal_asset", "asset_id", "at", "id"),
        Index("ix_alarm_journal_alarm", "alarm_id", "at", "id"),
        Index("ix_alarm_journal_kind", "kind", "at", "id"),
        Index("ix_alarm_journal_priority", "priority", "at", "id"),
        Index("ix_alarm_journal_text", "text_id", "at", "id"),
        MYSQL,
    )

    text_id: NumberOrNone = None


# --- people -------------------------------------------------------------------------------------------------------


class UserRow(Row, table=True):
    __tablename__ = "users"
    __table_args__ = (keyed("id"), UniqueConstraint("username", name="uq_users_username"), MYSQL)

    id: Key
    username: Annotated[str, FieldInfoMetadata(sa_type=String(80), nullable=False)]
    display_name: Short
    role: Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]
    is_active: bool
    created_at: Number
    custom_role_id: Annotated[str | None, FieldInfoMetadata(sa_type=String(36), nullable=True)] = None
    grants: ListOrNone = None
    denials: ListOrNone = None
    deleted_at: NumberOrNone = None
    password_hash: Annotated[str | None, FieldInfoMetadata(sa_type=String(255), nullable=True)] = None


class MembershipRow(Row, table=True):
    """Which sites a user belongs to; ``position`` keeps the order of ``User.site_ids``."""

    __tablename__ = "memberships"
    __table_args__ = (keyed("user_id", "site_id"), MYSQL)

    user_id: Key
    site_id: Key
    position: Small


class SessionTable(Row, table=True):
    __tablename__ = "sessions"
    __table_args__ = (
        keyed("id"),
        Index("ix_sessions_user", "user_id"),
        Index("ix_sessions_expires", "expires_at"),
        MYSQL,
    )

    id: Key
    user_id: Key
    created_at: Number
    seen_at: Number
    expires_at: Number
    refresh_hash: Hash
    address: Hash
    agent: WordsOrNone
    revoked_at: NumberOrNone = None
    active_at: NumberOrNone = None


class InstallationRow(Row, table=True):
    """Facts of this installation, such as the hash of the set-up token."""

    __tablename__ = "installation"
    __table_args__ = (keyed("name"), MYSQL)

    name: Short
    value: Annotated[str, FieldInfoMetadata(sa_type=Text(), nullable=False)]


# --- the historian ------------------------------------------------------------------------------------------------


class SampleRow(Row, table=True):
    """One instant of one signal.

    ``place`` is the buffer's seq and the row in the batch in one number (see `pdm_app.storage.columnar`). The sample
    with the highest (received_at, place) is the value; the ``other_`` columns hold the runner-up of the same
    microsecond. Kept this way, the row is the same in whatever order the samples arrived.
    """

    __tablename__ = "samples"
    __table_args__ = (keyed("signal_id", "source_at"), HOT)

    signal_id: SignalNumber
    source_at: Number
    value: RealOrNone = None
    text: WordsOrNone = None
    quality: Small
    received_at: Number
    place: Number
    other_value: RealOrNone = None
    other_text: WordsOrNone = None
    other_quality: SmallOrNone = None
    other_received_at: NumberOrNone = None
    other_place: NumberOrNone = None


class LatestRow(Row, table=True):
    """The newest sample of each signal; also the list of the signals that have any."""

    __tablename__ = "latest"
    __table_args__ = (keyed("signal_id"), HOT)

    signal_id: SignalNumber
    source_at: Number
    value: RealOrNone = None
    text: WordsOrNone = None
    quality: Small
    received_at: Number
    place: Number


class LeaseRow(Row, table=True):
    """Who may collect. ``token`` grows with every change of hands and never shrinks."""

    __tablename__ = "leases"
    __table_args__ = (keyed("name"), MYSQL)

    name: Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]
    holder: Short
    token: Number
    expires_at: Number


def table_of(row: type[Row]) -> Table:
    """Return the SQLAlchemy table of a row class."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table
