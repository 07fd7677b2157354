"""Messages in the pages of the product: what is new for a person, what their browser has shown, what they have read."""

from collections.abc import AsyncGenerator, Sequence

from pdm_app.domain.access import EVERY_SITE, Actor
from pdm_app.domain.notice_routes import Contact
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import MessageQuery, MessageState
from pdm_app.domain.page_notices import PageNotice, PageNotices, in_page, shown
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.stream.page_bell import PageBell

NEWEST = 20
LISTED = (MessageState.OFFERED, MessageState.SENT)


class PageNoticeService:
    """Everything here is about the actor's own messages, and those of sites that they may still see.

    Args:
        work: Where messages are.
        clock: Time of receipts.
        bell: Rings when a message lies ready.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, bell: PageBell) -> None:
        self._work = work
        self._clock = clock
        self._bell = bell

    async def watch(self, actor: Actor) -> AsyncGenerator[PageNotices, None]:
        """Yield what is there, and again whenever something has come or was read, until the caller leaves."""
        with self._bell.listening(actor.id) as heard:
            while True:
                heard.clear()  # Before reading: what comes meanwhile is read once more rather than missed.
                yield await self.now(actor)
                await heard.wait()

    async def now(self, actor: Actor) -> PageNotices:
        """Return what the actor's pages show."""
        async with self._work(EVERY_SITE) as work:
            contact = await work.outbox.contact(actor.id) or Contact(id=actor.id)
        async with self._work(actor.scope) as work:
            return PageNotices(
                unread=await work.outbox.unread(actor.id),
                sounds_to=contact.sounds_to if contact.in_page else 0,
                newest=await _listed(work, MessageQuery(user_id=actor.id, limit=NEWEST)),
            )

    async def page(self, actor: Actor, before: str | None, limit: int) -> tuple[PageNotice, ...]:
        """Return messages older than one, newest first."""
        async with self._work(actor.scope) as work:
            return await _listed(work, MessageQuery(user_id=actor.id, before=before, limit=limit))

    async def shown(self, actor: Actor, message_ids: Sequence[str]) -> int:
        """Note that a browser has shown messages, each in its log; return how many were not known to be.

        What is none of the actor's, or is gone, is passed over: a browser tells what it has shown, and asks nothing.
        """
        now, found = self._clock.now(), 0
        async with self._work(actor.scope) as work:
            for message_id in dict.fromkeys(message_ids):
                message = await work.outbox.message(message_id)
                is_own = message is not None and (message.user_id, message.channel) == (actor.id, ChannelKind.PAGE)
                if message is None or not is_own or message.state is not MessageState.OFFERED:
                    continue
                told, receipt = shown(message, now)
                await work.outbox.put_message(told)
                await work.outbox.add_attempt(receipt)
                found += 1
            if found:
                await work.commit()
        if found:
            self._bell.ring(actor.id)
        return found

    async def put_away(self, actor: Actor, until: str) -> int:
        """Note that the actor has read all up to a message; return how many that were."""
        async with self._work(actor.scope) as work:
            read = await work.outbox.put_away(actor.id, until, self._clock.now())
            await work.commit()
        if read:
            self._bell.ring(actor.id)
        return read


async def _listed(work: Work, query: MessageQuery) -> tuple[PageNotice, ...]:
    asked = query.model_copy(update={"channel": ChannelKind.PAGE, "states": LISTED})
    return tuple(in_page(message) for message in await work.outbox.messages(asked))
