"""The company's own directories as an admin sees them: what is set, whether it works, and who somebody would be here.

Which directories there are, and their rules, is said by the settings; their secrets are entered here and kept sealed.
Nothing that is tried here signs anybody in or makes an account.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, User
from pdm_app.domain.directories import (
    Directory,
    DirectoryAwayError,
    DirectoryPerson,
    DirectoryRule,
    Doors,
    LdapDirectory,
    OidcProvider,
)
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.auditing import audit
from pdm_app.services.directory_people import normal_email, standing_of
from pdm_app.services.secret_store import SecretStore

log = logging.getLogger(__name__)

PURPOSE = "directory.secret"  # The record is the directory's id.
SECRET_CHARACTERS_MAX = 2_048
OIDC_PATH = "/api/auth/oidc"
GROUPS_SHOWN_MAX = 200

Kind = Literal["oidc", "ldap"]


def callback_path(directory_id: str) -> str:
    """Return where a provider sends browsers back to; each has its own, so that none answers for another."""
    return f"{OIDC_PATH}/{directory_id}/callback"


def directory_secret(work: UnitOfWork, store: SecretStore) -> Callable[[str], Awaitable[str | None]]:
    """Return what tells a door its secret of now."""

    async def secret_of(directory_id: str) -> str | None:
        async with work(EVERY_SITE) as reading:
            return await store.read(reading, PURPOSE, directory_id)

    return secret_of


class DirectoryView(Record):
    """One directory as it is set; its secret is nowhere to be read."""

    id: str
    name: str
    kind: Kind
    place: str = Field(description="Issuer, or address of the server.")
    account: str = Field(description="As whom we ask: client id, or DN of the bind; empty for nobody.")
    is_ready: bool = Field(description="What we prove ourselves with there is stored.")
    rules: tuple[DirectoryRule, ...]
    create_people: bool
    link_by_email: bool
    trusts_mfa: bool = Field(description="A second factor that is shown there is not asked for again.")
    callback_path: str = Field(description="Of OpenID Connect: below our own address, to be registered there.")
    logout_path: str = Field(description="Of OpenID Connect: where it may tell of sign-outs, likewise.")
    people: int = Field(description="Accounts here that belong to it.")


class DirectoryCheck(Record):
    """Whether a directory answers, and what it says of itself."""

    is_good: bool
    told: tuple[str, ...] = ()
    problem: str = ""


class DirectoryTrial(Record):
    """Who somebody of an LDAP directory would be here, were they to sign in now."""

    is_found: bool
    problem: str = Field(default="", description="Why nothing could be found out.")
    dn: str = ""
    username: str = ""
    display_name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    rule: int | None = Field(default=None, description="Place of the rule that fits, from 0; None where none does.")
    role: Role | None = None
    site_ids: tuple[str, ...] = ()
    account: str = Field(default="", description="Username of their account here; empty where there is none yet.")


class Identity(Record):
    """That an account here is somebody's of a directory."""

    directory_id: str
    directory: str
    subject: str
    is_made: bool = Field(description="The directory made the account, and its rules decide the role.")
    linked_at: int
    seen_at: int


class UserDirectories(Record):
    """How directories know a person."""

    user_id: str
    email: str = Field(description="A directory may recognise the person by it, where the settings let it.")
    identities: tuple[Identity, ...]


