"""Areas of a site: listed, created, changed, deleted and restored."""

from pdm_app.domain.access import Permission
from pdm_app.domain.assets import Area, AreaFacts, Line, Site
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Hold, Noun

AREA = Noun(
    kind=Area,
    facts=AreaFacts,
    word="area",
    actions="areas",
    read=Permission.ASSETS_READ,
    configure=Permission.ASSETS_CONFIGURE,
    name="name",
    within="site_id",
    parent=(Site, "site_id", "site"),
    fixed=frozenset({"site_id"}),
    holds=(Hold(Line, "area_id", "line", "lines"),),
    bounds=(Bound("site_id", 500, "areas in this site"),),
)


class AreaService(PlantService[Area]):
    """The areas of the sites."""

    noun = AREA
