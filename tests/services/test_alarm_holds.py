"""Keeping alarms silent as people do it: on a real database, with the real watch and buffer behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.alarms import Alarm, AlarmState, JournalKind, JournalQuery
from pdm_app.domain.conditions.limits import LowLimit
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.suppression import Suppression
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import (
    ADA,
    ANNA,
    BORIS,
    GRETA,
    RULES,
    SUCTION,
    VERA,
    Running,
    SwitchedWork,
    person,
    running,
    with_rules,
)
from tests.counterparts.clocks import NOON, HandClock, until

A, B, C, D, E, F, G, H, OUT = AlarmState
TOM = person("tom", Role.TECHNICIAN)
LOW = "suction-low"


@pytest.fixture
async def switched(work: SqlUnitOfWork) -> SwitchedWork:
    return await with_rules(work)


@pytest.fixture
async def product(
    switched: SwitchedWork, clock: HandClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    async with running(switched, clock, database_url, tmp_path) as product:
        yield product


def holds(product: Running) -> AlarmHoldService:
    return AlarmHoldService(product.service, product.work, product.book, product.clock)


async def kinds(product: Running) -> list[str]:
    await until(lambda: product.book.unsaved == 0)
    entries = (await product.service.journal(ADA, JournalQuery())).entries
    return [f"{entry.kind} {entry.state}" for entry in reversed(entries) if entry.rule_id == LOW]


async def test_a_shelved_alarm_leaves_the_list_is_judged_on_and_speaks_again_at_its_end(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    shelved = await holds(product).shelve(ANNA, LOW, 600, " strainer is being changed ")
    assert (shelved.state, shelved.held_by, shelved.hold_reason) == (G, "anna", "strainer is being changed")
    assert await product.service.active(ANNA) == ()
    assert [alarm.id for alarm in await holds(product).shelf(ANNA)] == [shelved.id]
    await product.see(SUCTION, 2.0, 2)
    await product.see(SUCTION, 1.0, 3)
    product.clock.at = NOON + 601 * MICROS_PER_S
    product.watch.tick()
    alarm = await product.alarm(LOW)
    assert (alarm.state, alarm.id, alarm.shelved_until, alarm.held_at) == (B, shelved.id, None, None)
    assert await kinds(product) == ["raised B", "shelved G", "returned G", "raised G", "unshelved B"]


async def test_a_calm_rule_can_be_shelved_before_it_calls_and_is_over_when_taken_off(product: Running) -> None:
    shelved = await holds(product).shelve(ANNA, LOW, 600, "works on the line")
    assert (shelved.state, shelved.times_raised, shelved.abnormal) == (G, 0, False)
    assert (await holds(product).unshelve(ANNA, LOW)).state is A
    assert await holds(product).shelf(ANNA) == ()


async def test_a_one_shot_shelving_ends_with_the_process(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    await holds(product).shelve(ANNA, LOW, 600, "known", one_shot=True)
    await product.see(SUCTION, 2.0, 2)
    assert await kinds(product) == ["raised B", "shelved G", "returned G", "unshelved A"]


async def test_of_two_operators_who_shelve_at_once_the_second_is_told_who_was_first(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    first, second = await asyncio.gather(
        holds(product).shelve(ANNA, LOW, 600, "one"),
        holds(product).shelve(BORIS, LOW, 6000, "two"),
        return_exceptions=True,
    )
    assert isinstance(first, Alarm)
    assert isinstance(second, ConflictError)
    assert second.message.startswith("anna has shelved Suction low already, until 08:10:01 UTC.")
    product.clock.at += MICROS_PER_S
    longer = await holds(product).shelve(BORIS, LOW, 6000, "two", until_seen=first.shelved_until)
    assert longer.shelved_until == product.clock.at + 6000 * MICROS_PER_S


@pytest.mark.parametrize("for_s", [59.9, 28_801, float("nan")])
async def test_shelving_has_bounds_and_a_reason(product: Running, for_s: float) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await holds(product).shelve(ANNA, LOW, for_s, "x")
    assert refused.value.issues[0].field == "for_s"
    with pytest.raises(InvalidInputError) as refused:
        await holds(product).shelve(ANNA, LOW, 600, "   ")
    assert refused.value.issues[0].field == "reason"


async def test_who_may_not_shelve_or_is_elsewhere_changes_nothing(product: Running) -> None:
    with pytest.raises(PermissionDeniedError):
        await holds(product).shelve(VERA, LOW, 600, "x")
    with pytest.raises(PermissionDeniedError):
        await holds(product).take_out(ANNA, LOW, "x")
    for rule_id in (LOW, "no-such-rule"):
        with pytest.raises(NotFoundError, match="There is no alarm rule"):
            await holds(product).shelve(GRETA, rule_id, 600, "x")
    assert await holds(product).shelf(ADA) == ()


async def test_out_of_service_wins_over_the_shelf_and_names_its_permit(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    await holds(product).shelve(ANNA, LOW, 600, "x")
    out = await holds(product).take_out(TOM, LOW, "pump is out", " WO-17 ")
    assert (out.state, out.permit, out.held_by) == (OUT, "WO-17", "tom")
    with pytest.raises(ConflictError, match="out of service already"):
        await holds(product).take_out(TOM, LOW, "again")
    with pytest.raises(ConflictError, match="is silent"):
        await product.service.acknowledge(ANNA, out.id)
    assert (await holds(product).put_back(TOM, LOW)).state is G
    assert (await holds(product).unshelve(ANNA, LOW)).state is B


async def test_a_shelving_survives_a_kill_and_ends_in_time(
    switched: SwitchedWork, clock: HandClock, database_url: str, tmp_path: Path
) -> None:
    async with running(switched, clock, database_url, tmp_path) as before:
        await before.see(SUCTION, 1.0, 1)
        shelved = await holds(before).shelve(ANNA, LOW, 600, "x")
        await holds(before).take_out(TOM, "flow-low", "x", "WO-18")
    clock.at = NOON + 300 * MICROS_PER_S
    async with running(switched, clock, database_url, tmp_path) as after:
        assert {alarm.rule_id: str(alarm.state) for alarm in await holds(after).shelf(ADA)} == {
            LOW: "G",
            "flow-low": "I",
        }
        clock.at = NOON + 602 * MICROS_PER_S
        after.watch.tick()
        assert (await after.alarm(LOW)).id == shelved.id
        assert await kinds(after) == ["raised B", "shelved G", "unshelved B"]


async def test_a_latched_alarm_is_acknowledged_then_reset(switched: SwitchedWork, product: Running) -> None:
    async with switched(EVERY_SITE) as work:
        await work.alarms.put_rule(RULES[0].model_copy(update={"latching": True}))
        await work.commit()
    await product.watch.reload()
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm(LOW)
    with pytest.raises(ConflictError, match="still abnormal"):
        await product.service.reset(ANNA, alarm.id)
    await product.see(SUCTION, 2.0, 2)
    assert (await product.alarm(LOW)).state is E
    with pytest.raises(ConflictError, match="was not acknowledged yet"):
        await product.service.reset(ANNA, alarm.id)
    assert (await product.service.acknowledge(ANNA, alarm.id)).state is F
    product.clock.at += MICROS_PER_S
    assert (await product.service.reset(ANNA, alarm.id, "found and cleaned")).state is A
    with pytest.raises(ConflictError):
        await product.service.reset(ANNA, alarm.id)


async def test_what_another_signal_makes_meaningless_is_silent_by_design(
    switched: SwitchedWork, product: Running
) -> None:
    standing_still = Suppression(signal_id=SUCTION + 1, condition=LowLimit(limit=0.5), lingers_s=5, why="No flow")
    async with switched(EVERY_SITE) as work:
        await work.alarms.put_rule(RULES[0].model_copy(update={"suppressions": (standing_still,)}))
        await work.commit()
    await product.watch.reload()
    await product.see(SUCTION + 1, 0.0, 1)
    await product.see(SUCTION, 1.0, 2)
    (silent,) = [alarm for alarm in await holds(product).shelf(ADA) if alarm.rule_id == LOW]
    assert (silent.state, silent.suppressed_by, silent.abnormal) == (H, "No flow", True)
    await product.see(SUCTION + 1, 20.0, 10)
    await product.see(SUCTION + 1, 20.0, 14)
    assert LOW not in {alarm.rule_id for alarm in await product.service.active(ADA)}
    await product.see(SUCTION + 1, 20.0, 15)
    assert (await product.alarm(LOW)).state is B


async def test_several_alarms_are_acknowledged_at_once_and_each_refusal_is_told(product: Running) -> None:
    await product.see(SUCTION, 0.5, 1)
    ids = [(await product.alarm(rule_id)).id for rule_id in (LOW, "suction-very-low")]
    outcome = await product.service.acknowledge_all(ANNA, [*ids, "no-such-alarm", ids[0]], "seen")
    assert [alarm.state for alarm in outcome.alarms] == [C, C]
    assert [refused.alarm_id for refused in outcome.refused] == ["no-such-alarm"]
    with pytest.raises(ConflictError, match="anna has acknowledged"):
        await product.service.acknowledge_all(BORIS, ids)


async def test_a_rule_switched_off_while_shelved_leaves_the_shelf(switched: SwitchedWork, product: Running) -> None:
    await holds(product).shelve(ANNA, LOW, 600, "x")
    async with switched(EVERY_SITE) as work:
        await work.alarms.put_rule(RULES[0].model_copy(update={"enabled": False}))
        await work.commit()
    await product.watch.reload()
    assert await holds(product).shelf(ADA) == ()
    with pytest.raises(ConflictError, match="is switched off"):
        await holds(product).shelve(ANNA, LOW, 600, "x")


async def test_the_figures_count_what_called_and_begin_with_the_journal(product: Running) -> None:
    for second in range(1, 7):
        await product.see(SUCTION, 1.0 if second % 2 else 2.0, second)
    await holds(product).shelve(ANNA, LOW, 600, "chatters")
    await product.see(SUCTION, 1.0, 9)
    await until(lambda: product.book.unsaved == 0)
    product.clock.at = NOON + 86_401 * MICROS_PER_S
    figures = AlarmFiguresService(product.work, product.clock)
    card = await figures.scorecard(ANNA, 30)
    assert (card.annunciated, round(card.days, 3)) == (3, 1.0)
    assert [(actor.rule_id, actor.advice) for actor in card.bad_actors] == [(LOW, "chattering")]
    assert (await figures.scorecard(GRETA, 30)).annunciated == 0
    with pytest.raises(NotFoundError):
        await figures.scorecard(ANNA, 30, "graz")
    assert JournalKind.SHELVED in {entry.kind for entry in (await product.service.journal(ADA, JournalQuery())).entries}
