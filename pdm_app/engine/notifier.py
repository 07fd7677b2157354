"""Tells people about alarms: asks the routes, gathers what is due into messages, and hands these to the channels.

Three steps, each a transaction of its own, so that a crash between any two of them loses nothing:

1. Journal entries wait in a queue that was stored with them. Each becomes notices, or makes waiting ones pointless.
2. What is due for one person, or for whoever is on call, over one channel becomes one message; a flood leaves as few.
3. A message is marked as being handed over, handed over, and marked with the outcome. One that is found with the first
   mark at the start was interrupted: it goes out once more and says so.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.notices import Attachment, Channel, ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.domain.outbox import (
    KEPT_DAYS,
    Attempt,
    Message,
    MessageState,
    Notice,
    failed,
    interrupted,
    offered,
    sending,
    sent,
)
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.reports import MEDIA_TYPES
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.engine.notice_gatherer import NoticeGatherer
from pdm_app.engine.supervisor import Backoff, first_of

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0  # A net: what is due at a time, and what another process has left; news of alarms wake.
MESSAGES_PER_STEP = 50
FORGOTTEN_PER_STEP = 500
DAY_US = 86_400 * MICROS_PER_S
TIDY_EVERY_US = 3_600 * MICROS_PER_S
GAP_S = 60.0  # Between two messages to one person over one channel; the first of a flood leaves at once.
NO_CHANNEL = "is not set up. Set it up under Settings; the message waits."


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """How it is doing.

    Attributes:
        failing: The channels whose newest attempt failed, and why.
        untold: Who could not be told, and why.
    """

    failing: Mapping[str, str]
    untold: Sequence[str]


class Notifier:
    """Run `run` under the supervisor with ``backoff=notifier.backoff``.

    Args:
        work: Where notices are.
        channels: Returns the channel of a kind as it is set up now, or None.
        clock: Injected time.
        fence: Proof of the collector lease.
        receiver: What stands for the program that a kind of channel tells; empty where there is none.
        gap_s: See `GAP_S`.
        linked: See `NoticeGatherer`.
        offered_to: Called with the id of a person when a message lies ready for their pages.
    """

    def __init__(
        self,
        work: UnitOfWork,
        channels: Callable[[ChannelKind], Awaitable[Channel | None]],
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        receiver: Callable[[ChannelKind], str] = lambda _: "",
        gap_s: float = GAP_S,
        linked: Callable[[Notice], str] = lambda _: "",
        offered_to: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._work = work
        self._channels = channels
        self._clock = clock
        self._fence = fence
        self._gatherer = NoticeGatherer(work, clock, fence, receiver, gap_s, linked)
        self._offered_to = offered_to
        self._failing: dict[str, str] = {}
        self._tidy_at = Micros(0)
        self._news = asyncio.Event()
        self.backoff = Backoff(first_s=1.0, cap_s=10.0)

    @property
    def status(self) -> NotifierStatus:
        return NotifierStatus(dict(self._failing), self._gatherer.untold)

    async def run(self) -> None:
        """Tell for ever.

        Raises:
            UnavailableError: The database does not answer; run again, nothing is forgotten.
            FencedError: Another process tells people.
        """
        await self.recover()
        while True:
            self._news.clear()
            await self.step()
            await self.tidy()
            self.backoff.reset()
            await first_of(self._news.wait(), self._clock.sleep(LOOK_EVERY_S))

    def wake(self) -> None:
        """Look at once, or once more after the look that is being taken: there is something new to tell."""
        self._news.set()

    async def recover(self) -> None:
        """Have messages go out once more whose handing over was interrupted."""
        fence, now = await self._fence(), self._clock.now()
        async with self._work(EVERY_SITE) as work:
            found = await work.outbox.interrupted()
            if not found:
                return
            await work.hold(fence)
            for message in found:
                await work.outbox.put_message(interrupted(message, now))
            await work.commit()
        log.warning("messages may go out twice: handing over was interrupted", messages=len(found))

    async def step(self) -> None:
        """Ask the routes, gather, hand over; once."""
        while await self._gatherer.ask_routes():
            pass
        while await self._gatherer.find_on_call():
            pass
        while await self._gatherer.gather():
            pass
        await self._hand_over()

    async def tidy(self) -> None:
        """Once an hour, forget what was done with more than `KEPT_DAYS` ago, a part at a time."""
        now = self._clock.now()
        if now < self._tidy_at:
            return
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            forgotten = await work.outbox.forget(Micros(now - KEPT_DAYS * DAY_US), FORGOTTEN_PER_STEP)
            await work.commit()
        if forgotten == 0:
            self._tidy_at = Micros(now + TIDY_EVERY_US)
        else:
            log.info("old notices are forgotten", rows=forgotten)

    # --- handing over ---------------------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Hand over what is ready; the channels side by side, each one message after the other."""
        async with self._work(EVERY_SITE) as work:
            ready = await work.outbox.to_send(self._clock.now(), MESSAGES_PER_STEP)
        by_channel: dict[ChannelKind, list[Message]] = defaultdict(list)
        for message in ready:
            by_channel[message.channel].append(message)
        done = await asyncio.gather(
            *(self._hand_over_all(kind, messages) for kind, messages in by_channel.items()), return_exceptions=True
        )
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _hand_over_all(self, kind: ChannelKind, messages: list[Message]) -> None:
        for message in messages:
            taken = sending(message)
            async with self._work(EVERY_SITE) as work:
                await work.hold(await self._fence())
                await work.outbox.put_message(taken)
                await work.commit()
            outcome = await self._attempted(kind, taken)
            if outcome.state is MessageState.READY:
                return  # The others would likely fail alike; they keep their turn, a second from now.

    async def _attempted(self, kind: ChannelKind, message: Message) -> Message:
        try:
            reply = await self._deliver(kind, message)
        except DeliveryError as error:
            outcome = failed(message, self._clock.now(), error)
            if self._failing.get(kind) != error.message:
                log.warning("a message was not handed over", channel=str(kind), message=message.id, why=error.message)
            self._failing[kind] = error.message
        else:
            is_offered = kind is ChannelKind.PAGE  # It is there when a browser has shown it.
            outcome = offered(message, reply) if is_offered else sent(message, self._clock.now(), reply)
            self._failing.pop(kind, None)
        now = self._clock.now()
        attempt = Attempt(
            id=new_id(now), site_id=message.site_id, message_id=message.id, at=now, number=message.attempts,
            is_sent=not outcome.problem, reply=outcome.reply, problem=outcome.problem,
        )  # fmt: skip
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            await work.outbox.put_message(outcome)
            await work.outbox.add_attempt(attempt)
            await work.commit()
        if outcome.state is MessageState.OFFERED:
            self._offered_to(outcome.user_id)
        return outcome

    async def _deliver(self, kind: ChannelKind, message: Message) -> str:
        channel = await self._channels(kind)
        if channel is None:
            raise DeliveryError(f"{kind.value.capitalize()} {NO_CHANNEL}")
        return await channel.send(
            OutgoingMessage(
                id=message.id, to=message.address, subject=message.subject, body=message.body, at=message.created_at,
                priority=message.priority, is_repeat=message.is_repeat, attachment=await self._attached(message),
                site_id=message.site_id, alarm_id=message.alarm_id, alarms=message.alarms,
            )
        )  # fmt: skip

    async def _attached(self, message: Message) -> Attachment | None:
        """Return the copy of a report that a message carries; None also where it is not kept any more."""
        if message.copy_id is None:
            return None
        async with self._work(EVERY_SITE) as work:
            copy, content = await work.reports.copy(message.copy_id), await work.reports.content(message.copy_id)
        if copy is None or content is None:
            return None
        media_type = MEDIA_TYPES[copy.format].partition(";")[0]
        return Attachment(name=copy.file_name, media_type=media_type, content=content)
