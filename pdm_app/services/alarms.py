"""Ask for alarms, watch them, acknowledge them, read their journal.

``AlarmService(work, book, clock)``. What stands is answered from memory, so it is answered also while the database is
out; what people do is confirmed only when it is stored.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import islice

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import (
    AcknowledgedAlarms,
    Alarm,
    AlarmCounts,
    AlarmPicture,
    AlarmRule,
    AlarmState,
    JournalPage,
    JournalQuery,
    RefusedAlarm,
)
from pdm_app.domain.audit import AuditFact
from pdm_app.domain.errors import (
    ConflictError,
    FieldIssue,
    InvalidInputError,
    NotFoundError,
    PdmError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Micros, moment
from pdm_app.services.alarm_reach import Reach, reach_of, require_change, require_journal_of
from pdm_app.services.auditing import fact_of
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.alarm_queue import AlarmChange
from pdm_app.stream.bus import Overflow, Reader

COMMENT_MAX = 2000
CHANGES_WAITING_MAX = 1_000  # A screen that is further behind gets a snapshot instead.
ALARMS_PER_PICTURE = 500  # Half a megabyte: a browser reads it without a pause that anybody sees.
EVERY_S_MIN = 0.05  # A flood is told in at most 20 messages a second, the first one at once.
HEARTBEAT_S = 1.0
STORED_S_MAX = 5.0  # Longer than any healthy commit; then the person is told how it stands.


class AlarmService:
    """Reads of alarms and rules, and what people do with alarms."""

    def __init__(self, work: UnitOfWork, book: AlarmBook, clock: Clock, stored_s_max: float = STORED_S_MAX) -> None:
        self._work = work
        self._book = book
        self._clock = clock
        self._stored_s_max = stored_s_max

    # --- reading --------------------------------------------------------------------------------------------------

    async def active(self, actor: Actor, site_id: str | None = None) -> tuple[Alarm, ...]:
        """Return the standing alarms (states B, C and D) of one site, or of all in scope, most urgent first.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        return self._book.standing(reach_of(actor, site_id).covers)

    async def watch(self, actor: Actor, site_id: str | None = None) -> AsyncGenerator[AlarmPicture, None]:
        """Yield what stands, then what changes, and a sign of life each second, until the caller leaves.

        An alarm that changes several times between two pictures is told once, as it then is. A watcher that falls far
        behind gets a snapshot instead of the changes. What does not fit one picture follows at once in further ones,
        the most urgent alarms first.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        reach = reach_of(actor, site_id)
        loop = asyncio.get_running_loop()
        with self._book.changes.reader(CHANGES_WAITING_MAX, Overflow.DROP_OLDEST) as changes:
            missed = (changes.dropped, self._book.loads)
            for picture in self._snapshot(reach):
                yield picture
            told_at = loop.time()
            while True:
                seen = await _next_changes(changes, told_at)
                if missed != (changes.dropped, self._book.loads):
                    missed = (changes.dropped, self._book.loads)
                    pictures = self._snapshot(reach)
                else:
                    change = self._change(reach, seen)
                    is_ours = change.alarms or change.gone
                    if seen and not is_ours and loop.time() < told_at + HEARTBEAT_S:
                        continue  # Something happened out of reach.
                    pictures = _pieces(change)
                for picture in pictures:
                    yield picture
                told_at = loop.time()

    async def journal(self, actor: Actor, query: JournalQuery) -> JournalPage:
        """Return one page of what happened, newest first.

        Raises:
            NotFoundError: The site, asset or alarm asked for does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            await require_journal_of(work, query)
            one_more = query.model_copy(update={"limit": query.limit + 1})
            entries = tuple(await work.alarms.journal(one_more))
        page = entries[: query.limit]
        return JournalPage(entries=page, before=page[-1].id if len(entries) > query.limit else None)

    async def rules(self, actor: Actor, asset_id: str | None = None) -> tuple[AlarmRule, ...]:
        """Return the rules of one asset, or of all in scope, most urgent first.

        Raises:
            NotFoundError: The asset does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            if asset_id is not None and await work.assets.get(asset_id) is None:
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            rules = await work.alarms.rules()
        chosen = [rule for rule in rules if asset_id in (None, rule.asset_id)]
        return tuple(sorted(chosen, key=lambda rule: (rule.priority, rule.name, rule.id)))

    # --- acting ---------------------------------------------------------------------------------------------------

    async def acknowledge(self, actor: Actor, alarm_id: str, comment: str = "") -> Alarm:
        """Say that somebody has seen the alarm; returns when that is stored.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Nothing awaits acknowledgement any more; names who was first, and when.
            InvalidInputError: The rule asks for a comment and there is none.
            UnavailableError: The database does not answer; says whether the acknowledgement stands.
        """
        actor.require(Permission.ALARMS_ACKNOWLEDGE)
        alarm, stored = await self._acknowledged(actor, alarm_id, checked_comment(comment))
        await self.until_stored(stored, f"{alarm.name} is acknowledged on all screens", alarm_id)
        return self.as_it_is(alarm)

    async def acknowledge_all(self, actor: Actor, alarm_ids: Sequence[str], comment: str = "") -> AcknowledgedAlarms:
        """Acknowledge several alarms, each by itself; returns when all that could be are stored.

        Raises:
            PdmError: None of them could be; why the first could not.
            UnavailableError: The database does not answer; says whether the acknowledgements stand.
        """
        actor.require(Permission.ALARMS_ACKNOWLEDGE)
        comment = checked_comment(comment)
        done: list[tuple[Alarm, asyncio.Future[None]]] = []
        refused: list[RefusedAlarm] = []
        first: PdmError | None = None
        for alarm_id in dict.fromkeys(alarm_ids):
            try:
                done.append(await self._acknowledged(actor, alarm_id, comment))
            except (ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError) as error:
                refused.append(RefusedAlarm(alarm_id=alarm_id, message=error.message))
                first = first or error
        if first is not None and not done:
            raise first
        for alarm, stored in done:
            await self.until_stored(stored, f"{len(done)} alarms are acknowledged on all screens", alarm.id)
        return AcknowledgedAlarms(alarms=tuple(self.as_it_is(alarm) for alarm, _ in done), refused=tuple(refused))

    async def _acknowledged(self, actor: Actor, alarm_id: str, comment: str) -> "tuple[Alarm, asyncio.Future[None]]":
        alarm = self._book.get(alarm_id)
        if alarm is None or not actor.scope.shows(alarm.site_id, alarm.asset_id):
            raise _already_over(await self._past(actor, alarm_id))
        require_change(actor, alarm.name, alarm.site_id, alarm.asset_id)
        if alarm.state.is_held:
            raise _silent(alarm)
        if not alarm.state.awaits_acknowledgement:
            raise _already_acknowledged(alarm)
        if alarm.comment_required and not comment:
            raise InvalidInputError(
                f"{alarm.name} is acknowledged with a comment only. Write what was found or done.",
                [FieldIssue("comment", "is empty", "write what was found or done")],
                alarm_id=alarm_id,
            )
        # From the look at the book to here nothing was awaited: of two operators, one was first.
        now = self._clock.now()
        fact = self._fact(actor, now, alarm, "alarms.acknowledged", comment)
        return self._book.acknowledge(alarm_id, now, actor.name, comment, fact)

    async def reset(self, actor: Actor, alarm_id: str, comment: str = "") -> Alarm:
        """Let a latched alarm go, whose process has returned and that was acknowledged; returns when that is stored.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: There is nothing to reset, or not yet; says what has to come first.
            UnavailableError: The database does not answer; says whether the reset stands.
        """
        actor.require(Permission.ALARMS_ACKNOWLEDGE)
        comment = checked_comment(comment)
        alarm = self._book.get(alarm_id)
        if alarm is None or not actor.scope.shows(alarm.site_id, alarm.asset_id):
            raise _already_over(await self._past(actor, alarm_id))
        require_change(actor, alarm.name, alarm.site_id, alarm.asset_id)
        if alarm.state is not AlarmState.LATCHED_ACKNOWLEDGED:
            raise _not_to_reset(alarm)
        now = self._clock.now()
        fact = self._fact(actor, now, alarm, "alarms.reset", comment)
        gone, stored = self._book.reset(alarm_id, now, actor.name, comment, fact)
        await self.until_stored(stored, f"{alarm.name} is reset on all screens", alarm_id)
        return self.as_it_is(gone)

    async def comment(self, actor: Actor, alarm_id: str, comment: str) -> Alarm:
        """Add a note to an alarm, also to one that is over; returns when it is stored.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: The note is empty or too long.
            UnavailableError: The database does not answer; says whether the note is kept.
        """
        actor.require(Permission.ALARMS_ACKNOWLEDGE)
        comment = checked_comment(comment)
        if not comment:
            raise InvalidInputError(
                "A note without words is not taken.", [FieldIssue("comment", "is empty", "write the note")]
            )
        alarm = self._book.get(alarm_id)
        if alarm is None or not actor.scope.shows(alarm.site_id, alarm.asset_id):
            alarm = await self._past(actor, alarm_id)
        require_change(actor, alarm.name, alarm.site_id, alarm.asset_id)
        now = self._clock.now()
        fact = self._fact(actor, now, alarm, "alarms.commented", comment)
        remarked, stored = self._book.remark(alarm, now, actor.name, comment, fact)
        await self.until_stored(stored, f"The note to {alarm.name} is taken", alarm_id)
        return self.as_it_is(remarked)

    def _fact(self, actor: Actor, at: Micros, alarm: Alarm, action: str, comment: str) -> AuditFact:
        """Make what the engine puts on record together with the change itself."""
        return fact_of(
            actor,
            at,
            action,
            subject="alarm",
            subject_id=alarm.id,
            name=alarm.name,
            site_id=alarm.site_id,
            before={"state": alarm.state},
            reason=comment,
        )

    def as_it_is(self, alarm: Alarm) -> Alarm:
        """Return the alarm as it is by now: while it was stored, it may have returned, been raised again or ended."""
        return self._book.get(alarm.id) or alarm.model_copy(update={"state": AlarmState.NORMAL})

    async def _past(self, actor: Actor, alarm_id: str) -> Alarm:
        """Return an alarm that no longer stands; foreign and unknown ones are answered alike."""
        async with self._work(actor.scope) as work:
            alarm = await work.alarms.get(alarm_id)
        if alarm is None:
            raise NotFoundError(f"There is no alarm {alarm_id!r}.", alarm_id=alarm_id)
        return alarm

    async def until_stored(self, stored: "asyncio.Future[None]", done: str, alarm_id: str) -> None:
        """Wait until what somebody did is stored; ``done`` says what is so already.

        Raises:
            UnavailableError: The database does not answer in reasonable time.
        """
        await asyncio.wait([stored], timeout=self._stored_s_max)
        if not stored.done():
            raise UnavailableError(
                f"{done}, but not stored yet: the database has not answered for {self._stored_s_max:g} s. It is stored "
                "as soon as it answers; should the product stop before, it has to be done again.",
                alarm_id=alarm_id,
            )

    # --- what an actor sees ---------------------------------------------------------------------------------------

    def _snapshot(self, reach: Reach) -> Iterator[AlarmPicture]:
        whole = AlarmPicture(
            now=self._clock.now(),
            kind="snapshot",
            alarms=self._book.standing(reach.covers),
            counts=self._counts(reach),
        )
        return _pieces(whole)

    def _change(self, reach: Reach, changes: list[AlarmChange]) -> AlarmPicture:
        newest = {change.alarm.id: change.alarm for change in changes if reach.covers(change.alarm)}
        return AlarmPicture(
            now=self._clock.now(),
            kind="change",
            alarms=tuple(alarm for alarm in newest.values() if alarm.state.is_announced),
            gone=tuple(alarm.id for alarm in newest.values() if not alarm.state.is_announced),
            counts=self._counts(reach),
        )

    def _counts(self, reach: Reach) -> AlarmCounts:
        if reach.site_id is None and reach.asset_ids:
            return self._book.alarms.tally(reach.covers)
        return self._book.counts(reach.sites, reach.site_id)


def _pieces(picture: AlarmPicture) -> Iterator[AlarmPicture]:
    """Cut a picture into such as have at most `ALARMS_PER_PICTURE` alarms; all but the first are changes."""
    alarms = iter(picture.alarms)
    yield picture.model_copy(update={"alarms": tuple(islice(alarms, ALARMS_PER_PICTURE))})
    while some := tuple(islice(alarms, ALARMS_PER_PICTURE)):
        yield picture.model_copy(update={"kind": "change", "alarms": some, "gone": ()})


async def _next_changes(changes: Reader[AlarmChange], told_at: float) -> list[AlarmChange]:
    """Wait for changes, at most until the next sign of life is due; ``told_at`` is in the event loop's time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(told_at + HEARTBEAT_S):
            first = await changes.get()
    except TimeoutError:
        return []
    await asyncio.sleep(told_at + EVERY_S_MIN - loop.time())
    return [first, *changes.drain()]


