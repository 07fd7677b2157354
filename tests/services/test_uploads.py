"""The store of uploads: whole or not there, by content and not by name, within its quotas, and each one's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pdm_app.documents.table_sniffing import table_format
from pdm_app.domain.access import Actor, Permission, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.uploads import Upload, UploadKind
from pdm_app.services import uploads as upload_service
from pdm_app.services.uploads import NOTE, PART, TooLargeError, UploadService, plain_name
from pdm_app.settings import UploadSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, VERA, person
from tests.counterparts.clocks import HandClock, until

ERIN, MAX = person("erin", Role.ENGINEER), person("max", Role.ENGINEER)
CSV = b"time,Flow\n2026-03-01 06:00:00,1.5\n"
KINDS = (UploadKind("history", Permission.HISTORY_IMPORT, table_format, "a table"),)
HOUR = 3_600_000_000


class Store:
    """The service over a folder of its own."""

    def __init__(self, work: SqlUnitOfWork, clock: HandClock, folder: Path, **limits: float) -> None:
        self.work, self.clock, self.folder = work, clock, folder
        self.service = self.again(**limits)

    def again(self, **limits: float) -> UploadService:
        """The same after a restart."""
        self.service = UploadService(self.work, self.clock, self.folder, KINDS, UploadSettings.model_validate(limits))
        return self.service

    async def hand_in(self, content: bytes = CSV, actor: Actor = ERIN, name: str = "log.csv") -> Upload:
        async with self.service.receiving(actor, "history", name, len(content)) as reception:
            for start in range(0, len(content), 1000):
                await reception.write(content[start : start + 1000])
            return await self.service.complete(reception, actor)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    async def audited(self) -> list[tuple[str, str]]:
        async with self.work(ADA.scope) as work:
            return [(entry.action, entry.name) for entry in await work.audit.page(AuditQuery())]


@pytest.fixture
def store(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> Store:
    return Store(sqlite_work, clock, tmp_path / "uploads")


@asynccontextmanager
async def swept(store: Store) -> AsyncIterator[None]:
    running = asyncio.create_task(store.service.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_file_is_kept_under_an_id_of_ours_and_known_by_its_content(store: Store) -> None:
    upload = await store.hand_in(CSV * 100, name="../../etc/cron.d/läuft\u202ecsv.exe")
    assert (upload.name, upload.format, upload.bytes) == ("läuftcsv.exe", "csv", 100 * len(CSV))
    assert store.files() == [f"{upload.id}.bin", f"{upload.id}{NOTE}"]
    found, path = await store.service.file(ERIN, upload.id)
    assert (found, path.read_bytes()) == (upload, CSV * 100)
    assert path.stat().st_mode & 0o077 == 0 or store.folder.stat().st_mode & 0o077 == 0
    assert await store.audited() == [("uploads.taken", "läuftcsv.exe")]


@pytest.mark.parametrize("content", [b"", b"\x7fELF\0\0\0\0", b"PK\x03\x04" + b"\0" * 50])
async def test_what_is_no_table_leaves_nothing(store: Store, content: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"log\.csv ") as refused:
        await store.hand_in(content)
    assert refused.value.issues[0].fix == "send a table"
    assert store.files() == []
    assert await store.audited() == []
    assert await store.service.all(ERIN) == ()


async def test_what_breaks_off_leaves_nothing_and_gives_its_room_back(store: Store) -> None:
    store.again(person_bytes_max=3_000_000)
    with pytest.raises(ConnectionResetError):  # noqa: PT012
        async with store.service.receiving(ERIN, "history", "log.csv", None) as reception:
            await reception.write(b"x" * 2_500_000)
            assert [name.endswith(PART) for name in store.files()] == [True]
            raise ConnectionResetError
    assert store.files() == []
    assert (await store.hand_in(CSV * 60_000)).bytes > 2_000_000


async def test_a_file_that_is_too_large_is_refused_at_once_or_where_it_becomes_so(store: Store) -> None:
    store.again(bytes_max=5_000)
    with pytest.raises(TooLargeError, match=r"uploads\.bytes_max"):
        async with store.service.receiving(ERIN, "history", "log.csv", 5_001):
            pytest.fail("it was taken")
    with pytest.raises(TooLargeError):  # noqa: PT012
        async with store.service.receiving(ERIN, "history", "log.csv", None) as reception:
            for _ in range(3):
                await reception.write(b"x" * 2_000)
    assert store.files() == []


async def test_two_uploads_at_once_do_not_share_the_same_room(store: Store) -> None:
    """Each alone would fit; together they are more than a person may have."""
    store.again(person_bytes_max=100_000)
    body = CSV * (70_000 // len(CSV))
    both = await asyncio.gather(store.hand_in(body), store.hand_in(body), return_exceptions=True)
    assert [type(one) for one in both].count(Upload) <= 1
    assert any(isinstance(one, ConflictError) for one in both)
    assert sum(upload.bytes for upload in await store.service.all(ERIN)) <= 100_000
    assert len(await store.service.all(MAX)) == 0
    await store.hand_in(body, MAX)


async def test_the_quota_of_all_people_and_the_number_of_files_hold(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.again(total_bytes_max=5_000)
    await store.hand_in(CSV * 100)
    with pytest.raises(ConflictError, match="uploads of all people"):
        await store.hand_in(CSV * 100, MAX)
    monkeypatch.setattr(upload_service, "FILES_MAX", 2)
    await store.hand_in()
    with pytest.raises(ConflictError, match="2 of your files are kept"):
        await store.hand_in()


async def test_the_disk_keeps_room_for_what_matters_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_service, "free_bytes", lambda folder: upload_service.FREE_BYTES_MIN - 1)
    with pytest.raises(UnavailableError, match="too little room"):
        await store.hand_in()
    assert store.files() == []


async def test_nobody_else_sees_or_removes_a_file_not_even_an_admin(store: Store) -> None:
    upload = await store.hand_in()
    for other in (MAX, ADA):
        for attempt in (store.service.file(other, upload.id), store.service.delete(other, upload.id)):
            with pytest.raises(NotFoundError, match="There is no upload"):
                await attempt
        assert await store.service.all(other) == ()
    with pytest.raises(NotFoundError):
        await store.service.file(ERIN, upload.id, "firmware")
    with pytest.raises(PermissionDeniedError):
        await store.hand_in(actor=VERA)
    with pytest.raises(InvalidInputError, match="nothing to hand in as 'firmware'"):
        async with store.service.receiving(ERIN, "firmware", "x", None):
            pytest.fail("it was taken")


async def test_who_signs_out_or_loses_the_right_meanwhile_hands_nothing_in(store: Store) -> None:
    poorer = ERIN.model_copy(update={"permissions": frozenset[Permission]()})
    for now in (MAX, poorer):
        with pytest.raises(PermissionDeniedError):  # noqa: PT012
            async with store.service.receiving(ERIN, "history", "log.csv", None) as reception:
                await reception.write(CSV)
                await store.service.complete(reception, now)
    assert store.files() == []


async def test_a_restart_keeps_whole_files_and_clears_away_the_rest(store: Store) -> None:
    upload = await store.hand_in()
    for name in ("half.part", "orphan.bin", "broken.note", "other.note"):
        (store.folder / name).write_bytes(b"{}")
    assert await store.again().all(ERIN) == (upload,)
    assert store.files() == [f"{upload.id}.bin", f"{upload.id}{NOTE}"]


async def test_a_file_goes_when_its_time_is_over_unless_something_needs_it(store: Store) -> None:
    old, used = await store.hand_in(), await store.hand_in(name="used.csv")
    await store.service.use(used.id, "an import")
    with pytest.raises(ConflictError, match="needed by an import"):
        await store.service.delete(ERIN, used.id)
    store.clock.at += 25 * HOUR
    async with swept(store):
        await until(lambda: store.files() == [f"{used.id}.bin", f"{used.id}{NOTE}"])
    assert await store.service.lent(old.id) is None
    assert await store.again().lent(used.id) is not None, "what is needed is remembered"
    await store.service.use(used.id, "")
    assert [upload.expires_at for upload in await store.service.all(ERIN)] == [store.clock.at + 24 * HOUR]
    assert (await store.service.delete(ERIN, used.id)).id == used.id
    assert store.files() == []
    assert (await store.audited())[0] == ("uploads.deleted", "used.csv")


@pytest.mark.parametrize(
    ("given", "plain"),
    [("", "file"), ("..", "file"), ("C:\\x\\a.csv", "a.csv"), ("a\nb\x1b[2J.csv", "ab[2J.csv"), ("x" * 300, "x" * 120)],
)
def test_a_name_has_no_folder_and_nothing_that_cannot_be_read(given: str, plain: str) -> None:
    assert plain_name(given) == plain
