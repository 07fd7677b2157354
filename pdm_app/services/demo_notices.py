"""What the demo knows of shifts, of who is on call and of who is told, so that its first alarm arrives in its inbox."""

from datetime import date

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User
from pdm_app.domain.assets import Site
from pdm_app.domain.notice_routes import ContactFacts, NoticeRouteFacts, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.rotas import RotaFacts, Turn
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.domain.shifts import Shift, ShiftCalendarFacts, ShiftDay
from pdm_app.services.demo_accounts import ON_SHIFT, USERNAMES
from pdm_app.services.notice_routes import NoticeRouteService
from pdm_app.services.notices import put_contact
from pdm_app.services.rotas import RotaService
from pdm_app.services.shifts import ShiftService

DONE = "demo.notices"  # A fact of the installation: what somebody has removed since stays removed.
REASON = "demo plant"
ANCHOR = date(2026, 1, 5)  # A Monday.
ESCALATED_AFTER_S = 300.0
TECHNICIAN = "tom.tech"
EMAIL, PAGE = ChannelKind.EMAIL, ChannelKind.PAGE
OPERATOR, ENGINEER = ON_SHIFT
THREE_SHIFTS = ShiftDay(
    shifts=(
        Shift(name="Early", begin="06:00", end="14:00", crew="A"),
        Shift(name="Late", begin="14:00", end="22:00", crew="B"),
        Shift(name="Night", begin="22:00", end="06:00", crew="C"),
    )
)


async def ensure_demo_notices(work: UnitOfWork, clock: Clock) -> None:
    """Keep shifts, a rota, a route and addresses for each site, once in the life of a data directory."""
    async with work(EVERY_SITE) as reading:
        if await reading.users.value(DONE) is not None:
            return
        sites = await reading.sites.all()
        people = {user.username: user for user in await reading.users.all() if user.username in USERNAMES}
        calendars = {calendar.site_id for calendar in await reading.shifts.all()}
        known = {contact.id for contact in await reading.outbox.contacts()}
    shifts = ShiftService(work, clock)
    for site in sites:
        if site.id not in calendars:
            await shifts.put(SYSTEM, site.id, ShiftCalendarFacts(anchor=ANCHOR, days=(THREE_SHIFTS,)), 0, REASON)
        await _tell(work, clock, site, people)
    await _tell_of_itself(work, clock, people)
    for number, user in enumerate(people.values()):
        if user.id not in known:
            facts = ContactFacts(email=f"{user.username}@northfield.example", phone=f"+4366012345{number:02d}")
            await put_contact(work, clock, SYSTEM, user.id, facts)
    async with work(EVERY_SITE) as done:
        await done.users.put_value(DONE, "done")
        await done.commit()


async def _tell(work: UnitOfWork, clock: Clock, site: Site, people: dict[str, User]) -> None:
    """The operator is told at once, and whoever is on call five minutes later while nobody has acknowledged."""
    on_duty = [people[name] for name in (ENGINEER, TECHNICIAN) if name in people and site.id in people[name].site_ids]
    operator = people.get(OPERATOR)
    if operator is None or not on_duty:
        return  # Somebody has ended these accounts.
    turns = tuple(Turn(user_ids=(user.id,)) for user in on_duty)
    rota = await RotaService(work, clock).add(
        SYSTEM, RotaFacts(site_id=site.id, name="Maintenance on call", anchor=ANCHOR, turns=turns), REASON
    )
    steps = (
        RouteStep(user_ids=(operator.id,), channels=(EMAIL, PAGE)),
        RouteStep(after_s=ESCALATED_AFTER_S, rota_ids=(rota.id,), channels=(EMAIL, ChannelKind.SMS, PAGE)),
    )
    route = NoticeRouteFacts(site_id=site.id, name="Urgent alarms", priorities=(1, 2), steps=steps, tells_return=True)
    await NoticeRouteService(work, clock).add(SYSTEM, route, REASON)


async def _tell_of_itself(work: UnitOfWork, clock: Clock, people: dict[str, User]) -> None:
    """The admin is told when the product itself is in trouble."""
    admins = tuple(user.id for user in people.values() if user.role is Role.ADMIN)
    if admins:
        step = RouteStep(user_ids=admins, channels=(EMAIL, PAGE))
        route = NoticeRouteFacts(site_id=SYSTEM_ID, name="The product itself", priorities=(1, 2, 3), steps=(step,))
        await NoticeRouteService(work, clock).add(SYSTEM, route, REASON)
