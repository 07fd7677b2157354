"""Every unit of work keeps what is committed and forgets what is not."""

import asyncio
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.alarms import AlarmState, JournalKind, JournalQuery, RuleMemory
from pdm_app.domain.errors import ConflictError, FencedError, InvalidInputError
from pdm_app.domain.ports import Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from tests.storage import data
from tests.storage.data import MINE, NOON, S

ONLY_MINE = Scope(sites=frozenset({"site-graz"}))


# --- what goes in comes out ----------------------------------------------------------------------------------------


async def test_every_record_comes_back_as_it_was_stored(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        assert await w.sites.all() == [data.site(MINE)]
        assert await w.assets.areas() == [data.area(MINE)]
        assert await w.assets.lines() == [data.line(MINE)]
        assert await w.assets.all() == [data.asset(MINE)] == [await w.assets.get("asset-graz")]
        assert await w.devices.all() == [data.device(MINE)] == [await w.devices.get("device-graz")]
        assert await w.devices.keys() == [data.device_key(MINE)] == await w.devices.keys("device-graz")
        assert await w.devices.key_by_hash("hash-graz") == data.device_key(MINE)
        assert await w.connections.all() == [data.connection(MINE)] == [await w.connections.get("connection-graz")]
        signals = [data.signal(MINE, 1)]
        assert await w.signals.all() == signals == await w.signals.some([2, 1, 99])
        assert await w.signals.of_asset("asset-graz") == signals == await w.signals.of_connection("connection-graz")
        assert await w.alarms.rules() == [data.rule(MINE)] == [await w.alarms.rule("rule-graz")]
        assert await w.alarms.memories() == [RuleMemory(rule_id="rule-graz", abnormal_since=NOON)]
        assert await w.alarms.standing() == [data.alarm(MINE)] == [await w.alarms.get("alarm-graz-1")]
        assert await w.alarms.journal(JournalQuery()) == [data.entry(MINE, 1)]
        assert await w.users.all() == [data.user(MINE)] == [await w.users.get("user-graz")]
        assert await w.users.by_username("olga.graz") == data.user(MINE)
        assert await w.users.password_hash("user-graz") == "password-graz"
        assert await w.users.session("session-graz-1") == data.session(MINE)
        assert await w.users.sessions("user-graz") == [data.session(MINE)]
    async with plants(EVERY_SITE) as w:
        assert await w.users.value("setup") == "token"
        assert [site.code for site in await w.sites.all()] == ["GRAZ", "LINZ"]


async def test_storing_a_record_again_replaces_it(plants: UnitOfWork) -> None:
    changed = data.asset(MINE).model_copy(update={"name": "Renamed", "state_signal_id": None})
    async with plants(ONLY_MINE) as w:
        await w.assets.put(changed)
        await w.alarms.put([data.alarm(MINE, state=AlarmState.ACKNOWLEDGED)])
        await w.alarms.put_memories([RuleMemory(rule_id="rule-graz", evaluated_to=5)])
        await w.commit()
    async with plants(ONLY_MINE) as w:
        assert await w.assets.all() == [changed]
        assert [alarm.state for alarm in await w.alarms.standing()] == [AlarmState.ACKNOWLEDGED]
        assert [memory.evaluated_to for memory in await w.alarms.memories()] == [5]


async def test_leaving_without_commit_forgets_everything(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.assets.put(data.asset(MINE, code="P-999"))
        await w.users.put_value("setup", None)
        assert [asset.code for asset in await w.assets.all()] == ["P-101A", "P-999"]
    with pytest.raises(RuntimeError, match="on purpose"):
        await _put_and_fail(plants)
    async with plants(EVERY_SITE) as w:
        assert [asset.code for asset in await w.assets.all()] == ["P-101A", "P-101A"]
        assert await w.users.value("setup") == "token"
        assert len(await w.sites.all()) == 2


async def _put_and_fail(work: UnitOfWork) -> None:
    async with work(EVERY_SITE) as w:
        await w.sites.put(data.site("wien"))
        raise RuntimeError("on purpose")


async def test_work_may_go_on_after_a_commit(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.users.put_value("first", "1")
        await w.commit()
        await w.users.put_value("second", "2")
    async with plants(EVERY_SITE) as w:
        assert (await w.users.value("first"), await w.users.value("second")) == ("1", None)


async def test_a_transaction_that_has_read_may_still_write_after_somebody_else_has_written(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as slow:
        assert await slow.users.value("setup") == "token"
        async with plants(EVERY_SITE) as quick:
            await quick.users.put_value("quick", "1")
            await quick.commit()
        await slow.users.put_value("slow", "2")
        await slow.commit()
    async with plants(EVERY_SITE) as w:
        assert (await w.users.value("quick"), await w.users.value("slow")) == ("1", "2")


async def test_a_reader_is_not_kept_waiting_by_a_writer(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as writer:
        await writer.users.put_value("setup", "changed")
        async with asyncio.timeout(30), plants(EVERY_SITE) as reader:
            assert await reader.users.value("setup") == "token"


async def test_another_row_with_the_same_code_is_a_conflict_and_stays_as_it_is(plants: UnitOfWork) -> None:
    twin = data.asset(MINE).model_copy(update={"id": "asset-twin", "name": "Twin"})
    with pytest.raises(ConflictError, match="same id or code"):
        async with plants(EVERY_SITE) as w:
            await w.assets.put(twin)
    with pytest.raises(ConflictError):
        async with plants(EVERY_SITE) as w:
            await w.users.put(data.user("wien", sites=()).model_copy(update={"username": "olga.graz"}))
    async with plants(ONLY_MINE) as w:
        assert await w.assets.all() == [data.asset(MINE)]


async def test_usernames_and_codes_differ_by_every_letter(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.assets.put(data.asset(MINE, code="p-101a").model_copy(update={"id": "asset-small"}))
        await w.assets.put(data.asset(MINE, code="P-101A").model_copy(update={"id": "ASSET-GRAZ", "site_id": "site-x"}))
        await w.commit()
        assert {asset.id for asset in await w.assets.all()} == {"asset-graz", "asset-linz", "asset-small", "ASSET-GRAZ"}
        assert await w.devices.key_by_hash("HASH-GRAZ") is None


async def test_many_signals_are_stored_and_found_at_once(plants: UnitOfWork) -> None:
    many = [data.signal(MINE, number) for number in range(100, 1400)]
    async with plants(ONLY_MINE) as w:
        await w.signals.put(many)
        await w.commit()
        assert [signal.id for signal in await w.signals.all()] == [1, *range(100, 1400)]
        assert len(await w.signals.some(range(1, 5000))) == 1301


# --- alarms --------------------------------------------------------------------------------------------------------


async def test_standing_alarms_come_most_urgent_and_newest_first_without_normal_ones(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        await w.alarms.put(
            [
                data.alarm(MINE, 2, AlarmState.ACKNOWLEDGED, raised_s=50),
                data.alarm(MINE, 3, AlarmState.NORMAL, raised_s=60),
                data.alarm(MINE, 4, AlarmState.RETURNED_UNACKNOWLEDGED, raised_s=10).model_copy(update={"priority": 1}),
            ]
        )
        await w.commit()
        standing = await w.alarms.standing()
    assert [alarm.id for alarm in standing] == ["alarm-graz-4", "alarm-graz-2", "alarm-graz-1"]


async def test_a_journal_entry_is_written_once_and_never_changed(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        await w.alarms.append([data.entry(MINE, 1, comment="changed"), data.entry(MINE, 2)])
        await w.commit()
        entries = await w.alarms.journal(JournalQuery())
    assert [(entry.id, entry.comment) for entry in entries] == [("entry-graz-0002", ""), ("entry-graz-0001", "")]


async def test_pages_of_the_journal_join_without_gap_or_repetition(plants: UnitOfWork) -> None:
    # Four entries per instant, so that the cut falls between entries of one microsecond.
    entries = [data.entry(MINE, number, at_s=number // 4) for number in range(2, 60)]
    async with plants(ONLY_MINE) as w:
        await w.alarms.append(entries)
        await w.commit()
        seen: list[str] = []
        before = None
        while page := await w.alarms.journal(JournalQuery(limit=7, before=before)):
            seen += [entry.id for entry in page]
            before = page[-1].id
    assert seen == [f"entry-graz-{number:04}" for number in range(59, 0, -1)]


async def test_the_journal_is_filtered_by_every_field_of_the_query(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.alarms.append(
            [
                data.entry(MINE, 2, at_s=10, kind=JournalKind.ACKNOWLEDGED, actor="olga", comment="ÖL nachgefüllt"),
                data.entry(MINE, 3, at_s=20, priority=1, asset_id="asset-other", alarm_id="alarm-other"),
                data.entry(MINE, 4, at_s=30, comment="100 % sure_thing"),
            ]
        )
        await w.commit()

        async def numbers(**asked: Any) -> list[str]:
            found = await w.alarms.journal(JournalQuery(**asked))
            assert await w.alarms.journal_count(JournalQuery(**asked, limit=1)) == len(found)
            return [entry.id[-6:] for entry in found]

        assert await numbers(site_id="site-linz") == ["z-0001"]
        assert await numbers(asset_id="asset-other") == ["z-0003"]
        assert await numbers(alarm_id="alarm-other") == ["z-0003"]
        assert await numbers(kinds=(JournalKind.ACKNOWLEDGED,)) == ["z-0002"]
        assert await numbers(priorities=(1,)) == ["z-0003"]
        assert await numbers(start_at=NOON + 10 * S, end_at=NOON + 30 * S) == ["z-0003", "z-0002"]
        assert await numbers(text="öl") == ["z-0002"]
        assert await numbers(text="OLGA") == ["z-0002"]
        assert await numbers(text="% s") == ["z-0004"]
        assert await numbers(text="e_t") == ["z-0004"]
        assert await numbers(text="nobody") == []


async def test_an_unknown_cursor_is_refused_with_what_to_do(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        for cursor in ("nothing", "entry-linz-0001"):
            with pytest.raises(InvalidInputError, match="first page"):
                await w.alarms.journal(JournalQuery(before=cursor))


# --- sessions and installation facts -------------------------------------------------------------------------------


async def test_of_two_that_rotate_a_session_at_once_one_wins(plants: UnitOfWork) -> None:
    async def rotate(new: str) -> bool:
        async with plants(EVERY_SITE) as w:
            won = await w.users.rotate_session("session-graz-1", "h1", new, data.SteppedClock(NOON + S).now())
            await w.commit()
            return won

    assert sorted(await asyncio.gather(rotate("a"), rotate("b"))) == [False, True]
    async with plants(EVERY_SITE) as w:
        session = await w.users.session("session-graz-1")
        assert session is not None
        assert session.refresh_hash in ("a", "b")
        assert session.seen_at == NOON + S


async def test_of_two_that_take_a_fact_at_once_one_gets_it(plants: UnitOfWork) -> None:
    async def take() -> bool:
        async with plants(EVERY_SITE) as w:
            won = await w.users.take_value("setup", "token")
            await w.commit()
            return won

    assert sorted(await asyncio.gather(take(), take())) == [False, True]


async def test_a_revoked_session_is_neither_rotated_nor_listed(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        at = data.SteppedClock(NOON + S).now()
        assert await w.users.revoke_session("session-graz-1", at) is True
        assert await w.users.revoke_session("session-graz-1", at) is False
        assert await w.users.rotate_session("session-graz-1", "h1", "h2", at) is False
        assert await w.users.sessions("user-graz") == []
        revoked = await w.users.session("session-graz-1")
        assert revoked is not None
        assert revoked.revoked_at == NOON + S


async def test_expired_sessions_are_forgotten(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.users.put_session(data.session(MINE, 2, expires_s=10))
        assert await w.users.forget_sessions(data.SteppedClock(NOON + 11 * S).now()) == 1
        assert [session.id for session in await w.users.sessions("user-graz")] == ["session-graz-1"]


async def test_a_user_keeps_the_old_password_unless_a_new_one_is_given(plants: UnitOfWork) -> None:
    both = data.user(MINE, sites=("site-linz", "site-graz"))
    async with plants(EVERY_SITE) as w:
        await w.users.put(both)
        assert await w.users.password_hash("user-graz") == "password-graz"
        assert await w.users.get("user-graz") == both
        await w.users.put(both, "new")
        assert await w.users.password_hash("user-graz") == "new"


async def test_a_device_key_is_added_once_used_and_revoked_once(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        at = data.SteppedClock(NOON + S).now()
        with pytest.raises(ConflictError):
            await w.devices.add_key(data.device_key(MINE), "another")
        await w.devices.keys_used({"key-graz": at})
        assert await w.devices.revoke_key("key-graz", at) is True
        assert await w.devices.revoke_key("key-graz", at) is False
        (key,) = await w.devices.keys()
        assert (key.last_used_at, key.revoked_at) == (NOON + S, NOON + S)


# --- the fence -----------------------------------------------------------------------------------------------------


async def test_a_transaction_is_held_only_by_the_newest_holder_of_the_lease(
    plants: UnitOfWork, database: Database
) -> None:
    fence = await SqlLease(database, data.SteppedClock()).acquire("test", 60)
    assert fence is not None
    async with plants(EVERY_SITE) as w:
        await w.hold(fence)
        await w.alarms.put([data.alarm(MINE, 2)])
        await w.commit()
    async with plants(EVERY_SITE) as w:
        with pytest.raises(FencedError):
            await w.hold(Fence(token=fence.token - 1))
