"""Who may call what: every procedure, tried by strangers, by every role, and past the door of the RPC layer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import pytest

from pdm_app.domain.access import ROLE_PERMISSIONS, SYSTEM, Permission, Role
from pdm_app.domain.errors import PermissionDeniedError
from pdm_app.rpc.context import Visitor
from pdm_app.rpc.root import root
from pdm_app.trpc import ConnectionInfo, TrpcError
from tests.counterparts.whole_product import OURS, WholeProduct
from tests.rpc.calls import NEEDS, answer, code, procedures, sensible_input
from tests.rpc.people_calls import LET_IN_BUT_WRONG

# Its texts hold no secret, and probes without a session read them at /health: the service asks for nobody.
ANSWERS_ANYBODY_INSIDE = {"system.health", "alarm_rules.proposed_priority"}  # The latter reads nothing.
# Somebody else was first: the call was allowed.
ALLOWED = {"OK", "CONFLICT"}


def test_every_procedure_declares_the_permission_that_was_agreed_on() -> None:
    declared = {path: procedure.meta.get("permission") for path, procedure in procedures().items()}
    assert declared == {path: None if needed is None else str(needed) for path, needed in NEEDS.items()}


async def test_a_stranger_gets_nothing_from_any_procedure(product: WholeProduct) -> None:
    asked = {}
    async with product.client() as client:
        for path in procedures():
            asked[path] = await code(client, path, sensible_input(path, product.ours))
    assert asked == dict.fromkeys(NEEDS, "UNAUTHORIZED")


async def test_what_is_no_good_token_is_refused_in_the_same_words(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    ended, live = await product.sign_in(Role.ENGINEER), await product.sign_in(Role.ENGINEER)
    await product.services.auth.sign_out(await product.services.auth.actor_of_session(ended.session_id))
    device_key = (await product.services.devices.create_key(SYSTEM, product.ours.device_id)).secret
    assert live.refresh_token is not None
    head, _, signature = live.access_token.rpartition(".")
    bad = {
        "nothing": "",
        "noise": "x" * 40,
        "a device key": device_key,
        "a refresh token": live.refresh_token,
        "another signature": f"{head}.{signature[::-1]}",
        "no signature": f"{head}.",
        "an ended session": ended.access_token,
    }
    texts = {}
    for what, token in bad.items():
        async with product.client(token) as client:
            for path in ("assets.list", "alarms.watch"):
                try:
                    await answer(client, path)
                except TrpcError as error:
                    texts[what, path] = (error.code, error.message)
    assert len(texts) == 2 * len(bad)
    assert {code for code, _ in texts.values()} == {"UNAUTHORIZED"}
    assert len({text for _, text in texts.values()}) == 1


async def test_every_role_may_call_exactly_what_its_permissions_say(walked_product: WholeProduct) -> None:
    product = walked_product
    found, expected = {}, {}
    for role in Role:
        signed_in = await product.sign_in(role)
        async with product.client(signed_in.access_token) as client:
            for path, needed in NEEDS.items():
                if path.startswith("api.") and role is not Role.VIEWER:
                    continue  # Megabytes that are the same for everybody; who sees least sees them.
                verdict = await code(client, path, sensible_input(path, product.ours))
                let_in = ALLOWED | {LET_IN_BUT_WRONG.get(path, "OK")}
                found[role, path] = "allowed" if verdict in let_in else verdict
                is_allowed = needed is None or needed in ROLE_PERMISSIONS[role]
                expected[role, path] = "allowed" if is_allowed else "FORBIDDEN"
    assert found == expected


async def test_a_refusal_names_the_permission_that_is_missing(sqlite_product: WholeProduct) -> None:
    signed_in = await sqlite_product.sign_in(Role.VIEWER)
    async with sqlite_product.client(signed_in.access_token) as client:
        with pytest.raises(TrpcError, match=r"connections\.configure") as refused:
            await answer(client, "connections.pause", {"connection_id": sqlite_product.ours.connection_id})
    assert refused.value.data["facts"] == {"permission": "connections.configure", "role": "viewer"}


async def test_the_services_check_by_themselves_what_the_procedures_declare(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    connection = ConnectionInfo("http", {"type": "http", "headers": []})
    missing = {}
    for path, needed in NEEDS.items():
        if needed is None:
            continue
        everything_else = SYSTEM.model_copy(update={"permissions": frozenset(Permission) - {needed}})
        caller = root.caller(Visitor(product.services, connection, everything_else))
        given = sensible_input(path, product.ours)
        try:
            if procedures()[path].type == "subscription":
                async with aclosing(cast("AsyncGenerator[Any, None]", caller.subscribe(path, given))) as events:
                    await anext(events)
            else:
                await caller(path, given)
        except PermissionDeniedError as error:
            missing[path] = error.facts["permission"]
    checked = {path: str(needed) for path, needed in NEEDS.items() if needed and path not in ANSWERS_ANYBODY_INSIDE}
    assert missing == checked


async def test_rights_taken_away_are_gone_at_the_next_call(product: WholeProduct) -> None:
    signed_in = await product.sign_in(Role.OPERATOR)
    comment = {"alarm_id": product.ours.past_alarm_id, "comment": "still here"}
    async with product.client(signed_in.access_token) as client:
        assert await code(client, "alarms.comment", comment) == "OK"
        await product.services.auth.people.change(SYSTEM, signed_in.user.username, role=Role.VIEWER)
        assert await code(client, "alarms.comment", comment) == "FORBIDDEN"
        await product.services.auth.people.change(SYSTEM, signed_in.user.username, site_ids=[])
        assert (await answer(client, "assets.overview")) == {"sites": [], "lines": []}
        assert await code(client, "assets.overview", {"site_id": OURS}) == "NOT_FOUND"
        await product.services.auth.people.deactivate(SYSTEM, signed_in.user.username)
        assert await code(client, "assets.overview") == "UNAUTHORIZED"
