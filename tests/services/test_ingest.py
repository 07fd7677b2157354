"""Samples that devices send: what is kept, what is refused and with which words."""

import asyncio
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.assets import Device
from pdm_app.domain.errors import BufferFullError, InvalidInputError, PermissionDeniedError, UnavailableError
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.domain.samples import MICROS_PER_S, Quality, micros
from pdm_app.domain.signals import Signal
from pdm_app.services import ingest as ingest_service
from pdm_app.services.ingest import IngestReport, IngestService
from pdm_app.settings import IngestSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import GATEWAY, GRAZ, LOOSE, PLC, PUMP, NotedIntake

YEAR_2000 = micros(datetime(2000, 1, 1, tzinfo=UTC))
AT = "2027-01-15T08:00:00Z"  # NOON of the clock.
PUMP_BODY = {
    "Motor_RPM": 1482, "Bearing_Temperature_C": 66.2, "Oil_Pressure_bar": 4.1, "Vibration_mm_s": 2.1,
    "Flow_Rate_L_min": 145, "Suction_Pressure_bar": 1.8, "Discharge_Pressure_bar": 6.5, "Motor_Current_A": 28.4,
    "Casing_Temperature_C": 55.0, "Ambient_Temperature_C": 24.3,
}  # fmt: skip


def device(which: Device) -> Actor:
    return Actor(
        id="key", name=which.code, role=Role.SERVICE, scope=Scope(sites=frozenset({which.site_id})),
        permissions=ROLE_PERMISSIONS[Role.SERVICE], device_id=which.id,
    )  # fmt: skip


@pytest.fixture
def intake() -> NotedIntake:
    return NotedIntake()


@pytest.fixture
def ingest(sqlite_work: SqlUnitOfWork, intake: NotedIntake, clock: HandClock) -> IngestService:
    return IngestService(sqlite_work, intake, clock, IngestSettings())


def sample(**changed: Any) -> dict[str, Any]:
    good = {"signal": "Vibration_mm_s", "value": 2.5, "source_at": AT}
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


async def send(ingest: IngestService, *samples: Any, sender: Device = PUMP) -> IngestReport:
    return await ingest.take(device(sender), {"samples": list(samples)})


async def test_samples_are_kept_as_columns_of_one_batch(ingest: IngestService, intake: NotedIntake) -> None:
    report = await send(
        ingest,
        sample(),
        sample(signal="P-501/Motor_RPM", value=1480, source_at="2027-01-15T09:00:00.123456+01:00", quality="uncertain"),
        sample(signal=45, value=-0.0, source_at=NOON - 5, quality=101),
        sample(signal="46", value=1.7),
    )
    assert (report.kept, report.refused, report.received_at) == (4, 0, NOON)
    assert report.verdicts == [{"index": index, "kept": True} for index in range(4)]
    (batch,) = intake.batches
    assert batch.device == "dev-p-501"
    assert batch.signal.tolist() == [44, 41, 45, 46]
    assert batch.source_at.tolist() == [NOON, NOON + 123456, NOON - 5, NOON]
    assert batch.quality.tolist() == [0, 100, 101, 0]
    assert batch.signal.dtype == np.uint32
    assert batch.received_at == NOON


