"""The addresses of a pump-monitoring system: their names, their bodies, and who gets them."""

import asyncio

import httpx
import pytest

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.domain.samples import MICROS_PER_S, Micros, Quality
from pdm_app.endpoints.pump_paths import READS_AT_ONCE_MAX
from pdm_app.services.system import SystemInfo
from tests.counterparts.clocks import NOON
from tests.endpoints.conftest import PASSWORD, Served

RPM, OIL = 41, 43
NOON_ISO = "2027-01-15T08:00:00Z"
READS = (
    "/api/live-data", "/api/sensor-history", "/api/anomaly-history", "/api/maintenance-events", "/api/system-health",
)  # fmt: skip
INFO = SystemInfo(
    version="1.2.3", started_at=NOON - 90 * MICROS_PER_S, now=NOON, database="SQLite", data_dir="data", demo=True,
    python="3.11", samples_recorded=7, samples_per_s=2.5, buffer_samples=1, buffer_bytes=2, buffer_bytes_max=3,
    samples_dropped=0, viewers=1, memory_bytes=100, cpu_percent=1.5,
)  # fmt: skip


async def bearer(served: Served, username: str = "olga") -> dict[str, str]:
    signed_in = await served.auth.sign_in(username, PASSWORD, "192.0.2.9")
    return {"authorization": f"Bearer {signed_in.access_token}"}


async def get(served: Served, path: str, username: str = "olga") -> httpx.Response:
    async with served.client("192.0.2.9") as program:
        return await program.get(path, headers=await bearer(served, username))


async def test_live_data_has_a_row_per_pump_with_the_names_that_its_controller_sends(served: Served) -> None:
    served.room.measure(RPM, 1480.0, NOON - MICROS_PER_S)
    served.room.measure(OIL, 4.1, NOON - MICROS_PER_S)
    served.room.latest.mark([OIL], Quality.BAD_STALE, Micros(NOON))
    response = await get(served, "/api/live-data")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer["timestamp"] == NOON_ISO
    (row,) = answer["data"]
    quality = row.pop("quality")
    assert row == {
        "asset": "P-501",
        "asset_id": "p-501",
        "simulated": False,
        "timestamp": "2027-01-15T07:59:59Z",
        **dict.fromkeys(PUMP_KEYS),
        "Motor_RPM": 1480.0,
    }
    assert list(quality) == list(PUMP_KEYS)
    assert (quality["Motor_RPM"], quality["Oil_Pressure_bar"]) == ("good", "bad_stale")


async def test_sensor_history_has_rows_of_the_last_hour_by_default(served: Served) -> None:
    await served.room.record(RPM, [1480.0, 1490.0], NOON - 10 * MICROS_PER_S)
    answer = (await get(served, "/api/sensor-history?asset=P-501")).json()
    assert (answer["start"], answer["end"], answer["bucket_s"]) == ("2027-01-15T07:00:00Z", NOON_ISO, 0)
    assert answer["count"] == 2
    assert answer["data"][1] == {
        "timestamp": "2027-01-15T07:59:51Z", **dict.fromkeys(PUMP_KEYS), "Motor_RPM": 1490.0,
    }  # fmt: skip


async def test_sensor_history_of_a_dense_span_has_the_extremes_beside_the_mean(served: Served) -> None:
    await served.room.record(RPM, [0.0] * 19 + [20.0], NOON - 20 * MICROS_PER_S)
    path = "/api/sensor-history?start=2027-01-15T07:59:40Z&end=2027-01-15T09:00:00%2B01:00&limit=2"
    answer = (await get(served, path)).json()
    assert answer["bucket_s"] == 10
    assert [(row["Motor_RPM"], row["low"]["Motor_RPM"], row["high"]["Motor_RPM"]) for row in answer["data"]] == [
        (0, 0, 0),
        (2, 0, 20),
    ]


async def test_times_are_taken_with_a_zone_or_in_microseconds_and_a_plus_may_stand_bare(served: Served) -> None:
    for start in ("2027-01-15T07:00:00Z", str(NOON - 3600 * MICROS_PER_S), "2027-01-15T08:00:00+01:00"):
        answer = (await get(served, f"/api/anomaly-history?start={start}")).json()
        assert answer == {"start": "2027-01-15T07:00:00Z", "end": NOON_ISO, "count": 0, "data": []}


async def test_maintenance_events_are_two_lists(served: Served) -> None:
    assert (await get(served, "/api/maintenance-events?asset=p-501")).json() == {"active": [], "resolved": []}


async def test_system_health_says_whether_all_is_well_and_how_much_goes_through(served: Served) -> None:
    served.figures.append(INFO)
    answer = (await get(served, "/api/system-health")).json()
    assert (answer["status"], answer["uptime_s"], answer["version"]) == ("ok", 90, "1.2.3")
    assert answer["checks"]["database"] == {"ok": True, "detail": "answers in 0.2 ms", "needed": True}
    assert "data_dir" not in answer


