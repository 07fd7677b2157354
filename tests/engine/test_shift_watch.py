"""Rules that are silent off shift, or in shift: by the calendar and the clock of their site."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmRule, AlarmState
from pdm_app.domain.conditions.limits import LowLimit
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftDay
from pdm_app.domain.suppression import ShiftSuppression, guarding_signals
from pdm_app.engine.shift_watch import ShiftWatch
from tests.counterparts.alarms import RULES, SUCTION, Running, SwitchedWork, running
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import stored_plant

HOUR_S = 3_600
OFF_SHIFT, IN_SHIFT = ShiftSuppression(silent="off_shift"), ShiftSuppression(silent="in_shift", why="Crew looks")
DAY = ShiftDay(shifts=(Shift(name="Day", begin="06:00", end="14:00"),))


def calendar(day: ShiftDay = DAY) -> ShiftCalendar:
    """Every day of Pune the same."""
    return ShiftCalendar(id="pune", site_id="pune", anchor=date(2027, 1, 4), days=(day,))


def rule(rule_id: str, *suppressions: ShiftSuppression) -> AlarmRule:
    return RULES[0].model_copy(
        update={"id": rule_id, "name": rule_id, "condition": LowLimit(limit=1.2), "suppressions": suppressions}
    )


@pytest.fixture
async def stored(sqlite_url: str) -> AsyncIterator[SwitchedWork]:
    """Three rules on one signal of Pune: one of the shifts, one of the hours between, one of all hours."""
    async with stored_plant(sqlite_url) as work:
        async with work(EVERY_SITE) as transaction:
            for each in (rule("in-shift", OFF_SHIFT), rule("between", IN_SHIFT), rule("always")):
                await transaction.alarms.put_rule(each)
            await transaction.shifts.put(calendar())
            await transaction.commit()
        yield SwitchedWork(work)


class Site:
    """The alarm part of the product and the watch of shifts, with a clock that a test sets."""

    def __init__(self, product: Running) -> None:
        self.product = product
        self.watch = ShiftWatch(product.work, product.watch, product.clock)

    async def at(self, hour_utc: float) -> dict[str, str]:
        """The state of each rule when a shift watch has looked at that hour, UTC, of the day of `NOON`."""
        day = NOON - NOON % (86_400 * MICROS_PER_S)
        self.product.clock.at = Micros(day + round(hour_utc * HOUR_S * MICROS_PER_S))
        await self.watch.step()
        return {alarm.rule_id: str(alarm.state) for alarm in self.product.book.alarms}


@pytest.fixture
async def site(stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(stored, clock, sqlite_url, tmp_path) as product:
        yield Site(product)


# The shift of Pune, 06:00 to 14:00, is 00:30 to 08:30 UTC.


async def test_a_rule_is_silent_in_its_hours_and_speaks_at_the_change_of_shifts_if_it_is_still_abnormal(
    site: Site,
) -> None:
    assert await site.at(8.4) == {"between": "H"}
    await site.product.see(SUCTION, 0.5, (site.product.clock.at - NOON) / MICROS_PER_S)
    assert await site.at(8.45) == {"between": "H", "in-shift": "B", "always": "B"}
    assert await site.at(8.55) == {"between": "B", "in-shift": "H", "always": "B"}
    [silent] = [alarm for alarm in site.product.book.alarms if alarm.rule_id == "in-shift"]
    assert silent.suppressed_by == "No shift runs"


async def test_a_restart_keeps_what_is_silent_and_a_calendar_that_changed_ends_it(
    stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> None:
    async with running(stored, clock, sqlite_url, tmp_path) as product:
        assert await Site(product).at(12) == {"in-shift": "H"}
        await product.watch.save(checkpoint=True)
    async with running(stored, clock, sqlite_url, tmp_path) as product:
        again = Site(product)
        assert [alarm.state for alarm in product.book.alarms] == [AlarmState.SUPPRESSED]
        async with stored(EVERY_SITE) as work:
            late = ShiftDay(shifts=(Shift(name="Late", begin="14:00", end="22:00"),))
            await work.shifts.put(calendar(late).model_copy(update={"revision": 1}))
            await work.commit()
        assert await again.at(12.1) == {"between": "H"}


async def test_while_the_database_is_out_the_calendars_read_last_go_on(site: Site) -> None:
    assert await site.at(1) == {"between": "H"}
    site.product.work.is_on = False
    assert await site.at(9) == {"in-shift": "H"}


async def test_a_rule_that_asks_for_shifts_no_more_speaks_again(site: Site) -> None:
    assert await site.at(12) == {"in-shift": "H"}
    async with site.product.work(EVERY_SITE) as work:
        await work.alarms.put_rule(rule("in-shift").model_copy(update={"revision": 1}))
        await work.commit()
    await site.product.watch.reload()
    assert list(site.product.book.alarms) == []


async def test_a_site_without_a_calendar_is_never_silent(clock: HandClock, sqlite_url: str, tmp_path: Path) -> None:
    async with stored_plant(sqlite_url) as plain:
        async with plain(EVERY_SITE) as work:
            await work.alarms.put_rule(rule("in-shift", OFF_SHIFT))
            await work.commit()
        async with running(SwitchedWork(plain), clock, sqlite_url, tmp_path) as product:
            assert await Site(product).at(12) == {}


def test_a_suppression_by_shift_names_no_signal_and_no_other_cause() -> None:
    assert guarding_signals((OFF_SHIFT, IN_SHIFT)) == ()
    assert OFF_SHIFT.cause != IN_SHIFT.cause
    assert OFF_SHIFT.cause == ShiftSuppression(silent="off_shift", why="Nobody there").cause
