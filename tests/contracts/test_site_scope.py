"""Nobody limited to some sites reads, changes or claims what belongs to another one, by any method there is."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain import repositories
from pdm_app.domain.access import EVERY_SITE, Role, Scope
from pdm_app.domain.alarms import JournalQuery, RuleMemory
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.credentials import ApiKeys, Credentials
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.secrets import Secrets
from pdm_app.domain.settings_revisions import SettingsRevisions
from pdm_app.domain.trust import PeerCertificates
from tests.contracts import people_crossings
from tests.storage import data, people_data
from tests.storage.data import MINE, NOON, THEIRS, S

ONLY_MINE = Scope(sites=frozenset({"site-graz"}))
NOTHING = Scope(sites=frozenset())

Crossing = Callable[[Work], Awaitable[object]]
AT = data.SteppedClock().now()
AT_MINE = {"site_id": "site-graz"}
THEIR_MEMORY = RuleMemory(rule_id="rule-linz", evaluated_to=7)


async def _what_is_set(work: Work) -> bool:
    return (await work.settings.newest()).number > 0


async def _what_is_counted(work: Work) -> str:
    return (await work.devices.mark()).strip("0 ")


# What somebody limited to Graz tries with what belongs to Linz. Reads must answer as if it did not exist,
CROSSING_READS: dict[str, Crossing] = {
    "sites.all": lambda w: w.sites.all(),
    "assets.areas": lambda w: w.assets.areas(),
    "assets.lines": lambda w: w.assets.lines(),
    "assets.all": lambda w: w.assets.all(),
    "assets.get": lambda w: w.assets.get("asset-linz"),
    "devices.all": lambda w: w.devices.all(),
    "devices.get": lambda w: w.devices.get("device-linz"),
    "devices.keys": lambda w: w.devices.keys("device-linz"),
    "devices.key_by_hash": lambda w: w.devices.key_by_hash("hash-linz"),
    "devices.expire_key": lambda w: w.devices.expire_key("key-linz", AT),
    "devices.revoke_key": lambda w: w.devices.revoke_key("key-linz", AT),
    "devices.keys_used": lambda w: w.devices.keys_used({"key-linz": AT}),
    "devices.mark": _what_is_counted,
    "signals.all": lambda w: w.signals.all(),
    "signals.of_asset": lambda w: w.signals.of_asset("asset-linz"),
    "signals.of_connection": lambda w: w.signals.of_connection("connection-linz"),
    "signals.derived": lambda w: w.signals.derived(),
    "signals.some": lambda w: w.signals.some([2]),
    "connections.all": lambda w: w.connections.all(),
    "connections.get": lambda w: w.connections.get("connection-linz"),
    "alarms.rules": lambda w: w.alarms.rules(),
    "alarms.rule": lambda w: w.alarms.rule("rule-linz"),
    "alarms.memories": lambda w: w.alarms.memories(),
    "alarms.standing": lambda w: w.alarms.standing(),
    "alarms.get": lambda w: w.alarms.get("alarm-linz-1"),
    "alarms.journal": lambda w: w.alarms.journal(JournalQuery(site_id="site-linz")),
    "alarms.journal_count": lambda w: w.alarms.journal_count(JournalQuery(site_id="site-linz")),
    "alarms.happenings": lambda w: w.alarms.happenings(0, 2**53, "site-linz", 9),
    "alarms.catch_up_words": lambda w: w.alarms.catch_up_words(9),
    "alarms.journal_begins_at": lambda w: w.alarms.journal_begins_at("site-linz"),
    "audit.page": lambda w: w.audit.page(AuditQuery(site_id="site-linz")),
    "audit.after": lambda w: w.audit.after(None, 10),
    "users.all": lambda w: w.users.all(),
    "users.get": lambda w: w.users.get("user-linz"),
    "users.by_username": lambda w: w.users.by_username("olga.linz"),
    "users.password_hash": lambda w: w.users.password_hash("user-linz"),
    "users.session": lambda w: w.users.session("session-linz-1"),
    "users.sessions": lambda w: w.users.sessions("user-linz"),
    "users.rotate_session": lambda w: w.users.rotate_session("session-linz-1", "h1", "h2", AT),
    "users.touch_session": lambda w: w.users.touch_session("session-linz-1", data.SteppedClock(NOON + S).now()),
    "users.revoke_session": lambda w: w.users.revoke_session("session-linz-1", AT),
    "users.value": lambda w: w.users.value("setup"),
    "users.take_value": lambda w: w.users.take_value("setup", "token"),
    **people_crossings.READS,
    "secrets.all": lambda w: w.secrets.all(),
    "secrets.sealed": lambda w: w.secrets.sealed("connection", "connection-linz"),
    "secrets.remove": lambda w: w.secrets.remove("connection", "connection-linz"),
    "secrets.sealed_by_others": lambda w: w.secrets.sealed_by_others("new", 9),
    "settings.newest_number": lambda w: w.settings.newest_number(),
    "settings.newest": _what_is_set,
    "settings.get": lambda w: w.settings.get(2),
    "settings.page": lambda w: w.settings.page(None, 10),
    "trust.all": lambda w: w.trust.all(),
    "trust.get": lambda w: w.trust.get(data.peer().fingerprint),
    "trust.remove": lambda w: w.trust.remove(data.peer().fingerprint),
    "secrets.reseal": lambda w: w.secrets.reseal(data.secret(THEIRS), "sealed-linz", "mine"),
}
# and writes must be refused as if the site did not exist.
CROSSING_WRITES: dict[str, Crossing] = {
    "sites.put": lambda w: w.sites.put(data.site(THEIRS)),
    "assets.put_area": lambda w: w.assets.put_area(data.area(THEIRS)),
    "assets.put_line": lambda w: w.assets.put_line(data.line(THEIRS)),
    "assets.put": lambda w: w.assets.put(data.asset(THEIRS)),
    "devices.put": lambda w: w.devices.put(data.device(THEIRS)),
    "devices.add_key": lambda w: w.devices.add_key(data.device_key(THEIRS).model_copy(update={"id": "new"}), "new"),
    "signals.put": lambda w: w.signals.put([data.signal(THEIRS, 3)]),
    "connections.put": lambda w: w.connections.put(data.connection(THEIRS)),
    "alarms.put_rule": lambda w: w.alarms.put_rule(data.rule(THEIRS)),
    "alarms.put_memories": lambda w: w.alarms.put_memories([THEIR_MEMORY]),
    "alarms.put": lambda w: w.alarms.put([data.alarm(THEIRS)]),
    "alarms.append": lambda w: w.alarms.append([data.entry(THEIRS, 9)]),
    "audit.add": lambda w: w.audit.add(data.fact(THEIRS)),
    "users.put": lambda w: w.users.put(data.user(THEIRS)),
    "users.put_session": lambda w: w.users.put_session(data.session(THEIRS, 2)),
    "users.put_value": lambda w: w.users.put_value("setup", "mine"),
    **people_crossings.WRITES,
    "secrets.put": lambda w: w.secrets.put(data.secret(THEIRS), "mine"),
    "settings.add": lambda w: w.settings.add(data.settings_revision(3)),
    "trust.put": lambda w: w.trust.put(data.peer()),
}
# The same row, claimed for one's own site.
CROSSING_THEFTS: dict[str, Crossing] = {
    "assets.put_area": lambda w: w.assets.put_area(data.area(THEIRS).model_copy(update=AT_MINE)),
    "assets.put_line": lambda w: w.assets.put_line(data.line(THEIRS).model_copy(update=AT_MINE)),
    "assets.put": lambda w: w.assets.put(data.asset(THEIRS, "X").model_copy(update=AT_MINE)),
    "devices.put": lambda w: w.devices.put(data.device(THEIRS).model_copy(update={**AT_MINE, "code": "X"})),
    "devices.add_key": lambda w: w.devices.add_key(data.device_key(THEIRS).model_copy(update=AT_MINE), "new"),
    "signals.put": lambda w: w.signals.put([data.signal(THEIRS, 2).model_copy(update=AT_MINE)]),
    "connections.put": lambda w: w.connections.put(data.connection(THEIRS).model_copy(update=AT_MINE)),
    "alarms.put_rule": lambda w: w.alarms.put_rule(data.rule(THEIRS).model_copy(update=AT_MINE)),
    "alarms.put": lambda w: w.alarms.put([data.alarm(THEIRS).model_copy(update=AT_MINE)]),
    "users.put": lambda w: w.users.put(data.user(THEIRS, sites=("site-graz",))),
    "users.put_session": lambda w: w.users.put_session(data.session(THEIRS)),
    "secrets.put": lambda w: w.secrets.put(data.secret(THEIRS).model_copy(update=AT_MINE), "mine"),
}
# Counts over everything that nobody limited to a site can aim at another one.
NOT_AIMED = {"secrets.keys", "users.forget_sessions", "audit.head"}


def test_every_method_of_every_repository_is_among_those_that_are_tried() -> None:
    protocols = {
        "sites": repositories.Sites,
        "assets": repositories.Assets,
        "devices": repositories.Devices,
        "signals": repositories.Signals,
        "connections": repositories.Connections,
        "alarms": repositories.Alarms,
        "users": repositories.Users,
        "credentials": Credentials,
        "api_keys": ApiKeys,
        "secrets": Secrets,
        "settings": SettingsRevisions,
        "trust": PeerCertificates,
        "audit": repositories.Audit,
    }
    methods = {
        f"{noun}.{name}"
        for noun, protocol in protocols.items()
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert CROSSING_READS.keys() | CROSSING_WRITES.keys() | NOT_AIMED == methods


async def _their_everything(work: UnitOfWork) -> list[object]:
    """Everything that is stored, as somebody sees it who sees all sites."""
    async with work(EVERY_SITE) as w:
        seen: list[object] = [await w.users.value("setup"), await w.devices.keys(), await w.signals.all()]
        seen += [await w.sites.all(), await w.assets.areas(), await w.assets.lines(), await w.assets.all()]
        seen += [await w.devices.all(), await w.connections.all(), await w.alarms.rules(), await w.alarms.memories()]
        seen += [await w.audit.page(AuditQuery()), await w.audit.head()]
        seen += [await w.alarms.standing(), await w.alarms.journal(JournalQuery()), await w.users.all()]
        seen.append(await w.secrets.sealed_by_others("", 9))
        seen += [await w.settings.newest(), await w.settings.page(None, 10), await w.trust.all()]
        for name in (MINE, THEIRS):
            seen += await people_data.all_of_people(w, name)
            seen += [await w.users.password_hash(f"user-{name}"), await w.users.sessions(f"user-{name}")]
        return seen


async def test_reading_across_the_scope_finds_nothing_and_changes_nothing(plants: UnitOfWork) -> None:
    before = await _their_everything(plants)
    for scope in (ONLY_MINE, NOTHING):
        for name, crossing in CROSSING_READS.items():
            async with plants(scope) as w:
                answer = await crossing(w)
                await w.commit()
            assert "linz" not in repr(answer).lower(), name
            if scope is NOTHING:
                assert not answer, name
    assert await _their_everything(plants) == before


async def test_writing_across_the_scope_is_refused_and_changes_nothing(plants: UnitOfWork) -> None:
    before = await _their_everything(plants)
    for scope in (ONLY_MINE, NOTHING):
        for crossings in (CROSSING_WRITES, CROSSING_THEFTS):
            for name, crossing in crossings.items():
                async with plants(scope) as w:
                    refused = PermissionDeniedError if name == "users.put_value" else NotFoundError
                    with pytest.raises(refused):
                        await crossing(w)
                    await w.commit()
    assert await _their_everything(plants) == before


async def test_nobody_with_a_limited_scope_makes_or_changes_somebody_who_sees_all(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.users.put(data.user("root", Role.ADMIN, ("site-graz",)))
        await w.commit()
    for user in (data.user("new", Role.ADMIN, ("site-graz",)), data.user("root", Role.VIEWER, ("site-graz",))):
        async with plants(ONLY_MINE) as w:
            with pytest.raises(NotFoundError):
                await w.users.put(user)


async def test_sessions_of_other_sites_are_not_forgotten_by_somebody_limited(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        assert await w.users.forget_sessions(data.SteppedClock(NOON + 10_000 * S).now()) == 1
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert len(await w.users.sessions("user-linz")) == 1
