"""The master alarm database: approved, tried on the past, out as a sheet and back in as a whole or not at all."""

import csv
import io
from typing import Any

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmRuleFacts
from pdm_app.domain.conditions.discrete import Calculated
from pdm_app.domain.conditions.instrument import Stuck
from pdm_app.domain.conditions.limits import LowLimit
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.plant import Listing
from pdm_app.domain.rationale import ConsequenceLevel, RespondWithin
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.domain.suppression import ShiftSuppression, Suppression
from pdm_app.services.alarm_backtest import AlarmBacktestService, Backtest
from pdm_app.services.alarm_rule_sheet import AlarmRuleSheetService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import HEADER, SUCTION
from tests.counterparts.clocks import NOON, HandClock
from tests.services.plant_desk import ERIN, GUSTAV, HOT, VERA, PlantDesk, refusal, rule

FLOW = SUCTION + 1
FULL: dict[str, Any] = {
    "latching": True,
    "ack_required": False,
    "alarm_class": "process",
    "group": "cooling",
    "first_out": True,
    "suppressions": (
        Suppression(signal_id=FLOW, condition=LowLimit(limit=0.5), lingers_s=5, why="Not running"),
        ShiftSuppression(silent="off_shift", why="Nobody there"),
    ),
    "consequence_level": ConsequenceLevel.MAJOR,
    "respond_within": RespondWithin.TEN_MINUTES,
    "cause": '=SUM(A1) looks like a formula, "quoted"',
    "action": "Stop it.\nThen, look.",
    "review_at": NOON,
}


@pytest.fixture
def desk(sqlite_work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(sqlite_work, clock)


@pytest.fixture
def sheets(desk: PlantDesk) -> AlarmRuleSheetService:
    return AlarmRuleSheetService(desk.work, desk.rules, desk.rules._desk)


def rows_of(sheet: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet)))


def sheet_of(rows: list[dict[str, str]]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


# --- approval and history -----------------------------------------------------------------------------------------


async def test_an_approval_holds_until_the_rule_is_changed_and_the_history_says_why(
    desk: PlantDesk, clock: HandClock
) -> None:
    made = await desk.rules.create(ERIN, rule())
    approved = await desk.rules.approve(ERIN, made.id, made.revision, "rationalised in March")
    assert (approved.approved_by, approved.approved_at) == ("erin", clock.now())
    off = await desk.rules.disable(ERIN, made.id)
    assert off.approved_by == "erin", "switching it off makes no other rule of it"
    changed = await desk.rules.change(ERIN, made.id, {"on_delay_s": 5.0}, reason="it chattered")
    assert (changed.approved_by, changed.approved_at) == ("", None)
    told = [(entry.action, entry.reason) for entry in await desk.rules.history(ERIN, made.id)]
    assert told == [
        ("alarm_rules.changed", "it chattered"),
        ("alarm_rules.changed", ""),
        ("alarm_rules.approved", "rationalised in March"),
        ("alarm_rules.created", ""),
    ]
    assert isinstance(await refusal(desk.rules.approve(VERA, made.id)), PermissionDeniedError)
    assert isinstance(await refusal(desk.rules.history(GUSTAV, made.id)), NotFoundError)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"condition": Calculated()}, "condition"),
        ({"condition": Stuck(after_s=60), "off_delay_s": 5}, "off_delay_s"),
    ],
)
async def test_a_rule_that_does_not_fit_its_signal_is_refused(
    desk: PlantDesk, more: dict[str, object], field: str
) -> None:
    facts = AlarmRuleFacts.model_validate({**rule().model_dump(), **more})
    refused = await refusal(desk.rules.create(ERIN, facts))
    assert isinstance(refused, InvalidInputError)
    assert [issue.field for issue in refused.issues] == [field]


async def test_a_rule_is_not_silenced_by_a_signal_of_another_site(desk: PlantDesk) -> None:
    foreign = (Suppression(signal_id=HEADER, condition=HOT),)
    assert isinstance(await refusal(desk.rules.create(ERIN, rule(suppressions=foreign))), NotFoundError)


# --- the sheet ----------------------------------------------------------------------------------------------------


async def test_every_attribute_comes_back_from_the_sheet_as_it_went(
    desk: PlantDesk, sheets: AlarmRuleSheetService
) -> None:
    made = await desk.rules.create(ERIN, rule(**FULL))
    sheet = await sheets.written(ERIN)
    outcome = await sheets.read(ERIN, sheet, "round trip", only_look=False)
    assert (outcome.created, outcome.changed) == ((), ())
    assert await desk.rules.get(ERIN, made.id) == made
    await desk.rules.delete(ERIN, made.id)
    [row] = [row for row in rows_of(sheet) if row["id"] == made.id]
    desk.heard.taken()
    outcome = await sheets.read(ERIN, sheet_of([{**row, "id": ""}]), "made again", only_look=False)
    assert outcome.created == (made.name,)
    assert desk.heard.taken() == ["rules"]
    [again] = [each for each in (await desk.rules.page(ERIN, Listing(limit=1000))).items if each.name == made.name]
    same = {name: getattr(made, name) for name in AlarmRuleFacts.model_fields}
    assert {name: getattr(again, name) for name in AlarmRuleFacts.model_fields} == same


