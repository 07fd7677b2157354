"""Imports of history by people: looked at first, tried without touching anything, then done, and taken back if need be.

What is asked is settled here; `pdm_app.services.import_jobs` works it off in the background. Each step is kept in the
database before it begins, so that a restart goes on with what was under way: a check and an import begin anew, which
changes nothing that is stored already, and what was being taken back is taken back.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.imports import (
    IMPORTS_LISTED,
    Import,
    ImportedSignal,
    ImportForm,
    ImportPlan,
    ImportPreview,
    ImportState,
)
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.signals import Signal
from pdm_app.domain.table_files import OpenTable, TableFile
from pdm_app.domain.uploads import UnusableFileError, Upload
from pdm_app.services.auditing import audit
from pdm_app.services.history_import import names_of
from pdm_app.services.import_jobs import ImportJobs
from pdm_app.services.import_tables import Named, places_of, preview, settled_form
from pdm_app.services.uploads import UploadService

KIND = "history"
UNDER_WAY_MAX = 5
"""Of one person."""
T = TypeVar("T")


class ImportService:
    """The imports of the sites that somebody sees.

    Args:
        work: Where signals and imports are stored.
        uploads: Has the files.
        jobs: Works off what is asked here.
        open_table: Reads files.
        clock: Injected time.
    """

    def __init__(
        self, work: UnitOfWork, uploads: UploadService, jobs: ImportJobs, open_table: OpenTable, clock: Clock
    ) -> None:
        self._work = work
        self._uploads = uploads
        self._jobs = jobs
        self._open = open_table
        self._clock = clock
        self._turn = asyncio.Lock()

    async def preview(self, actor: Actor, upload_id: str, form: ImportForm) -> ImportPreview:
        """Return how a file would be read and which signals it seems to hold; touches nothing.

        Raises:
            NotFoundError: The actor has no such upload.
            InvalidInputError: The file is no table.
        """
        actor.require(Permission.HISTORY_IMPORT)
        upload, path = await self._uploads.file(actor, upload_id, KIND)
        async with self._work(actor.scope) as work:
            signals = [signal for signal in await work.signals.all() if _may_be_imported(actor, signal)]
            named = Named(names_of(signals, await work.assets.all()))
        return await self._read(upload, path, form, lambda table: preview(table, upload.format, form, named))

    async def create(self, actor: Actor, plan: ImportPlan) -> Import:
        """Have a file checked against a plan: counted, compared with what is stored, and nothing imported yet.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites, or the actor has no such upload.
            InvalidInputError: The plan does not fit the file or the signals.
            ConflictError: Too many of the actor's imports are under way.
        """
        actor.require(Permission.HISTORY_IMPORT)
        signals = await self._signals(actor, plan)
        upload, path = await self._uploads.file(actor, plan.upload_id, KIND)
        form = plan.form

        def look(table: TableFile) -> ImportForm:
            settled = settled_form(table, form)
            places_of(list(table.columns), settled, plan.columns, signals)
            return settled

        form = await self._read(upload, path, form, look)
        now = self._clock.now()
        names = await self._names(actor, signals)
        one = Import(
            id=new_id(now), site_id=next(iter(signals.values())).site_id, owner_id=actor.id, owner=actor.name,
            file_name=upload.name, format=upload.format, plan=plan.model_copy(update={"form": form}), asked_at=now,
            signals=tuple(ImportedSignal(signal_id=number, name=names[number]) for number in signals),
        )  # fmt: skip
        async with self._turn, self._work(actor.scope) as work:
            busy = [each for each in await work.imports.under_way() if each.owner_id == actor.id]
            if len(busy) >= UNDER_WAY_MAX:
                raise ConflictError(f"{UNDER_WAY_MAX} of your imports are under way. Wait for one, or cancel it.")
            await work.imports.put(one)
            await self._put_on_record(work, actor, "imports.created", one, after={"signals": list(signals)})
            await work.commit()
            await self._uploads.use(upload.id, "an import")
        self._jobs.ask(one.id)
        return one

    async def start(self, actor: Actor, import_id: str) -> Import:
        """Import what was checked, or go on with what failed on its way.

        Raises:
            NotFoundError: There is no such import, or it lies outside the actor's sites.
            ConflictError: It is not ready for it.
        """
        one = await self._one(actor, import_id)
        if one.state not in (ImportState.CHECKED, ImportState.FAILED):
            raise ConflictError(f"The import of {one.file_name} is {one.state}; only a checked one can begin.")
        if one.state is ImportState.CHECKED and not one.samples:
            raise ConflictError(f"{one.file_name} holds nothing that can be imported. Look at the refused rows.")
        if await self._uploads.lent(one.plan.upload_id) is None:
            raise ConflictError(f"The file {one.file_name} was removed since. Hand it in again.")
        await self._signals(actor, one.plan)  # They may have been deleted, or the right to them lost.
        mark = one.mark if one.mark is not None else self._jobs.new_mark()
        changes: dict[str, object] = {"state": ImportState.RUNNING, "mark": mark}
        if not one.samples:  # Its check failed.
            changes = {"state": ImportState.CHECKING}
        return await self._move(actor, one, "imports.started", changes)

    async def cancel(self, actor: Actor, import_id: str) -> Import:
        """Stop an import; one that has begun is taken back, so that nothing of it stays.

        Raises:
            NotFoundError: There is no such import, or it lies outside the actor's sites.
            ConflictError: It is over.
        """
        one = await self._one(actor, import_id)
        if one.state is ImportState.RUNNING:
            return await self._move(actor, one, "imports.cancelled", {"state": ImportState.UNDOING})
        if one.state in (ImportState.CHECKING, ImportState.CHECKED):
            return await self._move(actor, one, "imports.cancelled", {"state": ImportState.CANCELLED})
        raise ConflictError(f"The import of {one.file_name} is {one.state}; there is nothing to stop.")

    async def undo(self, actor: Actor, import_id: str) -> Import:
        """Take an import back: its samples go, and what they had replaced counts again.

        Raises:
            NotFoundError: There is no such import, or it lies outside the actor's sites.
            ConflictError: It has stored nothing, or is still at it.
        """
        one = await self._one(actor, import_id)
        if one.state not in (ImportState.DONE, ImportState.FAILED) or one.mark is None:
            raise ConflictError(f"The import of {one.file_name} is {one.state}; there is nothing to take back.")
        return await self._move(actor, one, "imports.undone", {"state": ImportState.UNDOING})

    async def all(self, actor: Actor) -> tuple[Import, ...]:
        """Return the last imports in the actor's sites, the newest first, as far as they are."""
        actor.require(Permission.HISTORY_IMPORT)
        async with self._work(actor.scope) as work:
            return tuple(self._jobs.as_far_as(one) for one in await work.imports.newest(IMPORTS_LISTED))

    async def refused(self, actor: Actor, import_id: str) -> tuple[Path, str]:
        """Return the file of the refused rows of an import, and what to call it.

        Raises:
            NotFoundError: There is no such import, it lies outside the actor's sites, or no row was refused.
        """
        one = await self._one(actor, import_id)
        path = self._jobs.refused_rows(one.id)
        if one.state is ImportState.CHECKING or not path.is_file():
            raise NotFoundError(f"There are no refused rows of {one.file_name}, or they are too old to be kept.")
        return path, f"refused-rows-of-{Path(one.file_name).stem}.csv"

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _signals(self, actor: Actor, plan: ImportPlan) -> dict[int, Signal]:
        """Return the signals of a plan by number.

        Raises:
            NotFoundError: One does not exist or lies outside the actor's sites.
            InvalidInputError: One is reckoned from others, or they are of several sites.
        """
        ids = [column.signal_id for column in plan.columns]
        async with self._work(actor.scope) as work:
            found = {signal.id: signal for signal in await work.signals.some(ids)}
        for number in ids:
            if number not in found or not actor.scope.covers(found[number].site_id):
                raise NotFoundError(f"There is no signal {number}.", signal_id=number)
        derived = next((signal for signal in found.values() if signal.is_derived), None)
        if derived is not None:
            raise InvalidInputError(
                f"{derived.name} is reckoned from other signals. Import these, and have it recalculated.",
                [FieldIssue("columns", f"{derived.name} is derived", "leave it out")],
            )
        if len({signal.site_id for signal in found.values()}) > 1:
            raise InvalidInputError(
                "The signals are of several sites. Import those of each site by themselves, from the same file.",
                [FieldIssue("columns", "go to several sites", "leave those of the other sites out")],
            )
        return {number: found[number] for number in ids}

    async def _names(self, actor: Actor, signals: Mapping[int, Signal]) -> dict[int, str]:
        async with self._work(actor.scope) as work:
            codes = {asset.id: asset.code for asset in await work.assets.all()}
        return {one.id: f"{codes.get(one.asset_id, one.asset_id)} {one.name}" for one in signals.values()}

    async def _one(self, actor: Actor, import_id: str) -> Import:
        actor.require(Permission.HISTORY_IMPORT)
        async with self._work(actor.scope) as work:
            one = await work.imports.get(import_id)
        if one is None:
            raise NotFoundError(f"There is no import {import_id!r}.", import_id=import_id)
        return one

    async def _move(self, actor: Actor, one: Import, action: str, changes: Mapping[str, object]) -> Import:
        """Put an import into another state.

        Raises:
            ConflictError: It is no longer in the state it was decided on.
        """
        now = self._clock.now()
        async with self._turn, self._jobs.standing_still(one.id), self._work(actor.scope) as work:
            before = await work.imports.get(one.id)
            if before is None or before.state is not one.state:
                raise ConflictError(f"The import of {one.file_name} has just changed. Look at it again.")
            after = before.model_copy(update={"problem": "", "ended_at": None, **changes})
            if not after.state.is_under_way:
                after = after.model_copy(update={"ended_at": now})
            await work.imports.put(after)
            sides = {"before": {"state": before.state}, "after": {"state": after.state}}
            await self._put_on_record(work, actor, action, after, **sides)
            await work.commit()
            await self._uploads.use(one.plan.upload_id, "an import" if after.state.is_under_way else "")
        return after

    async def _put_on_record(
        self, work: Work, actor: Actor, action: str, one: Import, **sides: Mapping[str, object]
    ) -> None:
        await audit(
            work, actor, self._clock.now(), action, subject="import", subject_id=one.id, name=one.file_name,
            site_id=one.site_id, before=sides.get("before"), after=sides.get("after"),
        )  # fmt: skip

    async def _read(self, upload: Upload, path: Path, form: ImportForm, look: Callable[[TableFile], T]) -> T:
        def read() -> T:
            with closing(self._open(path, upload.format, form)) as table:
                return look(table)

        try:
            return await asyncio.to_thread(read)
        except UnusableFileError as error:
            raise InvalidInputError(f"{upload.name} {error}.", [FieldIssue("upload_id", str(error))]) from None


def _may_be_imported(actor: Actor, signal: Signal) -> bool:
    return not signal.is_derived and actor.scope.covers(signal.site_id)
