"""Settings that an admin changes: checked as a whole, one revision at a time, in force at once where they can be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission
from pdm_app.domain.audit import AuditEntry
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.settings_revisions import SettingsRevision, SettingValue
from pdm_app.services.settings import SettingsService, SettingView
from pdm_app.services.settings_book import LOOK_EVERY_S, SettingsBook
from pdm_app.settings import AuthSettings, LogSettings, Settings, load_settings
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

ADA = SYSTEM.model_copy(update={"id": "ada", "name": "ada"})


async def service(work: SqlUnitOfWork, clock: HandClock, base: Settings | None = None) -> SettingsService:
    """A process of its own over the stored settings."""
    book = SettingsBook(base or Settings(data_dir=Path("/nowhere")), work, clock)
    await book.load()
    return SettingsService(work, clock, book)


@pytest.fixture
async def work(sqlite_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """Nothing but tables; what depends on the database is in ``tests/storage/test_settings_revisions.py``."""
    database = Database(sqlite_url)
    await migrate(database)
    yield SqlUnitOfWork(database)
    await database.close()


@pytest.fixture
async def settings(work: SqlUnitOfWork, clock: HandClock) -> SettingsService:
    return await service(work, clock)


async def shown(settings: SettingsService, key: str) -> SettingView:
    return next(view for view in (await settings.tree(SYSTEM)).settings if view.spec.key == key)


async def trail(work: SqlUnitOfWork) -> list[AuditEntry]:
    async with work(EVERY_SITE) as w:
        return [entry for entry in await w.audit.after(None, 100) if entry.subject == "settings"]


async def test_what_is_set_is_in_force_at_once_and_on_record_with_its_reason(
    settings: SettingsService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    told = list[float]()
    settings.book.follow(lambda now: told.append(now.auth.idle_minutes))
    status = await settings.change(ADA, {"auth.idle_minutes": 15}, reason="shared screens")
    assert (status.revision, status.restart_needed) == (1, ())
    assert told == [60, 15]
    assert settings.book.current.auth.idle_minutes == 15
    view = await shown(settings, "auth.idle_minutes")
    assert (view.value, view.stored, view.source, view.spec.default) == (15, 15, "stored", 60)
    (entry,) = await trail(work)
    assert (entry.action, entry.actor, entry.reason) == ("settings.changed", "ada", "shared screens")
    assert ('"auth.idle_minutes":60' in entry.before, '"auth.idle_minutes":15' in entry.after) == (True, True)
    (head,) = (await settings.history(SYSTEM)).revisions
    assert (head.number, head.actor, head.reason, head.changed) == (1, "ada", "shared screens", ("auth.idle_minutes",))
    assert head.at == clock.now()


async def test_a_reset_leaves_the_setting_to_the_installation_again(settings: SettingsService) -> None:
    await settings.change(SYSTEM, {"auth.idle_minutes": 15, "ingest.samples_max": 9})
    await settings.change(SYSTEM, {}, resets=("auth.idle_minutes",))
    assert settings.book.current.auth.idle_minutes == 60
    assert settings.book.revision.stored == {"ingest.samples_max": 9}
    assert (await shown(settings, "auth.idle_minutes")).source == "default"


async def test_every_fault_is_named_and_nothing_is_set(settings: SettingsService, work: SqlUnitOfWork) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await settings.change(
            SYSTEM, {"log.requests": True, "auth.sessions_max": 0, "ingest.samples_max": 0, "log.level": "loud"}
        )
    assert {issue.field for issue in refused.value.issues} == {"auth.sessions_max", "ingest.samples_max", "log.level"}
    assert settings.book.revision.number == 0
    assert (await settings.history(SYSTEM)).revisions == ()
    assert await trail(work) == []


async def test_setting_what_is_so_already_or_both_ways_is_refused(settings: SettingsService) -> None:
    await settings.change(SYSTEM, {"log.requests": True})
    with pytest.raises(InvalidInputError, match="Nothing would change"):
        await settings.change(SYSTEM, {"log.requests": True})
    with pytest.raises(InvalidInputError, match="both set and reset"):
        await settings.change(SYSTEM, {"log.requests": False}, resets=("log.requests",))
    with pytest.raises(InvalidInputError, match="no setting"):
        await settings.change(SYSTEM, {}, resets=("log.shouting",))


async def test_a_stale_change_is_refused_and_says_who_was_first_and_with_what(settings: SettingsService) -> None:
    await settings.change(ADA, {"log.requests": True}, base=0)
    with pytest.raises(ConflictError, match=r"ada has made revision 1 .*\(log\.requests\)") as refused:
        await settings.change(SYSTEM, {"log.level": "debug"}, base=0)
    assert refused.value.facts["revision"] == 1
    await settings.change(SYSTEM, {"log.level": "debug"}, base=1)
    assert settings.book.current.log == LogSettings(level="debug", requests=True)


async def test_of_many_at_once_each_revision_has_one_maker_and_none_is_lost(
    database_url: str, clock: HandClock
) -> None:
    database = Database(database_url)
    await migrate(database)
    work = SqlUnitOfWork(database)
    processes = [await service(work, clock) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(one.change(SYSTEM, {"auth.sessions_max": 2 + place}, base=0) for place, one in enumerate(processes)),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert all(isinstance(outcome, ConflictError) for outcome in outcomes if isinstance(outcome, Exception))
    assert [head.number for head in (await processes[0].history(SYSTEM)).revisions] == [1]
    assert len(await trail(work)) == 1
    await database.close()


async def test_another_process_takes_a_change_over_at_its_next_look(work: SqlUnitOfWork, clock: HandClock) -> None:
    here, there = await service(work, clock), await service(work, clock)
    told = list[int]()
    there.book.follow(lambda now: told.append(now.ingest.samples_max))
    await here.change(SYSTEM, {"ingest.samples_max": 7})
    assert told == [5000]
    looking = asyncio.create_task(there.book.run())
    try:
        async with asyncio.timeout(90):
            while told != [5000, 7]:
                await clock.advance(LOOK_EVERY_S)
    finally:
        looking.cancel()
    assert there.book.revision.number == 1
    await there.book.look()
    assert told == [5000, 7], "what is known already is told to nobody again"


async def test_a_follower_that_fails_keeps_nobody_else_from_the_change(settings: SettingsService) -> None:
    told = list[bool]()

    def fails(now: Settings) -> None:
        if now.log.requests:
            raise RuntimeError("no")

    settings.book.follow(fails)
    leave = settings.book.follow(lambda now: told.append(now.log.requests))
    await settings.change(SYSTEM, {"log.requests": True})
    assert told == [False, True]
    leave()
    await settings.change(SYSTEM, {"log.requests": False})
    assert told == [False, True]


async def test_what_the_installation_fixes_is_shown_as_such_and_cannot_be_changed_here(
    work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PDM_AUTH__ACCESS_S", "120")
    (tmp_path / "pdm.toml").write_text("[auth]\nidle_minutes = 5\n")
    monkeypatch.setenv("PDM_CONFIG", str(tmp_path / "pdm.toml"))
    fixed = await service(work, clock, load_settings(data_dir=tmp_path, port=0))
    by_environment, by_file = await shown(fixed, "auth.access_s"), await shown(fixed, "auth.idle_minutes")
    assert (by_environment.value, by_environment.source, by_environment.fixed_by) == (
        120,
        "fixed",
        "PDM_AUTH__ACCESS_S",
    )
    assert (by_file.value, by_file.source, by_file.fixed_by) == (5, "fixed", str(tmp_path / "pdm.toml"))
    assert (await shown(fixed, "port")).fixed_by == "the command that started the product"
    with pytest.raises(InvalidInputError, match=r"auth\.access_s is fixed by PDM_AUTH__ACCESS_S, change it there"):
        await fixed.change(SYSTEM, {"auth.access_s": 300})
    await fixed.change(SYSTEM, {"auth.sessions_max": 3})
    assert (fixed.book.current.auth.access_s, fixed.book.current.auth.sessions_max) == (120, 3)


async def test_a_stored_value_waits_behind_one_that_the_installation_fixes(
    work: SqlUnitOfWork, clock: HandClock
) -> None:
    free = await service(work, clock)
    await free.change(SYSTEM, {"auth.access_s": 300, "log.requests": True})
    fixed = await service(work, clock, Settings(data_dir=Path("/nowhere"), auth=AuthSettings(access_s=120)))
    view = await shown(fixed, "auth.access_s")
    assert (view.value, view.stored, view.source) == (120, 300, "fixed")
    await fixed.change(SYSTEM, {"log.requests": False})
    assert fixed.book.revision.stored == {"auth.access_s": 300, "log.requests": False}, "nothing stored is lost"


async def test_what_this_version_cannot_use_is_left_out_and_said_and_the_rest_holds(
    work: SqlUnitOfWork, clock: HandClock
) -> None:
    stored: dict[str, SettingValue] = {"auth.gone": 1, "auth.sessions_max": 99_999, "log.requests": True}
    async with work(EVERY_SITE) as w:
        revision = SettingsRevision(number=1, at=1, actor_id="ada", actor="ada", changed=tuple(stored), stored=stored)
        await w.settings.add(revision)
        await w.commit()
    settings = await service(work, clock)
    assert settings.book.current.log.requests
    assert settings.book.current.auth.sessions_max == 20
    assert settings.book.unused == {
        "auth.gone": "is no setting",
        "auth.sessions_max": "must be less than or equal to 1000",
    }
    assert (await shown(settings, "auth.sessions_max")).problem == "must be less than or equal to 1000"
    await settings.change(SYSTEM, {"auth.sessions_max": 30}, resets=("auth.gone",))
    assert settings.book.revision.stored == {"auth.sessions_max": 30, "log.requests": True}
    assert settings.book.unused == {}


async def test_what_takes_effect_at_the_next_start_is_said_until_then(work: SqlUnitOfWork, clock: HandClock) -> None:
    settings = await service(work, clock)
    status = await settings.change(SYSTEM, {"log.format": "text", "log.level": "debug"})
    assert status.restart_needed == ("log.format",)
    assert (await shown(settings, "log.format")).needs_restart
    assert not (await shown(settings, "log.level")).needs_restart
    assert (await (await service(work, clock)).status(SYSTEM)).restart_needed == ()
    assert (await settings.change(SYSTEM, {}, resets=("log.format",))).restart_needed == ()


async def test_any_two_revisions_are_compared_and_going_back_makes_a_new_one(
    settings: SettingsService, work: SqlUnitOfWork
) -> None:
    await settings.change(SYSTEM, {"auth.idle_minutes": 15, "log.requests": True})
    await settings.change(SYSTEM, {"auth.idle_minutes": 30, "log.level": "debug"})
    found = {
        change.key: (change.before, change.after, change.default) for change in await settings.difference(SYSTEM, 1, 2)
    }
    assert found == {"auth.idle_minutes": (15, 30, 60), "log.level": (None, "debug", "info")}
    assert {change.key for change in await settings.difference(SYSTEM, 2, 0)} == {
        "auth.idle_minutes", "log.level", "log.requests",
    }  # fmt: skip
    review = await settings.review_back(SYSTEM, 1)
    assert {change.key: change.after for change in review.changes} == {"auth.idle_minutes": 15, "log.level": None}
    assert (await settings.go_back(SYSTEM, 1, base=2, reason="too long")).revision == 3
    assert settings.book.current.auth.idle_minutes == 15
    assert await settings.difference(SYSTEM, 1, 3) == ()
    assert (await settings.history(SYSTEM)).revisions[0].reason == "back to revision 1: too long"
    assert (await trail(work))[-1].action == "settings.rolled_back"
    await settings.go_back(SYSTEM, 0)
    assert settings.book.revision.stored == {}
    with pytest.raises(InvalidInputError, match="Nothing would change"):
        await settings.go_back(SYSTEM, 0)
    for missing in (7, 2**31 - 1):
        with pytest.raises(NotFoundError):
            await settings.go_back(SYSTEM, missing)
        with pytest.raises(NotFoundError):
            await settings.difference(SYSTEM, missing, 0)


async def test_history_comes_in_pages(settings: SettingsService) -> None:
    for sessions_max in range(1, 6):
        await settings.change(SYSTEM, {"auth.sessions_max": sessions_max})
    first = await settings.history(SYSTEM, limit=2)
    assert ([head.number for head in first.revisions], first.before) == ([5, 4], 4)
    rest = await settings.history(SYSTEM, first.before, limit=3)
    assert ([head.number for head in rest.revisions], rest.before) == ([3, 2, 1], None)


async def test_a_file_goes_out_and_comes_in_again_as_the_same_text(settings: SettingsService) -> None:
    await settings.change(
        SYSTEM, {"log.level": "debug", "auth.mfa_required_roles": ("admin", "manager"), "auth.idle_minutes": 7.5}
    )
    text = await settings.export(SYSTEM)
    assert (
        "# A page nobody touches signs out after this; 0 is never. (min; 0 to 1440; default 60)\nidle_minutes = 7.5"
        in text
    )
    bare = await settings.export(SYSTEM, comments=False)
    assert bare == '[auth]\nidle_minutes = 7.5\nmfa_required_roles = ["admin", "manager"]\n\n[log]\nlevel = "debug"\n'
    await settings.go_back(SYSTEM, 0)
    review = await settings.review_text(SYSTEM, text)
    assert [change.key for change in review.changes] == ["auth.idle_minutes", "auth.mfa_required_roles", "log.level"]
    assert settings.book.revision.number == 2, "a review changes nothing"
    await settings.bring_in(SYSTEM, text, base=review.base, reason="from Git")
    assert await settings.export(SYSTEM) == text
    assert await settings.difference(SYSTEM, 1, 3) == ()


async def test_a_file_keeps_what_it_does_not_name_unless_it_replaces_everything(settings: SettingsService) -> None:
    await settings.change(SYSTEM, {"log.requests": True})
    await settings.bring_in(SYSTEM, "[log]\nlevel = 'debug'\n")
    assert settings.book.revision.stored == {"log.level": "debug", "log.requests": True}
    await settings.bring_in(SYSTEM, "ingest.samples_max = 8\n", replace=True)
    assert settings.book.revision.stored == {"ingest.samples_max": 8}


async def test_what_a_file_cannot_set_is_named_with_its_line(settings: SettingsService) -> None:
    text = '[auth]\nidle_minutes = 5\n\n# wrong\nsessions_max = 0\n[log]\nlevel = "loud"\n"colour" = "red"\n'
    with pytest.raises(InvalidInputError) as refused:
        await settings.bring_in(SYSTEM, text)
    assert {(issue.field, issue.problem) for issue in refused.value.issues} == {
        ("log.colour", "is no setting (line 8)")
    }
    with pytest.raises(InvalidInputError) as refused:
        await settings.bring_in(SYSTEM, text.replace('"colour" = "red"', ""))
    assert {issue.field: issue.problem.rpartition(" (")[2] for issue in refused.value.issues} == {
        "auth.sessions_max": "line 5)",
        "log.level": "line 7)",
    }
    with pytest.raises(InvalidInputError, match="line 2, column"):
        await settings.bring_in(SYSTEM, "[auth]\nidle_minutes = = 5\n")
    with pytest.raises(InvalidInputError, match=r"auth\.idle_minutes is neither .* \(line 2\)"):
        await settings.bring_in(SYSTEM, "[auth]\nidle_minutes = 1979-05-27\n")
    with pytest.raises(InvalidInputError, match="longer than"):
        await settings.bring_in(SYSTEM, "#" * 70_000)
    assert settings.book.revision.number == 0


async def test_reading_and_writing_are_rights_of_their_own(settings: SettingsService) -> None:
    reader = Actor(**{**dict(SYSTEM), "permissions": frozenset({Permission.SETTINGS_READ})})
    nobody = Actor(**{**dict(SYSTEM), "permissions": frozenset(Permission) - {Permission.SETTINGS_READ}})
    await settings.tree(reader)
    for attempt in (
        settings.change(reader, {"log.requests": True}),
        settings.go_back(reader, 0),
        settings.bring_in(reader, "[log]\nrequests = true"),
        settings.tree(nobody),
        settings.status(nobody),
        settings.history(nobody),
        settings.difference(nobody, 0, 0),
        settings.export(nobody),
        settings.review(nobody, {}),
        settings.review_text(nobody, ""),
        settings.review_back(nobody, 0),
    ):
        with pytest.raises(PermissionDeniedError):
            await attempt
    assert settings.book.revision.number == 0


async def test_no_secret_is_shown(work: SqlUnitOfWork, clock: HandClock) -> None:
    base = Settings(
        data_dir=Path("/nowhere"),
        database_url="mysql+asyncmy://pdm:hunter2@db/pdm",
        auth=AuthSettings(key="k" * 32 + "-signing"),  # type: ignore[arg-type]
    )
    view = await (await service(work, clock, base)).tree(SYSTEM)
    words = view.model_dump_json()
    assert "hunter2" not in words
    assert "signing" not in words
    assert next(one for one in view.settings if one.spec.key == "database_url").source == "fixed"
