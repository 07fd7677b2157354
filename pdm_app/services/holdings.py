"""What somebody holds beside the own account, as it is stored; and that nobody gives what they do not have."""

from collections.abc import Iterable

from pdm_app.domain.access import Actor, Permission, Role, User, actor_of
from pdm_app.domain.errors import PermissionDeniedError
from pdm_app.domain.holdings import NOTHING_MORE, Holdings, permissions_of, scope_of
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros

OF_PROGRAMS = frozenset({Permission.SAMPLES_INGEST})
"""What programs do and no person does: whoever makes their accounts gives it without having it."""


async def holdings_of(work: Work, user: User) -> Holdings:
    """Read what decides, beside the own account, what somebody may do; a program has exactly what it was given."""
    if user.role is Role.SERVICE or user.deleted_at is not None:
        return NOTHING_MORE
    role = await work.roles.get(user.custom_role_id) if user.custom_role_id is not None else None
    groups = tuple(await work.groups.of_user(user.id))
    shares = tuple(await work.shares.reaching(user.id, [group.id for group in groups]))
    return Holdings(role=role, groups=groups, shares=shares)


def actor_with(user: User, holdings: Holdings, now: Micros, session_id: str | None = None, address: str = "") -> Actor:
    """Make the actor that somebody is at this moment, with everything they hold."""
    return actor_of(
        user,
        session_id,
        address,
        scope=scope_of(user, holdings, now),
        permissions=permissions_of(user, holdings),
    )


def refuse_to_give(actor: Actor, gained: Iterable[Permission], whom: str, *, is_program: bool = False) -> None:
    """Refuse rights that the actor gives without having them.

    Raises:
        PermissionDeniedError: Names them.
    """
    beyond = frozenset(gained) - actor.permissions - (OF_PROGRAMS if is_program else frozenset())
    if beyond:
        names = ", ".join(sorted(beyond))
        raise PermissionDeniedError(
            f"{actor.name} cannot give {names} to {whom}: nobody gives a right they do not have. "
            "Somebody who has it can.",
            permission=names,
            role=str(actor.role),
        )
