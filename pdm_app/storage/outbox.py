"""Notices on their way; everything but contacts belongs to a site."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.notice_routes import Contact, NoticeRoute
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import (
    Attempt,
    Message,
    MessageQuery,
    MessageState,
    Notice,
    NoticeEvent,
    NoticeState,
    OutboxFigures,
)
from pdm_app.domain.record import Record
from pdm_app.domain.samples import Micros
from pdm_app.storage import dialect
from pdm_app.storage.columns import Row
from pdm_app.storage.notice_tables import (
    AttemptRow,
    ContactRow,
    MessageRow,
    NoticeEventRow,
    NoticeRouteRow,
    NoticeRow,
)
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks, columns_of
from pdm_app.storage.tables import table_of

ROUTES = table_of(NoticeRouteRow)
CONTACTS = table_of(ContactRow)
EVENTS = table_of(NoticeEventRow)
NOTICES = table_of(NoticeRow)
MESSAGES = table_of(MessageRow)
ATTEMPTS = table_of(AttemptRow)
UNSENT = (MessageState.READY, MessageState.SENDING)
DONE = (MessageState.SENT, MessageState.DEAD, MessageState.OFFERED)  # The last to a person who never came.
IN_PAGES = (MessageState.OFFERED, MessageState.SENT)


class SqlOutbox(Repository):
    @property
    def _is_limited(self) -> bool:
        return self._transaction.scope.sites is not None

    # --- who is told ----------------------------------------------------------------------------------------------

    async def routes(self) -> Sequence[NoticeRoute]:
        return await self._find(NoticeRoute, NoticeRouteRow, order=("name", "id"))

    async def route(self, route_id: str) -> NoticeRoute | None:
        return await self._find_one(NoticeRoute, NoticeRouteRow, ROUTES.c.id == route_id)

    async def put_route(self, route: NoticeRoute) -> None:
        await self._put(NoticeRouteRow, [route])

    async def remove_route(self, route_id: str) -> bool:
        statement = delete(ROUTES).where(ROUTES.c.id == route_id, self._transaction.covers(ROUTES.c.site_id))
        return await self._transaction.write(statement, "delete a route of notices") > 0

    async def contacts(self) -> Sequence[Contact]:
        return [] if self._is_limited else await self._contacts()

    async def contact(self, user_id: str) -> Contact | None:
        found = [] if self._is_limited else await self._contacts(CONTACTS.c.id == user_id)
        return found[0] if found else None

    async def _contacts(self, *conditions: ColumnElement[bool]) -> list[Contact]:
        statement = select(*columns_of(Contact, CONTACTS)).where(*conditions).order_by(CONTACTS.c.id)
        return [Contact.model_validate(row) for row in await self._transaction.rows(statement, "read contacts")]

    async def put_contact(self, contact: Contact) -> None:
        """Keep how somebody is reached.

        Raises:
            NotFoundError: The scope is limited to some sites.
        """
        if self._is_limited:
            raise NotFoundError("There are no contacts in your sites.")
        statement = dialect.upsert(CONTACTS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store a contact", [contact.model_dump(mode="json")])

    # --- what is to be told ---------------------------------------------------------------------------------------

    async def add_events(self, events: Sequence[NoticeEvent]) -> None:
        await self._add(NoticeEventRow, events)

    async def events(self, limit: int) -> Sequence[NoticeEvent]:
        statement = (
            select(*columns_of(NoticeEvent, EVENTS))
            .where(self._transaction.covers(EVENTS.c.site_id))
            .order_by(EVENTS.c.recorded_at, EVENTS.c.id)
            .limit(limit)
        )
        found = await self._transaction.rows(statement, "read what is to be told")
        return [NoticeEvent.model_validate(row) for row in found]

    async def drop_events(self, ids: Sequence[str]) -> int:
        dropped = 0
        for some in chunks(ids, KEYS_PER_QUERY):
            statement = delete(EVENTS).where(EVENTS.c.id.in_(some), self._transaction.covers(EVENTS.c.site_id))
            dropped += await self._transaction.write(statement, "forget what was told on")
        return dropped

    async def add(self, notices: Sequence[Notice]) -> None:
        await self._add(NoticeRow, notices)

    async def _add(self, row: type[Row], records: Sequence[Record]) -> None:
        if not records:
            return
        table = table_of(row)
        given = [record.model_dump(mode="json") for record in records]
        self._refuse_foreign(table, given)
        statement = dialect.insert_new(table, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, f"store {len(given)} {table.name}", given)

    async def put(self, notices: Sequence[Notice]) -> None:
        await self._put(NoticeRow, notices)

    async def of_alarm(self, alarm_id: str) -> Sequence[Notice]:
        return await self._find(Notice, NoticeRow, NOTICES.c.alarm_id == alarm_id, order=("due_at", "id"))

    async def due(self, at: Micros, limit: int) -> Sequence[Notice]:
        statement = (
            select(*columns_of(Notice, NOTICES))
            .where(
                NOTICES.c.state == str(NoticeState.WAITING),
                NOTICES.c.due_at <= at,
                self._transaction.covers(NOTICES.c.site_id),
            )
            .order_by(NOTICES.c.due_at, NOTICES.c.id)
            .limit(limit)
        )
        found = await self._transaction.rows(statement, "read notices that are due")
        return [Notice.model_validate(row) for row in found]

    # --- what leaves ----------------------------------------------------------------------------------------------

    async def put_message(self, message: Message) -> None:
        await self._put(MessageRow, [message])

    async def message(self, message_id: str) -> Message | None:
        return await self._find_one(Message, MessageRow, MESSAGES.c.id == message_id)

    async def messages(self, query: MessageQuery) -> Sequence[Message]:
        conditions = [self._transaction.covers(MESSAGES.c.site_id)]
        if query.states:
            conditions.append(MESSAGES.c.state.in_([str(state) for state in query.states]))
        for column, wanted in (
            (MESSAGES.c.channel, query.channel),
            (MESSAGES.c.user_id, query.user_id),
            (MESSAGES.c.site_id, query.site_id),
        ):
            if wanted is not None:
                conditions.append(column == str(wanted))
        if query.before is not None:
            conditions.append(MESSAGES.c.id < query.before)  # Ids sort by age.
        return await self._messages(*conditions, order=MESSAGES.c.id.desc(), limit=query.limit)

    async def to_send(self, at: Micros, limit: int) -> Sequence[Message]:
        is_ready = MESSAGES.c.state == str(MessageState.READY)
        covers = self._transaction.covers(MESSAGES.c.site_id)
        # Where the clock was set back, what it had been put off to may be far away.
        is_due = or_(MESSAGES.c.next_at <= at, MESSAGES.c.tried_since > at)
        return await self._messages(is_ready, is_due, covers, order=MESSAGES.c.next_at.asc(), limit=limit)

    async def interrupted(self) -> Sequence[Message]:
        is_sending = MESSAGES.c.state == str(MessageState.SENDING)
        return await self._messages(
            is_sending, self._transaction.covers(MESSAGES.c.site_id), order=MESSAGES.c.id.asc(), limit=10_000
        )

    async def _messages(
        self, *conditions: ColumnElement[bool], order: ColumnElement[object], limit: int
    ) -> Sequence[Message]:
        statement = select(*columns_of(Message, MESSAGES)).where(*conditions).order_by(order).limit(limit)
        return [Message.model_validate(row) for row in await self._transaction.rows(statement, "read messages")]

    async def last_made(self, user_id: str, channel: ChannelKind) -> int | None:
        statement = select(func.max(MESSAGES.c.created_at).label("at")).where(
            MESSAGES.c.user_id == user_id,
            MESSAGES.c.channel == str(channel),
            self._transaction.covers(MESSAGES.c.site_id),
        )
        [found] = await self._transaction.rows(statement, "read messages")
        return None if found["at"] is None else int(found["at"])

    async def unread(self, user_id: str) -> int:
        statement = select(func.count().label("n")).where(*self._unread(user_id))
        [found] = await self._transaction.rows(statement, "count messages")
        return int(found["n"])

    async def put_away(self, user_id: str, until: str, at: Micros) -> int:
        statement = update(MESSAGES).where(*self._unread(user_id), MESSAGES.c.id <= until).values(read_at=at)
        return await self._transaction.write(statement, "note what was read")

    def _unread(self, user_id: str) -> tuple[ColumnElement[bool], ...]:
        return (
            MESSAGES.c.user_id == user_id,
            MESSAGES.c.channel == str(ChannelKind.PAGE),
            MESSAGES.c.state.in_([str(state) for state in IN_PAGES]),
            MESSAGES.c.read_at.is_(None),
            self._transaction.covers(MESSAGES.c.site_id),
        )

    async def forget(self, before: Micros, limit: int) -> int:
        done = MESSAGES.c.state.in_([str(state) for state in DONE])
        messages = await self._oldest(MESSAGES, done, MESSAGES.c.next_at < before, limit=limit)
        settled = NOTICES.c.state.in_([str(NoticeState.IN_MESSAGE), str(NoticeState.VOID)])
        notices = await self._oldest(NOTICES, settled, NOTICES.c.due_at < before, limit=limit)
        for column, ids in ((ATTEMPTS.c.message_id, messages), (MESSAGES.c.id, messages), (NOTICES.c.id, notices)):
            for some in chunks(ids, KEYS_PER_QUERY):
                await self._transaction.write(delete(column.table).where(column.in_(some)), "forget old notices")
        return len(messages) + len(notices)

    async def _oldest(self, table: Table, *conditions: ColumnElement[bool], limit: int) -> list[str]:
        statement = select(table.c.id).where(*conditions, self._transaction.covers(table.c.site_id)).limit(limit)
        return [row["id"] for row in await self._transaction.rows(statement, "read old notices")]

    async def add_attempt(self, attempt: Attempt) -> None:
        await self._add(AttemptRow, [attempt])

    async def attempts(self, message_id: str) -> Sequence[Attempt]:
        return await self._find(Attempt, AttemptRow, ATTEMPTS.c.message_id == message_id)

    async def figures(self) -> OutboxFigures:
        transaction = self._transaction
        covers = transaction.covers(MESSAGES.c.site_id)
        by_state = select(
            MESSAGES.c.state, func.count().label("n"), func.min(MESSAGES.c.created_at).label("since")
        ).where(covers).group_by(MESSAGES.c.state)  # fmt: skip
        found = {row["state"]: row for row in await transaction.rows(by_state, "count messages")}
        counted = select(func.count().label("n")).where(transaction.covers(EVENTS.c.site_id)).select_from(EVENTS)
        [events] = await transaction.rows(counted, "count what is to be told")
        unsent = [found[state] for state in UNSENT if state in found]
        return OutboxFigures(
            events=events["n"],
            waiting=sum(row["n"] for row in unsent),
            waiting_since=min((int(row["since"]) for row in unsent), default=None),
            dead=found[MessageState.DEAD]["n"] if MessageState.DEAD in found else 0,
            sent=found[MessageState.SENT]["n"] if MessageState.SENT in found else 0,
        )
