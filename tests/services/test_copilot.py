"""The copilot as a service: it finds the machine and what is on record of it, and shows nobody what is not theirs."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.cases import Case, CaseState
from pdm_app.domain.copilot import Question, SourceKind
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.maintenance_events import EventKind, MaintenanceEvent
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.services.copilot import CopilotService
from pdm_app.services.diagnoses import DiagnosisService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import P_501, SIGNALS

OTTO, GRETA = person("otto", Role.OPERATOR), person("greta", Role.ENGINEER, "graz")
ROBOT = person("robot", Role.SERVICE)
STEP = 300 * MICROS_PER_S
ROWS = 8 * 24 * 12
SUCTION, FLOW = (next(s for s in SIGNALS if s.name == name) for name in ("Suction_Pressure_bar", "Flow_Rate_L_min"))
LEFT_ROWS = 12
DAY = 86_400 * MICROS_PER_S


@pytest.fixture
async def copilot(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> AsyncIterator[CopilotService]:
    """Eight days of a pump in rows of five minutes; in the last hour suction pressure and flow have fallen."""
    clock.at = NOON + ROWS * STEP
    database = Database(sqlite_url)
    random = np.random.default_rng(5)
    at = NOON + np.arange(ROWS, dtype=np.int64) * STEP
    try:
        historian = SqlHistorian(database, clock)
        fence = await SqlLease(database, clock).acquire("tests", 36_000)
        assert fence is not None
        for seq, (signal, level, fall) in enumerate(((SUCTION, 1.8, 0.9), (FLOW, 145.0, 30.0)), start=1):
            value = level * (1 + 0.01 * random.standard_normal(ROWS))
            value[-LEFT_ROWS:] -= fall
            batch = Batch(
                device="plc", signal=np.full(ROWS, signal.id, np.uint32), source_at=at, value=value,
                quality=np.zeros(ROWS, np.uint16), received_at=Micros(clock.at), seq=seq,
            )  # fmt: skip
            await historian.write([batch], fence)
        async with sqlite_work(EVERY_SITE) as work:
            signals = await work.signals.of_asset(P_501.id)
            units = {SUCTION.id: "bar", FLOW.id: "L/min"}
            await work.signals.put([s.model_copy(update={"unit": units[s.id]}) for s in signals if s.id in units])
            await work.maintenance.add(
                MaintenanceEvent(
                    id="rattle", site_id=P_501.site_id, asset_id=P_501.id, kind=EventKind.REPORTED, name="It rattles",
                    severity=Severity.MEDIUM, opened_at=clock.at - 60 * MICROS_PER_S, recorded_at=clock.at,
                    opened_by="tom", currency="INR",
                )
            )  # fmt: skip
            await work.commit()
        yield CopilotService(sqlite_work, DiagnosisService(sqlite_work, historian, clock), clock)
    finally:
        await database.close()


async def test_why_and_next_are_answered_from_signals_and_events(copilot: CopilotService) -> None:
    why = await copilot.ask(OTTO, "Why is P-501 red?")
    said = " ".join(sentence.text for sentence in why.sentences)
    assert why.question is Question.WHY
    assert "filter or strainer clogs" in said
    assert "A maintenance event is open: “It rattles”" in said
    assert {SourceKind.SIGNAL, SourceKind.EVENT} <= {s.kind for one in why.sentences for s in one.sources}
    assert f"/trends?s={SUCTION.id}" in {s.href for one in why.sentences for s in one.sources}
    what = await copilot.ask(OTTO, "what should I do next?", P_501.id)
    assert any("Clean or change the filter" in sentence.text for sentence in what.sentences)
    assert what.proposal is not None
    assert what.proposal.event_ids == ("rattle",)


async def test_last_week_is_compared_with_today(copilot: CopilotService) -> None:
    told = await copilot.ask(OTTO, "compare with last week", P_501.id)
    assert told.sentences
    assert all(sentence.sources for sentence in told.sentences)
    assert "not in the history" not in told.sentences[0].text


async def test_a_case_that_looked_alike_is_remembered_by_its_label(
    copilot: CopilotService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    async with sqlite_work(EVERY_SITE) as work:
        await work.cases.add(
            Case(
                id="c-1", site_id=P_501.site_id, asset_id=P_501.id, title="Flow low", state=CaseState.CLOSED,
                verdict=CaseState.CONFIRMED, label="leaves in the strainer", opened_at=clock.at, opened_by="erin",
                changed_at=clock.at, changed_by="erin",
            )
        )  # fmt: skip
        await work.commit()
    told = await copilot.ask(OTTO, "what should I do next?", P_501.id)
    assert any("it was leaves in the strainer" in sentence.text for sentence in told.sentences)


async def test_it_answers_nobody_about_what_is_not_theirs_and_says_what_can_be_asked(copilot: CopilotService) -> None:
    with pytest.raises(InvalidInputError, match="No machine is named"):
        await copilot.ask(GRETA, "Why is P-501 red?")
    with pytest.raises(NotFoundError):
        await copilot.ask(GRETA, "Why is it red?", P_501.id)
    with pytest.raises(PermissionDeniedError):
        await copilot.ask(ROBOT, "Why is P-501 red?")
    with pytest.raises(InvalidInputError, match="compare it with last week"):
        await copilot.ask(OTTO, "Sing me a song", P_501.id)
