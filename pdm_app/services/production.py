"""How production goes: lines over a time against target and week before, losses, reasons, stops, and why a figure is.

Every answer is made of sums of shifts. What runs now is asked of the book, which is as old as its newest sample.
"""

from collections.abc import Mapping, Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import Totals, added, figures, period
from pdm_app.domain.oee_explained import Explanation, Kpi, explained
from pdm_app.domain.ports import Clock
from pdm_app.domain.production import ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_intervals import ASKED, Interval, ReasonTotal
from pdm_app.domain.production_shifts import ShiftSums
from pdm_app.domain.production_views import (
    LineOverview,
    LineProduction,
    MachinePeriod,
    ReasonLoss,
    ShiftView,
    Timeline,
)
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.production_plant import RatedPlant, plant_of, plant_of_line, told_shifts
from pdm_app.services.production_sums import Reach, machine_totals, reach, together
from pdm_app.stream.production_book import ProductionBook

WEEK_US = 7 * 86_400 * MICROS_PER_S
STOPS_SPAN_US = 35 * 86_400 * MICROS_PER_S
TIMELINE_SPAN_US = 4 * 86_400 * MICROS_PER_S
ALARM_AROUND_US = 120 * MICROS_PER_S  # So far from the beginning of a stop an alarm may come that explains it.
HAPPENINGS_MAX = 20_000
S_PER_H = 3_600.0