class DirectoryService:
    """For those who administer people; what a directory decides is who may do what here."""

    def __init__(self, work: UnitOfWork, clock: Clock, doors: Doors, store: SecretStore) -> None:
        self._work = work
        self._clock = clock
        self._doors = doors
        self._store = store
        self._known: dict[str, Directory] = {
            **{id_: door.provider for id_, door in doors.oidc.items()},
            **{id_: door.directory for id_, door in doors.ldap.items()},
        }

    async def all(self, actor: Actor) -> tuple[DirectoryView, ...]:
        """Return the directories that the settings name, in their order."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            kept = {fact.record_id for fact in await work.secrets.all() if fact.purpose == PURPOSE}
            counts: dict[str, int] = {}
            for identity in await work.identities.all():
                counts[identity.directory_id] = counts.get(identity.directory_id, 0) + 1
        return tuple(_view(each, kept, counts) for each in self._known.values())

    async def check(self, actor: Actor, directory_id: str) -> DirectoryCheck:
        """Ask a directory whether it is there and what the settings say.

        Raises:
            NotFoundError: The settings name none of this id.
        """
        actor.require(Permission.USERS_CONFIGURE)
        self._directory(directory_id)
        try:
            if directory_id in self._doors.oidc:
                return DirectoryCheck(is_good=True, told=tuple(await self._doors.oidc[directory_id].check()))
            await self._doors.ldap[directory_id].find("-")
        except DirectoryAwayError as error:
            return DirectoryCheck(is_good=False, problem=str(error.facts["why"]))
        server = self._doors.ldap[directory_id].directory
        return DirectoryCheck(is_good=True, told=(f"searched {server.base_dn} as {server.bind_dn or 'nobody'}",))

    async def try_person(self, actor: Actor, directory_id: str, username: str) -> DirectoryTrial:
        """Look somebody up in an LDAP directory and say who they would be here; no password is asked or tried.

        Raises:
            NotFoundError: The settings name none of this id.
            InvalidInputError: It is a provider, where people are known only once they sign in.
        """
        actor.require(Permission.USERS_CONFIGURE)
        directory = self._directory(directory_id)
        door = self._doors.ldap.get(directory_id)
        if door is None:
            fix = "sign in with it to see who you are"
            raise InvalidInputError(
                f"{directory.name} tells of people only when they sign in; {fix}.",
                [FieldIssue("directory_id", "is a provider and cannot be searched", fix)],
            )
        try:
            person = await door.find(username.strip()) if username.strip().isprintable() else None
        except DirectoryAwayError as error:
            return DirectoryTrial(is_found=False, problem=str(error.facts["why"]))
        return DirectoryTrial(is_found=False) if person is None else await self._trial(directory, person)

    async def _trial(self, directory: Directory, person: DirectoryPerson) -> DirectoryTrial:
        async with self._work(EVERY_SITE) as work:
            standing = await standing_of(work, directory, person)
            identity = await work.identities.find(directory.id, person.subject)
            user = await work.users.get(identity.user_id) if identity else None
        return DirectoryTrial(
            is_found=True,
            dn=person.dn,
            username=person.username,
            display_name=person.display_name,
            email=person.email,
            groups=person.groups[:GROUPS_SHOWN_MAX],
            rule=standing.rule if standing else None,
            role=standing.role if standing else None,
            site_ids=standing.site_ids if standing else (),
            account=user.username if user else "",
        )

    # --- secrets -----------------------------------------------------------------------------------------------------

    async def put_secret(self, actor: Actor, directory_id: str, secret: str) -> DirectoryView:
        """Store the client secret, or the password of our bind; it is used from the next question on.

        Raises:
            NotFoundError: The settings name none of this id.
            InvalidInputError: Empty or too long.
        """
        actor.require(Permission.USERS_CONFIGURE)
        directory = self._directory(directory_id)
        if not 1 <= len(secret) <= SECRET_CHARACTERS_MAX:
            problem = f"has {len(secret)} characters; 1 to {SECRET_CHARACTERS_MAX} are taken"
            raise InvalidInputError(f"The secret {problem}.", [FieldIssue("secret", problem)])
        async with self._work(EVERY_SITE) as work:
            await self._store.keep(work, PURPOSE, directory.id, secret)
            await self._note(work, actor, directory, "directories.secret_set")
            await work.commit()
        return await self._shown(actor, directory_id)

    async def remove_secret(self, actor: Actor, directory_id: str) -> DirectoryView:
        """Forget the secret of a directory; none is no error."""
        actor.require(Permission.USERS_CONFIGURE)
        directory = self._directory(directory_id)
        async with self._work(EVERY_SITE) as work:
            await self._store.forget(work, PURPOSE, directory.id)
            await self._note(work, actor, directory, "directories.secret_removed")
            await work.commit()
        return await self._shown(actor, directory_id)

    async def _note(self, work: Work, actor: Actor, directory: Directory, action: str) -> None:
        await audit(work, actor, self._clock.now(), action, subject="directory", subject_id=directory.id,
                    name=directory.name)  # fmt: skip

    async def _shown(self, actor: Actor, directory_id: str) -> DirectoryView:
        return next(view for view in await self.all(actor) if view.id == directory_id)

    # --- people ------------------------------------------------------------------------------------------------------

    async def of_user(self, actor: Actor, user_id: str) -> UserDirectories:
        """Return how directories know a person.

        Raises:
            NotFoundError: There is no such person.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            return await self._of(work, await _person(work, user_id))

    async def set_email(self, actor: Actor, user_id: str, email: str) -> UserDirectories:
        """Set the address by which a directory may recognise a person; an empty one removes it.

        Raises:
            NotFoundError: There is no such person.
            InvalidInputError: It is no address.
            ConflictError: Somebody else has it.
        """
        actor.require(Permission.USERS_CONFIGURE)
        tidy = normal_email(email)
        if email.strip() and not tidy:
            fix = "write one such as ada@plant.example"
            raise InvalidInputError(f"This is no e-mail address; {fix}.", [FieldIssue("email", "is no address", fix)])
        async with self._work(EVERY_SITE) as work:
            user = await _person(work, user_id)
            before = await work.identities.email(user.id)
            await _free_email(work, user, tidy)
            await work.identities.put_email(user.id, tidy)
            await audit(work, actor, self._clock.now(), "users.email_set", subject="user", subject_id=user.id,
                        name=user.username, before={"email": before}, after={"email": tidy})  # fmt: skip
            told = await self._of(work, user)
            await work.commit()
        return told

    async def unlink(self, actor: Actor, user_id: str, directory_id: str, subject: str) -> UserDirectories:
        """End the link between an account and somebody of a directory, who then is a stranger there again.

        Raises:
            NotFoundError: There is no such person, or no such link.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            user = await _person(work, user_id)
            identity = await work.identities.find(directory_id, subject)
            if identity is None or identity.user_id != user.id:
                raise NotFoundError(f"{user.username} is not known there by that name.")
            await work.identities.remove(directory_id, subject)
            before = {"directory": directory_id, "subject": subject}
            await audit(work, actor, self._clock.now(), "users.unlinked", subject="user", subject_id=user.id,
                        name=user.username, before=before)  # fmt: skip
            told = await self._of(work, user)
            await work.commit()
        return told

    async def _of(self, work: Work, user: User) -> UserDirectories:
        rows = await work.identities.of_user(user.id)
        identities = tuple(
            Identity(
                directory_id=row.directory_id,
                directory=self._known[row.directory_id].name if row.directory_id in self._known else row.directory_id,
                subject=row.subject,
                is_made=row.is_made,
                linked_at=int(row.linked_at),
                seen_at=int(row.seen_at),
            )
            for row in rows
        )
        return UserDirectories(user_id=user.id, email=await work.identities.email(user.id), identities=identities)

    def _directory(self, directory_id: str) -> Directory:
        found = self._known.get(directory_id)
        if found is None:
            raise NotFoundError(f"The settings name no directory {directory_id!r}. They are read at the start.")
        return found


async def _person(work: Work, user_id: str) -> User:
    user = await work.users.get(user_id)
    if user is None or user.deleted_at is not None or user.role is Role.SERVICE:
        raise NotFoundError(f"There is no user {user_id!r}.")
    return user


async def _free_email(work: Work, user: User, email: str) -> None:
    holder_id = await work.identities.user_of_email(email) if email else None
    holder = await work.users.get(holder_id) if holder_id and holder_id != user.id else None
    if holder is None:
        return
    if holder.deleted_at is None:
        raise ConflictError(f"{holder.username} has this address already. Take it away there first.")
    await work.identities.put_email(holder.id, "")


def _view(directory: Directory, kept: set[str], counts: Mapping[str, int]) -> DirectoryView:
    is_oidc = isinstance(directory, OidcProvider)
    place, account = _where(directory)
    return DirectoryView(
        id=directory.id,
        name=directory.name,
        kind="oidc" if is_oidc else "ldap",
        place=place,
        account=account,
        is_ready=directory.id in kept,
        rules=directory.rules,
        create_people=directory.create_people,
        link_by_email=directory.link_by_email,
        trusts_mfa=isinstance(directory, OidcProvider) and bool(directory.mfa_values),
        callback_path=callback_path(directory.id) if is_oidc else "",
        logout_path=f"{OIDC_PATH}/{directory.id}/logout" if is_oidc else "",
        people=counts.get(directory.id, 0),
    )


def _where(directory: Directory) -> Sequence[str]:
    if isinstance(directory, OidcProvider):
        return directory.issuer, directory.client_id
    assert isinstance(directory, LdapDirectory)  # noqa: S101 - there is no third kind
    return directory.url, directory.bind_dn