async def test_values_are_read_as_the_type_of_their_signal(ingest: IngestService, intake: NotedIntake) -> None:
    report = await send(
        ingest,
        sample(signal="rssi_dbm", value=-71),
        sample(signal="uptime_s", value=12.0),
        sample(signal="door_open", value=True),
        sample(signal="door_open", value=0),
        sample(signal="firmware", value="2.4.1 – ü"),
        sample(signal="rssi_dbm", value=None, quality="bad"),
        sender=GATEWAY,
    )
    assert report.kept == 6
    assert intake.samples == [(61, -71.0), (62, 12.0), (63, 1.0), (63, 0.0), (64, "2.4.1 – ü"), (61, None)]


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"signal": "Vibration"}, "signal", "names no signal of this site: Vibration"),
        ({"signal": "C-201/Header_Pressure_bar"}, "signal", "names no signal of this site"),
        ({"signal": 21}, "signal", "names no signal of this site: 21"),
        ({"signal": 10**30}, "signal", "names no signal"),
        ({"signal": "9" * 500}, "signal", "names no signal"),
        ({"signal": None}, "signal", "is null"),
        ({"signal": True}, "signal", "is true"),
        ({"signal": ...}, "signal", "is null"),
        ({"signal": ["Vibration_mm_s"]}, "signal", "is a list"),
        ({"value": "2.5"}, "value", "is the text '2.5'"),
        ({"value": None}, "value", "is null"),
        ({"value": ...}, "value", "is missing"),
        ({"value": True}, "value", "is true"),
        ({"value": math.nan}, "value", "is NaN"),
        ({"value": math.inf}, "value", "is infinite"),
        ({"value": -math.inf}, "value", "is infinite"),
        ({"value": 10**400}, "value", "is infinite, or too large"),
        ({"value": {"v": 1}}, "value", "is an object"),
        ({"source_at": ...}, "source_at", "is missing"),
        ({"source_at": None}, "source_at", "is missing"),
        ({"source_at": "yesterday"}, "source_at", "is no ISO 8601 time with a zone: yesterday"),
        ({"source_at": "2027-01-15T08:00:00"}, "source_at", "is no ISO 8601 time with a zone"),
        ({"source_at": "2027-01-15"}, "source_at", "is no ISO 8601 time with a zone"),
        ({"source_at": "0001-01-01T00:00:00+14:00"}, "source_at", "lies before 2000"),
        ({"source_at": "9999-12-31T23:59:59-14:00"}, "source_at", "lies more than 10 min ahead"),
        ({"source_at": "1999-12-31T23:59:59.999999Z"}, "source_at", "lies before 2000"),
        ({"source_at": "2027-01-15T08:10:00.000001Z"}, "source_at", "lies more than 10 min ahead"),
        ({"source_at": 1_800_000_000}, "source_at", "lies before 2000"),
        ({"source_at": 10**40}, "source_at", "lies more than 10 min ahead"),
        ({"source_at": -(10**40)}, "source_at", "lies before 2000"),
        ({"source_at": 1.8e15}, "source_at", "is the number 1800000000000000.0"),
        ({"source_at": True}, "source_at", "is true"),
        ({"quality": "splendid"}, "quality", "is splendid"),
        ({"quality": 7}, "quality", "is 7"),
        ({"quality": False}, "quality", "is False"),
        ({"quality": []}, "quality", "is a list"),
    ],
)
async def test_a_sample_that_cannot_be_kept_names_its_field_and_the_fix_and_spoils_no_other(
    ingest: IngestService, intake: NotedIntake, changed: dict[str, Any], field: str, problem: str
) -> None:
    report = await send(ingest, sample(value=1.0), sample(**changed), sample(value=3.0))
    assert (report.kept, report.refused) == (2, 1)
    assert intake.samples == [(44, 1.0), (44, 3.0)]
    assert [verdict["kept"] for verdict in report.verdicts] == [True, False, True]
    verdict = report.verdicts[1]
    assert (verdict["index"], verdict["field"]) == (1, f"samples.1.{field}")
    assert problem in verdict["problem"]
    assert verdict["fix"]


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        ("uptime_s", 1.5),
        ("uptime_s", "1"),
        ("door_open", 2),
        ("door_open", "true"),
        ("firmware", 2.4),
        ("firmware", "x" * 201),
        ("firmware", "\ud800"),
    ],
)
async def test_a_value_of_another_type_is_refused(ingest: IngestService, signal: str, value: Any) -> None:
    report = await send(ingest, sample(signal=signal, value=value), sender=GATEWAY)
    assert report.kept == 0
    assert report.verdicts[0]["field"] == "samples.0.value"


@pytest.mark.parametrize("entry", [None, 1, "text", [], True])
async def test_an_entry_that_is_no_object_is_refused_by_its_place(ingest: IngestService, entry: Any) -> None:
    report = await send(ingest, entry, sample())
    assert report.kept == 1
    assert report.verdicts[0]["field"] == "samples.0"


async def test_the_limits_of_time_are_inside(ingest: IngestService) -> None:
    report = await send(
        ingest,
        sample(source_at="2000-01-01T00:00:00Z"),
        sample(source_at="2027-01-15T08:10:00Z"),
    )
    assert report.kept == 2


