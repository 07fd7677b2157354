"""The demo's inbox, as people read it: each sees the messages about the sites that they see."""

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.caught import Caught, CaughtQuery, Inbox
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit


class InboxService:
    """What was caught; exists only where the demo runs.

    Args:
        inbox: Keeps it.
        work: Where the delivery log says to which site a message belongs.
        clock: Time of changes.
    """

    def __init__(self, inbox: Inbox, work: UnitOfWork, clock: Clock) -> None:
        self._inbox = inbox
        self._work = work
        self._clock = clock

    async def messages(self, actor: Actor, query: CaughtQuery) -> tuple[Caught, ...]:
        """Return a page of the inbox, newest first."""
        actor.require(Permission.ALARMS_READ)
        wanted = query.text.casefold()
        found = [
            caught
            for caught in self._inbox.newest()
            if (query.channel is None or caught.channel is query.channel)
            and (query.before is None or caught.id < query.before)
            and wanted in f"{caught.to}\n{caught.subject}\n{caught.body}".casefold()
        ]
        return tuple(await self._in_scope(actor, found, query.limit))

    async def message(self, actor: Actor, caught_id: str) -> Caught:
        """Return one message.

        Raises:
            NotFoundError: It is not there, no more, or about another site.
        """
        actor.require(Permission.ALARMS_READ)
        named = [caught for caught in self._inbox.newest() if caught.id == caught_id]
        found = await self._in_scope(actor, named, 1)
        if not found:
            raise NotFoundError("There is no such message in the inbox; it keeps the newest ones only.")
        return found[0]

    async def clear(self, actor: Actor) -> int:
        """Forget all messages; returns how many there were."""
        actor.require(Permission.SETTINGS_WRITE)
        if actor.scope.sites is not None:
            raise NotFoundError("There is no whole inbox in your sites; who sees every site clears it.")
        async with self._work(actor.scope) as work:
            cleared = self._inbox.clear()
            await audit(
                work, actor, self._clock.now(), "inbox.cleared", subject="inbox", subject_id="demo", name="demo",
                before={"messages": cleared},
            )  # fmt: skip
            await work.commit()
        return cleared

    async def _in_scope(self, actor: Actor, found: list[Caught], limit: int) -> list[Caught]:
        """Return the first ones about sites of the actor, as the delivery log tells, with what came with them."""
        visible: list[Caught] = []
        async with self._work(actor.scope) as work:
            for caught in found:
                if len(visible) == limit:
                    break
                message = await work.outbox.message(caught.message_id) if caught.message_id else None
                if message is not None:
                    visible.append(caught.model_copy(update={"copy_id": message.copy_id}))
                elif actor.scope.sites is None:
                    visible.append(caught)
        return visible
