"""Alarms as people meet them: on a real database, with the real watch and buffer behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from pdm_app.domain.alarms import Alarm, AlarmPicture, AlarmState, JournalKind, JournalQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services import alarms as alarm_service
from pdm_app.services.alarms import AlarmService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import (
    ADA,
    ANNA,
    BORIS,
    GRETA,
    HEADER,
    SUCTION,
    VERA,
    Running,
    SwitchedWork,
    running,
    with_rules,
)
from tests.counterparts.clocks import NOON, HandClock, until

A, B, C, D, *_ = AlarmState


@pytest.fixture
async def switched(work: SqlUnitOfWork) -> SwitchedWork:
    return await with_rules(work)


@pytest.fixture
async def product(
    switched: SwitchedWork, clock: HandClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    async with running(switched, clock, database_url, tmp_path) as product:
        yield product


# --- the list -----------------------------------------------------------------------------------------------------


async def test_the_list_shows_what_stands_most_urgent_first_with_what_to_do(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    await product.see(SUCTION, 0.5, 2)
    await product.see(HEADER, 9.0, 3)
    assert [alarm.rule_id for alarm in await product.service.active(ADA)] == [
        "suction-very-low",
        "suction-low",
        "header-high",
    ]
    alarm = await product.alarm("suction-low")
    assert (alarm.state, alarm.value, alarm.limit, alarm.raised_at) == (B, 1.0, 1.2, NOON + MICROS_PER_S)
    assert (alarm.cause, alarm.action) == ("Strainer clogged", "Open the bypass.")


async def test_everybody_sees_the_alarms_of_their_own_sites_only(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    await product.see(HEADER, 9.0, 2)
    assert [alarm.site_id for alarm in await product.service.active(ANNA)] == ["pune"]
    assert [alarm.site_id for alarm in await product.service.active(GRETA)] == ["graz"]
    assert [alarm.site_id for alarm in await product.service.active(ADA, "graz")] == ["graz"]
    for site_id in ("graz", "atlantis"):
        with pytest.raises(NotFoundError, match=f"There is no site '{site_id}'"):
            await product.service.active(ANNA, site_id)


# --- acknowledging ------------------------------------------------------------------------------------------------


async def test_an_acknowledgement_is_stored_with_who_when_and_why(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    product.clock.at = NOON + 30 * MICROS_PER_S
    answered = await product.service.acknowledge(ANNA, (await product.alarm("suction-low")).id, "  strainer  ")
    assert (answered.state, answered.acknowledged_by, answered.comment) == (C, "anna", "strainer")
    page = await product.service.journal(ANNA, JournalQuery())
    newest = page.entries[0]
    assert (newest.kind, newest.actor, newest.comment) == (JournalKind.ACKNOWLEDGED, "anna", "strainer")
    assert (newest.at, newest.state) == (NOON + 30 * MICROS_PER_S, C)


async def test_of_two_operators_at_once_the_second_is_told_who_was_first(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm("suction-low")
    product.clock.at += MICROS_PER_S
    first, second = await asyncio.gather(
        product.service.acknowledge(ANNA, alarm.id),
        product.service.acknowledge(BORIS, alarm.id),
        return_exceptions=True,
    )
    assert isinstance(first, Alarm)
    assert isinstance(second, ConflictError)
    assert second.message == "anna has acknowledged Suction low already, at 08:00:02 UTC. Nothing was changed."
    assert second.facts["acknowledged_by"] == "anna"
    entries = (await product.service.journal(ANNA, JournalQuery())).entries
    assert [entry.kind for entry in entries] == [JournalKind.ACKNOWLEDGED, JournalKind.RAISED]


async def test_an_alarm_that_is_over_cannot_be_acknowledged_and_says_so(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm("suction-low")
    await product.see(SUCTION, 2.0, 2)
    over = await product.service.acknowledge(ANNA, alarm.id)
    assert over.state is A
    with pytest.raises(ConflictError, match="anna has acknowledged Suction low already"):
        await product.service.acknowledge(BORIS, alarm.id)


async def test_a_rule_that_asks_for_a_comment_gets_one(product: Running) -> None:
    await product.see(SUCTION + 1, 5.0, 1)
    alarm = await product.alarm("flow-low")
    for empty in ("", "   "):
        with pytest.raises(InvalidInputError) as refused:
            await product.service.acknowledge(ANNA, alarm.id, empty)
        assert refused.value.issues[0].field == "comment"
    with pytest.raises(InvalidInputError, match="2001 characters"):
        await product.service.acknowledge(ANNA, alarm.id, "x" * 2001)
    assert (await product.alarm("flow-low")).state is B
    assert (await product.service.acknowledge(ANNA, alarm.id, "valve was shut")).state is C


async def test_a_viewer_may_look_but_not_act(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm("suction-low")
    assert await product.service.active(VERA) == (alarm,)
    for act in (product.service.acknowledge(VERA, alarm.id), product.service.comment(VERA, alarm.id, "hm")):
        with pytest.raises(PermissionDeniedError):
            await act


async def test_a_foreign_alarm_and_an_unknown_one_are_answered_alike(product: Running) -> None:
    await product.see(HEADER, 9.0, 1)
    foreign = (await product.alarm("header-high")).id
    unknown = "00000000-0000-8000-8000-000000000000"
    acts: tuple[Callable[[str], Awaitable[Alarm]], ...] = (
        lambda alarm_id: product.service.acknowledge(ANNA, alarm_id),
        lambda alarm_id: product.service.comment(ANNA, alarm_id, "hm"),
    )
    for act in acts:
        texts = []
        for alarm_id in (foreign, unknown):
            with pytest.raises(NotFoundError) as refused:
                await act(alarm_id)
            texts.append(refused.value.message.replace(alarm_id, "…"))
        assert texts[0] == texts[1]
    assert (await product.alarm("header-high")).state is B


async def test_notes_are_added_to_standing_and_to_past_alarms(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm("suction-low")
    assert (await product.service.comment(ANNA, alarm.id, "looking")).comment == "looking"
    await product.service.acknowledge(ANNA, alarm.id)
    await product.see(SUCTION, 2.0, 2)
    await until(lambda: product.book.unsaved == 0)
    product.clock.at += MICROS_PER_S
    assert (await product.service.comment(BORIS, alarm.id, "it was the strainer")).state is A
    entries = (await product.service.journal(ANNA, JournalQuery())).entries
    assert [(entry.kind, entry.actor, entry.comment) for entry in entries if entry.kind is JournalKind.COMMENTED] == [
        (JournalKind.COMMENTED, "boris", "it was the strainer"),
        (JournalKind.COMMENTED, "anna", "looking"),
    ]
    with pytest.raises(InvalidInputError, match="without words"):
        await product.service.comment(ANNA, alarm.id, " ")


async def test_states_and_acknowledgements_survive_a_kill(
    switched: SwitchedWork, clock: HandClock, database_url: str, tmp_path: Path
) -> None:
    async with running(switched, clock, database_url, tmp_path) as before:
        await before.see(SUCTION, 0.5, 1)
        await before.service.acknowledge(ANNA, (await before.alarm("suction-low")).id, "seen")
        await until(lambda: before.book.unsaved == 0)
    async with running(switched, clock, database_url, tmp_path) as after:
        alarm = await after.alarm("suction-low")
        assert (alarm.state, alarm.acknowledged_by, alarm.comment) == (C, "anna", "seen")
        assert (await after.alarm("suction-very-low")).state is B
        entries = (await after.service.journal(ADA, JournalQuery())).entries
        assert len(entries) == len({entry.id for entry in entries}) == 3


# --- the database is out ------------------------------------------------------------------------------------------


async def test_without_the_database_alarms_are_seen_and_an_acknowledgement_says_how_it_stands(
    product: Running,
) -> None:
    product.work.is_on = False
    await product.see(SUCTION, 1.0, 1)
    alarm = await product.alarm("suction-low")
    product.clock.at += MICROS_PER_S
    hasty = AlarmService(product.work, product.book, product.clock, stored_s_max=0.05)
    with pytest.raises(UnavailableError, match="acknowledged on all screens, but not stored yet"):
        await hasty.acknowledge(ANNA, alarm.id)
    assert (await product.alarm("suction-low")).state is C
    product.work.is_on = True
    await product.clock.advance(6)
    await until(lambda: product.book.unsaved == 0)
    entries = (await product.service.journal(ANNA, JournalQuery())).entries
    assert [entry.kind for entry in entries] == [JournalKind.ACKNOWLEDGED, JournalKind.RAISED]


# --- watching -----------------------------------------------------------------------------------------------------


async def next_of(
    pictures: AsyncGenerator[AlarmPicture, None], wanted: Callable[[AlarmPicture], object]
) -> AlarmPicture:
    """Return the first picture that is ``wanted``."""
    async with asyncio.timeout(90):
        while not wanted(picture := await anext(pictures)):
            pass
    return picture


async def test_a_watcher_gets_everything_then_changes_then_what_is_gone(product: Running) -> None:
    await product.see(SUCTION, 1.0, 1)
    async with aclosing(product.service.watch(ANNA)) as pictures:
        snapshot = await anext(pictures)
        assert (snapshot.kind, [alarm.rule_id for alarm in snapshot.alarms]) == ("snapshot", ["suction-low"])
        assert (snapshot.counts.standing, snapshot.counts.unacknowledged) == (1, 1)
        await product.see(SUCTION, 0.5, 2)
        change = await next_of(pictures, lambda picture: picture.alarms)
        assert (change.kind, [alarm.rule_id for alarm in change.alarms]) == ("change", ["suction-very-low"])
        assert [(count.priority, count.unacknowledged) for count in change.counts.by_priority] == [
            (1, 1),
            (2, 1),
            (3, 0),
            (4, 0),
        ]
        await product.service.acknowledge(ANNA, snapshot.alarms[0].id)
        await product.see(SUCTION, 2.0, 3)
        gone = await next_of(pictures, lambda picture: picture.gone)
        assert gone.gone == (snapshot.alarms[0].id,)
        assert (gone.counts.standing, gone.counts.returned) == (1, 1)
    assert product.book.changes.readers == 0


async def test_a_watcher_of_one_site_hears_nothing_of_another_but_signs_of_life(
    product: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_service, "HEARTBEAT_S", 0.05)
    async with aclosing(product.service.watch(GRETA)) as pictures:
        await anext(pictures)
        await product.see(SUCTION, 1.0, 1)
        for _ in range(3):
            picture = await asyncio.wait_for(anext(pictures), 30)
            assert (picture.kind, picture.alarms, picture.gone, picture.counts.standing) == ("change", (), (), 0)


async def test_a_watcher_that_is_far_behind_gets_a_snapshot(product: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_service, "CHANGES_WAITING_MAX", 2)
    async with aclosing(product.service.watch(ANNA)) as pictures:
        await anext(pictures)
        for second in range(1, 8):
            await product.see(SUCTION, 1.0 if second % 2 else 2.0, second)
        picture = await anext(pictures)
        assert picture.kind == "snapshot"
        assert [alarm.times_raised for alarm in picture.alarms] == [4]


async def test_what_does_not_fit_one_picture_follows_in_further_ones_most_urgent_first(
    product: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_service, "ALARMS_PER_PICTURE", 1)
    await product.see(SUCTION, 0.5, 1)
    standing = await product.service.active(ANNA)
    assert len(standing) == 2
    async with aclosing(product.service.watch(ANNA)) as pictures:
        seen = [await anext(pictures), await anext(pictures)]
    assert [picture.kind for picture in seen] == ["snapshot", "change"]
    assert [alarm for picture in seen for alarm in picture.alarms] == list(standing)
    assert {picture.counts.standing for picture in seen} == {2}


# --- journal and rules --------------------------------------------------------------------------------------------


async def test_the_journal_is_read_in_pages_newest_first(product: Running) -> None:
    for second in range(1, 8):
        await product.see(SUCTION, 1.0 if second % 2 else 2.0, second)
    await product.see(HEADER, 9.0, 9)
    await until(lambda: product.book.unsaved == 0)
    seen = []
    before = None
    for _ in range(4):
        page = await product.service.journal(ANNA, JournalQuery(limit=2, before=before))
        seen += [(entry.at - NOON) // MICROS_PER_S for entry in page.entries]
        before = page.before
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert before is None
    returned = await product.service.journal(ANNA, JournalQuery(kinds=(JournalKind.RETURNED,), limit=3))
    assert (len(returned.entries), returned.before) == (3, None)


async def test_the_journal_of_a_foreign_site_or_asset_does_not_exist(product: Running) -> None:
    for query in (
        JournalQuery(site_id="graz"),
        JournalQuery(site_id="atlantis"),
        JournalQuery(asset_id="c-201"),
        JournalQuery(asset_id="x-1"),
    ):
        with pytest.raises(NotFoundError, match="There is no"):
            await product.service.journal(ANNA, query)


async def test_rules_are_listed_by_urgency_within_the_scope(product: Running) -> None:
    assert [rule.id for rule in await product.service.rules(ANNA)] == ["suction-very-low", "flow-low", "suction-low"]
    assert [rule.id for rule in await product.service.rules(ADA, "c-201")] == ["header-high"]
    for asset_id in ("c-201", "x-1"):
        with pytest.raises(NotFoundError):
            await product.service.rules(ANNA, asset_id)
