"""Tables of the trend workspace: views that people keep, and notes on the time axis."""

# mypy: disable-error-code="misc"

from sqlalchemy import Index, UniqueConstraint

from pdm_app.domain.annotations import Annotation
from pdm_app.domain.views import View
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.holding_tables import Live
from pdm_app.storage.tables import SignalNumberOrNone, keyed


class ViewRow(View, Row, table=True):
    __tablename__ = "saved_views"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("owner_id", "name", "is_live", name="uq_saved_views_name"),
        Index("ix_saved_views_site", "site_id"),
        Index("ix_saved_views_group", "group_id"),
        MYSQL,
    )

    is_live: Live = 1


class AnnotationRow(Annotation, Row, table=True):
    __tablename__ = "annotations"
    __table_args__ = (
        keyed("id"),
        Index("ix_annotations_asset", "asset_id", "start_at"),
        Index("ix_annotations_site", "site_id", "start_at"),
        MYSQL,
    )

    signal_id: SignalNumberOrNone = None
