"""Imports of history worked off, one after the other: checked, put into history, taken back.

Batches are the same each time a file is read, and carry the import's mark, so that beginning anew after a crash stores
nothing twice and everything can be found again.
"""

import asyncio
import csv
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import InvalidInputError, PdmError
from pdm_app.domain.history_notes import HistoryNotes, NoteKind
from pdm_app.domain.imports import Import, ImportHistorian, ImportState, Refusal
from pdm_app.domain.past import IMPORT_SEQ
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch, Micros
from pdm_app.domain.table_files import OpenTable
from pdm_app.domain.uploads import UnusableFileError
from pdm_app.services.history_import import Refused, Report, read
from pdm_app.services.import_cells import number
from pdm_app.services.import_comparison import Comparison
from pdm_app.services.import_tables import places_of, reads_numbers, rows_of
from pdm_app.services.uploads import UploadService

log = structlog.get_logger(__name__)

FOLDER = "imports"
REFUSED_ROWS_MAX = 100_000
REFUSED_FILES_MAX = 100
REFUSALS_TOLD = 20
PROBLEM_MAX = 2_000
FORMULA_MARKS = ("=", "@", "\t", "\r")


class _StoppedError(Exception):
    """Somebody wants to change an import that is being worked on."""


class ImportJobs:
    """The one loop that reads files and changes history.

    Args:
        work: Where imports are stored.
        historian: Read, written and relieved.
        uploads: Has the files.
        open_table: Reads them.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held.
        folder: Where the refused rows are kept.
        notes: Knows of which spans samples were removed.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: ImportHistorian,
        uploads: UploadService,
        open_table: OpenTable,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        folder: Path,
        notes: HistoryNotes | None = None,
    ) -> None:
        self._work = work
        self._historian = historian
        self._uploads = uploads
        self._open = open_table
        self._clock = clock
        self._fence = fence
        self._folder = folder
        self._notes = notes
        self._waiting: deque[str] = deque()
        self._asked = asyncio.Event()
        self._current: str | None = None
        self._ended = asyncio.Event()
        self._stop: set[str] = set()
        self._report = Report()
        self._mark = 0

    def ask(self, import_id: str) -> None:
        """Have an import looked at, when its turn comes."""
        if import_id not in self._waiting:
            self._waiting.append(import_id)
        self._asked.set()

    def new_mark(self) -> Micros:
        """Return a time of arrival that no import before has had."""
        self._mark = max(self._clock.now(), self._mark + 1)
        return Micros(self._mark)

    def as_far_as(self, one: Import) -> Import:
        """Return an import with the rows that were read by now."""
        if one.id != self._current or not one.state.is_under_way:
            return one
        return one.model_copy(update={"rows": self._report.rows})

    def refused_rows(self, import_id: str) -> Path:
        """Return where the refused rows of an import lie, if any were."""
        return self._folder / f"{import_id}.csv"

    @asynccontextmanager
    async def standing_still(self, import_id: str) -> AsyncIterator[None]:
        """Keep an import from being worked on; what is under way for it ends first, between two portions."""
        self._stop.add(import_id)
        try:
            while self._current == import_id:
                self._ended.clear()
                await self._ended.wait()
            yield
        finally:
            self._stop.discard(import_id)
            self.ask(import_id)  # Whatever its state is now; what is over is passed by.

    # --- working them off -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work off what is asked for, and first what an earlier process left, until cancelled."""
        async with self._work(EVERY_SITE) as work:
            left = await work.imports.under_way()
        for one in left:
            self.ask(one.id)
        while True:
            while not self._waiting:
                self._asked.clear()
                await self._asked.wait()
            import_id = self._waiting.popleft()
            if import_id in self._stop:
                continue  # It is asked for again when it may be.
            self._current = import_id
            try:
                await self._work_off(import_id)
            finally:
                self._current = None
                self._ended.set()

    async def _work_off(self, import_id: str) -> None:
        async with self._work(EVERY_SITE) as work:
            one = await work.imports.get(import_id)
        if one is None or not one.state.is_under_way:
            return
        self._report = Report()
        steps = {
            ImportState.CHECKING: self._check, ImportState.RUNNING: self._bring_in, ImportState.UNDOING: self._take_back
        }  # fmt: skip
        try:
            done = await steps[one.state](one)
        except _StoppedError:
            return
        except Exception as error:  # Whatever it is, the next one must not wait for ever.
            problem = _problem(error)
            log.warning("an import failed", file=one.file_name, state=one.state, problem=problem,
                        exc_info=not isinstance(error, PdmError | UnusableFileError | OSError))  # fmt: skip
            done = one.model_copy(update={"state": ImportState.FAILED, "problem": problem})
        async with self._work(EVERY_SITE) as work:
            await work.imports.put(done.model_copy(update={"ended_at": self._clock.now()}))
            await work.commit()
        await self._uploads.use(one.plan.upload_id, "an import" if done.state is ImportState.CHECKED else "")
        log.info("an import was worked off", file=one.file_name, state=done.state, samples=done.samples)

    async def _check(self, one: Import) -> Import:
        """Read the whole file, count, and compare with what is stored."""
        compared = Comparison(self._historian)
        with _RefusedRows(self.refused_rows(one.id)) as refused:
            self._report.on_refused = refused.put
            async for batch in self._batches(one, self._clock.now()):
                await compared.add(batch)
        report = self._report
        signals = tuple(
            each.model_copy(
                update={
                    "samples": report.per_signal[each.signal_id], "same": compared.same[each.signal_id],
                    "other": compared.other[each.signal_id],
                }
            )
            for each in one.signals
        )  # fmt: skip
        refusals = tuple(Refusal(line=each.line, reason=each.reason[:300]) for each in report.reasons[:REFUSALS_TOLD])
        await asyncio.to_thread(self._forget_old)
        return one.model_copy(
            update={
                "state": ImportState.CHECKED, "rows": report.rows, "rows_about": report.rows,
                "samples": report.samples, "refused": report.refused, "repeated": report.repeated,
                "refusals": refusals, "signals": signals, "start_at": report.start_at, "end_at": report.end_at,
                "notice": await self._notice(one, report),
            }
        )  # fmt: skip

    async def _bring_in(self, one: Import) -> Import:
        """Put the samples into history."""
        mark = Micros(one.mark or 0)
        days = 0
        async for batch in self._batches(one, mark):
            days += (await self._historian.import_past([batch], await self._fence())).days
        ids = {column.signal_id for column in one.plan.columns}
        async with self._work(EVERY_SITE) as work:
            derived = [each.id for each in await work.signals.derived() if ids.intersection(each.formula_reads)]
        changes = {"state": ImportState.DONE, "rows": self._report.rows, "days": days, "derived": tuple(derived)}
        return one.model_copy(update=changes)

    async def _take_back(self, one: Import) -> Import:
        """Take the samples out of history again."""
        removed = 0
        if one.mark is not None and one.start_at is not None and one.end_at is not None:
            ids = sorted(column.signal_id for column in one.plan.columns)
            span = (Micros(one.start_at), Micros(one.end_at + 1))
            removed = await self._historian.take_back(ids, *span, Micros(one.mark), await self._fence())
        return one.model_copy(update={"state": ImportState.UNDONE, "removed": one.removed + removed})

    async def _batches(self, one: Import, received_at: Micros) -> AsyncIterator[Batch]:
        """Yield the file's samples, read in a thread.

        Raises:
            InvalidInputError: The file or a signal is gone, or the file does not fit the plan.
            UnusableFileError: The file is damaged.
            _StoppedError: Somebody wants to change the import.
        """
        path = await self._uploads.lent(one.plan.upload_id)
        if path is None:
            raise InvalidInputError(f"The file {one.file_name} is gone. Hand it in again.")
        async with self._work(EVERY_SITE) as work:
            ids = [column.signal_id for column in one.plan.columns]
            signals = {signal.id: signal for signal in await work.signals.some(ids)}
        missing = next((each.name for each in one.signals if each.signal_id not in signals), None)
        if missing is not None:
            raise InvalidInputError(f"The signal {missing} was deleted since. Make the import anew without it.")
        form = one.plan.form

        def begin() -> tuple[Iterator[Batch], Callable[[], None]]:
            table = self._open(path, one.format, form)
            try:
                places = places_of(list(table.columns), form, one.plan.columns, signals)
            except BaseException:
                table.close()
                raise
            # A check reads at another time of day than the import: what lies ahead is told by when it was asked for.
            now = Micros(one.asked_at)
            reader = reads_numbers(form)
            batches = read(rows_of(table, form), places, reader, now, self._report, mark=received_at, seq=IMPORT_SEQ)
            return batches, table.close

        batches, close = await asyncio.to_thread(begin)
        try:
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                if one.id in self._stop:
                    raise _StoppedError
                yield batch
            if one.id in self._stop:
                raise _StoppedError
        finally:
            close()

    async def _notice(self, one: Import, report: Report) -> str:
        if self._notes is None or report.start_at is None or report.end_at is None:
            return ""
        ids = [column.signal_id for column in one.plan.columns]
        found = await self._notes.notes(ids, report.start_at, report.end_at + 1)
        return " ".join(note.text for note in found if note.kind is NoteKind.REMOVED)[:PROBLEM_MAX]

    def _forget_old(self) -> None:
        with suppress(OSError):
            files = sorted(self._folder.glob("*.csv"))  # Ids sort by age.
            for path in files[:-REFUSED_FILES_MAX]:
                path.unlink(missing_ok=True)


class _RefusedRows:
    """Writes refused rows as they were, each with its line and reason; no file where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._left = REFUSED_ROWS_MAX

    def __enter__(self) -> "_RefusedRows":
        self._path.unlink(missing_ok=True)
        return self

    def put(self, refused: Refused) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(["line", "reason", "as it was"])
        row = [str(refused.line), refused.reason, *refused.cells]
        csv.writer(self._file).writerow([_harmless(cell) for cell in row])

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    if cell.startswith(FORMULA_MARKS):
        return f"'{cell}"
    if cell.startswith(("+", "-")):
        try:
            number(cell)
        except ValueError:
            return f"'{cell}"
    return cell


def _problem(error: Exception) -> str:
    if isinstance(error, PdmError):
        return error.message[:PROBLEM_MAX]
    if isinstance(error, UnusableFileError):
        return f"The file {error}."[:PROBLEM_MAX]
    if isinstance(error, TimeoutError):
        return "It broke off: the database did not answer in time."
    if isinstance(error, OSError):
        return f"It broke off: {error}."[:PROBLEM_MAX]
    return "This failed inside the program, whose log says how."
