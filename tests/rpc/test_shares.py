"""One machine of another site is shared: that machine is seen, what is part of it too, and nothing else of the site."""

import json
from typing import Any

import pytest

from pdm_app.domain.access import SYSTEM, Permission, Role
from pdm_app.domain.holdings import ShareAccess, ShareKind
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.trpc import TrpcError
from tests.counterparts.whole_product import THEIRS, WholeProduct, username
from tests.rpc.calls import NEEDS, answer, code, procedures, sensible_input
from tests.rpc.names import Names
from tests.rpc.test_site_scope import NOTHING, NOWHERE, crossings, everything_of, told

OF_THE_MACHINE = {"asset_id", "signals", "signal_id", "rule_id", "alarm_id", "state_signal_id"}
"""Fields that name the machine or a part of it: with a share, a question about one is answered."""
ABOUT_MORE = {
    ("devices.page", "connection_id"),
    ("audit.page", "subject_id"),
    ("copilot.ask", "asset_id"),  # It draws on cases and maintenance, which are the site's.
    ("training.jobs", "asset_id"),  # So are the models of its machines, and who trains them.
    ("training.plan", "asset_id"),
    ("batches.page", "rule_id"),  # What is kept, and what finds runs, are rules of a site.
    ("exports.estimate_journal", "asset_id"),  # Of the journal, only that of one's own sites is taken away.
    ("production.timeline", "asset_id"),  # How a machine is rated, and by which shifts, is its site's.
    ("storage_rules.by_id", "rule_id"),
    ("storage_rules.estimate", "asset_id"),  # Of a rule in one's own site.
}


async def shared(product: WholeProduct, **more: Any) -> str:
    """Share the other site's machine with the engineer of this one."""
    share = await product.services.auth.shares.create(
        SYSTEM, ShareKind.ASSET, product.theirs.asset_id, **{"username": username(Role.ENGINEER), **more}
    )
    return share.id


def is_about_the_machine(path: str, field: str) -> bool:
    return field in OF_THE_MACHINE and (path, field) not in ABOUT_MORE


def others_there(product: WholeProduct) -> Names:
    """Ids, codes and names of all that stands at the other site beside the machine that is shared."""
    plant, theirs = product.plant, product.theirs
    place = {theirs.asset_id, theirs.line_id, theirs.area_id}
    names = {thing.id for things in (plant.lines, plant.areas, plant.assets) for thing in things
             if thing.site_id == THEIRS and thing.id not in place}  # fmt: skip
    names |= {asset.code for asset in plant.assets if asset.site_id == THEIRS and asset.id != theirs.asset_id}
    names |= {device.id for device in plant.devices if device.site_id == THEIRS}
    names |= {rule.id for rule in plant.rules if rule.site_id == THEIRS and rule.asset_id != theirs.asset_id}
    names |= {connection.endpoint for connection in plant.connections if connection.site_id == THEIRS}
    return Names(names)


def but_for_its_guidance(product: WholeProduct, said: str) -> str:
    """Leave out what people wrote in the rules of the shared machine: word by word, and nowhere a single word of it.

    The guidance belongs to the machine and may name its neighbour, as in "Change over to P-502".
    """
    for rule in product.plant.rules:
        if rule.asset_id == product.theirs.asset_id:
            for words in filter(None, (rule.cause, rule.consequence, rule.action)):
                said = said.replace(json.dumps(words)[1:-1], "")
    return said


async def test_a_share_answers_questions_about_the_machine_and_no_others(product: WholeProduct) -> None:
    await shared(product)
    engineer = await product.sign_in(Role.ENGINEER)
    before = await everything_of(product)
    there, nowhere = crossings(product.theirs, THEIRS), crossings(NOTHING, NOWHERE)
    others = others_there(product)
    answered, changed, leaks = set(), {}, {}
    async with product.client(engineer.access_token) as client:
        for path, field in there:
            for asked, absent in zip(there[path, field], nowhere[path, field], strict=True):
                verdict = await code(client, path, asked)
                if procedures()[path].type == "mutation":
                    changed[path, field, json.dumps(asked)] = verdict
                elif is_about_the_machine(path, field):
                    answered.add((path, field, verdict))
                    said = json.dumps(await answer(client, path, asked)) if verdict == "OK" else ""
                    if found := others.search(but_for_its_guidance(product, said)):
                        leaks[path, field] = found.group()
                else:
                    foreign = await told(client, path, asked, product.theirs, THEIRS)
                    assert foreign == await told(client, path, absent, NOTHING, NOWHERE), (path, field)
    allowed = {
        (path, field, verdict) for path, field, verdict in answered if NEEDS[path] is not Permission.USERS_CONFIGURE
    }
    assert {verdict for _, _, verdict in allowed} == {"OK"}, sorted(allowed, key=str)
    assert leaks == {}
    assert "OK" not in changed.values(), changed
    assert await everything_of(product) == before


async def test_what_is_listed_without_being_asked_for_is_the_shared_machine_at_most(product: WholeProduct) -> None:
    await shared(product)
    others = others_there(product)
    engineer = await product.sign_in(Role.ENGINEER)
    leaks = {}
    async with product.client(engineer.access_token) as client:
        for path in NEEDS:
            if procedures()[path].type == "mutation":
                continue
            sensible = sensible_input(path, product.ours)
            for asked in [{}, sensible] if sensible else [{}]:
                try:
                    said = json.dumps(await answer(client, path, asked))
                except TrpcError as error:
                    said = json.dumps([error.message, error.data])
                if found := others.search(but_for_its_guidance(product, said)):
                    leaks[path] = found.group()
        (mine,) = await client.query("shares.mine")
    assert leaks == {}
    assert (mine["asset"]["id"], mine["site"]["id"], mine["may_change"]) == (product.theirs.asset_id, THEIRS, False)


