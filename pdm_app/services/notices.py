"""Notices as people set them up and follow them: contacts, channels, and the log of what was handed over."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, User
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.notice_channels import ChannelsSetUp
from pdm_app.domain.notice_routes import Contact, ContactFacts, ContactView
from pdm_app.domain.notices import ADDRESS_MAX, ChannelKind
from pdm_app.domain.outbox import Attempt, Message, MessageQuery, MessageState, OutboxFigures, revived
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.system import Check

PURPOSE = "notices.secret"  # The record is the channel's kind.
SECRET_CHARACTERS_MAX = 2_048
UNTOLD_SHOWN_MAX = 3
LATE_S = 300.0  # A message that has waited longer is worth a word in the health of the product.
TEST_WORDS = "This is a test, sent by hand from pdm_app. Nothing is wrong."


def notice_secret(work: UnitOfWork, store: SecretStore) -> Callable[[str], Awaitable[str | None]]:
    """Return what tells a channel its secret of now."""

    async def secret_of(channel: str) -> str | None:
        async with work(EVERY_SITE) as reading:
            return await store.read(reading, PURPOSE, channel)

    return secret_of


class ChannelView(Record):
    """One way out, as it is set up; its secret is nowhere to be read."""

    kind: ChannelKind
    is_set_up: bool
    place: str = Field(description="Where it leads; empty where it is not set up.")
    is_simulated: bool = Field(default=False, description="It leads to the demo's inbox.")
    has_secret: bool
    problem: str = Field(description="Why the newest attempt failed; empty where it did not.")


class NoticeStatus(Record):
    """The channels, and how much waits."""

    channels: tuple[ChannelView, ...]
    figures: OutboxFigures


class MessageView(Record):
    """A message with its log."""

    message: Message
    attempts: tuple[Attempt, ...]


class NoticeService:
    """How people are told, and the proof.

    Args:
        work: Where all is stored.
        store: Holds the channels' secrets.
        clock: Time of changes.
        set_up: The channels as they are set up now.
        failing: Why the newest attempt of a channel failed.
        caught: The channels that lead to the demo's inbox; None where there is none.
        untold: Who could not be told, and why.
    """

    def __init__(
        self,
        work: UnitOfWork,
        store: SecretStore,
        clock: Clock,
        set_up: Callable[[], ChannelsSetUp],
        failing: Callable[[], Mapping[str, str]],
        caught: ChannelsSetUp | None = None,
        untold: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._work = work
        self._store = store
        self._clock = clock
        self.set_up = set_up
        self._failing = failing
        self._caught = caught
        self._untold = untold

    # --- contacts -------------------------------------------------------------------------------------------------

    async def contacts(self, actor: Actor) -> tuple[ContactView, ...]:
        """Return how everybody can be reached, by name."""
        _require_people(actor)
        async with self._work(EVERY_SITE) as work:
            users = [user for user in await work.users.all() if user.is_active and user.deleted_at is None]
            known = {contact.id: contact for contact in await work.outbox.contacts()}
        return tuple(
            _view(user, known.get(user.id) or Contact(id=user.id))
            for user in sorted(users, key=lambda user: user.username)
        )

    async def my_contact(self, actor: Actor) -> Contact:
        """Return how the actor can be reached."""
        async with self._work(EVERY_SITE) as work:
            return await work.outbox.contact(actor.id) or Contact(id=actor.id)

    async def put_my_contact(self, actor: Actor, facts: ContactFacts) -> Contact:
        """Say how the actor can be reached."""
        return await put_contact(self._work, self._clock, actor, actor.id, facts)

    async def put_contact(self, actor: Actor, user_id: str, facts: ContactFacts) -> Contact:
        """Say how somebody can be reached.

        Raises:
            NotFoundError: There is nobody of this id.
        """
        _require_people(actor)
        return await put_contact(self._work, self._clock, actor, user_id, facts)

    # --- channels -------------------------------------------------------------------------------------------------

    async def status(self, actor: Actor) -> NoticeStatus:
        """Return what is set up and how it is doing."""
        actor.require(Permission.ALARMS_CONFIGURE)
        places, failing = self.set_up().places(), self._failing()
        caught = self._caught.places() if self._caught is not None else {}
        async with self._work(actor.scope) as work:
            figures = await work.outbox.figures()
        async with self._work(EVERY_SITE) as work:
            kept = {kind for kind in ChannelKind if await self._store.read(work, PURPOSE, kind) is not None}
        return NoticeStatus(
            channels=tuple(
                ChannelView(
                    kind=kind, is_set_up=kind in places, place=places.get(kind, ""), has_secret=kind in kept,
                    problem=failing.get(kind, ""),
                    is_simulated=kind in caught and places.get(kind) == caught[kind],
                )
                for kind in ChannelKind
            ),
            figures=figures,
        )  # fmt: skip

    async def put_secret(self, actor: Actor, channel: ChannelKind, secret: str) -> None:
        """Keep the password or key of a channel, or forget it where it is empty; it holds from the next message on.

        Raises:
            InvalidInputError: It is too long.
        """
        _require_settings(actor)
        if len(secret) > SECRET_CHARACTERS_MAX:
            problem = f"has {len(secret)} characters, more than {SECRET_CHARACTERS_MAX}"
            raise InvalidInputError(f"The secret {problem}.", [FieldIssue("secret", problem)])
        async with self._work(EVERY_SITE) as work:
            if secret:
                await self._store.keep(work, PURPOSE, channel, secret)
            else:
                await self._store.forget(work, PURPOSE, channel)
            await audit(
                work, actor, self._clock.now(), "notices.login_changed" if secret else "notices.login_forgotten",
                subject="notice_channel", subject_id=channel, name=channel,
            )  # fmt: skip
            await work.commit()

    async def test(self, actor: Actor, channel: ChannelKind, address: str, site_id: str) -> Message:
        """Send a message to an address, in the pages to the actor; look at `message` for what became of it.

        Raises:
            InvalidInputError: The channel is not set up, or this is no address.
        """
        _require_settings(actor)
        if channel not in self.set_up().places():
            words = f"{channel.value.capitalize()} is not set up. Set it up under Settings, General."
            raise InvalidInputError(words, [FieldIssue("channel", "is not set up")])
        if not address.strip() or len(address) > ADDRESS_MAX:
            raise InvalidInputError("This is no address.", [FieldIssue("address", "is empty or too long")])
        now, is_page = self._clock.now(), channel is ChannelKind.PAGE
        message = Message(
            id=new_id(now), site_id=site_id, user_id=actor.id if is_page else "", channel=channel,
            address=actor.name if is_page else address.strip(),
            subject="Test of notices", body=TEST_WORDS, priority=4, alarms=0, created_at=now,
            tried_since=now, next_at=now,
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            if site_id not in {site.id for site in await work.sites.all()}:
                raise NotFoundError(f"There is no site {site_id!r}.")
            await work.outbox.put_message(message)
            await audit(
                work, actor, now, "notices.tested", subject="notice_channel", subject_id=channel, name=channel,
                site_id=site_id, after={"address": message.address},
            )  # fmt: skip
            await work.commit()
        return message

    # --- the log --------------------------------------------------------------------------------------------------

    async def messages(self, actor: Actor, query: MessageQuery) -> tuple[Message, ...]:
        """Return a page of the delivery log, newest first.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        if query.site_id is not None:
            actor.require_site(query.site_id, f"site {query.site_id!r}")
        async with self._work(actor.scope) as work:
            return tuple(await work.outbox.messages(query))

    async def message(self, actor: Actor, message_id: str) -> MessageView:
        """Return a message and each attempt to hand it over.

        Raises:
            NotFoundError: There is none in the actor's sites.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            message = await _message(work, message_id)
            return MessageView(message=message, attempts=tuple(await work.outbox.attempts(message_id)))

    async def retry(self, actor: Actor, message_id: str) -> Message:
        """Try a message again that was given up.

        Raises:
            NotFoundError: There is none in the actor's sites.
            ConflictError: It was not given up.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            message = await _message(work, message_id)
            if message.state is not MessageState.DEAD:
                raise ConflictError(
                    f"This message is {message.state}; only one that was given up is tried again by hand."
                )
            again = revived(message, now)
            await work.outbox.put_message(again)
            await audit(
                work, actor, now, "notices.retried", subject="notice_message", subject_id=message_id,
                name=message.subject[:120], site_id=message.site_id, before={"state": message.state},
                after={"state": again.state},
            )  # fmt: skip
            await work.commit()
        return again

    async def check(self) -> Check:
        """Say for the health of the product whether messages leave in time."""
        async with self._work(EVERY_SITE) as work:
            figures = await work.outbox.figures()
        late_s = 0.0
        if figures.waiting_since is not None:
            late_s = (self._clock.now() - figures.waiting_since) / MICROS_PER_S
        if late_s > LATE_S:
            why = "; ".join(self._failing().values())
            detail = f"{figures.waiting} messages wait, the oldest for {late_s / 60:.0f} minutes. {why}".strip()
            return Check(name="notices", ok=False, detail=detail, needed=False)
        untold = self._untold()
        if untold:
            who = "; ".join(untold[:UNTOLD_SHOWN_MAX])
            return Check(name="notices", ok=False, detail=f"Not everybody could be told: {who}", needed=False)
        given_up = f"; {figures.dead} given up, see the delivery log" if figures.dead else ""
        return Check(name="notices", ok=True, detail=f"{figures.sent} messages handed over{given_up}", needed=False)


