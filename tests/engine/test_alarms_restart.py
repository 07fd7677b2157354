"""A process that dies with everything pending: delays, shelvings, latches and escalations go on in the next one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmState
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.notice_routes import Contact, NoticeRoute, RouteStep
from pdm_app.domain.notices import Channel, ChannelKind
from pdm_app.domain.outbox import NoticeState
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.engine.notifier import Notifier
from pdm_app.services.alarm_holds import AlarmHoldService
from tests.counterparts.alarms import ANNA, SUCTION, Running, SwitchedWork, _rule, running
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import stored_plant
from tests.engine.notice_plant import Script

HIGH, NORMAL = 9.0, 1.0
ABOVE = HighLimit(limit=5.0, deadband=0.5)
DELAYED, LATCHED, SHELVED, TOLD = (
    _rule("delayed", "pune", "p-501", SUCTION, condition=ABOVE, on_delay_s=60.0, priority=3),
    _rule("latched", "pune", "p-501", SUCTION + 1, condition=ABOVE, latching=True, priority=3),
    _rule("shelved", "pune", "p-501", SUCTION + 2, condition=ABOVE, priority=3),
    _rule("told", "pune", "p-501", SUCTION + 3, condition=ABOVE, priority=1),
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
async def stored(sqlite_url: str) -> AsyncIterator[SwitchedWork]:
    async with stored_plant(sqlite_url) as work:
        async with work(EVERY_SITE) as w:
            for rule in (DELAYED, LATCHED, SHELVED, TOLD):
                await w.alarms.put_rule(rule)
            steps = tuple(
                RouteStep(after_s=after_s, user_ids=("anna",), channels=(ChannelKind.EMAIL,)) for after_s in (0, 300)
            )
            await w.outbox.put_route(
                NoticeRoute(id="route", site_id="pune", name="Night", priorities=(1,), steps=steps)
            )
            await w.outbox.put_contact(Contact(id="anna", email="anna@plant.example"))
            await w.commit()
        yield SwitchedWork(work)


def notifier_of(product: Running, script: Script) -> Notifier:
    async def channel(kind: ChannelKind) -> Channel | None:
        return script

    return Notifier(product.work, channel, product.clock, product.watch._fence)


def state_of(product: Running, rule_id: str) -> AlarmState:
    return next((each.state for each in product.book.alarms if each.rule_id == rule_id), AlarmState.NORMAL)


async def at_second(product: Running, second: float) -> None:
    product.clock.at = NOON + round(second * MICROS_PER_S)
    product.watch.tick()


async def test_all_that_was_pending_goes_on_where_it_was(
    stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> None:
    script = Script()
    async with running(stored, clock, sqlite_url, tmp_path) as product:
        await product.see(LATCHED.signal_id, HIGH, 1)
        await product.see(LATCHED.signal_id, NORMAL, 2)
        await product.see(SHELVED.signal_id, HIGH, 3)
        await product.see(TOLD.signal_id, HIGH, 4)
        holds = AlarmHoldService(product.service, product.work, product.book, clock)
        until_at = (await holds.shelve(ANNA, SHELVED.id, 600, "Strainer is being changed")).shelved_until
        await until(lambda: product.book.unsaved == 0)
        await notifier_of(product, script).step()
        assert len(script.taken) == 1
        await product.see(DELAYED.signal_id, HIGH, 10)
        assert state_of(product, DELAYED.id) is AlarmState.NORMAL

    async with running(stored, clock, sqlite_url, tmp_path) as product:
        again = notifier_of(product, script)
        await again.recover()
        await at_second(product, 60)
        assert state_of(product, DELAYED.id) is AlarmState.NORMAL, "ten seconds of the delay are still to go"
        latched, shelved = state_of(product, LATCHED.id), state_of(product, SHELVED.id)
        assert (latched, shelved) == (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.SHELVED)
        await product.see(DELAYED.signal_id, HIGH, 71)
        assert state_of(product, DELAYED.id) is AlarmState.UNACKNOWLEDGED
        assert (await product.alarm(DELAYED.id)).raised_at == NOON + 70 * MICROS_PER_S

        await again.step()
        assert len(script.taken) == 1, "the escalation is not due"
        await at_second(product, 305)
        await again.step()
        await again.step()
        assert ["NOT ACKNOWLEDGED" in each.subject for each in script.taken] == [False, True]

        assert until_at is not None
        clock.at = until_at + MICROS_PER_S
        product.watch.tick()
        assert state_of(product, SHELVED.id) is AlarmState.UNACKNOWLEDGED, "it is announced anew"
        await product.service.acknowledge(ANNA, (await product.alarm(LATCHED.id)).id)
        await product.service.reset(ANNA, (await product.alarm(LATCHED.id)).id)
        assert state_of(product, LATCHED.id) is AlarmState.NORMAL
        await until(lambda: product.book.unsaved == 0)

    async with stored(EVERY_SITE) as work:
        told = next(each for each in await work.alarms.standing() if each.rule_id == TOLD.id)
        notices = await work.outbox.of_alarm(told.id)
    assert [each.state for each in notices] == [NoticeState.IN_MESSAGE] * 2, "each was told once"