async def test_a_sheet_with_one_bad_cell_changes_nothing_and_names_row_and_column(
    desk: PlantDesk, sheets: AlarmRuleSheetService
) -> None:
    made = await desk.rules.create(ERIN, rule())
    good = {"id": made.id, "name": "Renamed", "signal_id": "", "priority": "1", "condition": ""}
    bad = {"id": "", "name": "New", "signal_id": "41", "priority": "9", "condition": '{"kind":"high","limit":1}'}
    good["condition"] = '{"kind":"high","limit":91}'
    refused = await refusal(sheets.read(ERIN, sheet_of([good, bad]), "", only_look=False))
    assert isinstance(refused, InvalidInputError)
    assert [issue.field for issue in refused.issues] == ["row 3, priority"]
    assert await desk.rules.get(ERIN, made.id) == made
    looked = await sheets.read(ERIN, sheet_of([good]), "", only_look=True)
    assert (looked.changed, looked.is_done) == (("Renamed",), False)
    assert await desk.rules.get(ERIN, made.id) == made


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        ("", "neither a column id nor name"),
        ("id,colour\nx,red\n", "has a column 'colour'"),
        ("id,name\nx\n", "more or fewer cells"),
        ("id,name\nx,y,z\n", "more or fewer cells"),
        ('id,name\nx,"open\n', "line"),
        ("id,name,condition\nx,y,{not json\n", "is no JSON"),
        ("id,name\nno-such-rule,y\n", "row 2"),
    ],
)
async def test_what_is_no_sheet_is_refused_with_its_place(
    sheets: AlarmRuleSheetService, sheet: str, problem: str
) -> None:
    refused = await refusal(sheets.read(ERIN, sheet, "", only_look=False))
    assert isinstance(refused, InvalidInputError)
    assert problem in refused.message


async def test_a_sheet_reaches_no_other_site(desk: PlantDesk, sheets: AlarmRuleSheetService) -> None:
    made = await desk.rules.create(ERIN, rule())
    assert made.id not in await sheets.written(GUSTAV)
    refused = await refusal(sheets.read(GUSTAV, f"id,name\n{made.id},Mine\n", "", only_look=False))
    assert isinstance(refused, InvalidInputError)
    assert refused.issues[0].field.startswith("row 2")
    assert isinstance(await refusal(sheets.read(VERA, "id,name\n", "", only_look=False)), PermissionDeniedError)


# --- the past -----------------------------------------------------------------------------------------------------


async def test_a_rule_is_tried_on_the_past_and_a_delay_is_proposed_that_leaves_what_lasts(
    desk: PlantDesk, sqlite_url: str, clock: HandClock
) -> None:
    """An hour at 1 Hz. Nine spikes of 3 s, two minutes apart, then three excursions of 60 s."""
    database = Database(sqlite_url)
    historian = SqlHistorian(database, clock)
    fence = await SqlLease(database, clock).acquire("tests", 60)
    assert fence is not None
    value = np.full(3600, 50.0)
    for place in range(9):
        value[100 + 120 * place : 103 + 120 * place] = 95.0
    for place in range(3):
        value[2000 + 400 * place : 2060 + 400 * place] = 95.0
    batch = Batch(
        device="plc",
        signal=np.full(3600, SUCTION, dtype=np.uint32),
        source_at=NOON + np.arange(3600, dtype=np.int64) * MICROS_PER_S,
        value=value,
        quality=np.zeros(3600, dtype=np.uint16),
        received_at=Micros(NOON + 3600 * MICROS_PER_S),
        seq=1,
    )
    await historian.write([batch], fence)
    clock.at = NOON + 3600 * MICROS_PER_S
    backtests = AlarmBacktestService(desk.work, historian, clock)
    told: list[Backtest] = [each async for each in backtests.run(ERIN, rule(SUCTION), days=1 / 24)]
    found = told[-1]
    assert [each.progress for each in told] == sorted(each.progress for each in told)
    assert (found.is_done, found.samples) == (True, 3600)
    assert (found.trials[0].activations, found.trials[0].fleeting) == (12, 9)
    assert found.proposed is not None
    assert (found.proposed.on_delay_s, found.proposed.activations, found.proposed.fleeting) == (5.0, 3, 0)
    assert [(each.start_at - NOON) // MICROS_PER_S for each in found.activations[-3:]] == [2000, 2400, 2800]
    assert found.activations[-1].end_at == NOON + 2860 * MICROS_PER_S
    for facts, asker in ((rule(SUCTION), GUSTAV), (rule(SUCTION), VERA)):
        refused = await refusal(anext(backtests.run(asker, facts)))
        assert isinstance(refused, NotFoundError | PermissionDeniedError)
    async with desk.work(EVERY_SITE) as work:
        assert await work.alarms.standing() == []
    await database.close()


async def test_a_rule_that_would_be_silent_at_every_hour_is_refused(desk: PlantDesk) -> None:
    always = tuple(ShiftSuppression(silent=silent) for silent in ("off_shift", "in_shift"))
    refused = await refusal(desk.rules.create(ERIN, rule(SUCTION, suppressions=always)))
    assert isinstance(refused, InvalidInputError)
    assert refused.issues[0].field == "suppressions"
    kept = await desk.rules.create(ERIN, rule(SUCTION, suppressions=always[:1]))
    assert kept.suppressions == always[:1]
