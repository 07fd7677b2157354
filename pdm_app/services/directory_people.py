"""From what a directory says of somebody to an account here: found, linked, made, brought up to date, or refused.

An account that a directory made has the role and sites that the rules give its groups, anew at each sign-in. An account
that was made here keeps what it was given here, whoever vouches for its owner. Nobody is let in who was deactivated or
deleted here, and no rule takes the last admin away.
"""

import logging
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User, actor_of
from pdm_app.domain.directories import (
    EVERY_SITE_THERE_IS,
    Directory,
    DirectoryPerson,
    DirectoryRule,
    IdentityRow,
    rule_for,
)
from pdm_app.domain.errors import PermissionDeniedError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit, stranger
from pdm_app.services.people import GUARD

log = logging.getLogger(__name__)

NAMESAKES_MAX = 100
USERNAME_CHARACTERS_MAX = 80
NAME_CHARACTERS_MAX = 120
UNDIVIDED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
"""Letters that Unicode does not divide into a plain one and its mark."""

Why = Literal["no_rule", "unknown", "deactivated"]
WORDS: dict[Why, str] = {
    "no_rule": "{name} knows you, but none of your groups there may enter here. Ask an admin of this product.",
    "unknown": "{name} knows you, but you have no account here, and none is made by itself. Ask an admin.",
    "deactivated": "{name} knows you, but your account here was deactivated. Ask an admin of this product.",
}


class NotAdmittedError(PermissionDeniedError):
    """A directory vouches for somebody who may not enter here; ``facts['refusal']`` says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules give somebody: the place of the rule, the role and the sites that exist."""

    rule: int
    role: Role
    site_ids: tuple[str, ...]


