"""The demo's inbox shows everybody the messages about the sites that they see, and who clears it is on record."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.caught import CaughtQuery
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.notice_channels import ChannelsSetUp
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.inbox import InboxService
from pdm_app.simulation.catcher import Catcher
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.notices import message_id, put_notices
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, THEIRS, put_plant

EMAIL, SMS = ChannelKind.EMAIL, ChannelKind.SMS
HERE, THERE = f"site-{MINE}", f"site-{THEIRS}"


def actor(role: Role, *sites: str) -> Actor:
    scope = Scope(sites=frozenset(sites)) if sites else EVERY_SITE
    return Actor(id="x", name="olga", role=role, scope=scope, permissions=ROLE_PERMISSIONS[role])


ADMIN, OPERATOR_HERE = actor(Role.ADMIN), actor(Role.OPERATOR, HERE)


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    for name, number in ((MINE, 1), (THEIRS, 2)):
        await put_plant(work, name, number)
        async with work(EVERY_SITE) as w:
            await put_notices(w, f"site-{name}", f"user-{name}")
            await w.commit()
    yield work
    await database.close()


@pytest.fixture
def catcher() -> Catcher:
    catcher = Catcher(HandClock(data.NOON), ChannelsSetUp())
    catcher.keep(EMAIL, "here@plant.example", "Bearing hot", subject="P1 Pump", message_id=message_id(HERE))
    catcher.keep(SMS, "+4366012", "Valve stuck", message_id=message_id(THERE))
    catcher.keep(EMAIL, "who@plant.example", "Of nobody knows which site", message_id="unknown")
    return catcher


@pytest.fixture
def inbox(catcher: Catcher, work: UnitOfWork) -> InboxService:
    return InboxService(catcher, work, HandClock(data.NOON))


async def bodies(inbox: InboxService, who: Actor, query: CaughtQuery | None = None) -> list[str]:
    return [caught.body for caught in await inbox.messages(who, query or CaughtQuery())]


async def test_everybody_sees_the_messages_about_their_sites_newest_first(inbox: InboxService) -> None:
    assert await bodies(inbox, ADMIN) == ["Of nobody knows which site", "Valve stuck", "Bearing hot"]
    assert await bodies(inbox, OPERATOR_HERE) == ["Bearing hot"]
    [mine] = await inbox.messages(OPERATOR_HERE, CaughtQuery())
    assert await inbox.message(OPERATOR_HERE, mine.id) == mine
    theirs = (await inbox.messages(ADMIN, CaughtQuery(channel=SMS)))[0]
    with pytest.raises(NotFoundError, match="keeps the newest ones only"):
        await inbox.message(OPERATOR_HERE, theirs.id)


async def test_a_message_that_brought_a_report_names_its_copy(inbox: InboxService, work: UnitOfWork) -> None:
    async with work(EVERY_SITE) as w:
        message = await w.outbox.message(message_id(HERE))
        assert message is not None
        await w.outbox.put_message(message.model_copy(update={"copy_id": "copy-7"}))
        await w.commit()
    found = await inbox.messages(ADMIN, CaughtQuery())
    assert [caught.copy_id for caught in found] == [None, None, "copy-7"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (CaughtQuery(text="BEARING"), ["Bearing hot"]),
        (CaughtQuery(text="p1 pump"), ["Bearing hot"]),
        (CaughtQuery(text="+4366"), ["Valve stuck"]),
        (CaughtQuery(text="nothing says this"), []),
        (CaughtQuery(channel=EMAIL, limit=1), ["Of nobody knows which site"]),
        (CaughtQuery(before="caught-000000002"), ["Bearing hot"]),
    ],
)
async def test_words_channel_and_page_are_asked_for(inbox: InboxService, query: CaughtQuery, found: list[str]) -> None:
    assert await bodies(inbox, ADMIN, query) == found


async def test_who_sees_every_site_clears_it_and_that_is_on_record(inbox: InboxService, work: UnitOfWork) -> None:
    with pytest.raises(NotFoundError, match="who sees every site"):
        await inbox.clear(actor(Role.ADMIN, HERE))
    with pytest.raises(PermissionDeniedError):
        await inbox.clear(actor(Role.ENGINEER))
    assert await inbox.clear(ADMIN) == 3
    assert await bodies(inbox, ADMIN) == []
    async with work(EVERY_SITE) as w:
        [entry] = await w.audit.page(AuditQuery(action="inbox.cleared"))
    assert (entry.actor, entry.before) == ("olga", '{"messages":3}')