async def put_contact(work: UnitOfWork, clock: Clock, actor: Actor, user_id: str, facts: ContactFacts) -> Contact:
    """Keep how somebody can be reached; who may do so has been judged.

    Raises:
        NotFoundError: There is nobody of this id.
    """
    async with work(EVERY_SITE) as w:
        user = await w.users.get(user_id)
        if user is None or user.deleted_at is not None:
            raise NotFoundError(f"There is nobody with the id {user_id!r}.")
        before = await w.outbox.contact(user_id) or Contact(id=user_id)
        contact = Contact(**facts.model_dump(), id=user_id, revision=before.revision + 1)
        await w.outbox.put_contact(contact)
        await audit(
            w, actor, clock.now(), "notices.contact_changed", subject="user", subject_id=user_id, name=user.username,
            before=before, after=contact,
        )  # fmt: skip
        await w.commit()
    return contact


def _view(user: User, contact: Contact) -> ContactView:
    return ContactView(contact=contact, username=user.username, display_name=user.display_name)


async def _message(work: Work, message_id: str) -> Message:
    message = await work.outbox.message(message_id)
    if message is None:
        raise NotFoundError(f"There is no message {message_id!r}.")
    return message


def _require_people(actor: Actor) -> None:
    actor.require(Permission.USERS_CONFIGURE)
    _require_all_sites(actor)


def _require_settings(actor: Actor) -> None:
    actor.require(Permission.SETTINGS_WRITE)
    _require_all_sites(actor)


def _require_all_sites(actor: Actor) -> None:
    if actor.scope.sites is not None:
        raise NotFoundError("There are no channels and contacts in your sites.")
