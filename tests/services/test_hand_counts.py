"""Pieces that people count: one by one and by the sheet, in the sums at once, and taken back."""

from datetime import UTC, datetime

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.oee import Totals
from pdm_app.domain.production_shifts import shift_id
from pdm_app.domain.stop_edits import CountKind, EditKind, StopEditFacts
from pdm_app.services.count_sheets import CountSheetService, SheetTaken
from pdm_app.services.stops import StopService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.production_book import ProductionBook
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201
from tests.counterparts.production import BEGIN_AT, HOUR_US, LOCKED_AT, put_production

SHIFT = shift_id(C_201.id, BEGIN_AT)
HEAD = "time,machine,kind,pieces,product,note"
MADE, GOOD = 50_000, 49_000  # Of the shift, as its counters say; the ideal cycle is half a second.


def person(role: Role) -> Actor:
    return Actor(
        id=str(role), name=f"{role}.one", role=role, scope=Scope(sites=frozenset({"graz"})),
        permissions=ROLE_PERMISSIONS[role],
    )  # fmt: skip


OLGA, VERA = person(Role.OPERATOR), person(Role.VIEWER)


def when(hours: float, begin_at: int = BEGIN_AT) -> str:
    return datetime.fromtimestamp(begin_at / 1e6 + hours * 3_600, UTC).isoformat()


def count(pieces: float, kind: CountKind = CountKind.SCRAP, hours: float = 1) -> StopEditFacts:
    return StopEditFacts(kind=EditKind.COUNT, at=BEGIN_AT + round(hours * HOUR_US), counted=kind, pieces=pieces)


@pytest.fixture
async def stops(sqlite_work: SqlUnitOfWork, clock: HandClock) -> StopService:
    async with sqlite_work(EVERY_SITE) as work:
        await put_production(work, "graz", C_201.id, C_201.line_id, 71)
        await work.commit()
    return StopService(sqlite_work, ProductionBook(), clock)


@pytest.fixture
def sheets(stops: StopService, sqlite_work: SqlUnitOfWork, clock: HandClock) -> CountSheetService:
    return CountSheetService(sqlite_work, stops, clock)


async def totals(work: SqlUnitOfWork) -> Totals:
    async with work(EVERY_SITE) as reading:
        shift = await reading.production.shift(SHIFT)
    assert shift is not None
    return shift.totals


