"""The addresses of a pump-monitoring system, answered from the product's own data.

``/api/live-data``, ``/api/sensor-history``, ``/api/anomaly-history``, ``/api/maintenance-events``,
``/api/system-health`` and ``/api/start-simulation``; what pumps send goes to ``/api/ingest``. Each needs a session's
cookie or a bearer token and shows only the sites in its reach. A pump is a machine with all ten signals; ``?asset=``
takes its id or its code. Times are ISO 8601 in UTC.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.access import Permission
from pdm_app.domain.errors import FieldIssue, InvalidInputError, UnavailableError
from pdm_app.domain.pumps import PUMP_KEYS, Anomaly, MaintenanceEvent, Pump, PumpReading, PumpRow
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.endpoints.answers import json_response
from pdm_app.endpoints.callers import HttpServices, actor_of, check_origin
from pdm_app.endpoints.query import Query, iso
from pdm_app.settings import AuthSettings

SPAN_S = 3_600
ROWS = 600
READS_AT_ONCE_MAX = 4  # A month of ten signals is seconds of the database's work.


class PumpPaths:
    """Serves the addresses."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._reading = 0

    async def live_data(self, request: Request, services: HttpServices) -> Response:
        """``GET /api/live-data``: the newest values of every pump, or of one."""
        actor = await actor_of(request, services)
        query = Query(request, ("asset",))
        readings = await services.pumps.readings(actor, query.text("asset"))
        return json_response(
            {"timestamp": iso(services.system.now()), "data": [_reading(reading) for reading in readings]}
        )

    async def sensor_history(self, request: Request, services: HttpServices) -> Response:
        """``GET /api/sensor-history``: rows of one pump over a span, by default the last hour."""
        actor = await actor_of(request, services)
        query = Query(request, ("asset", "start", "end", "limit"))
        start_at, end_at = _span(query, services.system.now())
        if self._reading >= READS_AT_ONCE_MAX:
            raise UnavailableError(
                f"{self._reading} histories are being read at this moment. Try again in a second.", retry_after_s=1
            )
        self._reading += 1
        try:
            history = await services.pumps.history(
                actor, query.text("asset"), start_at, end_at, query.count("limit", ROWS)
            )
        finally:
            self._reading -= 1
        return json_response(
            {
                **_which(history.pump),
                "start": iso(history.start_at),
                "end": iso(history.end_at),
                "bucket_s": history.bucket_us / MICROS_PER_S,
                "count": len(history.rows),
                "data": [_row(row, is_bucket=history.bucket_us > 0) for row in history.rows],
            }
        )

    async def anomaly_history(self, request: Request, services: HttpServices) -> Response:
        """``GET /api/anomaly-history``: what models found in a span, by default the last hour."""
        actor = await actor_of(request, services)
        query = Query(request, ("asset", "start", "end"))
        start_at, end_at = _span(query, services.system.now())
        found = await services.pumps.anomalies(actor, query.text("asset"), start_at, end_at)
        return json_response(
            {
                "start": iso(start_at),
                "end": iso(end_at),
                "count": len(found),
                "data": [_anomaly(anomaly) for anomaly in found],
            }
        )

    async def maintenance_events(self, request: Request, services: HttpServices) -> Response:
        """``GET /api/maintenance-events``: what rules and models opened, still standing and resolved."""
        actor = await actor_of(request, services)
        query = Query(request, ("asset",))
        events = await services.pumps.maintenance_events(actor, query.text("asset"))
        return json_response(
            {
                "active": [_event(event) for event in events if event.resolved_at is None],
                "resolved": [_event(event) for event in events if event.resolved_at is not None],
            }
        )

    async def system_health(self, request: Request, services: HttpServices) -> Response:
        """``GET /api/system-health``: checks and figures; needs system.read."""
        actor = await actor_of(request, services)
        Query(request, ())
        info = await services.system.info(actor)
        health = await services.system.health()
        sound = all(check.ok for check in health.checks)
        return json_response(
            {
                "status": ("ok" if sound else "degraded") if health.ready else "failing",
                "timestamp": iso(health.at),
                "version": info.version,
                "uptime_s": round((info.now - info.started_at) / MICROS_PER_S, 3),
                "simulated": info.demo,
                "checks": {
                    check.name: {"ok": check.ok, "detail": check.detail, "needed": check.needed}
                    for check in health.checks
                },
                "samples_recorded": info.samples_recorded,
                "samples_per_s": info.samples_per_s,
                "samples_buffered": info.buffer_samples,
                "samples_dropped": info.samples_dropped,
                "viewers": info.viewers,
                "memory_bytes": info.memory_bytes,
                "cpu_percent": info.cpu_percent,
            }
        )

    async def start_simulation(self, request: Request, services: HttpServices) -> Response:
        """``POST /api/start-simulation``: replay a recording on a machine; needs the rights of an engineer.

        ``?asset=`` names the machine, ``file`` the recording unless there is only one, ``speed`` is 1 to 600 and
        ``loop`` is 1 or 0.
        """
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        actor.require(Permission.DEMO_CONTROL)
        query = Query(request, ("asset", "file", "speed", "loop"))
        asset = query.text("asset")
        if asset is None:
            raise InvalidInputError(
                "Say on which machine the recording is to be replayed.",
                [FieldIssue("asset", "is missing", "send the id or the code of a machine")],
            )
        options = {"speed": query.count("speed", 1), "loop": query.flag("loop")}
        replay = await services.replays.start(actor, asset, query.text("file"), options)
        return json_response({"status": "started", "simulated": True, **replay.model_dump()}, 202)


def _span(query: Query, now: int) -> tuple[int, int]:
    end_at = query.at("end", now)
    return query.at("start", max(0, end_at - SPAN_S * MICROS_PER_S)), end_at


def _which(pump: Pump) -> dict[str, Any]:
    return {"asset": pump.code, "asset_id": pump.asset_id, "simulated": pump.simulated}


def _reading(reading: PumpReading) -> dict[str, Any]:
    return {
        **_which(reading.pump),
        "timestamp": iso(reading.at),
        **_ten(reading.values),
        "quality": {key: reading.quality[key] for key in PUMP_KEYS},
    }


def _row(row: PumpRow, *, is_bucket: bool) -> dict[str, Any]:
    extremes = {"low": _ten(row.low), "high": _ten(row.high)} if is_bucket else {}
    return {"timestamp": iso(row.at), **_ten(row.values), **extremes}


def _ten(values: dict[str, float | None]) -> dict[str, float | None]:
    return {key: values[key] for key in PUMP_KEYS}


def _anomaly(anomaly: Anomaly) -> dict[str, Any]:
    return {
        "id": anomaly.id,
        "asset_id": anomaly.asset_id,
        "timestamp": iso(anomaly.at),
        "is_anomaly": anomaly.is_anomaly,
        "loss": anomaly.loss,
        "threshold": anomaly.threshold,
        "sensors": {name: state.model_dump() for name, state in anomaly.sensors.items()},
    }


def _event(event: MaintenanceEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "asset_id": event.asset_id,
        "timestamp": iso(event.at),
        "type": event.type,
        "severity": event.severity,
        "sensor": event.sensor,
        "description": event.description,
        "estimated_cost": event.estimated_cost,
        "currency": event.currency,
        "resolved": event.resolved_at is not None,
        "resolved_at": iso(event.resolved_at),
    }
