"""Nobody limited to some sites reads or changes groups, roles made here, or shares of what stands elsewhere."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Permission, Role, Scope, SharedAsset
from pdm_app.domain.alarms import AlarmRule, JournalQuery
from pdm_app.domain.assets import Asset, Device, Line
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.holdings import CustomRole, Group, Groups, Roles, Share, ShareAccess, ShareKind, Shares
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal
from tests.storage import data
from tests.storage.data import MINE, NOON, THEIRS

ONLY_MINE, NOTHING = Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset())
AT = Micros(NOON)
GROUP = Group(id="group-linz", name="Fitters of Linz", site_ids=("site-linz",), member_ids=("user-linz",),
              permissions=(Permission.ALARMS_READ,))  # fmt: skip
ROLE = CustomRole(id="role-linz", name="Lead of Linz", based_on=Role.OPERATOR, permissions=())


def share(name: str, **more: object) -> Share:
    return Share.model_validate(
        {"id": f"share-{name}", "kind": ShareKind.ASSET, "resource_id": f"asset-{name}", "site_id": f"site-{name}",
         "user_id": f"user-{name}", "created_by": "ada", **more}
    )  # fmt: skip


Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "groups.all": lambda w: w.groups.all(),
    "groups.get": lambda w: w.groups.get("group-linz"),
    "groups.of_user": lambda w: w.groups.of_user("user-linz"),
    "groups.forget_user": lambda w: w.groups.forget_user("user-linz"),
    "roles.all": lambda w: w.roles.all(),
    "roles.get": lambda w: w.roles.get("role-linz"),
    "shares.of": lambda w: w.shares.of(ShareKind.ASSET, "asset-linz"),
    "shares.get": lambda w: w.shares.get("share-linz"),
    "shares.reaching": lambda w: w.shares.reaching("user-linz", ["group-linz"]),
    "shares.revoke_of_user": lambda w: w.shares.revoke_of_user("user-linz", "me", AT),
}
WRITES: dict[str, Crossing] = {
    "groups.put": lambda w: w.groups.put(GROUP.model_copy(update={"member_ids": ()})),
    "roles.put": lambda w: w.roles.put(ROLE.model_copy(update={"permissions": (Permission.ALARMS_READ,)})),
    "shares.put": lambda w: w.shares.put(share(THEIRS, access=ShareAccess.CHANGE)),
}
THEFT: Crossing = lambda w: w.shares.put(share(THEIRS, site_id="site-graz"))  # noqa: E731 - one of the crossings


@pytest.fixture
async def held(plants: UnitOfWork) -> UnitOfWork:
    """The two stored plants with one of everything of theirs."""
    async with plants(EVERY_SITE) as w:
        await w.groups.put(GROUP)
        await w.roles.put(ROLE)
        await w.shares.put(share(THEIRS))
        await w.commit()
    return plants


async def everything(work: UnitOfWork) -> list[object]:
    async with work(EVERY_SITE) as w:
        found: list[object] = [await w.groups.all(), await w.roles.all(), await w.shares.get("share-linz")]
        return [*found, await w.groups.of_user("user-linz"), await w.shares.reaching("user-linz", ())]


def test_every_method_is_tried() -> None:
    protocols = {"groups": Groups, "roles": Roles, "shares": Shares}
    methods = {
        f"{noun}.{name}"
        for noun, protocol in protocols.items()
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert READS.keys() | WRITES.keys() == methods


async def test_across_the_scope_nothing_is_read_and_nothing_changed(held: UnitOfWork) -> None:
    before = await everything(held)
    assert all(before)
    for scope in (ONLY_MINE, NOTHING):
        for name, read in READS.items():
            async with held(scope) as w:
                assert not await read(w), name
                await w.commit()
        for name, write in {**WRITES, "theft": THEFT}.items():
            async with held(scope) as w:
                with pytest.raises(NotFoundError):
                    await write(w)
                await w.commit()
            assert await everything(held) == before, name


def guest(*, may_change: bool) -> Scope:
    shared = SharedAsset(asset_id="asset-linz", site_id="site-linz", may_change=may_change)
    return Scope(sites=frozenset({"site-graz"}), shared=frozenset({shared}))


@pytest.mark.parametrize("may_change", [False, True])
async def test_a_shared_machine_is_read_with_its_parts_and_nothing_else_there(
    plants: UnitOfWork, *, may_change: bool
) -> None:
    async with plants(guest(may_change=may_change)) as w:
        assert {asset.id for asset in await w.assets.all()} == {"asset-graz", "asset-linz"}
        assert {signal.site_id for signal in await w.signals.all()} == {"site-graz", "site-linz"}
        assert await w.plant.get(AlarmRule, data.rule(THEIRS).id) is not None
        assert {entry.asset_id for entry in await w.alarms.journal(JournalQuery())} == {"asset-graz", "asset-linz"}
        assert await w.plant.get(Line, data.line(THEIRS).id) is None
        assert await w.plant.get(Device, data.device(THEIRS).id) is None
        assert {site.id for site in await w.sites.all()} == {"site-graz"}
        assert {line.site_id for line in await w.assets.lines()} == {"site-graz"}
        assert await w.connections.get(data.connection(THEIRS).id) is None


async def test_a_machine_shared_for_reading_is_not_written(plants: UnitOfWork) -> None:
    async with plants(guest(may_change=False)) as w:
        theirs = await w.plant.get(Asset, "asset-linz")
        assert theirs is not None
        for taken in (theirs, theirs.model_copy(update={"site_id": "site-graz", "line_id": data.line(MINE).id})):
            changed = taken.model_copy(update={"name": "Mine", "revision": theirs.revision + 1})
            if changed.site_id == "site-linz":
                with pytest.raises(NotFoundError):
                    await w.plant.change(changed, "me", AT)
            else:
                assert not await w.plant.change(changed, "me", AT)
        assert await w.plant.hold("site-linz", "asset-linz") is None


async def test_a_machine_shared_for_changing_is_changed_and_neither_taken_nor_deleted(plants: UnitOfWork) -> None:
    async with plants(guest(may_change=True)) as w:
        theirs = await w.plant.get(Asset, "asset-linz")
        assert theirs is not None
        assert await w.plant.hold("site-linz") is None
        assert await w.plant.hold("site-linz", "asset-linz") is not None
        renamed = theirs.model_copy(update={"name": "Seen from Graz", "revision": theirs.revision + 1})
        assert await w.plant.change(renamed, "me", AT)
        with pytest.raises(NotFoundError):
            await w.plant.change(
                renamed.model_copy(update={"site_id": "site-graz", "revision": renamed.revision + 1}), "me", AT
            )
        await w.plant.delete(Asset, "asset-linz", "me", AT)
        signal = next(signal for signal in await w.signals.all() if signal.site_id == "site-linz")
        with pytest.raises(NotFoundError):
            await w.plant.change(signal.model_copy(update={"label": "Mine", "revision": signal.revision + 1}), "me", AT)
        await w.plant.delete(Signal, signal.id, "me", AT)
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.plant.get(Asset, "asset-linz") == renamed
        assert await w.plant.get(Signal, signal.id) == signal
