"""Maintenance rules and events of a site, for the tests of what may be done with them."""

from pdm_app.domain.cases import Case
from pdm_app.domain.maintenance_events import EventKind, MaintenanceEvent
from pdm_app.domain.maintenance_rules import AlarmStands, MaintenanceRule, ScoreAbove, Severity
from pdm_app.domain.repositories import Work

RULE_REVISION = 7


def rule_id(site_id: str, use: str = "change") -> str:
    return f"{use}-rule-{site_id}"


def event_id(site_id: str, use: str = "resolve") -> str:
    return f"{use}-event-{site_id}"


def case_id(site_id: str, use: str = "note") -> str:
    return f"{use}-case-{site_id}"


async def put_maintenance(work: Work, site_id: str, asset_id: str) -> None:
    """Two rules that find nothing, two open events and two cases: one of each is for one kind of call only."""
    for use in ("change", "remove"):
        await work.maintenance.put_rule(
            MaintenanceRule(
                id=rule_id(site_id, use), site_id=site_id, name=f"To {use}", asset_id=asset_id, enabled=False,
                sensor=AlarmStands(), score=ScoreAbove(signal="anomaly", threshold=1.0), revision=RULE_REVISION,
            )
        )  # fmt: skip
    for use in ("note", "decide"):
        await work.cases.add(
            Case(
                id=case_id(site_id, use), site_id=site_id, asset_id=asset_id, title=f"To {use}", opened_at=1,
                opened_by="tom", changed_at=1, changed_by="tom",
            )
        )  # fmt: skip
    for use in ("price", "resolve"):
        await work.maintenance.add(
            MaintenanceEvent(
                id=event_id(site_id, use), site_id=site_id, asset_id=asset_id, kind=EventKind.REPORTED,
                name=f"To {use}", severity=Severity.MEDIUM, opened_at=1, recorded_at=1, opened_by="tom", ended_at=1,
                currency="EUR",
            )
        )  # fmt: skip