async def test_start_simulation_replays_a_recording_on_a_machine(served: Served) -> None:
    await served.auth.people.add(SYSTEM, "erin", PASSWORD, Role.ENGINEER, site_ids=["pune"])
    folder = served.settings.data_dir / "recordings"
    folder.mkdir(parents=True)
    (folder / "pump.csv").write_text("time,Recorded\n2026-03-01T06:00:00Z,1\n", encoding="utf-8")
    async with served.client() as program:
        headers = await bearer(served, "erin")
        started = await program.post("/api/start-simulation?asset=P-501&speed=60&loop=1", headers=headers)
        nameless = await program.post("/api/start-simulation", headers=headers)
        too_fast = await program.post("/api/start-simulation?asset=P-501&speed=601", headers=headers)
        missing = await program.post("/api/start-simulation?asset=P-501&file=none.csv", headers=headers)
    assert started.status_code == 202
    answer = started.json()
    assert (answer["status"], answer["simulated"], answer["recording"]) == ("started", True, "pump.csv")
    assert len(answer["signals"]) == 1
    assert [reply.status_code for reply in (nameless, too_fast, missing)] == [422, 422, 404]
    assert "recordings" in missing.json()["error"]["message"]


@pytest.mark.parametrize("path", READS)
async def test_a_stranger_and_a_device_get_nothing(served: Served, path: str) -> None:
    async with served.client() as program:
        assert (await program.get(path)).status_code == 401
        key = await served.key()
        assert (await program.get(path, headers={"authorization": f"Bearer {key}"})).status_code == 401
        assert (await program.post(path, headers=await bearer(served))).status_code == 405


async def test_a_page_of_another_site_starts_nothing(served: Served, browser: httpx.AsyncClient) -> None:
    await browser.post("/api/auth/login", json={"username": "olga", "password": PASSWORD})
    foreign = await browser.post("/api/start-simulation", headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert (await browser.post("/api/start-simulation")).status_code == 422


async def test_a_viewer_may_read_but_start_nothing(served: Served) -> None:
    await served.auth.people.add(SYSTEM, "vera", PASSWORD, Role.VIEWER, site_ids=["pune"])
    assert (await get(served, "/api/live-data", "vera")).status_code == 200
    async with served.client() as program:
        response = await program.post("/api/start-simulation", headers=await bearer(served, "vera"))
    assert response.status_code == 403
    assert "demo.control" in response.json()["error"]["message"]


async def test_another_sites_pump_is_not_there(served: Served) -> None:
    await served.auth.people.add(SYSTEM, "greta", PASSWORD, Role.ENGINEER, site_ids=["graz"])
    assert (await get(served, "/api/live-data", "greta")).json()["data"] == []
    for path in ("live-data", "sensor-history", "anomaly-history", "maintenance-events"):
        assert (await get(served, f"/api/{path}?asset=P-501", "greta")).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=yesterday", "start"),
        ("start=2027-01-15T07:00:00", "start"),
        ("end=-1", "end"),
        ("end=9007199254740993", "end"),
        ("start=99999999999999999999999999", "start"),
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("limit=1e3", "limit"),
        ("limit=٣", "limit"),
        ("start=2027-01-15T09:00:00Z", "end"),
        ("start=2026-01-15T09:00:00Z", "start"),
        ("limit=1&limit=2", "limit"),
        ("hours=3", "hours"),
        ("asset=C-201", None),
        ("asset=" + "x" * 5_000, "asset"),
    ],
)
async def test_a_query_that_makes_no_sense_names_the_field_and_the_fix(
    served: Served, query: str, field: str | None
) -> None:
    response = await get(served, f"/api/sensor-history?{query}")
    assert response.status_code == (422 if field else 404)
    if field:
        (issue,) = response.json()["error"]["issues"]
        assert issue["field"] == field
        assert issue["problem"]
        assert issue["fix"]
    assert len(response.content) < 1_000


async def test_only_so_many_histories_are_read_at_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    release, all_read = asyncio.Event(), asyncio.Barrier(READS_AT_ONCE_MAX + 1)
    answer = served.room.historian.envelope

    async def slow(query: object) -> object:
        await all_read.wait()
        await release.wait()
        return await answer(query)  # type: ignore[arg-type]

    monkeypatch.setattr(served.room.historian, "envelope", slow)
    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        first = [tasks.create_task(get(served, "/api/sensor-history")) for _ in range(READS_AT_ONCE_MAX)]
        await all_read.wait()
        refused = await get(served, "/api/sensor-history")
        release.set()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert [task.result().status_code for task in first] == [200] * READS_AT_ONCE_MAX
    monkeypatch.undo()
    assert (await get(served, "/api/sensor-history")).status_code == 200
