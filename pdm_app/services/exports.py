"""Exports: estimated, made in the background or at once where they are small, kept for a week.

The files lie in one folder, each with a note of what it is, so that they outlive a restart. A file belongs to who asked
for it; whoever lost the right to see something in it since does not get it any more.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, PdmError
from pdm_app.domain.exports import Export, ExportEstimate, ExportFormat, ExportOrder, JournalOrder
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.jobs import JobState
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros, moment
from pdm_app.domain.tables import Renderer, TableStyle, TableWriter
from pdm_app.services.auditing import audit
from pdm_app.services.export_contents import Content, Contents, HistoryContents, JournalContents
from pdm_app.services.signals import SignalService

log = structlog.get_logger(__name__)

FOLDER = "exports"
NOTE, PART = ".note", ".part"
SMALL_ROWS_MAX = 50_000
"""So many rows are written while the caller waits: some seconds."""
AT_ONCE = 2
ROWS_MAX = 20_000_000
WORKBOOK_ROWS_MAX = 3_000_000
STANDING_MAX = 3
FILES_MAX = 20
BYTES_MAX = 4_000_000_000
"""Of all files of one person."""
KEPT_US = 7 * 86_400 * MICROS_PER_S
SWEEP_EVERY_S = 600.0


class ExportService:
    """The exports of everybody, each seen by who asked for it.

    Args:
        work: Where assets and signals are stored.
        historian: Read.
        signals: Says which signals somebody may see.
        clock: Injected time.
        folder: Where the files are kept.
        renderers: The formats there are.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        signals: SignalService,
        clock: Clock,
        folder: Path,
        renderers: Sequence[Renderer],
    ) -> None:
        self._work = work
        self._history = HistoryContents(work, historian, signals)
        self._journal = JournalContents(work)
        self._clock = clock
        self._folder = folder
        self._renderers = {renderer.name: renderer for renderer in renderers}
        self._exports: dict[str, Export] = {}
        self._askers: dict[str, Actor] = {}  # Of those that wait: they are made as far as who asked may see.
        self._waiting: deque[str] = deque()
        self._cancelled: set[str] = set()
        self._asked = asyncio.Event()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def estimate(self, actor: Actor, order: ExportOrder | JournalOrder) -> ExportEstimate:
        """Return how large an export would be; rows are counted, bytes guessed.

        Raises:
            NotFoundError: A signal, site or asset does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_EXPORT)
        rows, columns = await self._contents(order).size(actor, order)
        rows_max = WORKBOOK_ROWS_MAX if order.format is ExportFormat.XLSX else ROWS_MAX
        refused = ""
        if rows > rows_max:
            refused = (
                f"{rows:,} rows are more than the {rows_max:,} of a {order.format} file. Choose a shorter span, fewer "
                + ("signals or figures of longer stretches." if isinstance(order, ExportOrder) else "kinds or words.")
            )
        size = round(rows * columns * self._renderers[order.format].bytes_per_cell) + 1000
        return ExportEstimate(rows=rows, bytes=size, is_large=rows > SMALL_ROWS_MAX, refused=refused)

    def _contents(self, order: ExportOrder | JournalOrder) -> Contents[Any]:
        return self._history if isinstance(order, ExportOrder) else self._journal

    async def create(self, actor: Actor, order: ExportOrder | JournalOrder) -> Export:
        """Make an export: a small one is done when this returns, a large one waits for its turn.

        Raises:
            NotFoundError: A signal, site or asset does not exist or lies outside the actor's sites.
            InvalidInputError: It would have too many rows.
            ConflictError: Too many of the actor's exports wait, or their files take too much room.
        """
        estimate = await self.estimate(actor, order)
        if estimate.refused:
            raise InvalidInputError(estimate.refused, [FieldIssue("end_at", "makes too many rows", "shorten the span")])
        self._refuse_too_many(actor, estimate)
        now = self._clock.now()
        content = await self._contents(order).of(actor, order, now)
        export = Export(
            id=new_id(now), owner_id=actor.id, owner=actor.name, order=order, title=content.title,
            file_name=f"{content.stem}.{self._renderers[order.format].extension}",
            rows_expected=estimate.rows, asked_at=now,
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, now, "exports.created", subject="export", subject_id=export.id, name=export.file_name,
                site_id=content.site_id, after={**order.model_dump(mode="json"), "rows": estimate.rows},
            )  # fmt: skip
            await work.commit()
        self._exports[export.id] = export
        if estimate.is_large:
            self._askers[export.id] = actor
            self._waiting.append(export.id)
            self._asked.set()
        else:
            async with self._turn:
                await self._make(export.id, content)
        return self._exports[export.id]

    def all(self, actor: Actor) -> tuple[Export, ...]:
        """Return the actor's exports, newest first."""
        actor.require(Permission.HISTORY_EXPORT)
        return tuple(export for export in reversed(self._exports.values()) if export.owner_id == actor.id)

    async def delete(self, actor: Actor, export_id: str) -> Export:
        """Stop an export that is under way, and remove the file of one that is over.

        Raises:
            NotFoundError: The actor has no such export.
        """
        actor.require(Permission.HISTORY_EXPORT)
        export = self._own(actor, export_id)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, now, "exports.deleted", subject="export", subject_id=export.id, name=export.file_name,
                before={"state": export.state, "rows": export.rows},
            )  # fmt: skip
            await work.commit()
        export = self._own(actor, export_id)
        if export.state.is_over or export.id in self._waiting:
            with suppress(ValueError):
                self._waiting.remove(export.id)
            self._askers.pop(export.id, None)
            self._forget(export)
        else:
            self._cancelled.add(export.id)  # It ends with its next block.
        return export

    async def file(self, actor: Actor, export_id: str) -> tuple[Path, Export, str]:
        """Return where the file of an export lies, and its media type.

        Raises:
            NotFoundError: The actor has no such export, its file is gone, or a signal of it is out of reach now.
            ConflictError: It is not done.
        """
        actor.require(Permission.HISTORY_EXPORT)
        export = self._own(actor, export_id)
        await self._contents(export.order).require(actor, export)
        if export.state is not JobState.DONE:
            raise ConflictError(f"The export {export.file_name} is {export.state}; there is no file of it.")
        path = self._path(export)
        if not path.is_file():
            raise NotFoundError(f"The file of the export {export.file_name} is gone. Make it again.")
        return path, export, self._renderers[export.order.format].media_type

    def _own(self, actor: Actor, export_id: str) -> Export:
        export = self._exports.get(export_id)
        if export is None or export.owner_id != actor.id:
            raise NotFoundError(f"There is no export {export_id!r}.", export_id=export_id)
        return export

    def _refuse_too_many(self, actor: Actor, estimate: ExportEstimate) -> None:
        own = [export for export in self._exports.values() if export.owner_id == actor.id]
        standing = [export for export in own if not export.state.is_over]
        if len(standing) >= STANDING_MAX:
            raise ConflictError(f"{STANDING_MAX} of your exports are being made. Wait for one, or stop it.")
        kept = [export for export in own if export.state is JobState.DONE]
        if len(kept) >= FILES_MAX or sum(export.bytes for export in kept) + estimate.bytes > BYTES_MAX:
            raise ConflictError(
                f"Your exports take all the room they may: {FILES_MAX} files, {BYTES_MAX // 10**9} GB. Delete some."
            )

    # --- working them off -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Make large exports, one after the other, and remove what is too old; until cancelled."""
        await asyncio.to_thread(self._load)
        while True:
            self._sweep()
            if not self._waiting:
                self._asked.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_EVERY_S):
                        await self._asked.wait()
                continue
            export = self._exports[self._waiting.popleft()]
            content = await self._found(export)
            if content is not None:
                await self._make(export.id, content)

    async def _found(self, export: Export) -> Content | None:
        try:
            asker, asked_at = self._askers.pop(export.id), Micros(export.asked_at)
            return await self._contents(export.order).of(asker, export.order, asked_at)
        except (PdmError, TimeoutError) as error:
            self._end(export.id, JobState.FAILED, str(error) or "The database did not answer in time.")
            return None

    async def _make(self, export_id: str, content: Content) -> None:
        export = self._put(export_id, state=JobState.RUNNING)
        part = self._folder / f"{export_id}{PART}"
        renderer, order = self._renderers[export.order.format], export.order
        facts = (
            *content.about,
            ("Exported by", export.owner),
            ("Exported at", moment(export.asked_at).astimezone(order.tz).isoformat()),
        )
        style = TableStyle(order.tz, order.decimal, order.separator, facts)
        table: TableWriter | None = None
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            table = await asyncio.to_thread(renderer.open, part, content.columns, style)
            async with aclosing(content.blocks):
                async for block in content.blocks:
                    if export_id in self._cancelled:
                        break
                    await asyncio.to_thread(table.write, block)
                    self._put(export_id, rows=self._exports[export_id].rows + len(block[0]))
            if export_id in self._cancelled:
                self._drop(part, table)
                self._end(export_id, JobState.CANCELLED)
                return
            await asyncio.to_thread(table.close)
            sites = tuple(sorted(content.sites))
            size, expires_at = part.stat().st_size, self._clock.now() + KEPT_US
            done = self._put(export_id, bytes=size, expires_at=expires_at, site_ids=sites)
            part.rename(self._path(done))
            self._end(export_id, JobState.DONE)
        except (PdmError, OSError, TimeoutError) as error:
            self._drop(part, table)
            problem = error.message if isinstance(error, PdmError) else f"The file could not be written: {error}."
            log.warning("an export failed", file=export.file_name, problem=problem)
            self._end(export_id, JobState.FAILED, problem)
        except asyncio.CancelledError:
            self._drop(part, table)
            self._end(export_id, JobState.FAILED, "It was broken off. Ask for it again.")
            raise

    def _drop(self, part: Path, table: TableWriter | None) -> None:
        if table is not None:
            table.abandon()
        part.unlink(missing_ok=True)

    def _put(self, export_id: str, **changes: object) -> Export:
        self._exports[export_id] = self._exports[export_id].model_copy(update=changes)
        return self._exports[export_id]

    def _end(self, export_id: str, state: JobState, problem: str = "") -> None:
        self._cancelled.discard(export_id)
        export = self._put(export_id, state=state, problem=problem, ended_at=self._clock.now())
        if state is JobState.DONE:
            self._path(export).with_suffix(NOTE).write_text(export.model_dump_json(), encoding="utf-8")

    def _path(self, export: Export) -> Path:
        return self._folder / f"{export.id}.{self._renderers[export.order.format].extension}"

    def _forget(self, export: Export) -> None:
        del self._exports[export.id]
        for path in (self._path(export), self._path(export).with_suffix(NOTE)):
            path.unlink(missing_ok=True)

    def _load(self) -> None:
        """Take up the files that an earlier process made; what is no whole export is removed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self._folder.glob(f"*{NOTE}")):
            try:
                export = Export.model_validate_json(path.read_bytes())
            except (ValidationError, OSError):
                path.unlink(missing_ok=True)
                continue
            if path.stem == export.id and self._path(export).is_file():
                self._exports.setdefault(export.id, export)
        known = {self._path(export).stem for export in self._exports.values()}
        for path in self._folder.iterdir():
            if path.is_file() and path.stem not in known:
                path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        now = self._clock.now()
        for export in list(self._exports.values()):
            if export.state.is_over and (export.expires_at or (export.ended_at or 0) + KEPT_US) <= now:
                self._forget(export)
