"""The scorecard as it is asked for: by whose clock, for which sites, and which changed rules nobody has approved."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, RULES, SUCTION, VERA, person
from tests.counterparts.clocks import NOON, HandClock
from tests.services.plant_desk import ERIN, PlantDesk, rule

HOUR = 3_600 * MICROS_PER_S
BORIS = person("boris", Role.ENGINEER)  # Of Pune, like Erin.


def raised(number: int, at: int, site: str = "pune", kind: JournalKind = JournalKind.RAISED) -> JournalEntry:
    return JournalEntry(
        id=f"entry-{number:04}", alarm_id=f"a-{number}", rule_id="suction-low", site_id=site, asset_id="p-501", at=at,
        recorded_at=at, kind=kind, state=AlarmState.UNACKNOWLEDGED, priority=2, name="Suction low",
    )  # fmt: skip


@pytest.fixture
async def figures(sqlite_work: SqlUnitOfWork, clock: HandClock) -> AlarmFiguresService:
    """Two alarms of Pune and one of Graz a day ago, and a note that calls nobody."""
    clock.at = NOON + 24 * HOUR
    async with sqlite_work(EVERY_SITE) as work:
        for each in RULES:
            await work.alarms.put_rule(each)
        await work.alarms.append(
            [
                raised(1, NOON),
                raised(2, NOON + HOUR),
                raised(3, NOON + HOUR, "graz"),
                raised(4, NOON + 2 * HOUR, kind=JournalKind.COMMENTED),
            ]
        )
        await work.commit()
    return AlarmFiguresService(sqlite_work, clock)


async def test_the_heat_counts_what_called_by_the_clock_that_was_asked_for(figures: AlarmFiguresService) -> None:
    utc = (await figures.scorecard(VERA)).heat
    pune = (await figures.scorecard(VERA, zone="Asia/Kolkata")).heat
    all_sites = (await figures.scorecard(ADA, zone="Asia/Kolkata")).heat
    assert utc is not None
    assert pune is not None
    assert all_sites is not None
    # `NOON` is Friday, 08:00 UTC, which is 13:30 in Pune.
    assert (utc.counts[4][8], utc.counts[4][9]) == (1, 1)
    assert (pune.counts[4][13], pune.counts[4][14]) == (1, 1)
    assert [sum(map(sum, heat.counts)) for heat in (utc, pune, all_sites)] == [2, 2, 3]
    assert sum(map(sum, utc.watched_h)) == pytest.approx(24, abs=0.01)


@pytest.mark.parametrize("zone", ["Europe", "Nowhere/Land", "", "../etc/passwd", "\0", "utc\n"])
async def test_a_clock_that_is_none_is_refused(figures: AlarmFiguresService, zone: str) -> None:
    with pytest.raises(InvalidInputError, match="no time zone"):
        await figures.scorecard(VERA, zone=zone)


async def test_a_foreign_site_is_not_there(figures: AlarmFiguresService) -> None:
    with pytest.raises(NotFoundError):
        await figures.scorecard(VERA, site_id="graz")


async def test_a_rule_that_was_changed_counts_until_somebody_approves_it(
    figures: AlarmFiguresService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    desk = PlantDesk(sqlite_work, clock)

    async def unapproved() -> float | None:
        card = await figures.scorecard(ERIN)
        return next(figure.value for figure in card.figures if figure.key == "unapproved")

    assert await unapproved() == 0, "nobody has changed what was there from the beginning"
    made = await desk.rules.create(ERIN, rule(SUCTION))
    clock.at += HOUR
    await desk.rules.change(ERIN, made.id, {"priority": 1}, None, "more urgent than thought")
    assert await unapproved() == 1, "made and changed, it is one rule"
    clock.at += HOUR
    await desk.rules.approve(BORIS, made.id)
    assert await unapproved() == 0
    await desk.rules.change(ERIN, made.id, {"priority": 3})
    assert await unapproved() == 1
    await desk.rules.disable(ERIN, made.id)
    assert await unapproved() == 0, "what judges nothing needs no approval"
