"""Stops: listed with the alarm that came first, given reasons, cut, merged; shifts locked and unlocked.

What is said of a stop is kept apart from what was derived, so that it can be taken back, and follows the stop when late
samples move its edges.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarm_figures import Happening
from pdm_app.domain.alarms import AlarmRule, JournalKind
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.ports import Clock
from pdm_app.domain.production_intervals import ASKED, Interval
from pdm_app.domain.production_shifts import ProductionShift, summed
from pdm_app.domain.production_views import StopView
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.stop_edits import EDITS_MAX, EditKind, StopEdit, StopEditFacts
from pdm_app.services.auditing import audit
from pdm_app.services.hand_counts import cycle_of, refuse_count
from pdm_app.services.production_plant import RatedPlant, plant_of, plant_of_line, told_shifts
from pdm_app.services.production_sums import reach
from pdm_app.stream.production_book import ProductionBook

STOPS_SPAN_US = 35 * 86_400 * MICROS_PER_S
ALARM_AROUND_US = 120 * MICROS_PER_S  # So far from the beginning of a stop an alarm may come that explains it.
HAPPENINGS_MAX = 20_000
COUNTS_MAX = 500
ABOVE_ALL = (MachineState.MINOR_STOP, MachineState.PLANNED)
"""Stops that no list of stops shows: they are told as sums."""


class StopService:
    """Stops of machines in an actor's sites.

    Args:
        work: Where shifts and what is said of them are stored.
        book: The shifts that run now.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, book: ProductionBook, clock: Clock) -> None:
        self._work = work
        self._book = book
        self._clock = clock

    async def all(
        self, actor: Actor, line_id: str, begin_at: int, end_at: int, *, open_only: bool = False, limit: int = 200
    ) -> tuple[StopView, ...]:
        """Return the stops of the machines that rate a line, the newest first, without planned ones and minor ones.

        Args:
            actor: Needs ``history.read``.
            line_id: The line.
            begin_at: Microseconds UTC.
            end_at: Excluded.
            open_only: Those alone that wait for a reason.
            limit: At most so many.

        Raises:
            NotFoundError: The line does not exist, is not rated or lies outside the actor's sites.
            InvalidInputError: The time ends before it begins, or is longer than 35 days.
        """
        actor.require(Permission.HISTORY_READ)
        _refuse_span(begin_at, end_at)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            plant = await plant_of_line(work, line_id)
            of = reach(plant.calendar, plant.zone, begin_at, end_at, now)
            ids = [unit.asset_id for unit in plant.rated_by(line_id)]
            stored = await work.production.shifts(ids, of.begin_at, max(of.end_at, of.begin_at + 1))
            shifts = [shift for shift in stored if shift.begin_at >= of.begin_at]
            edits = await work.production.edits([shift.id for shift in shifts])
            rules = {rule.id: rule for rule in await work.alarms.rules() if rule.asset_id in set(ids)}
            happened = await work.alarms.happenings(
                of.begin_at - ALARM_AROUND_US, of.end_at, plant.site.id, HAPPENINGS_MAX
            )
        raised = [one for one in happened if one.kind is JournalKind.RAISED and one.rule_id in rules]
        views = [
            _view(plant, shift, interval, edits, _first_alarm(shift, interval, rules, raised))
            for shift, intervals in told_shifts(plant, self._book, now, shifts, edits)
            for interval in intervals
            if interval.state.is_stop and interval.state not in ABOVE_ALL
        ]
        views = _with_suggestions(views)
        if open_only:
            views = [view for view in views if view.reason_id is None and view.state in ASKED]
        return tuple(sorted(views, key=lambda view: -view.begin_at)[:limit])

    async def say(self, actor: Actor, asset_id: str, facts: StopEditFacts) -> StopEdit:
        """Say why a stop was, that it was two, or that several were one; the sums are right when this returns.

        Raises:
            NotFoundError: The machine or the reason does not exist or lies outside the actor's sites.
            InvalidInputError: No stop holds at that moment.
            ConflictError: The shift is locked, or has more said of its stops than may be.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            plant, shift = await self.shift_at(work, asset_id, facts.at)
            if facts.reason_id is not None and facts.reason_id not in plant.reasons:
                raise NotFoundError(f"There is no reason {facts.reason_id!r}.", reason_id=facts.reason_id)
            before = list(await work.production.edits([shift.id]))
            if len(before) >= EDITS_MAX:
                raise ConflictError(f"{EDITS_MAX} things are said of the stops of this shift already. Take some back.")
            edit = StopEdit(
                **facts.model_dump(), id=new_id(now), site_id=shift.site_id, asset_id=asset_id, shift_id=shift.id,
                said_at=now, said_by=actor.name, cycle_s=await cycle_of(work, plant.units[asset_id], facts),
            )  # fmt: skip
            intervals = self._summed(plant, shift, before)[1]
            refuse_count(plant.assets[asset_id].code, facts, intervals)
            after, changed = self._summed(plant, shift, [*before, edit])
            if changed == intervals:
                raise InvalidInputError(
                    f"Nothing changes by this: at that moment {plant.assets[asset_id].code} has no stop of which it "
                    "could be said. Look at its stops again.",
                    [FieldIssue("at", "holds no such stop", "send a moment inside of a stop")],
                )
            await work.production.put_edits([edit])
            await self._keep(work, after)
            await self._record(work, actor, plant, f"stops.{_DONE[facts.kind]}", None, edit)
            await work.commit()
        self._book.edits_changed(shift.id)
        self._apply(shift, [*before, edit])
        return edit

    async def counts(self, actor: Actor, line_id: str, begin_at: int, end_at: int) -> tuple[StopEdit, ...]:
        """Return the pieces that were counted by hand on a line in a time, the newest first; raises as `all`."""
        actor.require(Permission.HISTORY_READ)
        _refuse_span(begin_at, end_at)
        async with self._work(actor.scope) as work:
            plant = await plant_of_line(work, line_id)
            ids = [unit.asset_id for unit in plant.of_line(line_id)]
            shifts = await work.production.sums(ids, begin_at, end_at)
            edits = await work.production.edits([shift.id for shift in shifts])
        counted = [edit for edit in edits if edit.kind is EditKind.COUNT and begin_at <= edit.at < end_at]
        return tuple(sorted(counted, key=lambda edit: (-edit.at, edit.id))[:COUNTS_MAX])

    async def take_back(self, actor: Actor, shift: str, edit_id: str) -> StopEdit:
        """Take back what was said of a stop.

        Raises:
            NotFoundError: It was not said, or taken back already, or lies outside the actor's sites.
            ConflictError: The shift is locked.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        async with self._work(actor.scope) as work:
            edits = list(await work.production.edits([shift]))
            before = next((edit for edit in edits if edit.id == edit_id), None)
            if before is None:
                raise NotFoundError("That is not said of a stop, or was taken back already.")
            plant, found = await self.shift_at(work, before.asset_id, before.at)
            after = before.model_copy(update={"is_undone": True})
            left = [edit for edit in edits if edit.id != edit_id]
            await work.production.put_edits([after])
            await self._keep(work, self._summed(plant, found, left)[0])
            await self._record(work, actor, plant, "stops.taken_back", before, after)
            await work.commit()
        self._book.edits_changed(shift)
        self._apply(found, left)
        return after

    async def lock(self, actor: Actor, shift: str) -> None:
        """Lock a shift that is over: its stops stay as they are, and late samples change nothing either.

        Raises:
            NotFoundError: The shift does not exist or lies outside the actor's sites.
            ConflictError: It runs still, or is locked already.
        """
        await self._set_lock(actor, shift, locked=True, reason="")

    async def unlock(self, actor: Actor, shift: str, reason: str) -> None:
        """Let a shift be changed again.

        Raises:
            NotFoundError: As `lock`.
            ConflictError: It is not locked.
            InvalidInputError: No reason is given.
        """
        if not reason.strip():
            raise InvalidInputError(
                "A shift is unlocked for a reason. Say which.", [FieldIssue("reason", "is empty", "say why")]
            )
        await self._set_lock(actor, shift, locked=False, reason=reason.strip())

    async def _set_lock(self, actor: Actor, shift: str, *, locked: bool, reason: str) -> None:
        actor.require(Permission.PRODUCTION_MANAGE)
        async with self._work(actor.scope) as work:
            before = await work.production.shift(shift)
            if before is None:
                raise NotFoundError("There is no such shift.")
            if before.is_locked is locked:
                raise ConflictError(f"This shift is {'locked' if locked else 'not locked'} already.")
            if locked and not before.is_over:
                raise ConflictError("This shift runs still. Lock it when it is over.")
            after = before.model_copy(
                update={
                    "is_locked": locked,
                    "locked_by": actor.name if locked else "",
                    "revision": before.revision + 1,
                }
            )
            await work.production.put_shifts([after])
            await audit(
                work, actor, self._clock.now(), "production.shift_locked" if locked else "production.shift_unlocked",
                subject="shift", subject_id=shift, name=f"{before.day} {before.name}"[:120], site_id=before.site_id,
                before={"is_locked": before.is_locked}, after={"is_locked": locked}, reason=reason,
            )  # fmt: skip
            await work.commit()
        if not locked:
            self._book.owe(before.asset_id, before.begin_at)  # What came late meanwhile counts again.

    # --- of one shift -----------------------------------------------------------------------------------------------

    async def shift_at(self, work: Work, asset_id: str, at: int) -> tuple[RatedPlant, ProductionShift]:
        unit = await work.production.unit(asset_id)
        if unit is None:
            raise NotFoundError(f"There is no machine {asset_id!r} whose production is rated.", asset_id=asset_id)
        plant = await plant_of(work, unit.site_id)
        touching = await work.production.shifts([asset_id], at, at + 1)
        stored = next((shift for shift in touching if shift.begin_at <= at < shift.end_at), None)
        if stored is not None and stored.is_locked:
            raise ConflictError(f"{stored.locked_by} has locked this shift. Who may can unlock it, with a reason.")
        live = self._book.shift(asset_id, self._clock.now())
        if live is not None and live[0].begin_at <= at < live[0].end_at:
            return plant, live[0]
        if stored is None:
            raise InvalidInputError(
                f"Nothing is known of {plant.assets[asset_id].code} at that moment.",
                [FieldIssue("at", "lies in no shift that is known", "send a moment inside of a stop")],
            )
        return plant, stored

    def intervals(self, plant: RatedPlant, shift: ProductionShift, edits: Sequence[StopEdit]) -> list[Interval]:
        """Return the intervals of a shift with what was said of them."""
        return self._summed(plant, shift, edits)[1]

    async def keep(
        self, work: Work, plant: RatedPlant, shifts: Mapping[str, tuple[ProductionShift, Sequence[StopEdit]]]
    ) -> None:
        """Store the sums of shifts with all that is said of them."""
        for shift, edits in shifts.values():
            await self._keep(work, self._summed(plant, shift, edits)[0])

    def tell(self, shifts: Mapping[str, tuple[ProductionShift, Sequence[StopEdit]]]) -> None:
        """Have what runs say at once what was stored of it."""
        for shift, edits in shifts.values():
            self._book.edits_changed(shift.id)
            self._apply(shift, edits)

    def _summed(
        self, plant: RatedPlant, shift: ProductionShift, edits: Sequence[StopEdit]
    ) -> tuple[ProductionShift, list[Interval]]:
        states = {reason.id: reason.state for reason in plant.reasons.values()}
        return summed(shift, edits, states, plant.units[shift.asset_id].minor_us)

    def _apply(self, shift: ProductionShift, edits: Sequence[StopEdit]) -> None:
        """Have the shift that runs say at once what is stored."""
        live = self._book.live.get(shift.asset_id)
        if live is not None and live.id == shift.id:
            live.say(edits)

    async def _keep(self, work: Work, shift: ProductionShift) -> None:
        await work.production.put_shifts([shift.model_copy(update={"revision": shift.revision + 1})])

    async def _record(
        self, work: Work, actor: Actor, plant: RatedPlant, action: str, before: StopEdit | None, after: StopEdit
    ) -> None:
        await audit(
            work, actor, self._clock.now(), action, subject="stop", subject_id=after.id,
            name=plant.assets[after.asset_id].code, site_id=after.site_id, before=before, after=after,
        )  # fmt: skip