class ProductionService:
    """Answers about production in an actor's sites.

    Args:
        work: Where shifts are stored.
        book: The shifts that run now.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, book: ProductionBook, clock: Clock) -> None:
        self._work = work
        self._book = book
        self._clock = clock

    async def overview(self, actor: Actor, site_id: str, begin_at: int, end_at: int) -> tuple[LineOverview, ...]:
        """Return the lines of a site that are rated, over a time.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: The time is too long, or ends before it begins.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            plant = await plant_of(work, site_id)
            line_ids = {plant.assets[unit.asset_id].line_id for unit in plant.units.values()}
            rated = [unit.asset_id for line_id in line_ids for unit in plant.rated_by(line_id)]
            await self._load(work, plant, rated, begin_at - WEEK_US, end_at)
        ordered = sorted(line_ids, key=lambda line_id: self._place(plant, line_id))
        return tuple(self._overview(plant, line_id, begin_at, end_at) for line_id in ordered)

    async def line(self, actor: Actor, line_id: str, begin_at: int, end_at: int) -> LineProduction:
        """Return all of a line over a time.

        Raises:
            NotFoundError: The line does not exist, is not rated or lies outside the actor's sites.
            InvalidInputError: As `overview`.
        """
        plant = await self._line(actor, line_id, begin_at, end_at)
        units, rated = plant.of_line(line_id), plant.rated_by(line_id)
        of = self._reach(plant, begin_at, end_at)
        machines = []
        for unit in units:
            asset, totals = plant.assets[unit.asset_id], self._totals(plant, unit, of)
            state, since = self._state(unit)
            machines.append(
                MachinePeriod(
                    asset_id=asset.id, code=asset.code, name=asset.name, is_constraint=unit.is_constraint, state=state,
                    state_since=since, period=period(of.begin_at, of.end_at, totals, plant.rates),
                )
            )  # fmt: skip
        shifts = [shift for unit in rated for shift in self._begun(plant, unit, of)]
        return LineProduction(
            overview=self._overview(plant, line_id, begin_at, end_at),
            machines=tuple(machines),
            reasons=_reasons(shifts, plant.reasons, plant.rates),
            shifts=tuple(_shift_view(shift) for shift in sorted(shifts, key=lambda one: -one.begin_at)),
        )

    async def explain(self, actor: Actor, line_id: str, begin_at: int, end_at: int, kpi: Kpi) -> Explanation:
        """Return why a figure of a line is what it is.

        Raises:
            NotFoundError: As `line`.
            InvalidInputError: As `line`.
        """
        plant = await self._line(actor, line_id, begin_at, end_at)
        of = self._reach(plant, begin_at, end_at)
        return explained(kpi, self._line_totals(plant, line_id, of))

    async def timeline(self, actor: Actor, asset_id: str, begin_at: int, end_at: int) -> Timeline:
        """Return what a machine did, shift by shift; between shifts it is unscheduled.

        Raises:
            NotFoundError: The machine does not exist, is not rated or lies outside the actor's sites.
            InvalidInputError: The time is longer than four days.
        """
        actor.require(Permission.HISTORY_READ)
        if not begin_at < end_at <= begin_at + TIMELINE_SPAN_US:
            raise _too_long("States are told for four days at once, in which the end follows the beginning.")
        async with self._work(actor.scope) as work:
            unit = await work.production.unit(asset_id)
            if unit is None:
                raise NotFoundError(f"There is no machine {asset_id!r} whose production is rated.", asset_id=asset_id)
            plant = await plant_of(work, unit.site_id)
            shifts = await work.production.shifts([asset_id], begin_at, end_at)
            edits = await work.production.edits([shift.id for shift in shifts])
        whole: list[Interval] = []
        told = told_shifts(plant, self._book, self._clock.now(), shifts, edits)
        for _, intervals in sorted(told, key=lambda one: one[0].begin_at):
            if whole and intervals and whole[-1].end_at < intervals[0].begin_at:
                whole.append(Interval(whole[-1].end_at, intervals[0].begin_at, MachineState.UNSCHEDULED))
            whole += intervals
        return Timeline(
            asset_id=asset_id,
            edge_at=[one.begin_at for one in whole] + [one.end_at for one in whole[-1:]],
            state=[one.state for one in whole],
            reason_id=[one.reason_id for one in whole],
        )

    # --- reading ----------------------------------------------------------------------------------------------------

    async def _line(self, actor: Actor, line_id: str, begin_at: int, end_at: int) -> RatedPlant:
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            plant = await plant_of_line(work, line_id)
            ids = [unit.asset_id for unit in plant.of_line(line_id)]
            await self._load(work, plant, ids, begin_at - WEEK_US, end_at)
        return plant

    async def _load(self, work: Work, plant: RatedPlant, asset_ids: Sequence[str], begin_at: int, end_at: int) -> None:
        """Read the sums of machines, with what runs now in the place of what is stored of it."""
        if not begin_at + WEEK_US < end_at:
            raise _too_long("A time ends after it begins.")
        try:
            reach(plant.calendar, plant.zone, begin_at, end_at, self._clock.now())
        except ValueError as error:
            raise _too_long(f"{error}.") from None
        now = self._clock.now()
        for shift in await work.production.sums(asset_ids, begin_at, end_at):
            plant.sums.setdefault(shift.asset_id, []).append(shift)
        for asset_id in asset_ids:
            live = self._book.shift(asset_id, now)
            if live is None or not begin_at <= live[0].begin_at < end_at:
                continue
            others = [shift for shift in plant.sums.get(asset_id, []) if shift.id != live[0].id]
            plant.sums[asset_id] = [*others, live[0]]

    # --- answering --------------------------------------------------------------------------------------------------

    def _place(self, plant: RatedPlant, line_id: str) -> tuple[int, int, str]:
        line = plant.lines.get(line_id)
        area = None if line is None else plant.areas.get(line.area_id)
        return (area.position if area else 0, line.position if line else 0, line_id)

    def _reach(self, plant: RatedPlant, begin_at: int, end_at: int) -> Reach:
        try:
            return reach(plant.calendar, plant.zone, begin_at, end_at, self._clock.now())
        except ValueError as error:
            raise _too_long(f"{error}.") from None

    def _begun(self, plant: RatedPlant, unit: ProductionUnit, of: Reach) -> list[ShiftSums]:
        return [one for one in plant.sums.get(unit.asset_id, []) if of.begin_at <= one.begin_at < of.end_at]

    def _totals(self, plant: RatedPlant, unit: ProductionUnit, of: Reach) -> Totals:
        return machine_totals(plant.sums.get(unit.asset_id, []), of)

    def _line_totals(self, plant: RatedPlant, line_id: str, of: Reach) -> Totals:
        rated = plant.rated_by(line_id)
        return together(
            {unit.asset_id: self._totals(plant, unit, of) for unit in rated}, [one.asset_id for one in rated]
        )

    def _overview(self, plant: RatedPlant, line_id: str, begin_at: int, end_at: int) -> LineOverview:
        line = plant.lines[line_id]
        area = plant.areas.get(line.area_id)
        rated = plant.rated_by(line_id)
        of = self._reach(plant, begin_at, end_at)
        before = self._reach(plant, begin_at - WEEK_US, of.end_at - WEEK_US)
        now = period(of.begin_at, of.end_at, self._line_totals(plant, line_id, of), plant.rates)
        targets = [unit.target_oee for unit in rated if unit.target_oee is not None]
        shifts = [shift for unit in rated for shift in self._begun(plant, unit, of)]
        waiting = sum(
            total.count
            for shift in shifts
            for total in shift.reasons
            if total.reason_id is None and total.state in ASKED
        )
        return LineOverview(
            line_id=line_id,
            area="" if area is None else area.name,
            name=line.name,
            rated_by=tuple(plant.assets[unit.asset_id].code for unit in rated),
            target_oee=sum(targets) / len(targets) if targets else None,
            period=now,
            week_before=period(before.begin_at, before.end_at, self._line_totals(plant, line_id, before), plant.rates),
            biggest=now.biggest,
            uncategorised=waiting,
            currency=plant.site.currency,
        )

    def _state(self, unit: ProductionUnit) -> tuple[MachineState, int]:
        live = self._book.shift(unit.asset_id, self._clock.now())
        if live is None or not live[1]:
            return MachineState.UNSCHEDULED, self._clock.now()
        return live[1][-1].state, live[1][-1].begin_at


