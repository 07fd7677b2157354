"""Tables of runs and of the rules that find them."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.runs import Run, RunRule
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import SignalNumberOrNone, keyed


class RunRuleRow(RunRule, Row, table=True):
    __tablename__ = "run_rules"
    __table_args__ = (keyed("id"), Index("ix_run_rules_site", "site_id"), MYSQL)

    id_signal_id: SignalNumberOrNone = None
    product_signal_id: SignalNumberOrNone = None


class RunRow(Run, Row, table=True):
    __tablename__ = "runs"
    __table_args__ = (
        keyed("id"),
        Index("ix_runs_site", "site_id", "started_at"),
        Index("ix_runs_asset", "asset_id", "started_at"),
        Index("ix_runs_rule", "rule_id", "started_at"),
        MYSQL,
    )
