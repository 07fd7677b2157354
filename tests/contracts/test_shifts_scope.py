"""Nobody limited to some sites reads or changes shifts, rotas or templates of messages elsewhere."""

import inspect
from datetime import date

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.notice_words import NoticeTemplate, NoticeTemplates
from pdm_app.domain.notices import ChannelKind, NoticeLanguage
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.rotas import CrewTurn, Rota, Rotas, StandIn, Turn
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftCalendars, ShiftDay, ShiftException
from tests.contracts.crossings import Crossing, assert_nothing_crosses

MONDAY = date(2026, 11, 16)
DAY = ShiftDay(shifts=(Shift(name="Früh", begin="06:00", end="14:00", crew="A"),))
CALENDAR = ShiftCalendar(
    id="site-linz", site_id="site-linz", anchor=MONDAY, days=(DAY, ShiftDay()),
    exceptions=(ShiftException(on=date(2026, 12, 25), name="Christmas Day"),), revision=3,
)  # fmt: skip
AWAY = StandIn(away_id="ann", stand_in_id="bob", begin_at=1, end_at=2**53)
ROTAS = [
    Rota(id="rota-1", site_id="site-linz", name="Crews", anchor=MONDAY, crews=(CrewTurn(crew="A", user_ids=("ann",)),)),
    Rota(id="rota-2", site_id="site-linz", name="Turns", anchor=MONDAY, turns=(Turn(user_ids=("ann", "bob")),),
         stand_ins=(AWAY,)),
]  # fmt: skip
TEMPLATE = NoticeTemplate(
    id="sms.hi",
    channel=ChannelKind.SMS,
    language=NoticeLanguage.HINDI,
    subject="{alarm}",
    body="{alarm} ☂ {machine}",
    revision=2,
)

READS: dict[str, Crossing] = {
    "shifts.all": lambda w: w.shifts.all(),
    "shifts.get": lambda w: w.shifts.get("site-linz"),
    "rotas.all": lambda w: w.rotas.all(),
    "rotas.get": lambda w: w.rotas.get("rota-1"),
    "rotas.remove": lambda w: w.rotas.remove("rota-1"),
    "notice_templates.all": lambda w: w.notice_templates.all(),
    "notice_templates.remove": lambda w: w.notice_templates.remove("sms.hi"),
}
WRITES: dict[str, Crossing] = {
    "shifts.put": lambda w: w.shifts.put(CALENDAR.model_copy(update={"days": (DAY,)})),
    "rotas.put": lambda w: w.rotas.put(ROTAS[0].model_copy(update={"name": "mine"})),
    "notice_templates.put": lambda w: w.notice_templates.put(TEMPLATE.model_copy(update={"body": "mine"})),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.shifts.put(CALENDAR.model_copy(update={"site_id": "site-graz"})),
    lambda w: w.rotas.put(ROTAS[0].model_copy(update={"site_id": "site-graz"})),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [list(await w.shifts.all()), list(await w.rotas.all()), list(await w.notice_templates.all())]


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {
        f"{noun}.{name}"
        for noun, protocol in (("shifts", ShiftCalendars), ("rotas", Rotas), ("notice_templates", NoticeTemplates))
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.shifts.put(CALENDAR)
        for rota in ROTAS:
            await w.rotas.put(rota)
        await w.notice_templates.put(TEMPLATE)
        await w.commit()
    before = await everything(plants)
    assert before == [[CALENDAR], ROTAS, [TEMPLATE]], "each comes back as it was given"
    await assert_nothing_crosses(plants, READS, (*WRITES.values(), *THEFTS), everything)


async def test_what_is_removed_is_gone(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.rotas.put(ROTAS[0])
        await w.notice_templates.put(TEMPLATE)
        assert await w.rotas.remove("rota-1")
        assert await w.notice_templates.remove("sms.hi")
        assert not await w.rotas.remove("rota-1")
        await w.commit()
    assert await everything(plants) == [[], [], []]
