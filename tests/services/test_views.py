"""Views of the trend workspace: an own name for an own address, shown to whom one may show it, changed by its owner."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Actor, Role
from pdm_app.domain.errors import ConflictError, NotFoundError, PermissionDeniedError
from pdm_app.domain.holdings import Group
from pdm_app.services import views as view_service
from pdm_app.services.views import ViewService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, person
from tests.counterparts.clocks import HandClock

ADDRESS = "s=41&s=%3DFlow*2&span=3600"
ERIN = person("erin", Role.ENGINEER)


@pytest.fixture
def views(work: SqlUnitOfWork, clock: HandClock) -> ViewService:
    return ViewService(work, clock)


async def found(views: ViewService, actor: Actor) -> list[str]:
    return [f"{view.owner}: {view.name}" for view in await views.all(actor)]


async def test_a_view_is_its_owners_alone_until_it_is_shown_and_then_of_the_site(views: ViewService) -> None:
    view = await views.create(ADA, "Bearings", ADDRESS)
    assert await found(views, ADA) == ["ada: Bearings"]
    assert await found(views, ANNA) == []
    site = next(iter(ANNA.scope.sites or ()))
    await views.show(ADA, view.id, site_id=site)
    assert await found(views, ANNA) == ["ada: Bearings"]
    await views.show(ADA, view.id)
    assert await found(views, ANNA) == []


async def test_a_group_finds_what_is_shown_to_it_and_nobody_shows_to_a_group_of_others(
    views: ViewService, work: SqlUnitOfWork
) -> None:
    async with work(EVERY_SITE) as w:
        await w.groups.put(Group(id="fitters", name="Fitters", member_ids=(ADA.id, ANNA.id)))
        await w.groups.put(Group(id="others", name="Others", member_ids=(ANNA.id,)))
        await w.commit()
    view = await views.create(ADA, "Bearings", ADDRESS)
    with pytest.raises(NotFoundError, match="no group 'others' of yours"):
        await views.show(ADA, view.id, group_id="others")
    await views.show(ADA, view.id, group_id="fitters")
    assert await found(views, ANNA) == ["ada: Bearings"]
    assert [circle.id for circle in (await views.audience(ADA)).groups] == ["fitters"]


async def test_nobody_changes_what_is_somebody_elses_and_everybody_copies_what_is_found(views: ViewService) -> None:
    view = await views.create(ADA, "Bearings", ADDRESS)
    await views.show(ADA, view.id, site_id=next(iter(ANNA.scope.sites or ())))
    for refused in (
        views.change(ANNA, view.id, {"name": "Mine"}), views.delete(ANNA, view.id), views.restore(ANNA, view.id),
    ):  # fmt: skip
        with pytest.raises(NotFoundError, match="Copy the one that is shown to you"):
            await refused
    copy = await views.copy(ANNA, view.id)
    assert (copy.owner_id, copy.name, copy.address, copy.site_id) == (ANNA.id, "Bearings", ADDRESS, None)
    assert (await views.copy(ANNA, view.id)).name == "Bearings (2)"
    with pytest.raises(NotFoundError):
        await views.copy(ADA, copy.id)


async def test_who_may_not_share_shows_a_view_to_nobody(views: ViewService) -> None:
    viewer = person("vera", Role.VIEWER)
    view = await views.create(viewer, "Bearings", ADDRESS)
    with pytest.raises(PermissionDeniedError, match=r"assets\.share"):
        await views.show(viewer, view.id, site_id="graz")
    assert (await views.audience(viewer)).sites == ()


async def test_names_are_the_owners_own_and_free_again_when_a_view_is_deleted(views: ViewService) -> None:
    first = await views.create(ADA, "Bearings", ADDRESS)
    await views.create(ANNA, "Bearings", ADDRESS)
    with pytest.raises(ConflictError):
        await views.create(ADA, "Bearings", ADDRESS)
    await views.delete(ADA, first.id)
    assert await found(views, ADA) == []
    with pytest.raises(NotFoundError, match="Restore it first"):
        await views.change(ADA, first.id, {"name": "Else"})
    await views.create(ADA, "Bearings", ADDRESS)
    with pytest.raises(ConflictError):
        await views.restore(ADA, first.id)


async def test_one_view_at_most_is_shown_first(views: ViewService) -> None:
    one = await views.create(ADA, "One", ADDRESS, is_default=True)
    two = await views.create(ADA, "Two", ADDRESS)
    theirs = await views.create(ANNA, "One", ADDRESS, is_default=True)
    await views.change(ADA, two.id, {"is_default": True})
    firsts = {view.id for view in await views.all(ADA) if view.is_default}
    assert firsts == {two.id}
    assert [view.id for view in await views.all(ANNA) if view.is_default] == [theirs.id]
    assert one.id not in firsts


async def test_a_change_on_top_of_an_unseen_one_is_refused(views: ViewService) -> None:
    view = await views.create(ADA, "One", ADDRESS)
    await views.change(ADA, view.id, {"address": "s=1"}, view.revision)
    with pytest.raises(ConflictError, match="changed since"):
        await views.change(ADA, view.id, {"address": "s=2"}, view.revision)
    assert (await views.all(ADA))[0].address == "s=1"


async def test_nobody_keeps_views_without_end(views: ViewService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_service, "VIEWS_MAX", 2)
    one = await views.create(ADA, "One", ADDRESS)
    await views.create(ADA, "Two", ADDRESS)
    with pytest.raises(ConflictError, match="Delete one that is not used"):
        await views.create(ADA, "Three", ADDRESS)
    await views.delete(ADA, one.id)
    await views.create(ADA, "Three", ADDRESS)
    with pytest.raises(ConflictError, match="Delete one"):
        await views.restore(ADA, one.id)