@pytest.mark.parametrize(
    "body",
    [None, 1, "text", [], True, {"samples": None}, {"samples": {}}, {"samples": []}, {"samples": [{}] * 5001}, {}],
)
async def test_a_body_of_neither_form_is_refused_as_a_whole(
    ingest: IngestService, intake: NotedIntake, body: Any
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await ingest.take(device(PUMP), body)
    assert caught.value.issues[0].fix
    assert intake.batches == []


async def test_five_thousand_samples_fit_into_one_call(ingest: IngestService, intake: NotedIntake) -> None:
    report = await send(ingest, *(sample(value=number, source_at=NOON - number) for number in range(5000)))
    assert report.kept == 5000
    assert len(intake.batches) == 1


async def test_a_pump_body_names_the_pump_by_its_key(ingest: IngestService, intake: NotedIntake) -> None:
    report = await ingest.take(device(PUMP), dict(PUMP_BODY))
    assert (report.kept, report.refused) == (10, 0)
    assert [verdict["signal"] for verdict in report.verdicts] == list(PUMP_KEYS)
    assert intake.samples == [(41 + place, float(PUMP_BODY[name])) for place, name in enumerate(PUMP_KEYS)]
    assert set(intake.batches[0].source_at.tolist()) == {NOON}


async def test_a_pump_body_may_bring_its_time(ingest: IngestService, intake: NotedIntake) -> None:
    await ingest.take(device(PUMP), {**PUMP_BODY, "timestamp": "2027-01-15T07:59:58.5Z"})
    assert set(intake.batches[0].source_at.tolist()) == {NOON - 1_500_000}


@pytest.mark.parametrize(
    "timestamp", ["2027-01-15T07:59:58", "soon", "2030-01-01T00:00:00Z", "1999-01-01T00:00:00Z", []]
)
async def test_a_pump_body_with_a_time_that_cannot_be_true_is_refused(
    ingest: IngestService, intake: NotedIntake, timestamp: Any
) -> None:
    with pytest.raises(InvalidInputError, match="timestamp"):
        await ingest.take(device(PUMP), {**PUMP_BODY, "timestamp": timestamp})
    assert intake.batches == []


async def test_a_pump_body_with_faults_keeps_the_good_values(ingest: IngestService, intake: NotedIntake) -> None:
    body = {**PUMP_BODY, "Motor_RPM": "fast", "Oil_Pressure_bar": None, "Vibration_mm_s": math.nan, "Serial": 7}
    del body["Motor_Current_A"]
    report = await ingest.take(device(PUMP), body)
    refused = {verdict["field"]: verdict["problem"] for verdict in report.verdicts if not verdict["kept"]}
    assert refused == {
        "Motor_RPM": "is the text 'fast'",
        "Oil_Pressure_bar": "is null",
        "Vibration_mm_s": "is NaN",
        "Serial": "names no signal of this site: Serial",
        "Motor_Current_A": "is missing",
    }
    assert report.kept == len(intake.samples) == 6


async def test_a_device_without_a_machine_says_so(ingest: IngestService) -> None:
    with pytest.raises(InvalidInputError, match="assign the device to an asset"):
        await ingest.take(device(LOOSE), dict(PUMP_BODY))
    assert (await send(ingest, sample(signal="P-501/Motor_RPM"), sender=LOOSE)).kept == 1


async def test_a_name_is_looked_up_on_the_devices_own_machine(ingest: IngestService) -> None:
    assert (await send(ingest, sample(signal="Header_Pressure_bar"), sender=PLC)).kept == 1
    assert (await send(ingest, sample(signal="Header_Pressure_bar"), sender=PUMP)).kept == 0


async def test_a_signal_made_a_moment_ago_is_found(
    ingest: IngestService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    assert (await send(ingest, sample(signal="New_Signal"))).kept == 0
    async with sqlite_work(EVERY_SITE) as transaction:
        new = Signal(id=99, site_id="pune", asset_id="p-501", name="New_Signal", label="New")
        await transaction.signals.put([new])
        await transaction.commit()
    await clock.advance(2)
    assert (await send(ingest, sample(signal="New_Signal", source_at=NOON))).kept == 1


async def test_only_a_device_may_send(ingest: IngestService) -> None:
    person = Actor(id="x", name="ada", role=Role.ADMIN, scope=EVERY_SITE, permissions=ROLE_PERMISSIONS[Role.ADMIN])
    with pytest.raises(PermissionDeniedError):
        await ingest.take(person, {"samples": [sample()]})


async def test_the_answer_waits_for_the_commit(ingest: IngestService, intake: NotedIntake) -> None:
    intake.commits = False
    answer = asyncio.ensure_future(send(ingest, sample()))
    await until(lambda: intake.waiting)
    await asyncio.sleep(0)
    assert not answer.done()
    intake.waiting[0].set_result(None)
    assert (await answer).kept == 1


async def test_a_caller_that_goes_away_does_not_cancel_the_commit(ingest: IngestService, intake: NotedIntake) -> None:
    intake.commits = False
    answer = asyncio.ensure_future(send(ingest, sample()))
    await until(lambda: intake.waiting)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert not intake.waiting[0].cancelled()


async def test_a_full_buffer_acknowledges_nothing(ingest: IngestService, intake: NotedIntake) -> None:
    intake.is_full = True
    with pytest.raises(BufferFullError):
        await send(ingest, sample())
    assert ingest.kept_total == 0


async def test_a_failed_or_late_commit_acknowledges_nothing(
    ingest: IngestService, intake: NotedIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake.failure = OSError(28, "No space left on device")
    with pytest.raises(UnavailableError, match="Send the same again"):
        await send(ingest, sample())
    intake.failure, intake.commits = None, False
    monkeypatch.setattr(ingest_service, "COMMIT_S_MAX", 0.01)
    with pytest.raises(UnavailableError):
        await send(ingest, sample())
    assert ingest.kept_total == 0


async def test_samples_are_taken_while_the_database_is_away(
    ingest: IngestService, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(ingest, sample())

    def away(_scope: object) -> Any:
        raise UnavailableError("The database does not answer.")

    monkeypatch.setattr(ingest._index, "_work", away)
    await clock.advance(3600)
    assert (await send(ingest, sample(source_at=NOON))).kept == 1
    with pytest.raises(UnavailableError):
        await ingest.take(device(Device(id="d", site_id=GRAZ.id, code="D", name="D")), {"samples": [sample()]})


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([AT, "good", "bad"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*PUMP_KEYS[:3], "P-501/Motor_RPM", "C-201/Header_Pressure_bar", 44, "44", 21])
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "signal": NAMES | JSON_VALUES,
        "value": st.floats(allow_nan=True) | st.integers() | JSON_VALUES,
        "source_at": st.just(AT) | st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.integers() | JSON_VALUES,
        "quality": st.sampled_from(["good", "uncertain", "bad", 0, 100, 200]) | JSON_VALUES,
    },
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(BODIES | JSON_VALUES, min_size=0, max_size=12), good_at=st.integers(0, 12))
async def test_whatever_is_sent_is_judged_and_the_good_sample_among_it_is_kept(
    ingest: IngestService, intake: NotedIntake, bodies: list[Any], good_at: int
) -> None:
    intake.batches.clear()
    samples = [*bodies[:good_at], sample(value=123.5), *bodies[good_at:]]
    report = await send(ingest, *samples)
    place = min(good_at, len(bodies))
    assert report.verdicts[place] == {"index": place, "kept": True}
    assert len(report.verdicts) == len(samples)
    assert report.kept == sum(verdict["kept"] for verdict in report.verdicts)
    (batch,) = intake.batches
    assert len(batch) == report.kept
    assert set(batch.signal.tolist()) <= {*range(41, 51), *range(61, 65)}  # Nothing of the other site.
    assert (batch.source_at >= YEAR_2000).all()
    assert (batch.source_at <= NOON + 600 * MICROS_PER_S).all()
    finite = np.isfinite(batch.value)
    allowed_without = (batch.quality >= Quality.BAD) | np.isin(np.arange(len(batch)), list(batch.text))
    assert (finite | allowed_without).all()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(PUMP_KEYS) | st.text(max_size=12), JSON_VALUES, max_size=12) | JSON_VALUES)
async def test_whatever_flat_body_is_sent_is_judged_value_by_value_or_refused_with_a_reason(
    ingest: IngestService, body: Any
) -> None:
    reasons: list[str] = []
    try:
        report = await ingest.take(device(PUMP), body)
        reasons += [verdict["fix"] for verdict in report.verdicts if not verdict["kept"]]
    except InvalidInputError as error:
        reasons += [issue.fix for issue in error.issues] or [""]
    assert all(reasons)