async def test_pieces_that_nothing_counted_are_made_and_can_be_taken_back(
    stops: StopService, sqlite_work: SqlUnitOfWork
) -> None:
    before = await totals(sqlite_work)
    for kind, pieces in ((CountKind.GOOD, 100), (CountKind.SCRAP, 10), (CountKind.REWORK, 5)):
        said = await stops.say(OLGA, C_201.id, count(pieces, kind))
    after = await totals(sqlite_work)
    assert (after.made, after.good, after.scrap, after.rework) == (
        MADE + 115, GOOD + 100, before.scrap + 10, before.rework + 5
    )  # fmt: skip
    assert after.ideal_made_s == pytest.approx(before.ideal_made_s + 57.5)
    assert after.ideal_good_s == pytest.approx(before.ideal_good_s + 50)
    counted = await stops.counts(VERA, C_201.line_id, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
    assert sorted(edit.pieces or 0 for edit in counted) == [5, 10, 100]
    await stops.take_back(OLGA, SHIFT, said.id)
    assert (await totals(sqlite_work)).made == MADE + 110


async def test_scrap_that_is_found_later_was_good_before(stops: StopService, sqlite_work: SqlUnitOfWork) -> None:
    before = await totals(sqlite_work)
    await stops.say(OLGA, C_201.id, count(1_000, CountKind.FOUND_SCRAP))
    after = await totals(sqlite_work)
    assert (after.made, after.good, after.scrap) == (MADE, GOOD - 1_000, before.scrap + 1_000)
    assert after.ideal_good_s == pytest.approx(before.ideal_good_s - 500)
    with pytest.raises(InvalidInputError, match="has made 48000 good ones in this shift"):
        await stops.say(OLGA, C_201.id, count(48_001, CountKind.FOUND_SCRAP))


async def test_a_count_is_no_reason_of_the_stop_in_which_it_lies(stops: StopService) -> None:
    """Else "take back" beside the stop would take the pieces back."""
    span = (BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
    before = await stops.all(VERA, C_201.line_id, *span)
    await stops.say(OLGA, C_201.id, count(3, hours=4.2))
    assert await stops.all(VERA, C_201.line_id, *span) == before


async def test_what_no_figure_could_hold_is_refused(stops: StopService) -> None:
    with pytest.raises(InvalidInputError, match="Nothing is known"):
        await stops.say(OLGA, C_201.id, count(1, hours=-5))
    with pytest.raises(NotFoundError):
        await stops.say(OLGA, C_201.id, count(1).model_copy(update={"product_id": "of-nobody"}))
    with pytest.raises(ConflictError, match="locked"):
        await stops.say(OLGA, C_201.id, count(1).model_copy(update={"at": LOCKED_AT + HOUR_US}))
    with pytest.raises(PermissionDeniedError):
        await stops.say(VERA, C_201.id, count(1))
    for facts in ({"counted": "scrap"}, {"pieces": 1}, {"counted": "scrap", "pieces": 0}, {}):
        with pytest.raises(ValueError, match=r"pieces|counted|greater"):
            StopEditFacts.model_validate({"kind": "count", "at": BEGIN_AT, **facts})


@pytest.mark.parametrize("mark", [",", ";", "\t"])
async def test_a_sheet_is_entered_once_however_often_it_is_sent(
    sheets: CountSheetService, stops: StopService, sqlite_work: SqlUnitOfWork, mark: str
) -> None:
    rows = (HEAD, f"{when(1)},{C_201.code},scrap,12,P-28,burnt", f"{when(2)},{C_201.code},GOOD,300,,", "")
    sheet = "\ufeff" + "\r\n".join(rows).replace(",", mark)
    assert await sheets.take(OLGA, "graz", sheet) == SheetTaken(entered=2, known=0)
    assert (await totals(sqlite_work)).made == MADE + 312
    assert await sheets.take(OLGA, "graz", sheet) == SheetTaken(entered=0, known=2)
    assert (await totals(sqlite_work)).made == MADE + 312
    async with sqlite_work(EVERY_SITE) as work:
        [entry] = await work.audit.page(AuditQuery(action="stops.sheet_counted"))
    assert '"rows":2' in entry.after
    counted = await stops.counts(VERA, C_201.line_id, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
    assert [(edit.note, edit.product_id) for edit in counted] == [("", None), ("burnt", "cap-graz")]


async def test_of_a_sheet_with_faults_every_row_is_told_and_none_is_entered(
    sheets: CountSheetService, sqlite_work: SqlUnitOfWork
) -> None:
    good = f"{when(1)},{C_201.code},scrap,12,,"
    sheet = "\n".join((
        HEAD, good, f"yesterday,{C_201.code},scrap,1,,", f"{when(1)},X-99,scrap,1,,",
        f"{when(1)},{C_201.code},lost,-4,Q,",
    ))  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"Row 3: 'yesterday' is no time and 4 more") as refused:
        await sheets.take(OLGA, "graz", sheet)
    assert [issue.field for issue in refused.value.issues] == [
        "rows.3.time", "rows.4.machine", "rows.5.kind", "rows.5.pieces", "rows.5.product"
    ]  # fmt: skip
    late = "\n".join((HEAD, good, f"{when(1, LOCKED_AT)},{C_201.code},scrap,1,,", f"{when(-6)},{C_201.code},scrap,1,,"))
    with pytest.raises(InvalidInputError) as refused:
        await sheets.take(OLGA, "graz", late)
    assert [issue.field for issue in refused.value.issues] == ["rows.3", "rows.4"]
    assert (await totals(sqlite_work)).made == MADE


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("", "no column time, machine, kind, pieces"),
        ("time;machine;kind\n", "no column pieces"),
        (HEAD, "has 0 rows"),
        ("\n".join([HEAD, *[f"{when(1)},C-201,scrap,1,,"] * 1_001]), "has 1001 rows"),
        (f'{HEAD}\n"{"x" * 140_000}",C-201,scrap,1,,', "no sheet"),
    ],
)
async def test_what_is_no_sheet_is_refused_in_words(sheets: CountSheetService, sheet: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        await sheets.take(OLGA, "graz", sheet)


async def test_two_rows_that_together_are_more_scrap_than_was_good_are_refused(sheets: CountSheetService) -> None:
    rows = [f"{when(hour)},{C_201.code},found_scrap,30000,," for hour in (1, 2)]
    with pytest.raises(InvalidInputError, match=r"Row 3: .*19000 good"):
        await sheets.take(OLGA, "graz", "\n".join((HEAD, *rows)))