@pytest.mark.parametrize("how", ["revoked", "expired", "group left", "group deleted"])
async def test_when_a_share_ends_it_is_as_if_the_machine_did_not_exist(sqlite_product: WholeProduct, how: str) -> None:
    product = sqlite_product
    auth, engineer = product.services.auth, await product.sign_in(Role.ENGINEER)
    group = await auth.groups.create(SYSTEM, f"Guests {how}", member_ids=[engineer.user.id])
    in_force = product.clock.now() + 3_000 * MICROS_PER_S
    if how.startswith("group"):
        await auth.shares.create(SYSTEM, ShareKind.ASSET, product.theirs.asset_id, group=group.name)
    else:
        share_id = await shared(product, until=in_force if how == "expired" else None)
    asked = {"asset_id": product.theirs.asset_id}
    async with product.client(engineer.access_token) as client:
        assert await code(client, "assets.by_id", asked) == "OK"
        if how == "revoked":
            await auth.shares.revoke(SYSTEM, share_id)
        elif how == "expired":
            product.clock.ahead_s += 3_001
        elif how == "group left":
            await auth.groups.change(SYSTEM, group.id, {"member_ids": ()})
        else:
            await auth.groups.delete(SYSTEM, group.id)
    again = await product.sign_in(Role.ENGINEER)
    async with product.client(again.access_token) as client:
        gone = await told(client, "assets.by_id", asked, product.theirs, THEIRS)
        assert gone == await told(client, "assets.by_id", {"asset_id": NOTHING.asset_id}, NOTHING, NOWHERE)
        assert await client.query("shares.mine") == []


async def test_a_share_for_changing_lets_change_the_machine_and_take_its_alarms(product: WholeProduct) -> None:
    await shared(product, access=ShareAccess.CHANGE)
    theirs = product.theirs
    engineer, operator = await product.sign_in(Role.ENGINEER), await product.sign_in(Role.OPERATOR)
    async with product.client(engineer.access_token) as client:
        changed = await client.mutate("assets.change", {"asset_id": theirs.asset_id, "name": "Seen from Graz"})
        assert (changed["name"], changed["site_id"]) == ("Seen from Graz", THEIRS)
        assert (await client.mutate("alarms.acknowledge", {"alarm_id": theirs.alarm_id}))["acknowledged_by"]
        refused = {
            "assets.delete": {"asset_id": theirs.asset_id},
            "assets.restore": {"asset_id": theirs.asset_id},
            "signals.delete": {"signal_id": theirs.signal_id},
            "alarm_rules.delete": {"rule_id": theirs.rule_id},
        }
        assert {path: await code(client, path, asked) for path, asked in refused.items()} == dict.fromkeys(
            refused, "FORBIDDEN"
        )
        lines = {"asset_id": theirs.asset_id, "line_id": product.ours.line_id}
        assert await code(client, "assets.change", lines) != "OK", "a machine stays in its site"
        assert (
            await code(
                client, "shares.create", {"kind": "asset", "resource_id": theirs.asset_id, "username": "viewer.one"}
            )
            == "NOT_FOUND"
        )
    async with product.client(operator.access_token) as client:
        assert await code(client, "assets.by_id", {"asset_id": theirs.asset_id}) == "NOT_FOUND"
    assert (await product.services.assets.by_id(SYSTEM, theirs.asset_id)).asset.name == "Seen from Graz"


async def test_nobody_shares_for_changing_what_they_may_not_change(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    manager = await product.sign_in(Role.MANAGER)
    asked = {"kind": "asset", "resource_id": product.ours.asset_id, "username": "viewer.one"}
    async with product.client(manager.access_token) as client:
        assert await code(client, "shares.create", asked) == "OK"
        with pytest.raises(TrpcError, match=r"assets\.configure is missing"):
            await client.mutate("shares.create", {**asked, "access": "change"})
        shares = await client.query("shares.of", {"kind": "asset", "resource_id": product.ours.asset_id})
        assert {(view["with_name"], view["state"]) for view in shares} == {
            ("viewer.one", "active"),
            ("visitor.graz", "active"),
        }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"username": "nobody"}, "There is nobody called 'nobody'"),
        ({"username": "robot"}, "There is nobody called 'robot'"),
        ({"group": "No such"}, "There is no group 'No such'"),
        ({}, "one person or one group"),
        ({"username": "viewer.one", "group": "Fitters"}, "one person or one group"),
        ({"username": "viewer.one", "until": 5}, "has passed"),
    ],
)
async def test_with_whom_nothing_can_be_shared_is_named(
    sqlite_product: WholeProduct, more: dict[str, Any], said: str
) -> None:
    engineer = await sqlite_product.sign_in(Role.ENGINEER)
    async with sqlite_product.client(engineer.access_token) as client:
        with pytest.raises(TrpcError, match=said) as refused:
            await client.mutate("shares.create", {"kind": "asset", "resource_id": sqlite_product.ours.asset_id, **more})
    assert refused.value.code == "BAD_REQUEST"


async def test_sharing_again_with_somebody_changes_their_share(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    first = await shared(product)
    second = await shared(product, access=ShareAccess.CHANGE)
    assert first == second
    views = await product.services.auth.shares.of(SYSTEM, ShareKind.ASSET, product.theirs.asset_id)
    assert [view.share.access for view in views if view.with_name == username(Role.ENGINEER)] == [ShareAccess.CHANGE]