_DONE = {
    EditKind.REASON: "reasoned", EditKind.CUT: "cut", EditKind.MERGE: "merged", EditKind.COUNT: "counted",
}  # fmt: skip


def _refuse_span(begin_at: int, end_at: int) -> None:
    if not begin_at < end_at <= begin_at + STOPS_SPAN_US:
        words = "Stops are listed for 35 days at once, in which the end follows the beginning."
        raise InvalidInputError(f"{words} Ask for less.", [FieldIssue("end_at", words)])


def _first_alarm(
    shift: ProductionShift, interval: Interval, rules: Mapping[str, AlarmRule], raised: Sequence[Happening]
) -> str:
    """Return the name of the alarm of the machine that came first around the beginning of a stop, or nothing."""
    begin_at, end_at = interval.begin_at - ALARM_AROUND_US, interval.begin_at + ALARM_AROUND_US
    for happening in raised:
        rule = rules[happening.rule_id]
        if begin_at <= happening.at < end_at and rule.asset_id == shift.asset_id:
            return rule.name
    return ""


def _view(
    plant: RatedPlant, shift: ProductionShift, interval: Interval, edits: Sequence[StopEdit], alarm: str
) -> StopView:
    said = [
        edit.id
        for edit in edits
        if edit.shift_id == shift.id and interval.begin_at <= edit.at <= interval.end_at
        if edit.kind is not EditKind.COUNT
        if edit.at < interval.end_at or edit.kind is EditKind.CUT
    ]
    return StopView(
        shift_id=shift.id, asset_id=shift.asset_id, code=plant.assets[shift.asset_id].code,
        begin_at=interval.begin_at, end_at=interval.end_at, state=interval.state, reason_id=interval.reason_id,
        by_hand=interval.by_hand, goes_on=not shift.is_over and interval.end_at == shift.known_to,
        is_locked=shift.is_locked, alarm=alarm, suggested_reason_id=None, edit_ids=tuple(said),
    )  # fmt: skip


def _with_suggestions(views: Sequence[StopView]) -> list[StopView]:
    """Suggest for a stop without a reason what people said most often of stops that began with the same alarm."""
    said: dict[str, Counter[str]] = {}
    for view in views:
        if view.alarm and view.by_hand and view.reason_id is not None:
            said.setdefault(view.alarm, Counter())[view.reason_id] += 1
    return [
        view.model_copy(update={"suggested_reason_id": said[view.alarm].most_common(1)[0][0]})
        if view.reason_id is None and view.alarm in said
        else view
        for view in views
    ]
