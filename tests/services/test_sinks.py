"""Sinks as people set them up: judged, tried, changed; a secret goes where it was meant to and nowhere else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Role, Scope
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.sinks import Sink, SinkFacts, SinkStatus, Target
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.sinks import PURPOSE, SinkService
from pdm_app.sinks.doors import SinkDoors
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.ports import free_port

CSV = {"kind": "csv", "folder": "copy"}
SECRET = "quiet-otter-7"


class Engine:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.reloads = 0

    async def reload(self) -> None:
        self.reloads += 1

    def statuses(self) -> Mapping[str, SinkStatus]:
        return {}


class Doors(SinkDoors):
    """The real ones, which note with what secret they were opened."""

    def __init__(self, root: Path, clock: HandClock) -> None:
        super().__init__(root, clock)
        self.secrets: list[str | None] = []

    def target(self, sink: Sink, secret: str | None) -> Target:
        self.secrets.append(secret)
        return super().target(sink, secret)


class Office:
    def __init__(self, work: SqlUnitOfWork, root: Path, clock: HandClock) -> None:
        self.work = work
        self.store = SecretStore(work, clock, key_ring(root, None, None))
        self.engine = Engine()
        self.doors = Doors(root / "sinks", clock)
        self.sinks = SinkService(work, self.store, clock, self.doors, self.engine)

    async def secret_of(self, sink_id: str) -> str | None:
        async with self.work(EVERY_SITE) as work:
            return await self.store.read(work, PURPOSE, sink_id)


@pytest.fixture
def office(sqlite_work: SqlUnitOfWork, tmp_path: Path, clock: HandClock) -> Office:
    return Office(sqlite_work, tmp_path, clock)


def facts(options: dict[str, Any] | None = None, **given: Any) -> SinkFacts:
    return SinkFacts.model_validate({"site_id": "pune", "name": "Copy", "options": options or CSV, **given})


def nowhere() -> dict[str, Any]:
    return {"kind": "influxdb", "url": f"http://127.0.0.1:{free_port()}", "database": "plant", "username": "pdm"}


async def test_a_sink_begins_now_unless_another_time_is_said(office: Office) -> None:
    assert (await office.sinks.create(SYSTEM, facts())).begins_at == NOON
    other = await office.sinks.create(SYSTEM, facts({**CSV, "folder": "other"}, begins_at=5))
    assert other.begins_at == 5
    assert office.engine.reloads == 2
    views = await office.sinks.all(SYSTEM)
    assert [view.status.problem for view in views] == [
        "Samples are sent by the process that records, and this one does not record now."
    ] * 2


async def test_a_folder_has_one_sink_whatever_its_case_and_site(office: Office) -> None:
    await office.sinks.create(SYSTEM, facts())
    for options in (CSV, {**CSV, "folder": "COPY"}, {**CSV, "kind": "parquet"}):
        with pytest.raises(ConflictError, match="Another sink writes into the folder"):
            await office.sinks.create(SYSTEM, facts(options, site_id="graz"))


@pytest.mark.parametrize("folder", ["..", "a/b", "", "/etc", ".hidden", "a" * 61, "a b"])
def test_a_folder_is_a_name_and_no_way_out(folder: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        facts({**CSV, "folder": folder})


async def test_a_sink_keeps_its_kind_and_its_folder(office: Office) -> None:
    sink = await office.sinks.create(SYSTEM, facts())
    for options in ({**CSV, "folder": "other"}, {**CSV, "kind": "parquet"}, nowhere()):
        with pytest.raises(InvalidInputError, match="keeps its kind and its folder"):
            await office.sinks.change(SYSTEM, sink.id, {"options": options})
    changed = await office.sinks.change(SYSTEM, sink.id, {"options": {**CSV, "minutes_max": 5}}, sink.revision)
    assert changed.options.model_dump()["minutes_max"] == 5
    with pytest.raises(ConflictError):
        await office.sinks.change(SYSTEM, sink.id, {"name": "Late"}, sink.revision)


async def test_a_secret_is_sealed_and_forgotten_when_the_sink_leads_elsewhere(office: Office) -> None:
    sink = await office.sinks.create(SYSTEM, facts(nowhere()), SECRET)
    assert await office.secret_of(sink.id) == SECRET
    assert (await office.sinks.get(SYSTEM, sink.id)).has_secret
    assert SECRET not in (await office.sinks.get(SYSTEM, sink.id)).model_dump_json()
    await office.sinks.change(SYSTEM, sink.id, {"name": "Another name"})
    assert await office.secret_of(sink.id) == SECRET
    await office.sinks.change(SYSTEM, sink.id, {"options": nowhere()})
    assert await office.secret_of(sink.id) is None
    await office.sinks.put_secret(SYSTEM, sink.id, SECRET)
    await office.sinks.put_secret(SYSTEM, sink.id, "")
    assert await office.secret_of(sink.id) is None
    csv = await office.sinks.create(SYSTEM, facts())
    with pytest.raises(InvalidInputError, match="need no secret"):
        await office.sinks.put_secret(SYSTEM, csv.id, SECRET)


async def test_a_trial_takes_the_stored_secret_only_to_the_stored_place(office: Office) -> None:
    options = nowhere()
    sink = await office.sinks.create(SYSTEM, facts(options), SECRET)
    for tried in (options, nowhere()):
        outcome = await office.sinks.test_connection(SYSTEM, facts(tried), sink.id)
        assert not outcome.reached
        assert "does not answer" in outcome.detail
    assert office.doors.secrets == [SECRET, None]
    good = await office.sinks.test_connection(SYSTEM, facts())
    assert good.reached
    assert "can be written" in good.detail


async def test_a_sink_that_is_deleted_comes_back_unless_its_folder_is_taken(office: Office) -> None:
    sink = await office.sinks.create(SYSTEM, facts())
    await office.sinks.delete(SYSTEM, sink.id)
    assert await office.sinks.all(SYSTEM) == ()
    restored = await office.sinks.restore(SYSTEM, sink.id)
    assert restored.deleted_at is None
    await office.sinks.delete(SYSTEM, sink.id)
    await office.sinks.create(SYSTEM, facts())
    with pytest.raises(ConflictError):
        await office.sinks.restore(SYSTEM, sink.id)


async def test_it_goes_on_from_a_time_also_when_that_is_said_twice(office: Office) -> None:
    sink = await office.sinks.create(SYSTEM, facts())
    first = await office.sinks.go_on_from(SYSTEM, sink.id, 777)
    second = await office.sinks.go_on_from(SYSTEM, sink.id, 777)
    assert (first.begins_at, second.begins_at) == (777, 776)


async def test_somebody_of_another_site_neither_sees_nor_changes_it(office: Office) -> None:
    sink = await office.sinks.create(SYSTEM, facts())
    scope = Scope(sites=frozenset({"graz"}))
    elsewhere = Actor(id="a", name="ada", role=Role.ADMIN, scope=scope, permissions=ROLE_PERMISSIONS[Role.ADMIN])
    assert await office.sinks.all(elsewhere) == ()
    for call in (
        office.sinks.get(elsewhere, sink.id), office.sinks.delete(elsewhere, sink.id),
        office.sinks.go_on_from(elsewhere, sink.id, 1), office.sinks.put_secret(elsewhere, sink.id, SECRET),
        office.sinks.change(elsewhere, sink.id, {"name": "mine"}), office.sinks.create(elsewhere, facts()),
        office.sinks.test_connection(elsewhere, facts()), office.sinks.all(elsewhere, "pune"),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            await call
