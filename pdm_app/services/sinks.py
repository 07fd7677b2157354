"""Sinks: where copies of samples go, tried before they are kept, and how each is doing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import (
    ConflictError,
    FieldIssue,
    InvalidInputError,
    NotFoundError,
    PdmError,
)
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.sinks import (
    SECRET_CHARACTERS_MAX,
    SINKS_MAX,
    TRIED_WITH,
    FileOptions,
    InfluxdbOptions,
    Sink,
    SinkFacts,
    SinkKind,
    SinkStatus,
    SinkTest,
    SinkView,
    TargetRules,
)
from pdm_app.services.auditing import audit
from pdm_app.services.record_changes import changed, in_force, put_on_record, require_revision, require_site
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.system import Check

WORD = "sink"
PURPOSE = "sink.secret"  # The record is the sink.
TESTS_AT_ONCE = 2
TEST_S_MAX = 25.0
NOT_HERE = "Samples are sent by the process that records, and this one does not record now."


def sink_secret(work: UnitOfWork, store: SecretStore) -> Callable[[str], Awaitable[str | None]]:
    """Return what tells a sink its secret of now."""

    async def secret_of(sink_id: str) -> str | None:
        async with work(EVERY_SITE) as reading:
            return await store.read(reading, PURPOSE, sink_id)

    return secret_of


class Sending(Protocol):
    """What is needed of the engine."""

    async def reload(self) -> None: ...
    def statuses(self) -> Mapping[str, SinkStatus]: ...


class SinkKindView(Record):
    """A kind of sink, for forms."""

    kind: SinkKind
    tried_with: str = Field(description="What it has been run against, and what not.")


class SinkService:
    """The sinks of the sites.

    Args:
        work: Where they are stored.
        store: Holds passwords and tokens.
        clock: Injected time.
        rules: Makes targets, to try them.
        sending: The engine's part.
    """

    def __init__(
        self, work: UnitOfWork, store: SecretStore, clock: Clock, rules: TargetRules, sending: Sending
    ) -> None:
        self._work = work
        self._store = store
        self._clock = clock
        self._rules = rules
        self._sending = sending
        self._turns = asyncio.Semaphore(TESTS_AT_ONCE)

    # --- looking ----------------------------------------------------------------------------------------------------

    def kinds(self, actor: Actor) -> tuple[SinkKindView, ...]:
        """Return what samples can be sent to."""
        actor.require(Permission.STORAGE_CONFIGURE)
        return tuple(SinkKindView(kind=kind, tried_with=words) for kind, words in TRIED_WITH.items())

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[SinkView, ...]:
        """Return the sinks in the actor's sites by name, and how each is doing."""
        actor.require(Permission.STORAGE_CONFIGURE)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            sinks = [sink for sink in await work.sinks.all() if site_id in (None, sink.site_id)]
            return tuple([await self._view(work, sink) for sink in sinks])

    async def get(self, actor: Actor, sink_id: str) -> SinkView:
        """Return one sink, and how it is doing.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        async with self._work(actor.scope) as work:
            return await self._view(work, await _found(work, sink_id))

    async def _view(self, work: Work, sink: Sink) -> SinkView:
        return SinkView(
            sink=sink,
            has_secret=await work.secrets.sealed(PURPOSE, sink.id) is not None,
            status=self._status(sink),
            tried_with=TRIED_WITH[sink.kind],
        )

    def _status(self, sink: Sink) -> SinkStatus:
        known = self._sending.statuses().get(sink.id)
        return known or SinkStatus(sink_id=sink.id, signals=0, is_sending=False, problem=NOT_HERE)

    # --- changing ---------------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, facts: SinkFacts, secret: str = "") -> Sink:
        """Create a sink; samples leave from then on, or from the time given on.

        Raises:
            NotFoundError: Its site or machine does not exist or lies outside the actor's sites.
            InvalidInputError: Names each field and its fix.
            ConflictError: There are as many as there may be, or another one has its folder.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        now = self._clock.now()
        sink = Sink(**facts.model_dump(), id=new_id(now), revision=1, changed_at=int(now), changed_by=actor.name)
        sink = sink if sink.begins_at else sink.model_copy(update={"begins_at": int(now)})
        async with self._work(actor.scope) as work:
            await self._judge(work, actor, sink)
            if len([other for other in await work.sinks.all() if other.site_id == sink.site_id]) >= SINKS_MAX:
                raise ConflictError(f"There are {SINKS_MAX} sinks in this site. Delete one that is not needed.")
            await work.sinks.put(sink)
            if secret:
                await self._keep(work, sink, secret)
            await put_on_record(work, actor, now, "sinks.created", WORD, None, sink)
            await work.commit()
        await in_force(self._sending.reload, WORD)
        return sink

    async def change(
        self, actor: Actor, sink_id: str, changes: Mapping[str, object], revision: int | None = None
    ) -> Sink:
        """Change the fields named in ``changes`` and no others; its place stays.

        Raises:
            NotFoundError: It, or its machine, does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, sink_id)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, changes, actor.name, self._clock.now())
            if after is before:
                return before
            _require_same_files(before, after)
            await self._judge(work, actor, after)
            await work.sinks.put(after)
            if not _is_same_place(before, after):  # A secret goes where it was meant to go, and nowhere else.
                await self._store.forget(work, PURPOSE, sink_id)
            await put_on_record(work, actor, self._clock.now(), "sinks.changed", WORD, before, after)
            await work.commit()
        await in_force(self._sending.reload, WORD)
        return after

    async def put_secret(self, actor: Actor, sink_id: str, secret: str) -> Sink:
        """Keep the password or token of a sink, or forget it where it is empty; it begins anew with it at once.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: It is too long.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, sink_id)
            if secret:
                await self._keep(work, before, secret)
            else:
                await self._store.forget(work, PURPOSE, sink_id)
            after = before.model_copy(
                update={"revision": before.revision + 1, "changed_at": int(now), "changed_by": actor.name}
            )
            await work.sinks.put(after)
            done = "sinks.secret_set" if secret else "sinks.secret_forgotten"
            await put_on_record(work, actor, now, done, WORD, before, after)
            await work.commit()
        await in_force(self._sending.reload, WORD)
        return after

    async def delete(self, actor: Actor, sink_id: str, revision: int | None = None) -> Sink:
        """Send nothing more; what was sent stays where it is.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since ``revision``.
        """
        return await self._hide(actor, sink_id, self._clock.now(), revision)

    async def restore(self, actor: Actor, sink_id: str) -> Sink:
        """Bring back a sink that was deleted; it goes on where it had got to.

        Raises:
            NotFoundError: It never existed, or its machine is gone, or it lies outside the actor's sites.
            ConflictError: It is there.
        """
        return await self._hide(actor, sink_id, None, None)

    async def _hide(self, actor: Actor, sink_id: str, at: Micros | None, revision: int | None) -> Sink:
        actor.require(Permission.STORAGE_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, sink_id, gone=at is None)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, {"deleted_at": at}, actor.name, self._clock.now())
            if at is None:
                await self._judge(work, actor, after)
            await work.sinks.put(after)
            sides = (before, None) if at is not None else (None, after)
            done = "sinks.restored" if at is None else "sinks.deleted"
            await put_on_record(work, actor, self._clock.now(), done, WORD, *sides)
            await work.commit()
        await in_force(self._sending.reload, WORD)
        return after

    async def go_on_from(self, actor: Actor, sink_id: str, from_at: int, revision: int | None = None) -> Sink:
        """Have a sink go on with samples from a time on: later ones are sent again, earlier ones are left out.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, sink_id)
            require_revision(before, WORD, revision)
            # The same time once more is a microsecond earlier: by that the engine sees that it is meant anew.
            from_at = max(1, from_at if from_at != before.begins_at else from_at - 1)
            after = changed(before, WORD, {"begins_at": from_at}, actor.name, now)
            await work.sinks.put(after)
            await put_on_record(work, actor, now, "sinks.moved", WORD, before, after)
            await work.commit()
        await in_force(self._sending.reload, WORD)
        return after

    # --- trying -----------------------------------------------------------------------------------------------------

    async def test_connection(
        self, actor: Actor, facts: SinkFacts, sink_id: str | None = None, secret: str | None = None
    ) -> SinkTest:
        """Try to reach a target once; nothing is stored but the entry in the audit trail, and no sample is sent.

        Args:
            actor: Who asks.
            facts: What was typed.
            sink_id: The sink that is being changed; None for a new one.
            secret: None takes the stored one, if the target is still the stored one.

        Raises:
            NotFoundError: The site or the sink does not exist or lies outside the actor's sites.
            InvalidInputError: Names the fields and what is wrong with them.
        """
        actor.require(Permission.STORAGE_CONFIGURE)
        async with self._work(actor.scope) as work:
            stored = await _found(work, sink_id) if sink_id is not None else None
            sink = Sink(**facts.model_dump(), id=sink_id or "test")
            await self._judge(work, actor, sink)
            if secret is None and stored is not None and _is_same_place(stored, sink):
                secret = await self._store.read(work, PURPOSE, stored.id)
        began_at = self._clock.now()
        async with self._turns:
            reached, detail = await self._probe(sink, secret)
        elapsed_ms = (self._clock.now() - began_at) / 1000
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, self._clock.now(), "sinks.tested", subject=WORD, subject_id=sink_id or "",
                name=facts.name, site_id=facts.site_id, after={"kind": sink.kind, "reached": reached},
            )  # fmt: skip
            await work.commit()
        return SinkTest(reached=reached, detail=detail, elapsed_ms=elapsed_ms)

    async def _probe(self, sink: Sink, secret: str | None) -> tuple[bool, str]:
        target = self._rules.target(sink, secret)
        try:
            async with asyncio.timeout(TEST_S_MAX):
                return True, await target.probe()
        except PdmError as error:
            return False, error.message
        except TimeoutError:
            return False, f"Nothing came back within {TEST_S_MAX:.0f} s. Check the address and what lies between."
        finally:
            await target.close()

    # --- rules ------------------------------------------------------------------------------------------------------

    async def _keep(self, work: Work, sink: Sink, secret: str) -> None:
        if len(secret) > SECRET_CHARACTERS_MAX or not secret.isprintable():
            problem = f"has more than {SECRET_CHARACTERS_MAX} characters, or some that cannot be printed"
            raise InvalidInputError(f"The secret {problem}.", [FieldIssue("secret", problem)])
        if isinstance(sink.options, FileOptions):
            raise InvalidInputError("Files need no secret.", [FieldIssue("secret", "is not used")])
        await self._store.keep(work, PURPOSE, sink.id, secret, site_id=sink.site_id)

    async def _judge(self, work: Work, actor: Actor, sink: Sink) -> None:
        """Refuse a sink that refers to what is not there, or writes where another one does."""
        await require_site(work, actor, sink.site_id, sink.asset_id)
        options = sink.options
        if isinstance(options, InfluxdbOptions) and options.version == 2 and not options.organisation:
            raise InvalidInputError(
                "InfluxDB 2 asks for an organisation.", [FieldIssue("options.organisation", "is empty")]
            )
        if isinstance(options, FileOptions):
            async with self._work(EVERY_SITE) as every:  # Folders lie beside each other whatever site they are of.
                for other in await every.sinks.all():
                    taken = other.options.folder if isinstance(other.options, FileOptions) else None
                    if other.id != sink.id and taken is not None and taken.lower() == options.folder.lower():
                        raise ConflictError(
                            f"Another sink writes into the folder {options.folder!r}. Choose another name."
                        )

    async def check(self) -> Check:
        """Say for the health of the product whether sinks take samples."""
        statuses = self._sending.statuses().values()
        failing = [status.problem for status in statuses if status.problem]
        if failing:
            return Check(
                name="sinks", ok=False, detail=f"{len(failing)} of {len(statuses)} fail. {failing[0]}", needed=False
            )
        return Check(name="sinks", ok=True, detail=f"{len(statuses)} sinks", needed=False)


async def _found(work: Work, sink_id: str, *, gone: bool = False) -> Sink:
    found = await work.sinks.get(sink_id)
    if found is None or (found.deleted_at is not None and not gone):
        raise NotFoundError(f"There is no sink {sink_id!r}.", sink_id=sink_id)
    if gone and found.deleted_at is None:
        raise ConflictError("This sink is there; there is nothing to restore.", sink_id=sink_id)
    return found


def _require_same_files(before: Sink, after: Sink) -> None:
    """Refuse another kind or folder: the place of the sink speaks of what was written there."""
    same_kind = before.kind is after.kind
    folders = [sink.options.folder for sink in (before, after) if isinstance(sink.options, FileOptions)]
    if same_kind and len(set(folders)) <= 1:
        return
    raise InvalidInputError(
        "A sink keeps its kind and its folder: how far it has got is known of those. Create another one.",
        [FieldIssue("options.folder" if same_kind else "options.kind", "cannot be changed", "create another sink")],
    )


def _is_same_place(before: Sink, after: Sink) -> bool:
    """Whether a stored secret may go where the options now lead: any other way there could let it out."""
    return before.options == after.options
