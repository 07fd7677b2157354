"""Lines of an area: listed, created, changed, moved within their site, deleted and restored."""

from typing_extensions import override

from pdm_app.domain.access import Permission
from pdm_app.domain.assets import Area, Asset, Line, LineFacts
from pdm_app.domain.repositories import Work
from pdm_app.domain.signals import Signal
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Hold, Noun
from pdm_app.services.plant_rules import referred

LINE = Noun(
    kind=Line,
    facts=LineFacts,
    word="line",
    actions="lines",
    read=Permission.ASSETS_READ,
    configure=Permission.ASSETS_CONFIGURE,
    name="name",
    within="area_id",
    parent=(Area, "area_id", "area"),
    fixed=frozenset(),
    holds=(Hold(Asset, "line_id", "asset", "assets"),),
    bounds=(Bound("site_id", 1_000, "lines in this site"),),
)


class LineService(PlantService[Line]):
    """The lines of the areas."""

    noun = LINE

    @override
    async def _judge(self, work: Work, before: Line | None, after: Line) -> None:
        await referred(work, Signal, after.lead_signal_id, after.site_id, "signal")
