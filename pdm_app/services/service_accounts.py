"""Service accounts: programs that call with a key, with exactly the rights and sites they were given.

A key is shown once, when it is made; stored is its SHA-256, which is enough for a secret of 256 random bits. It is sent
as ``Authorization: Bearer KEY`` wherever an access token is.
"""

import logging
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, Scope, User
from pdm_app.domain.credentials import ApiKey
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.auditing import audit
from pdm_app.services.devices import key_hash
from pdm_app.services.holdings import refuse_to_give
from pdm_app.services.patience import impatient
from pdm_app.services.people import OF_ADMINS, add_user, new_user
from pdm_app.services.tokens import refused

log = logging.getLogger(__name__)

ALPHABET = string.ascii_letters + string.digits
KEY_START = "pds_"
HINT_CHARACTERS = 6
SECRET_CHARACTERS = 43  # Of 62 each: 256 bits.
KEY_FORM = re.compile(rf"pds_[a-z0-9]{{{HINT_CHARACTERS}}}_[A-Za-z0-9]{{{SECRET_CHARACTERS}}}")
REREAD_S = 10  # A key revoked by another process is refused within this time; by this one at once.
USED_S = 60  # How often "last used" is written.
KNOWN_MAX = 10_000
KEYS_MAX = 20  # Good ones of one account.
DAY = 86_400 * MICROS_PER_S


class NewApiKey(Record):
    """A key just made; ``shown_once`` is the key itself, which is stored nowhere."""

    key: ApiKey
    shown_once: str


class ServiceAccount(Record):
    """An account of a program with its keys, the newest first."""

    account: User
    keys: tuple[ApiKey, ...] = Field(description="Revoked and expired ones too.")


@dataclass(slots=True)
class _Known:
    key: ApiKey
    account: User
    read_at: Micros
    used_at: Micros