def checked_comment(comment: str) -> str:
    """Return a comment without the spaces around it; refuse one that is too long."""
    comment = comment.strip()
    if len(comment) > COMMENT_MAX:
        raise InvalidInputError(
            f"A comment of {len(comment)} characters is too long; {COMMENT_MAX} are kept.",
            [FieldIssue("comment", f"has {len(comment)} characters", f"send at most {COMMENT_MAX}")],
        )
    return comment


def _already_acknowledged(alarm: Alarm) -> ConflictError:
    who, at = alarm.acknowledged_by or "somebody", alarm.acknowledged_at or alarm.raised_at
    return ConflictError(
        f"{who} has acknowledged {alarm.name} already, at {moment(at):%H:%M:%S} UTC. Nothing was changed.",
        alarm_id=alarm.id,
        acknowledged_by=who,
        acknowledged_at=at,
    )


def _silent(alarm: Alarm) -> ConflictError:
    why = {
        AlarmState.SHELVED: f"{alarm.held_by or 'Somebody'} has shelved it",
        AlarmState.SUPPRESSED: f"it is suppressed by design ({alarm.suppressed_by})",
        AlarmState.OUT_OF_SERVICE: f"{alarm.held_by or 'Somebody'} has taken it out of service",
    }[alarm.state]
    return ConflictError(f"{alarm.name} is silent: {why}. There is nothing to acknowledge.", alarm_id=alarm.id)


def _not_to_reset(alarm: Alarm) -> ConflictError:
    if alarm.state is AlarmState.LATCHED_UNACKNOWLEDGED:
        return ConflictError(
            f"{alarm.name} was not acknowledged yet. Acknowledge it, then reset it.", alarm_id=alarm.id
        )
    if alarm.state.is_active:
        return ConflictError(
            f"{alarm.name} stands: its process is still abnormal. It can be reset when that has returned.",
            alarm_id=alarm.id,
        )
    return ConflictError(f"{alarm.name} is not latched, so there is nothing to reset.", alarm_id=alarm.id)


def _already_over(alarm: Alarm) -> ConflictError:
    """Explain why an alarm that no longer stands cannot be acknowledged."""
    if alarm.acknowledged_by is not None:
        return _already_acknowledged(alarm)
    return ConflictError(
        f"{alarm.name} does not stand any more, so there is nothing to acknowledge. The journal says why.",
        alarm_id=alarm.id,
    )
