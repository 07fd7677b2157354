"""Every mutation there is leaves exactly one entry in the audit trail when it succeeds, and none when it is refused."""

from typing import Any

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role
from pdm_app.domain.audit import AuditEntry
from pdm_app.domain.errors import PdmError, PermissionDeniedError
from pdm_app.rpc.context import Visitor
from pdm_app.rpc.root import root
from pdm_app.trpc import ConnectionInfo, TrpcError
from tests.counterparts.whole_product import THEIRS, WholeProduct
from tests.rpc.calls import procedures, sensible_input
from tests.rpc.people_calls import LET_IN_BUT_WRONG
from tests.rpc.test_site_scope import crossings

# What is taken from a page without a change that anybody would ask about later, and why.
CHANGES_NOTHING = {
    "sessions.stay": "a sign of life",
    "profile.begin_mfa": "holds nothing until it is confirmed",
    "page_notices.read": "one's own list",
    "page_notices.shown": "the delivery log has it",
    "settings.review": "says what a change would do",
    "settings.review_text": "says what a file would do",
}
# The order in which one call leaves the next something to do; other verbs come in between, by name.
FIRST = ("create", "invite", "change", "disable", "enable", "pause", "resume", "inject", "create_key", "rotate_key")
LAST = ("revoke_key", "delete", "restore", "clear", "reset", "put_back", "revoke_others")


def mutations() -> list[str]:
    """Every mutation, in an order in which all can succeed."""

    def place(path: str) -> tuple[int, int, str]:
        verb = path.rpartition(".")[2]
        if verb in FIRST:
            return (0, FIRST.index(verb), path)
        return (2, LAST.index(verb), path) if verb in LAST else (1, 0, path)

    return sorted((path for path, procedure in procedures().items() if procedure.type == "mutation"), key=place)


async def trail(product: WholeProduct, after: int = 0) -> list[AuditEntry]:
    async with product.work(EVERY_SITE) as work:
        return list(await work.audit.after(after or None, 1_000))


async def actor_of(product: WholeProduct, role: Role) -> Actor:
    signed_in = await product.sign_in(role)
    return await product.services.auth.actor_of_session(signed_in.session_id, "192.0.2.77")


async def called(product: WholeProduct, actor: Actor, path: str, given: Any) -> Any:
    """Call past the door of the RPC layer, where only the services decide; return the answer or the refusal."""
    connection = ConnectionInfo("http", {"type": "http", "headers": []})
    try:
        return await root.caller(Visitor(product.services, connection, actor))(path, given)
    except (TrpcError, PdmError) as error:
        return error


async def test_every_mutation_that_succeeds_writes_one_entry_with_the_callers_name(product: WholeProduct) -> None:
    admin = await actor_of(product, Role.ADMIN)
    await product.sign_in(Role.ADMIN)  # Another session of the same person, to be ended.
    outcomes: dict[str, Any] = {}
    entries: dict[str, list[tuple[str, str, str]]] = {}
    made: dict[str, str | None] = {}
    last = (await trail(product))[-1].seq
    for path in mutations():
        noun, _, verb = path.rpartition(".")
        given = sensible_input(path, product.ours)
        if verb in ("delete", "restore") and f"{noun}.restore" in procedures():
            given = dict.fromkeys(given, made[noun])  # The one just created: nothing stands in it.
        outcomes[path] = await called(product, admin, path, given)
        if verb == "create":
            made[noun] = getattr(outcomes[path], "id", None)
        written = await trail(product, last)
        last = written[-1].seq if written else last
        entries[path] = [(entry.action, entry.actor, entry.address) for entry in written]
    refused = {path: outcome for path, outcome in outcomes.items() if isinstance(outcome, Exception)}
    assert refused.keys() <= LET_IN_BUT_WRONG.keys(), "each must have been done once, or nothing is shown"
    for path, told in entries.items():
        if path in refused:  # A wrong password or code is the one refusal that leaves something.
            assert [entry[0] for entry in told] in ([], ["sessions.refused"]), path
        else:
            assert len(told) == (path not in CHANGES_NOTHING), (path, told)
    assert {entry[1] for told in entries.values() for entry in told} == {"admin.one"}
    done = [entry for path, told in entries.items() if path not in refused for entry in told]
    assert {entry[2] for entry in done} == {"192.0.2.77"}
    assert all("." in entry[0] for told in entries.values() for entry in told)
    assert (await product.services.audit.verify(admin)).is_whole


async def test_no_mutation_that_is_refused_writes_anything(product: WholeProduct) -> None:
    viewer, engineer = await actor_of(product, Role.VIEWER), await actor_of(product, Role.ENGINEER)
    last = (await trail(product))[-1].seq
    for path in mutations():
        if procedures()[path].meta.get("permission") not in (None, *ROLE_PERMISSIONS[Role.VIEWER]):
            refusal = await called(product, viewer, path, sensible_input(path, product.ours))
            assert isinstance(refusal, PermissionDeniedError), path
    for (path, _), inputs in crossings(product.theirs, THEIRS).items():
        if procedures()[path].type == "mutation":
            for given in inputs:
                assert isinstance(await called(product, engineer, path, given), PdmError), path
    assert await trail(product, last) == []