class ServiceAccountService:
    """Administration of service accounts, and from a key to an Actor."""

    def __init__(self, work: UnitOfWork, clock: Clock, overlap_hours: float = 24) -> None:
        self._work = work
        self._clock = clock
        self.overlap_hours(overlap_hours)
        self._known: dict[str, _Known] = {}
        self._generation = 0

    def overlap_hours(self, hours: float) -> None:
        """Let keys that are rotated from now on work on for so long."""
        self._overlap = round(hours * 3600 * MICROS_PER_S)

    async def all(self, actor: Actor) -> tuple[ServiceAccount, ...]:
        """Return all service accounts by name, without deleted ones."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            users = [user for user in await work.users.all() if user.role is Role.SERVICE and user.deleted_at is None]
            keys = await work.api_keys.all()
        return tuple(_with_keys(user, keys) for user in sorted(users, key=lambda user: user.username))

    async def by_id(self, actor: Actor, user_id: str) -> ServiceAccount:
        """Return one account.

        Raises:
            NotFoundError: There is no service account with this id.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            user = await _account(work, user_id)
            return _with_keys(user, await work.api_keys.all(user_id))

    async def create(
        self,
        actor: Actor,
        username: str,
        display_name: str = "",
        site_ids: Sequence[str] = (),
        permissions: Sequence[Permission] = (),
    ) -> ServiceAccount:
        """Make an account with these rights and no others.

        Raises:
            InvalidInputError: Names the field and the fix.
            ConflictError: The name is taken, or was somebody's who is deleted.
        """
        actor.require(Permission.USERS_CONFIGURE)
        _check_rights(permissions)
        now = self._clock.now()
        user = new_user(now, username, display_name, Role.SERVICE, site_ids)
        user = user.model_copy(update={"grants": tuple(sorted(set(permissions)))})
        refuse_to_give(actor, user.grants, user.username, is_program=True)
        async with self._work(EVERY_SITE) as work:
            await add_user(work, user)
            await audit(work, actor, now, "service_accounts.created", subject="user", subject_id=user.id,
                        name=user.username, after=user)  # fmt: skip
            await work.commit()
        return ServiceAccount(account=user, keys=())

    async def create_key(self, actor: Actor, user_id: str, name: str, days: int | None = 365) -> NewApiKey:
        """Make a key. Others of the account stay good, so that keys can be changed without a gap.

        Args:
            actor: Who asks.
            user_id: The account.
            name: What the key is for.
            days: It ends after so many; None for never.

        Raises:
            NotFoundError: There is no such service account.
            ConflictError: It has too many good keys.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            user = await _account(work, user_id)
            expires_at = None if days is None else int(now) + days * DAY
            made = await self._make(work, actor, user, name, expires_at, now)
            await audit(work, actor, now, "service_accounts.key_created", subject="user", subject_id=user.id,
                        name=user.username, after=made.key)  # fmt: skip
            await work.commit()
        return made

    async def rotate_key(self, actor: Actor, key_id: str) -> NewApiKey:
        """Make the successor of a key, with its name and span; the old one works on for the overlap of the settings.

        Raises:
            NotFoundError: There is no such key.
            ConflictError: It has ended already.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            old, user = await _key(work, key_id)
            if not _is_good(old, now):
                raise ConflictError(f"The key {old.hint} has ended. Make a new one instead.")
            expires_at = None if old.expires_at is None else int(now) + old.expires_at - old.created_at
            made = await self._make(work, actor, user, old.name, expires_at, now)
            ends_at = min(int(now) + self._overlap, old.expires_at or 2**53)
            ending = old.model_copy(update={"expires_at": ends_at})
            await work.api_keys.put(ending)
            await audit(work, actor, now, "service_accounts.key_rotated", subject="user", subject_id=user.id,
                        name=user.username, before=old, after=made.key)  # fmt: skip
            await work.commit()
        self._forget(key_id)
        return made

    async def revoke_key(self, actor: Actor, key_id: str) -> ApiKey:
        """End a key, here at once; one that was revoked before stays as it is.

        Raises:
            NotFoundError: There is no such key.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            old, user = await _key(work, key_id)
            if old.revoked_at is not None:
                return old
            revoked = old.model_copy(update={"revoked_at": int(now)})
            await work.api_keys.put(revoked)
            await audit(work, actor, now, "service_accounts.key_revoked", subject="user", subject_id=user.id,
                        name=user.username, before=old, after=revoked)  # fmt: skip
            await work.commit()
        self._forget(key_id)
        return revoked

    async def actor_of_key(self, key: str, address: str = "") -> Actor:
        """Return the account that holds a key, with the rights of this moment.

        Raises:
            UnauthenticatedError: Malformed, unknown, expired, revoked, or the account has ended: one text for all.
            UnavailableError: The database does not answer and the key is not known here.
        """
        if not KEY_FORM.fullmatch(key):
            raise refused("malformed key")
        hash_, now = key_hash(key), self._clock.now()
        known = self._known.get(hash_)
        if known is None or not 0 <= now - known.read_at < REREAD_S * MICROS_PER_S:
            known = await self._reread(hash_, known, now)
        if not _is_good(known.key, now) or not known.account.is_active:
            raise refused("key has ended")
        if now - known.used_at >= USED_S * MICROS_PER_S:
            await self._note_use(known, now)
        account = known.account
        return Actor(
            id=account.id,
            name=account.username,
            role=account.role,
            scope=Scope(sites=frozenset(account.site_ids)),
            permissions=frozenset(account.grants),
            address=address,
        )

    def forget_user(self, user_id: str) -> None:
        """Read an account anew at the next call: its rights, sites or state have changed."""
        self._generation += 1
        for hash_ in [hash_ for hash_, known in self._known.items() if known.account.id == user_id]:
            del self._known[hash_]

    async def _make(
        self, work: Work, actor: Actor, user: User, name: str, expires_at: int | None, now: Micros
    ) -> NewApiKey:
        if sum(_is_good(key, now) for key in await work.api_keys.all(user.id)) >= KEYS_MAX:
            raise ConflictError(f"{user.username} has {KEYS_MAX} keys. Revoke one that is not used first.")
        hint = KEY_START + "".join(
            secrets.choice(string.ascii_lowercase + string.digits) for _ in range(HINT_CHARACTERS)
        )
        secret = f"{hint}_" + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
        key = ApiKey(
            id=new_id(now),
            user_id=user.id,
            name=name,
            hint=hint,
            created_at=int(now),
            created_by=actor.name,
            expires_at=expires_at,
        )
        await work.api_keys.add(key, key_hash(secret))
        return NewApiKey(key=key, shown_once=secret)

    async def _reread(self, hash_: str, known: _Known | None, now: Micros) -> _Known:
        generation = self._generation
        try:
            async with impatient(can_do_without=known is not None), self._work(EVERY_SITE) as work:
                key = await work.api_keys.by_hash(hash_)
                account = await work.users.get(key.user_id) if key else None
        except UnavailableError:
            if known is None:
                raise
            known.read_at = now
            return known
        if key is None or account is None:
            self._known.pop(hash_, None)
            raise refused("unknown key")
        used_at = max(Micros(key.last_used_at or 0), known.used_at if known else Micros(0))
        fresh = _Known(key, account, now, used_at)
        if generation == self._generation:
            self._known.pop(hash_, None)
            self._known[hash_] = fresh
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return fresh

    async def _note_use(self, known: _Known, now: Micros) -> None:
        known.used_at = now
        try:
            async with impatient(), self._work(EVERY_SITE) as work:
                await work.api_keys.used(known.key.id, now)
                await work.commit()
        except UnavailableError:
            pass  # Written a minute later; it only dates the last use.

    def _forget(self, key_id: str) -> None:
        self._generation += 1
        for hash_ in [hash_ for hash_, known in self._known.items() if known.key.id == key_id]:
            del self._known[hash_]


def _with_keys(user: User, keys: Sequence[ApiKey]) -> ServiceAccount:
    own = [key for key in keys if key.user_id == user.id]
    return ServiceAccount(account=user, keys=tuple(sorted(own, key=lambda key: (key.created_at, key.id), reverse=True)))


async def _account(work: Work, user_id: str) -> User:
    user = await work.users.get(user_id)
    if user is None or user.role is not Role.SERVICE or user.deleted_at is not None:
        raise NotFoundError(f"There is no service account {user_id!r}.")
    return user


async def _key(work: Work, key_id: str) -> tuple[ApiKey, User]:
    key = next((key for key in await work.api_keys.all() if key.id == key_id), None)
    if key is None:
        raise NotFoundError(f"There is no key {key_id!r}.")
    return key, await _account(work, key.user_id)


def _is_good(key: ApiKey, now: Micros) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _check_rights(permissions: Sequence[Permission]) -> None:
    if only := sorted(OF_ADMINS & set(permissions)):
        fix = "leave it out; people are administered by people"
        raise InvalidInputError(
            f"A service account cannot have {only[0]}; {fix}.",
            [FieldIssue("permissions", "holds a right of admins", fix)],
        )
