"""The journal page: filters as they are shown, and no more entries than a screen can draw."""

from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.samples import moment
from pdm_app.ui.backend import Backend, plug_in, unplug
from pdm_app.ui.states.journal import ENTRIES_MAX, PAGE, Journal
from pdm_app.ui.states.session import ACCESS_COOKIE
from tests.counterparts.whole_product import WholeProduct, whole_product
from tests.ui.test_states import Handler, Socket

LOAD, MORE = Handler(Journal, "load", "/alarms/history"), Handler(Journal, "more", "/alarms/history")
ENTRIES = ENTRIES_MAX + 2 * PAGE


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    """The product with a journal longer than any screen."""
    async with whole_product(sqlite_url, tmp_path) as product:
        async with product.work(EVERY_SITE) as work:
            await work.alarms.append([_entry(product, number) for number in range(ENTRIES)])
            await work.commit()
        plug_in(Backend(product.services, demo=False, version="1.2.3"))
        yield product
        unplug()


def _entry(product: WholeProduct, number: int) -> JournalEntry:
    at = product.clock.now() + number
    return JournalEntry(
        id=f"{at:020d}", alarm_id=product.ours.alarm_id, rule_id=product.ours.rule_id, site_id="graz",
        asset_id=product.ours.asset_id, name=f"Entry {number}", priority=1 + number % 2,
        kind=JournalKind.RAISED, state=AlarmState.UNACKNOWLEDGED, at=at, recorded_at=at, value=0.0,
    )  # fmt: skip


async def opened(product: WholeProduct) -> Socket:
    signed_in = await product.sign_in(Role.VIEWER)
    socket = Socket(f"{ACCESS_COOKIE}={signed_in.access_token}")
    await socket.call(LOAD)
    return socket


async def test_older_entries_are_added_until_the_screen_is_full_and_then_the_page_says_so(
    product: WholeProduct,
) -> None:
    socket = await opened(product)
    journal = socket.state(Journal)
    shown = [len(journal.entries)]
    while journal.cursor:
        await socket.call(MORE)
        shown.append(len(journal.entries))
    assert shown == list(range(PAGE, ENTRIES_MAX + 1, PAGE))
    assert journal.is_cut
    assert [entry.name for entry in journal.entries] == [f"Entry {ENTRIES - 1 - n}" for n in range(ENTRIES_MAX)]


async def test_a_page_that_opens_has_no_filter_left_from_before(product: WholeProduct) -> None:
    socket = await opened(product)
    await socket.call(Handler(Journal, "search", "/alarms/history", ({"text": "entry 1", "priority": "2"},)))
    journal = socket.state(Journal)
    assert {entry.priority for entry in journal.entries} == {2}
    await socket.call(LOAD)
    assert (journal.text, journal.priority) == ("", "")
    assert {entry.priority for entry in journal.entries} == {1, 2}


async def test_days_are_those_of_the_plant_and_the_last_one_is_whole(product: WholeProduct) -> None:
    socket = await opened(product)
    journal = socket.state(Journal)
    here = ZoneInfo(journal.time_zone)
    first, last = moment(product.clock.now()), moment(product.clock.now() + ENTRIES)
    today, until = first.astimezone(here).date(), last.astimezone(here).date()

    async def found(since: date | str, until: date | str) -> int:
        await socket.call(Handler(Journal, "search", "/alarms/history", ({"since": str(since), "until": str(until)},)))
        return len(socket.state(Journal).entries)

    assert await found(today, until) == PAGE
    assert journal.start_at is not None
    assert moment(journal.start_at).astimezone(here).timetz() == time(tzinfo=here)
    assert await found(until + timedelta(days=1), "") == 0
    assert await found("", today - timedelta(days=1)) == 0
    assert await found("0001-01-01", "no day") == PAGE, "what is no day is no filter"
    await socket.call(LOAD)
    assert (journal.since, journal.start_at, journal.end_at) == ("", None, None)