def _reasons(
    shifts: Sequence[ShiftSums], reasons: Mapping[str, StopReason], rates: SiteRates | None
) -> tuple[ReasonLoss, ...]:
    """Return the Pareto of reasons, planned ones left out."""
    sums: dict[tuple[MachineState, str | None], tuple[int, int]] = {}
    totals: list[ReasonTotal] = [total for shift in shifts for total in shift.reasons]
    for total in totals:
        us, count = sums.get((total.state, total.reason_id), (0, 0))
        sums[total.state, total.reason_id] = (us + total.us, count + total.count)
    losses = []
    for (state, reason_id), (us, count) in sums.items():
        if state is MachineState.PLANNED:
            continue
        reason = None if reason_id is None else reasons.get(reason_id)
        seconds = us / MICROS_PER_S
        losses.append(
            ReasonLoss(
                state=state, reason_id=reason_id, name="" if reason is None else reason.name,
                names={} if reason is None else reason.names, seconds=seconds, count=count,
                cost=None if rates is None else seconds / S_PER_H * rates.machine_hour,
            )
        )  # fmt: skip
    return tuple(sorted(losses, key=lambda loss: (-loss.seconds, loss.state, loss.name)))


def _shift_view(shift: ShiftSums) -> ShiftView:
    return ShiftView(
        shift_id=shift.id, asset_id=shift.asset_id, name=shift.name, crew=shift.crew, day=shift.day.isoformat(),
        begin_at=shift.begin_at, end_at=shift.end_at, known_to=shift.known_to, oee=figures(added([shift.totals])).oee,
        is_locked=shift.is_locked, locked_by=shift.locked_by,
    )  # fmt: skip


def _too_long(words: str) -> InvalidInputError:
    return InvalidInputError(f"{words} Ask for less.", [FieldIssue("end_at", words)])
