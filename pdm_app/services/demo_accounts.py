"""The five accounts of the demo plant, with passwords of their own in every data directory."""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.auditing import Side, audit
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.private_files import write_private

FILE_NAME = "demo_accounts.json"
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # Without letters that look alike: they are read off a screen.


@dataclass(frozen=True, slots=True)
class _Person:
    username: str
    display_name: str
    role: Role
    sees_every_site: bool = True


PEOPLE = (
    _Person("olga.operator", "Olga, operator", Role.OPERATOR),
    _Person("tom.tech", "Tom, technician", Role.TECHNICIAN, sees_every_site=False),  # Shows what a site hides.
    _Person("erin.engineer", "Erin, engineer", Role.ENGINEER),
    _Person("max.manager", "Max, manager", Role.MANAGER),
    _Person("ada.admin", "Ada, admin", Role.ADMIN),
)
ON_SHIFT = ("olga.operator", "erin.engineer")
"""Who answers alarms of every site."""
ADMIN = "ada.admin"
USERNAMES = frozenset(person.username for person in PEOPLE)


class DemoAccount(Record):
    """An account anybody at this machine may try, with its password to read."""

    username: str
    display_name: str
    role: Role
    password: str


class DemoAccounts:
    """Makes the accounts and remembers their passwords in a file that only the program's user may read."""

    def __init__(self, work: UnitOfWork, clock: Clock, hasher: PasswordHasher, data_dir: Path) -> None:
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._path = data_dir / FILE_NAME

    async def ensure(self) -> None:
        """Make the accounts that are missing; one whose password is no longer in the file gets a new one.

        The technician sees the first site only, the others all sites that exist now.
        """
        passwords = self._passwords()
        missing = [person.username for person in PEOPLE if person.username not in passwords]
        if missing:
            # Before the accounts: a password nobody can read any more would lock its account.
            write_private(self._path, json.dumps(passwords | {name: _password() for name in missing}, indent=2))
            passwords = self._passwords()
        hashes = await self._hashes(passwords, missing)
        async with self._work(EVERY_SITE) as work:
            site_ids = [site.id for site in sorted(await work.sites.all(), key=lambda site: site.code)]
            for person in PEOPLE:
                sites = tuple(site_ids if person.sees_every_site else site_ids[:1])
                known = await work.users.by_username(person.username)
                if known is None:
                    known = User(
                        id=new_id(self._clock.now()),
                        username=person.username,
                        display_name=person.display_name,
                        role=person.role,
                        site_ids=sites,
                        created_at=self._clock.now(),
                    )
                    await work.users.put(known, hashes[person.username])
                    await self._record(work, "users.created", known, after=known)
                elif known.deleted_at is not None:
                    continue  # Somebody has ended it on purpose.
                elif person.username in missing:
                    await work.users.put(known, hashes[person.username])
                    await self._record(work, "users.password_set", known)
                elif known.site_ids != sites:
                    moved = known.model_copy(update={"site_ids": sites})
                    await work.users.put(moved)
                    await self._record(work, "users.changed", known, before=known, after=moved)
            await work.commit()

    async def _hashes(self, passwords: dict[str, str], missing: Collection[str]) -> dict[str, str]:
        """Hash what will be stored, before the transaction: nobody else writes during that."""
        async with self._work(EVERY_SITE) as work:
            new = [person.username for person in PEOPLE if await work.users.by_username(person.username) is None]
        return {name: await self._hasher.hash(passwords[name]) for name in {*new, *missing}}

    async def _record(self, work: Work, action: str, user: User, *, before: Side = None, after: Side = None) -> None:
        await audit(
            work,
            SYSTEM,
            self._clock.now(),
            action,
            subject="user",
            subject_id=user.id,
            name=user.username,
            before=before,
            after=after,
            reason="demo plant",
        )

    def shown(self) -> tuple[DemoAccount, ...]:
        """Return the accounts with their passwords, for the login page on this machine."""
        passwords = self._passwords()
        return tuple(
            DemoAccount(
                username=person.username,
                display_name=person.display_name,
                role=person.role,
                password=passwords[person.username],
            )
            for person in PEOPLE
            if person.username in passwords
        )

    def _passwords(self) -> dict[str, str]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(read, dict):
            return {}
        return {name: word for name, word in read.items() if name in USERNAMES and isinstance(word, str)}


def _password() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
