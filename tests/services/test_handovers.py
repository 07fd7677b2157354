"""A shift is handed over with what is known of it, once, and taken by somebody else; both sign."""

from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope, User
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.signatures import Meaning
from pdm_app.services.alarms import AlarmService
from pdm_app.services.handovers import HandoverService
from pdm_app.services.production import ProductionService
from pdm_app.services.signatures import SignatureService, Signing
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.production_book import ProductionBook
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201
from tests.counterparts.production import BEGIN_AT, HOUR_US, calendar, put_production

RIGHT = Signing(password="right")


def person(role: Role, *sites: str) -> Actor:
    return Actor(
        id=f"id-{role}", name=f"{role}.one", role=role, scope=Scope(sites=frozenset(sites or ("graz",))),
        permissions=ROLE_PERMISSIONS[role],
    )  # fmt: skip


OLGA, TOM, VERA = person(Role.OPERATOR), person(Role.TECHNICIAN), person(Role.VIEWER)


async def known(actor: Actor, password: str, code: str) -> User:
    """The door of sign-in, as far as signing needs it."""
    if password != RIGHT.password:
        raise InvalidInputError("The password is wrong.", [])
    return User(id=actor.id, username=actor.name, display_name=actor.name.title(), role=actor.role)


Checked = Callable[[Actor, str, str], Awaitable[User]]


@pytest.fixture
async def handovers(sqlite_work: SqlUnitOfWork, clock: HandClock) -> HandoverService:
    async with sqlite_work(EVERY_SITE) as work:
        await put_production(work, "graz", C_201.id, C_201.line_id, 71)
        await work.shifts.put(calendar("graz"))
        await work.commit()
    clock.at = BEGIN_AT + 8 * HOUR_US + 60_000_000  # The late shift has begun a minute ago.
    check: Checked = known
    return HandoverService(
        sqlite_work, ProductionService(sqlite_work, ProductionBook(), clock),
        AlarmService(sqlite_work, AlarmBook(), clock), SignatureService(sqlite_work, clock, check), clock,
    )  # fmt: skip


async def test_a_draft_tells_what_is_known_of_the_shift(handovers: HandoverService) -> None:
    draft = await handovers.draft(VERA, "graz", "before")
    assert (draft.name, draft.crew, draft.begin_at) == ("Early", "A", BEGIN_AT)
    [line] = draft.lines
    assert (line.made, line.good, line.scrap, line.waiting) == (50_000, 49_000, 1_000, 1)
    assert line.oee == pytest.approx(24_500 / 28_800)
    assert line.stopped_s == 3_600
    assert (await handovers.draft(VERA, "graz", "now")).until_at == BEGIN_AT + 8 * HOUR_US + 60_000_000


async def test_it_is_handed_over_once_and_taken_by_somebody_else(
    handovers: HandoverService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    handed = await handovers.hand_over(OLGA, "graz", "before", " Glue is low. ", RIGHT)
    assert (handed.notes, handed.handed_by, handed.taken_by) == ("Glue is low.", "Operator.One", "")
    with pytest.raises(ConflictError, match=r"Operator.One has handed over this shift already"):
        await handovers.hand_over(TOM, "graz", "before", "", RIGHT)
    with pytest.raises(ConflictError, match="Somebody of the next shift signs"):
        await handovers.take(OLGA, handed.id, "", RIGHT)
    taken = await handovers.take(TOM, handed.id, "Refilled.", RIGHT)
    assert (taken.taken_by, taken.remarks, taken.notes) == ("Technician.One", "Refilled.", "Glue is low.")
    with pytest.raises(ConflictError, match=r"Technician.One has taken over"):
        await handovers.take(TOM, handed.id, "", RIGHT)
    assert (await handovers.page(VERA, "graz", 1))[0] == taken
    signed = await SignatureService(sqlite_work, clock, known).of(VERA, "handover", handed.id)
    assert [(one.meaning, one.printed_name) for one in signed] == [
        (Meaning.REVIEWED, "Technician.One"), (Meaning.AUTHORED, "Operator.One")
    ]  # fmt: skip
    assert signed[1].holds_for(handed)
    assert signed[0].holds_for(taken)


async def test_nothing_is_kept_of_what_is_refused(handovers: HandoverService) -> None:
    before = await handovers.page(VERA, "graz", 10)
    with pytest.raises(InvalidInputError, match="password is wrong"):
        await handovers.hand_over(OLGA, "graz", "now", "", Signing(password="wrong"))
    with pytest.raises(PermissionDeniedError):
        await handovers.hand_over(VERA, "graz", "now", "", RIGHT)
    elsewhere = person(Role.OPERATOR, "pune")
    for asked in (handovers.draft(elsewhere, "graz", "now"), handovers.page(elsewhere, "graz", 10),
                  handovers.hand_over(elsewhere, "graz", "now", "", RIGHT),
                  handovers.take(elsewhere, "handover-graz", "", RIGHT)):  # fmt: skip
        with pytest.raises(NotFoundError):
            await asked
    assert await handovers.page(VERA, "graz", 10) == before


async def test_a_site_without_shifts_says_what_to_do(handovers: HandoverService) -> None:
    with pytest.raises(NotFoundError, match="Set shifts under Settings"):
        await handovers.draft(person(Role.OPERATOR, "pune"), "pune", "now")
