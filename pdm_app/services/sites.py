"""Sites: listed, created, changed, deleted and restored, by those who see all of them."""

from zoneinfo import available_timezones

from typing_extensions import override

from pdm_app.domain.access import Permission
from pdm_app.domain.assets import Area, Device, Site, SiteFacts
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.repositories import Work
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Hold, Noun

SITE = Noun(
    kind=Site,
    facts=SiteFacts,
    word="site",
    actions="sites",
    read=Permission.ASSETS_READ,
    configure=Permission.SITES_CONFIGURE,
    name="code",
    within="",
    parent=None,
    fixed=frozenset(),
    holds=(
        Hold(Area, "site_id", "area", "areas"),
        Hold(Connection, "site_id", "connection", "connections"),
        Hold(Device, "site_id", "device", "devices"),
    ),
    bounds=(Bound("", 200, "sites"),),
)


class SiteService(PlantService[Site]):
    """The sites of the installation."""

    noun = SITE

    @override
    async def _judge(self, work: Work, before: Site | None, after: Site) -> None:
        issues = []
        zones = available_timezones()  # Empty on a machine without the database of zones: then any name is taken.
        if zones and after.time_zone not in zones:
            issues.append(FieldIssue("time_zone", "is no IANA time zone", "write it like Europe/Vienna"))
        if not (after.currency.isascii() and after.currency.isalpha() and after.currency.isupper()):
            issues.append(FieldIssue("currency", "is no ISO 4217 code", "write it like EUR"))
        if issues:
            raise InvalidInputError(f"Site {after.code} cannot be stored so.", issues)
