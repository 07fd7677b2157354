"""Links in messages lead to one alarm, for a week, and none can be made elsewhere."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import Moment, Notice
from pdm_app.services.notice_links import GOOD_FOR_S, TOKEN_CHARACTERS_MAX, NoticeLinks
from pdm_app.services.secrets import KeyRing, KeySource, new_key, read_keys
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, THEIRS, S, put_plant

HERE = f"site-{MINE}"
BASE = "https://plant.example"
ALARM = data.alarm(MINE, 1)


def ring() -> KeyRing:
    return KeyRing(read_keys(new_key(), "the test"), KeySource("the test"))


def actor(name: str = "olga", role: Role = Role.OPERATOR, site: str = HERE) -> Actor:
    return Actor(
        id=name, name=name, role=role, scope=Scope(sites=frozenset({site})), permissions=ROLE_PERMISSIONS[role]
    )


@pytest.fixture
def clock() -> HandClock:
    return HandClock(data.NOON)


@pytest.fixture
async def links(database_url: str, clock: HandClock) -> AsyncIterator[NoticeLinks]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    for name, number in ((MINE, 1), (THEIRS, 2)):
        await put_plant(work, name, number)
    async with work(EVERY_SITE) as w:
        await w.alarms.put([ALARM])
        await w.commit()
    yield NoticeLinks(ring(), work, clock, BASE)
    await database.close()


def token(links: NoticeLinks, alarm_id: str = ALARM.id, user: str = "olga") -> str:
    notice = Notice(
        id="n", site_id=HERE, alarm_id=alarm_id, route_id="r", user_id=user, channel=ChannelKind.EMAIL,
        moment=Moment.RAISED, priority=2, raised_at=0, due_at=0,
    )  # fmt: skip
    link = links.linked(notice)
    assert link.startswith(f"{BASE}/notice/")
    return link.rpartition("/")[2]


async def test_a_link_leads_to_its_alarm_and_knows_for_whom_it_was(links: NoticeLinks) -> None:
    opened = await links.open(actor(), token(links))
    assert (opened.alarm.id, opened.was_for_other) == (ALARM.id, False)
    assert opened.machine == "P-101A Pump 101 A" or opened.machine.startswith("P-101A ")
    assert (await links.open(actor("max"), token(links))).was_for_other


async def test_a_token_is_one_part_of_an_address_without_a_dot_and_tells_nothing(links: NoticeLinks) -> None:
    found = token(links)
    assert found.isascii()
    assert not set(found) & set("./=?#&%+ ")
    assert len(found) <= TOKEN_CHARACTERS_MAX
    assert ALARM.id not in found
    assert token(links) != found  # Each is sealed anew.


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "A", lambda t: t[:-4] + "AAAA", lambda t: "x"])
async def test_a_link_that_was_changed_or_cut_short_says_so(links: NoticeLinks, change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInputError, match="not written here, or a part of it is missing"):
        await links.open(actor(), change(token(links)))


@pytest.mark.parametrize("given", ["", "~", "v1~~", "v1~0~" + "A" * 700, "é", "v2~x~y", "\x00", "v1~a~====", "../.."])
async def test_words_that_are_no_link_are_refused_alike(links: NoticeLinks, given: str) -> None:
    with pytest.raises(InvalidInputError, match="not written here") as refused:
        await links.open(actor(), given)
    assert refused.value.facts["fault"] == "forged"


async def test_a_link_of_another_installation_is_none_of_ours(links: NoticeLinks, clock: HandClock) -> None:
    other = NoticeLinks(ring(), links._work, clock, BASE)
    with pytest.raises(InvalidInputError, match="not written here"):
        await links.open(actor(), token(other))


async def test_a_secret_of_another_purpose_opens_nothing(links: NoticeLinks, clock: HandClock) -> None:
    keys = ring()
    mine = NoticeLinks(keys, links._work, clock, BASE)
    sealed = keys.seal(f"{ALARM.id} olga 9999999999", purpose="notices.secret", record_id="alarm")
    with pytest.raises(InvalidInputError, match="not written here"):
        await mine.open(actor(), sealed.rstrip("=").replace(".", "~"))


async def test_a_link_ends_after_a_week_and_says_so(links: NoticeLinks, clock: HandClock) -> None:
    found = token(links)
    clock.at += GOOD_FOR_S * S
    assert (await links.open(actor(), found)).alarm.id == ALARM.id
    clock.at += S
    with pytest.raises(InvalidInputError, match="good for 7 days") as refused:
        await links.open(actor(), found)
    assert refused.value.facts["fault"] == "expired"


async def test_a_link_gives_nobody_a_right(links: NoticeLinks) -> None:
    with pytest.raises(NotFoundError, match="not among those that you may see"):
        await links.open(actor(site=f"site-{THEIRS}"), token(links))
    with pytest.raises(NotFoundError, match="no longer kept"):
        await links.open(actor(), token(links, "gone"))
    nobody = actor().model_copy(update={"permissions": frozenset()})
    with pytest.raises(PermissionDeniedError):
        await links.open(nobody, token(links))


async def test_there_are_no_links_where_nobody_knows_where_the_pages_are(links: NoticeLinks) -> None:
    links.address = ""
    with pytest.raises(AssertionError):
        token(links)
