"""All tables in one place, for migrations and their tests: a file of tables is one line here."""

from pdm_app.storage import (
    audit_tables,
    cold_tables,
    holding_tables,
    identity_tables,
    maintenance_tables,
    notice_tables,
    people_tables,
    report_tables,
    retention_tables,
    rollup_tables,
    run_tables,
    secret_tables,
    settings_tables,
    shift_tables,
    sink_tables,
    storage_rule_tables,
    tables,
    trust_tables,
    view_tables,
)

METADATA = tables.METADATA

__all__ = [
    "METADATA",
    "audit_tables",
    "cold_tables",
    "holding_tables",
    "identity_tables",
    "maintenance_tables",
    "notice_tables",
    "people_tables",
    "report_tables",
    "retention_tables",
    "rollup_tables",
    "run_tables",
    "secret_tables",
    "settings_tables",
    "shift_tables",
    "sink_tables",
    "storage_rule_tables",
    "tables",
    "trust_tables",
    "view_tables",
]
