"""The machines of a site that are rated, with what is said of them: read once for an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from pdm_app.domain.assets import Area, Asset, Line, Site
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.production import ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_intervals import Interval
from pdm_app.domain.production_shifts import ProductionShift, ShiftSums, summed
from pdm_app.domain.repositories import Work
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.domain.stop_edits import StopEdit
from pdm_app.stream.production_book import ProductionBook


@dataclass(slots=True)
class RatedPlant:
    """What is read once for an answer."""

    site: Site
    zone: ZoneInfo
    calendar: ShiftCalendar | None
    areas: Mapping[str, Area]
    lines: Mapping[str, Line]
    assets: Mapping[str, Asset]
    units: Mapping[str, ProductionUnit]
    reasons: Mapping[str, StopReason]
    rates: SiteRates | None
    sums: dict[str, list[ShiftSums]] = field(default_factory=dict)

    def of_line(self, line_id: str) -> list[ProductionUnit]:
        found = [unit for unit in self.units.values() if self.assets[unit.asset_id].line_id == line_id]
        return sorted(found, key=lambda unit: (self.assets[unit.asset_id].position, unit.asset_id))

    def rated_by(self, line_id: str) -> list[ProductionUnit]:
        """Return the constraint of a line, or those that work beside each other; all where none is said to be one."""
        units = self.of_line(line_id)
        return [unit for unit in units if unit.is_constraint] or units


async def plant_of_line(work: Work, line_id: str) -> RatedPlant:
    """Return the plant of a line that is rated.

    Raises:
        NotFoundError: The line is not in scope, or none of its machines is rated.
    """
    line = next((line for line in await work.assets.lines() if line.id == line_id), None)
    if line is None:
        raise NotFoundError(f"There is no line {line_id!r}.", line_id=line_id)
    plant = await plant_of(work, line.site_id)
    if not plant.of_line(line_id):
        raise NotFoundError(
            f"No machine of the line {line.name!r} is rated. Say how one is, under Production, Set-up.",
            line_id=line_id,
        )
    return plant


async def plant_of(work: Work, site_id: str) -> RatedPlant:
    """Return the machines of a site that are rated, and all that is said of them.

    Raises:
        NotFoundError: The site is not in scope.
    """
    site = next((site for site in await work.sites.all() if site.id == site_id), None)
    if site is None:
        raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
    assets = {asset.id: asset for asset in await work.assets.all() if asset.site_id == site_id}
    units = {
        unit.asset_id: unit
        for unit in await work.production.units()
        if unit.site_id == site_id and unit.asset_id in assets
    }
    return RatedPlant(
        site=site,
        zone=ZoneInfo(site.time_zone),
        calendar=await work.shifts.get(site_id),
        areas={area.id: area for area in await work.assets.areas()},
        lines={line.id: line for line in await work.assets.lines()},
        assets=assets,
        units=units,
        reasons={reason.id: reason for reason in await work.production.reasons() if reason.site_id == site_id},
        rates=next((rates for rates in await work.production.rates() if rates.site_id == site_id), None),
    )


def told_shifts(
    plant: RatedPlant, book: ProductionBook, now: int, shifts: Sequence[ProductionShift], edits: Sequence[StopEdit]
) -> list[tuple[ProductionShift, list[Interval]]]:
    """Return shifts with their intervals as people left them, what runs now as it is now."""
    states = {reason.id: reason.state for reason in plant.reasons.values()}
    told = []
    for shift in shifts:
        unit = plant.units.get(shift.asset_id)
        live = book.shift(shift.asset_id, now)
        if live is not None and live[0].id == shift.id:
            told.append(live)
        elif unit is not None:
            own = [edit for edit in edits if edit.shift_id == shift.id]
            told.append(summed(shift, own, states, unit.minor_us))
    return told
