"""The tables of notices: routes, contacts, and everything on its way."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.notice_routes import Contact, NoticeRoute
from pdm_app.domain.notice_words import NoticeTemplate
from pdm_app.domain.outbox import Attempt, Message, Notice, NoticeEvent
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class NoticeRouteRow(NoticeRoute, Row, table=True):
    __tablename__ = "notice_routes"
    __table_args__ = (keyed("id"), Index("ix_notice_routes_site", "site_id"), MYSQL)


class ContactRow(Contact, Row, table=True):
    """Kept apart from the user, whom many more may read."""

    __tablename__ = "notice_contacts"
    __table_args__ = (keyed("id"), MYSQL)


class NoticeTemplateRow(NoticeTemplate, Row, table=True):
    __tablename__ = "notice_templates"
    __table_args__ = (keyed("id"), MYSQL)


class NoticeEventRow(NoticeEvent, Row, table=True):
    """A queue: rows come with the journal and go when routes were asked."""

    __tablename__ = "notice_events"
    __table_args__ = (keyed("id"), MYSQL)


class NoticeRow(Notice, Row, table=True):
    __tablename__ = "notices"
    __table_args__ = (
        keyed("id"),
        Index("ix_notices_due", "state", "due_at"),
        Index("ix_notices_alarm", "alarm_id"),
        Index("ix_notices_site", "site_id"),
        MYSQL,
    )


class MessageRow(Message, Row, table=True):
    __tablename__ = "notice_messages"
    __table_args__ = (
        keyed("id"),
        Index("ix_notice_messages_due", "state", "next_at"),
        Index("ix_notice_messages_user", "user_id", "channel", "created_at"),
        Index("ix_notice_messages_site", "site_id"),
        MYSQL,
    )


class AttemptRow(Attempt, Row, table=True):
    __tablename__ = "notice_attempts"
    __table_args__ = (
        keyed("id"),
        Index("ix_notice_attempts_message", "message_id"),
        Index("ix_notice_attempts_site", "site_id"),
        MYSQL,
    )
