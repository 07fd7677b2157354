"""kill -9 while an alarm stands: what was acknowledged stays acknowledged, and a running delay goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalKind, JournalPage
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.clocks import WallClock
from tests.counterparts.installation import P_501, PUNE, SIGNALS
from tests.faults.installations import Installation, post, prepared
from tests.faults.test_servers import CONNECTIONS
from tests.faults.waiting import eventually

OPERATOR = "olga.operator"
ENGINEER = "erin.engineer"
STANDS_S_MAX = 90.0
DELAY_S = 120.0  # The server ends a delay by itself where a device falls silent; no step here takes as long.
AT_ONCE_S_MAX = 5.0
HOT = next(one for one in SIGNALS if one.name == "Ambient_Temperature_C")
RULE = AlarmRule(
    id="hot", site_id=PUNE.id, asset_id=P_501.id, signal_id=HOT.id, name="Pump house too hot",
    condition=HighLimit(limit=50.0), priority=1, on_delay_s=DELAY_S, action="Open the doors.",
)  # fmt: skip


async def test_an_acknowledged_alarm_is_acknowledged_after_kill_9(demo: Installation) -> None:
    async with await demo.client(ENGINEER) as erin:
        await erin.mutate("demo.inject", {"key": "cavitation", "asset_code": "P-501", "start_severity": 1.0})
    async with await demo.client(OPERATOR) as olga:
        await eventually(lambda: suction_alarms(olga), within_s=STANDS_S_MAX, what="the low alarm of the suction")
        alarm = (await suction_alarms(olga))[0]
        acknowledged = await olga.mutate(
            "alarms.acknowledge", {"alarm_id": alarm.id, "comment": "Valve V-12 was shut"}, result=Alarm
        )
        before = await journal(olga, alarm.id)
    demo.product.kill()
    await demo.start()
    async with await demo.client(OPERATOR) as olga:
        [after] = await suction_alarms(olga)
        assert after == acknowledged
        assert (after.acknowledged_by, after.comment) == (OPERATOR, "Valve V-12 was shut")
        async with await demo.client(ENGINEER) as erin:
            for connection in CONNECTIONS:  # A plant that delivers always has something in the buffer.
                await erin.mutate("connections.pause", {"connection_id": connection})
        await demo.recorded_everything()
        entries = await journal(olga, alarm.id)
        assert entries == before
        assert [entry.kind for entry in entries] == [JournalKind.ACKNOWLEDGED, JournalKind.RAISED]
        assert (entries[0].actor, entries[0].comment) == (OPERATOR, "Valve V-12 was shut")


@pytest.mark.long
async def test_a_delay_that_runs_at_the_kill_goes_on_after_it(tmp_path: Path, within: Callable[[float], float]) -> None:
    installation = await prepared(tmp_path / "data", rules=(RULE,))
    began_at = WallClock().now() - 3600 * MICROS_PER_S  # The device's clock; delays run on it, not on ours.
    try:
        await installation.start()
        await post(installation, HOT.name, 60.0, began_at)
        installation.product.kill()
        await installation.start()
        async with await installation.client() as olga:
            assert await olga.query("alarms.active", result=list[Alarm]) == []
            await post(installation, HOT.name, 61.0, began_at + int((DELAY_S - 1) * MICROS_PER_S))
            await installation.recorded_everything()
            assert await olga.query("alarms.active", result=list[Alarm]) == []
            await post(installation, HOT.name, 62.0, began_at + int((DELAY_S + 1) * MICROS_PER_S))

            async def stands() -> list[Alarm]:
                return await olga.query("alarms.active", result=list[Alarm])

            await eventually(stands, within_s=within(AT_ONCE_S_MAX), what="the alarm whose delay began before the kill")
            [alarm] = await stands()
            assert alarm.raised_at == began_at + int(DELAY_S * MICROS_PER_S)
            assert alarm.state is AlarmState.UNACKNOWLEDGED
            installation.product.kill()
        await installation.start()
        async with await installation.client() as olga:
            assert [each.id for each in await olga.query("alarms.active", result=list[Alarm])] == [alarm.id]
            assert [entry.kind for entry in await journal(olga, alarm.id)] == [JournalKind.RAISED]
    finally:
        installation.product.kill()


async def suction_alarms(client: TrpcClient) -> list[Alarm]:
    found = await client.query("alarms.active", result=list[Alarm])
    return [alarm for alarm in found if "suction" in alarm.name.lower()]


async def journal(client: TrpcClient, alarm_id: str) -> tuple[JournalEntry, ...]:
    """What the journal has on an alarm, newest first."""
    return (await client.query("alarms.journal", {"alarm_id": alarm_id}, result=JournalPage)).entries
