"""Which alarms a question is about: those of the sites the actor sees, or of one of them."""

from dataclasses import dataclass

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import Alarm, JournalQuery
from pdm_app.domain.assets import Asset, Site
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.repositories import Work


@dataclass(frozen=True, slots=True)
class Reach:
    """The sites whose alarms a question is about."""

    sites: frozenset[str] | None
    site_id: str | None
    asset_ids: frozenset[str] = frozenset()  # Single machines of other sites that are shown to the actor.

    def covers(self, alarm: Alarm) -> bool:
        if self.site_id is not None:
            return alarm.site_id == self.site_id
        return self.sites is None or alarm.site_id in self.sites or alarm.asset_id in self.asset_ids


def reach_of(actor: Actor, site_id: str | None) -> Reach:
    """Return what the actor may see of one site, or of all.

    Raises:
        PermissionDeniedError: The actor may not see alarms.
        NotFoundError: The site lies outside the actor's.
    """
    actor.require(Permission.ALARMS_READ)
    if site_id is not None and not actor.scope.covers(site_id):
        raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
    return Reach(actor.scope.sites, site_id, frozenset(each.asset_id for each in actor.scope.shared))


def require_change(actor: Actor, name: str, site_id: str, asset_id: str) -> None:
    """Refuse to act on an alarm that is only shown to the actor.

    Raises:
        PermissionDeniedError: Its machine stands in another site.
    """
    if not actor.scope.may_change(site_id, asset_id):
        raise PermissionDeniedError(
            f"The machine of {name} stands in another site. It was shared with you to be seen; somebody of that "
            "site can act on its alarms.",
            asset_id=asset_id,
        )


async def require_journal_of(work: Work, query: JournalQuery) -> None:
    """Refuse a question about what never was; the journal of what was deleted can still be read.

    Raises:
        NotFoundError: The site or asset asked for does not exist or lies outside the scope.
    """
    if query.site_id is not None and await work.plant.mark(Site, query.site_id) is None:
        raise NotFoundError(f"There is no site {query.site_id!r}.", site_id=query.site_id)
    if query.asset_id is not None and await work.plant.mark(Asset, query.asset_id) is None:
        raise NotFoundError(f"There is no asset {query.asset_id!r}.", asset_id=query.asset_id)