class DirectoryPeople:
    """Accounts of people whom a directory vouches for. Whether it does was found out by whoever calls."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def admit(self, directory: Directory, person: DirectoryPerson, address: str) -> User:
        """Return the account of somebody who has just proved there who they are.

        Raises:
            NotAdmittedError: No rule fits, there is no account and none may be made, or it was deactivated here.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            identity = await work.identities.find(directory.id, person.subject)
            user = await work.users.get(identity.user_id) if identity else None
            standing = await standing_of(work, directory, person)
            why = _refusal(user, standing)
            linked = None
            if why is None and user is None:
                linked = await self._recognised(work, directory, person)
                if linked is None and not directory.create_people:
                    why = "unknown"
            if why is not None:
                who = stranger(person.username, address)
                await audit(work, who, now, "sessions.refused", subject="session", name=person.username,
                            reason=f"{directory.name}: {why}")  # fmt: skip
                await work.commit()
                raise self._refused(directory, person, why)
            assert standing is not None  # noqa: S101 - `_refusal` has seen to it
            if user is None:
                user = linked or await self._made(work, directory, person, standing, now, address)
                identity = IdentityRow(directory.id, person.subject, user.id, linked is None, now, now)
                if linked is not None:
                    await audit(work, actor_of(user, address=address), now, "users.linked", subject="user",
                                subject_id=user.id, name=user.username, after=_facts(directory, person),
                                reason="by its e-mail address")  # fmt: skip
            elif identity is not None and identity.is_made:
                user = await self._brought_up_to_date(work, directory, user, person, standing, now)
            assert identity is not None  # noqa: S101 - found or made above
            await work.identities.put(
                IdentityRow(directory.id, person.subject, user.id, identity.is_made, identity.linked_at, now)
            )
            await work.commit()
        return user

    async def renew(self, directory: Directory, person: DirectoryPerson) -> User | None:
        """Bring the account of an open session up to date; None where its owner may stay no longer."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            identity = await work.identities.find(directory.id, person.subject)
            user = await work.users.get(identity.user_id) if identity else None
            standing = await standing_of(work, directory, person)
            if identity is None or user is None or standing is None or _refusal(user, standing) is not None:
                return None
            if identity.is_made:
                await work.users.put_value(GUARD, str(now))
                user = await self._brought_up_to_date(work, directory, user, person, standing, now)
                await work.commit()
        return user

    def _refused(self, directory: Directory, person: DirectoryPerson, why: Why) -> NotAdmittedError:
        facts = {"directory": directory.id, "subject": person.subject, "username": person.username, "why": why}
        log.warning("somebody of a directory was not admitted", extra={**facts, "groups": list(person.groups[:50])})
        return NotAdmittedError(WORDS[why].format(name=directory.name), refusal=why)

    async def _recognised(self, work: Work, directory: Directory, person: DirectoryPerson) -> User | None:
        """Return the account here with the same address, where the settings let the directory vouch for it."""
        email = normal_email(person.email)
        if not (directory.link_by_email and person.email_verified and email):
            return None
        user_id = await work.identities.user_of_email(email)
        user = await work.users.get(user_id) if user_id else None
        if user is None or user.role is Role.SERVICE or _refusal(user, None, has_to_fit=False) is not None:
            return None
        taken = any(identity.directory_id == directory.id for identity in await work.identities.of_user(user.id))
        return None if taken else user  # Somebody else of that directory is this person already.

    async def _made(
        self, work: Work, directory: Directory, person: DirectoryPerson, standing: Standing, now: Micros, address: str
    ) -> User:
        user = User(
            id=new_id(now),
            username=await _free_username(work, person.username),
            display_name=_display_name(person),
            role=standing.role,
            site_ids=standing.site_ids,
            created_at=now,
        )
        await work.users.put(user)
        email = normal_email(person.email)
        if email and person.email_verified and await work.identities.user_of_email(email) is None:
            await work.identities.put_email(user.id, email)
        await audit(work, actor_of(user, address=address), now, "users.created", subject="user", subject_id=user.id,
                    name=user.username, after={**user.model_dump(mode="json"), **_facts(directory, person)},
                    reason=f"first sign-in with {directory.name}")  # fmt: skip
        log.info("account made", extra={"username": user.username, "directory": directory.id, "role": str(user.role)})
        return user

    async def _brought_up_to_date(
        self, work: Work, directory: Directory, user: User, person: DirectoryPerson, standing: Standing, now: Micros
    ) -> User:
        wanted: dict[str, Any] = {"display_name": _display_name(person)}
        if (user.role, user.site_ids) != (standing.role, standing.site_ids):
            wanted |= {"role": standing.role, "site_ids": standing.site_ids}
        if standing.role is not user.role:
            wanted["custom_role_id"] = None  # A role made here was copied from the one that is over.
        changed = user.model_copy(update=wanted)
        if changed == user:
            return user
        if changed.role is not Role.ADMIN and await _is_last_admin(work, user):
            log.error("the rules would leave nobody who administers", extra={"username": user.username})
            return user
        await work.users.put(changed)
        await audit(work, SYSTEM, now, "users.changed", subject="user", subject_id=user.id, name=user.username,
                    before=user, after=changed, reason=f"the groups in {directory.name}")  # fmt: skip
        return changed


async def standing_of(work: Work, directory: Directory, person: DirectoryPerson) -> Standing | None:
    """Return what the first rule that fits gives; None where none fits."""
    place = rule_for(directory.rules, person)
    if place is None:
        return None
    rule = directory.rules[place]
    return Standing(place, rule.role, () if rule.role is Role.ADMIN else await _sites_of(work, directory, rule))


async def _sites_of(work: Work, directory: Directory, rule: DirectoryRule) -> tuple[str, ...]:
    known = {site.id for site in await work.sites.all()}
    if EVERY_SITE_THERE_IS in rule.site_ids:
        return tuple(sorted(known))
    lost = set(rule.site_ids) - known
    if lost:
        log.warning("a rule names sites that are not there", extra={"directory": directory.id, "sites": sorted(lost)})
    return tuple(sorted(set(rule.site_ids) & known))


def _refusal(user: User | None, standing: Standing | None, *, has_to_fit: bool = True) -> Why | None:
    if user is not None and (not user.is_active or user.deleted_at is not None):
        return "deactivated"
    return "no_rule" if has_to_fit and standing is None else None


async def _is_last_admin(work: Work, user: User) -> bool:
    admins = {other.id for other in await work.users.all() if other.role is Role.ADMIN and other.is_active}
    return admins == {user.id}


async def _free_username(work: Work, wanted: str) -> str:
    base = username_from(wanted)
    for number in range(1, NAMESAKES_MAX):
        name = base if number == 1 else f"{base[: USERNAME_CHARACTERS_MAX - 3]}-{number}"
        if await work.users.by_username(name) is None:
            return name
    raise NotAdmittedError(f"More than {NAMESAKES_MAX} accounts are called {base}. Ask an admin of this product.")


def username_from(wanted: str) -> str:
    """Turn what a directory calls somebody into the form of our usernames: ``Ada.Lovelace@plant`` is ada.lovelace."""
    name = wanted.rpartition("\\")[2].partition("@")[0].casefold().translate(UNDIVIDED)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    tidy = re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("._-").rstrip("-")
    return tidy[:USERNAME_CHARACTERS_MAX] or "person"


def normal_email(email: str) -> str:
    """Return the form in which addresses are stored and compared; empty for what is none."""
    tidy = email.strip().casefold()
    return tidy if len(tidy) <= 254 and re.fullmatch(r"[^@\s]+@[^@\s]+", tidy) else ""


def _display_name(person: DirectoryPerson) -> str:
    words = "".join(letter if letter.isprintable() else " " for letter in person.display_name).strip()
    return words[:NAME_CHARACTERS_MAX].strip() or username_from(person.username)


def _facts(directory: Directory, person: DirectoryPerson) -> dict[str, str]:
    return {"directory": directory.id, "subject": person.subject}
