"""Whatever people do in whatever order: no orphan is visible, names are unique, and nothing is lost or found twice."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_app.domain.alarms import AlarmRuleFacts
from pdm_app.domain.assets import AreaFacts, AssetFacts, LineFacts, SiteFacts
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.plant import Listing
from pdm_app.domain.signals import SignalFacts
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA
from tests.counterparts.clocks import HandClock
from tests.services.plant_desk import PlantDesk

LEVELS = ("areas", "lines", "assets", "signals", "rules")
NAMES = ("A", "B")
SLOTS = 6  # Few things and fewer names, so that they get in each other's way.


@dataclass
class Thing:
    """What the model knows of one thing; ``parent`` is None for an area, which lies in the site."""

    level: str
    id: Any
    parent: "Thing | None"
    name: str
    is_live: bool = True
    went_with: "Thing | None" = None

    def place(self) -> Any:
        """Among whom its name is unique: assets in the site, rules in the asset, all others in what they lie in."""
        if self.level in ("areas", "assets"):
            return None
        return self.parent.parent if self.level == "rules" and self.parent else self.parent


Step = tuple[str, str, int, int, str]
STEPS = st.tuples(
    st.sampled_from(("create", "create", "rename", "move", "delete", "delete", "clear", "restore", "restore")),
    st.sampled_from(LEVELS),
    st.integers(0, SLOTS - 1),
    st.integers(0, SLOTS - 1),
    st.sampled_from(NAMES),
)


class Model:
    """The plant as it must come out, and the real one beside it."""

    def __init__(self, desk: PlantDesk, site_id: str) -> None:
        self.desk = desk
        self.site_id = site_id
        self.things: list[Thing] = []

    def of(self, level: str) -> list[Thing]:
        return [thing for thing in self.things if thing.level == level]

    def is_free(self, level: str, place: Any, name: str, but: Thing | None = None) -> bool:
        return not any(
            other.is_live and other is not but and other.name == name and other.place() is place
            for other in self.of(level)
        )

    async def take(self, step: Step) -> None:
        verb, level, which, other, name = step
        self.desk.clock.at += 1
        above = self.of(LEVELS[LEVELS.index(level) - 1]) if level != "areas" else []
        if verb == "create":
            if level == "areas" or above:
                await self.create(level, above[other % len(above)] if above else None, name)
        elif things := self.of(level):
            thing = things[which % len(things)]
            if verb == "rename":
                await self.rename(thing, name)
            elif verb == "move":
                if level in ("lines", "assets"):
                    await self.move(thing, above[other % len(above)])
            elif verb == "clear":
                if level == "assets":
                    await self.clear(thing)
            else:
                await getattr(self, verb)(thing)

    async def create(self, level: str, parent: Thing | None, name: str) -> None:
        thing = Thing(level, None, parent, name)
        outcome = await self.asked(self.service(level).create(ADA, self.facts(thing)))
        if parent is not None and not parent.is_live:
            assert outcome is NotFoundError
        elif not self.is_free(level, thing.place(), name):
            assert outcome is ConflictError
        else:
            thing.id = outcome.id
            self.things.append(thing)

    async def rename(self, thing: Thing, name: str) -> None:
        field = "code" if thing.level == "assets" else "name"
        outcome = await self.asked(self.service(thing.level).change(ADA, thing.id, {field: name}))
        if not thing.is_live or not self.is_free(thing.level, thing.place(), name, thing):
            assert outcome is ConflictError
        else:
            thing.name = name

    async def move(self, thing: Thing, target: Thing) -> None:
        field = "area_id" if thing.level == "lines" else "line_id"
        outcome = await self.asked(self.service(thing.level).change(ADA, thing.id, {field: target.id}))
        place = target if thing.level == "lines" else None
        if not thing.is_live:
            assert outcome is ConflictError
        elif not target.is_live:
            assert outcome is NotFoundError
        elif not self.is_free(thing.level, place, thing.name, thing):
            assert outcome is ConflictError
        else:
            thing.parent = target

    async def delete(self, thing: Thing) -> None:
        outcome = await self.asked(self.service(thing.level).delete(ADA, thing.id))
        is_held = any(other.is_live and other.parent is thing for other in self.things)
        if not thing.is_live or is_held:
            assert outcome is ConflictError
        else:
            assert outcome.id == thing.id
            thing.is_live = False

    async def clear(self, asset: Thing) -> None:
        """Delete a machine with its signals and rules."""
        outcome = await self.asked(self.desk.assets.delete(ADA, asset.id, with_parts=True))
        if not asset.is_live:
            assert outcome is ConflictError
            return
        assert outcome.id == asset.id
        for part in self.things:
            if part.is_live and asset in (part.parent, part.place()) and part.level in ("signals", "rules"):
                part.is_live, part.went_with = False, asset
        asset.is_live = False

    async def restore(self, thing: Thing) -> None:
        outcome = await self.asked(self.service(thing.level).restore(ADA, thing.id))
        is_homeless = thing.parent is not None and not thing.parent.is_live
        if thing.is_live or is_homeless or not self.is_free(thing.level, thing.place(), thing.name):
            assert outcome is ConflictError
        else:
            assert outcome.id == thing.id
            thing.is_live, thing.went_with = True, None
            for part in self.things:
                if part.went_with is thing:
                    part.is_live, part.went_with = True, None

    async def asked(self, question: Any) -> Any:
        """Return the answer, or the class of the refusal."""
        try:
            return await question
        except (ConflictError, NotFoundError) as refused:
            return type(refused)

    def service(self, level: str) -> Any:
        return getattr(self.desk, level)

    def facts(self, thing: Thing) -> Any:
        parent: Any = thing.parent.id if thing.parent is not None else self.site_id
        if thing.level == "areas":
            return AreaFacts(site_id=parent, name=thing.name)
        if thing.level == "lines":
            return LineFacts(area_id=parent, name=thing.name)
        if thing.level == "assets":
            return AssetFacts(line_id=parent, code=thing.name, name=thing.name)
        if thing.level == "signals":
            return SignalFacts(asset_id=parent, name=thing.name, label=thing.name)
        return AlarmRuleFacts(signal_id=parent, name=thing.name, condition=HighLimit(limit=1.0), priority=1)

    async def check(self) -> None:
        """Compare everything that can be seen with the model."""
        for level in LEVELS:
            for is_deleted in (False, True):
                page = await self.service(level).page(
                    ADA, Listing(site_id=self.site_id, deleted=is_deleted, limit=1_000)
                )
                expected = {thing.id: thing.name for thing in self.of(level) if thing.is_live is not is_deleted}
                assert {one.id: getattr(one, "code", one.name) for one in page.items} == expected
        live = {thing.id: thing for thing in self.things if thing.is_live}
        assert all(thing.parent is None or thing.parent.id in live for thing in live.values())
        overview = await self.desk.assets.overview(ADA, self.site_id)
        seen = {line.line.id: {asset.id for asset in line.assets} for line in overview.lines}
        assert seen == {
            line.id: {asset.id for asset in self.of("assets") if asset.is_live and asset.parent is line}
            for line in self.of("lines")
            if line.is_live
        }
        for asset in self.of("assets"):
            if asset.is_live:
                detail = await self.desk.assets.by_id(ADA, asset.id)
                parts = {thing.id for thing in self.of("signals") if thing.is_live and thing.parent is asset}
                rules = {thing.id for thing in self.of("rules") if thing.is_live and thing.place() is asset}
                assert ({one.id for one in detail.signals}, {one.id for one in detail.rules}) == (parts, rules)


# A database is made once for all examples; each has a site to itself.
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=40))
async def test_any_sequence_of_changes_leaves_a_consistent_plant(work: SqlUnitOfWork, steps: list[Step]) -> None:
    desk = PlantDesk(work, HandClock())
    facts = SiteFacts(code=f"S-{uuid4()}", name="Anywhere", time_zone="Europe/Vienna", currency="EUR")
    site = await desk.sites.create(ADA, facts)
    model = Model(desk, site.id)
    await model.create("areas", None, "A")
    await model.create("lines", model.things[-1], "A")
    await model.create("assets", model.things[-1], "A")
    await model.create("signals", model.things[-1], "A")
    for step in steps:
        await model.take(step)
    await model.check()
    for thing in reversed(model.things):
        desk.clock.at += 1
        await model.delete(thing)
    await model.check()
