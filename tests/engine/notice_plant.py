"""A stored plant whose alarms are told, over a channel that fails as a test wants it to."""

from collections import deque
from typing import Any

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.notice_routes import Contact, NoticeRoute, RouteStep
from pdm_app.domain.notices import Channel, ChannelKind, OutgoingMessage
from pdm_app.domain.outbox import Message, MessageQuery, events_of
from pdm_app.domain.ports import Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.notifier import Notifier
from tests.counterparts.clocks import HandClock
from tests.storage import data
from tests.storage.data import MINE, S

EMAIL = ChannelKind.EMAIL


class Script:
    """A channel that fails as it is told and keeps what it takes."""

    kind = EMAIL

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []
        self.fails: deque[BaseException] = deque()

    async def send(self, message: OutgoingMessage) -> str:
        if self.fails:
            raise self.fails.popleft()
        self.taken.append(message)
        return f"250 {len(self.taken)}"

    async def close(self) -> None: ...


class Plant:
    """A stored plant whose alarms are written as the watch writes them."""

    def __init__(self, work: UnitOfWork, clock: HandClock, fence: Fence) -> None:
        self.work, self.clock = work, clock
        self.script: Channel | None = Script()
        self._fence = fence
        self._entries = 0
        self.notifier = self.started()

    def started(self) -> Notifier:
        async def channel(kind: ChannelKind) -> Channel | None:
            return self.script

        async def fence() -> Fence:
            return self._fence

        return Notifier(self.work, channel, self.clock, fence)

    @property
    def taken(self) -> list[OutgoingMessage]:
        assert isinstance(self.script, Script)
        return self.script.taken

    async def route(self, *steps: RouteStep, **more: Any) -> None:
        given = {"id": "route", "site_id": "site-graz", "name": "Night", "steps": steps or (step(),), **more}
        async with self.work(EVERY_SITE) as work:
            await work.outbox.put_route(NoticeRoute.model_validate(given))
            await work.commit()

    async def contact(self, user: str = "olga", **more: Any) -> None:
        given = {"id": user, "email": f"{user}@plant.example", "phone": "+436601234567", **more}
        async with self.work(EVERY_SITE) as work:
            await work.outbox.put_contact(Contact.model_validate(given))
            await work.commit()

    async def journal(self, kind: JournalKind, number: int = 1, state: AlarmState | None = None, **more: Any) -> None:
        """Something happens to alarm ``number``."""
        self._entries += 1
        states = {JournalKind.RAISED: AlarmState.UNACKNOWLEDGED, JournalKind.ACKNOWLEDGED: AlarmState.ACKNOWLEDGED}
        state = state or states.get(kind, AlarmState.NORMAL)
        now = self.clock.now()
        alarm = data.alarm(MINE, number, state).model_copy(update={"raised_at": now, **more})
        entry = data.entry(MINE, self._entries)
        at = {"alarm_id": alarm.id, "kind": kind, "state": state, "at": now, "recorded_at": now}
        entry = JournalEntry.model_validate({**entry.model_dump(), **at})
        async with self.work(EVERY_SITE) as work:
            await work.alarms.put([alarm])
            await work.alarms.append([entry])
            await work.outbox.add_events(events_of([entry]))
            await work.commit()

    async def raised(self, number: int = 1, **more: Any) -> None:
        await self.journal(JournalKind.RAISED, number, **more)

    async def later(self, seconds: float) -> None:
        self.clock.at += round(seconds * S)
        await self.notifier.step()

    async def messages(self) -> list[Message]:
        async with self.work(EVERY_SITE) as work:
            return list(await work.outbox.messages(MessageQuery()))[::-1]


def step(
    after_s: float = 0, users: tuple[str, ...] = ("olga",), channels: tuple[ChannelKind, ...] = (EMAIL,)
) -> RouteStep:
    return RouteStep(after_s=after_s, user_ids=users, channels=channels)
