"""What decides how samples are kept, one of each kind in a site."""

from typing import Any

from pdm_app.domain.repositories import Work
from pdm_app.domain.runs import Run, RunRule
from pdm_app.domain.sinks import InfluxdbOptions, Sink
from pdm_app.domain.storage_rules import Method, StorageRule


def storage_rule(site_id: str, **facts: Any) -> StorageRule:
    """A rule that thins nothing that moves."""
    given = {"name": "Slow signals", "pattern": "*.Winding_*", "method": Method.DOOR, "bound": 0.1, **facts}
    return StorageRule(id=f"storage-rule-{site_id}", site_id=site_id, revision=1, changed_by="tests", **given)


def influxdb_sink(site_id: str) -> Sink:
    """A sink that is switched off."""
    options = InfluxdbOptions(url="http://127.0.0.1:1", database="plant", username="pdm")
    return Sink(id=f"sink-{site_id}", site_id=site_id, name="Lake", enabled=False, begins_at=1, options=options)


async def put_recordings(work: Work, site_id: str, asset_id: str, at: int) -> None:
    """Store one of each, named after the site."""
    await work.storage_rules.put(storage_rule(site_id))
    await work.sinks.put(influxdb_sink(site_id))
    condition = "Motor_Current_A > 99"
    rule = RunRule(id=f"run-rule-{site_id}", site_id=site_id, asset_id=asset_id, name="Hot", condition=condition)
    await work.runs.put_rule(rule)
    await work.runs.put(
        [Run(id=f"run-{site_id}", site_id=site_id, asset_id=asset_id, name="B-1", started_at=at, started_by="tests")]
    )
