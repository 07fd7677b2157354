"""Plugs notices together: channels, who hands messages over, and in the demo the inbox that catches them."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypedDict

from pdm_app.channels.doors import ChannelDoors
from pdm_app.domain.caught import Inbox
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.secrets import Sealer
from pdm_app.engine.journal_words import JournalWords
from pdm_app.engine.notifier import Notifier
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.inbox import InboxService
from pdm_app.services.notice_links import NoticeLinks
from pdm_app.services.notice_routes import NoticeRouteService
from pdm_app.services.notice_templates import NoticeTemplateService
from pdm_app.services.notices import NoticeService, notice_secret
from pdm_app.services.page_notices import PageNoticeService
from pdm_app.services.rotas import RotaService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.shifts import ShiftService
from pdm_app.settings import Settings
from pdm_app.stream.page_bell import PageBell


class NoticeServices(TypedDict):
    """By their names among the services."""

    notices: NoticeService
    notice_routes: NoticeRouteService
    notice_links: NoticeLinks
    notice_templates: NoticeTemplateService
    page_notices: PageNoticeService
    shifts: ShiftService
    rotas: RotaService
    inbox: InboxService | None


@dataclass(frozen=True, slots=True)
class Notices:
    """What was plugged together."""

    services: NoticeServices
    channels: ChannelDoors
    inbox: Inbox | None
    wake: Callable[[], None]

    def apply(self, settings: Settings) -> None:
        """Go by the settings from the next message on; in the demo what is not set up leads to the inbox."""
        set_up = settings.notices
        self.services["notice_links"].address = _address(settings)
        self.channels.set_up = set_up if self.inbox is None else set_up.or_else(self.inbox.set_up)


async def begin_notices(
    settings: Settings,
    work: UnitOfWork,
    store: SecretStore,
    sealer: Sealer,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    stack: AsyncExitStack,
) -> Notices:
    """Start handing messages over; what is opened here is closed by ``stack``."""
    inbox: Inbox | None = None
    if settings.demo:
        from pdm_app.simulation.catcher import open_catcher  # Brings a mail server along, which only the demo needs.

        inbox = await stack.enter_async_context(open_catcher(clock))
    channels = ChannelDoors(settings.notices, notice_secret(work, store), clock)
    stack.push_async_callback(channels.close)
    links = NoticeLinks(sealer, work, clock)
    bell = PageBell()
    notifier = Notifier(
        work, channels.channel, clock, fence, channels.receiver, linked=links.linked, offered_to=bell.ring
    )
    supervisor.start("notices", notifier.run, stage=Stage.CONSUMER, backoff=notifier.backoff)
    supervisor.start("words of the journal", JournalWords(work, clock, fence).run, stage=Stage.CONSUMER)
    caught = inbox.set_up if inbox is not None else None
    service = NoticeService(
        work, store, clock, lambda: channels.set_up, lambda: notifier.status.failing, caught,
        lambda: notifier.status.untold,
    )  # fmt: skip
    services = NoticeServices(
        notices=service,
        notice_routes=NoticeRouteService(work, clock),
        notice_links=links,
        notice_templates=NoticeTemplateService(work, clock),
        page_notices=PageNoticeService(work, clock, bell),
        shifts=ShiftService(work, clock),
        rotas=RotaService(work, clock),
        inbox=InboxService(inbox, work, clock) if inbox is not None else None,
    )
    plugged = Notices(services, channels, inbox, notifier.wake)
    plugged.apply(settings)
    return plugged


def _address(settings: Settings) -> str:
    """Return where browsers find the pages; the demo is at this machine alone, where its own address does."""
    if settings.auth.public_url or not settings.demo:
        return settings.auth.public_url
    return f"{'https' if settings.tls.enabled else 'http'}://{settings.host}:{settings.port}"
