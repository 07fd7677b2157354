"""Moving an action and writing its story, in the transaction of whoever does it."""

from pdm_app.domain.access import EVERY_SITE, Actor, Role, Scope
from pdm_app.domain.firmware_actions import (
    MESSAGE_CHARACTERS_MAX,
    MESSAGES_PER_EVENT_MAX,
    Action,
    ActionEvent,
    Effect,
    FailureClass,
    Happening,
    RetryPolicy,
    after,
    broken,
)
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros

GUARD = "firmware.changed_at"
"""The one row that everybody writes first who reads actions to change them: of two at once the second waits, and then
reads what the first has made of them."""
DETAIL_MAX = MESSAGE_CHARACTERS_MAX * 4

ROLLOUT = Actor(
    id="rollout", name="rollout", role=Role.ADMIN, scope=EVERY_SITE, permissions=frozenset(), address="local"
)
"""Who moves actions by the clock."""


async def one_at_a_time(work: Work, clock: Clock) -> None:
    """Wait until nobody else changes actions, until this transaction ends; it must see every site."""
    await work.users.put_value(GUARD, new_id(clock.now()))  # Another one each time: `QuietDevices` goes by it.


async def move(
    work: Work, action: Action, happening: Happening, at: int, by: str, detail: str = "", **changes: object
) -> Action:
    """Put what happened to an action on record; return where it stands.

    Args:
        work: The transaction, which sees the action's site.
        action: As it is stored.
        happening: What happened.
        at: Microseconds UTC.
        by: The device's code, or who did it.
        detail: In words.
        changes: Further fields that change with it.
    """
    state, effect = after(action.state, happening)
    if effect is Effect.CLOSED:
        return action
    moved = action.at(state, at) if effect is Effect.MOVED else action
    if detail:
        changes["detail"] = detail[:MESSAGE_CHARACTERS_MAX]
    if changes:
        moved = moved.model_copy(update={**changes, "revision": action.revision + 1})
    if moved != action:
        await work.firmware_actions.put([moved])
    await tell(work, moved, happening, at, by, detail, is_a_move=effect is Effect.MOVED)
    return moved


async def fail(
    work: Work, action: Action, failure: FailureClass, detail: str, policy: RetryPolicy, at: int, by: str
) -> Action:
    """Put an attempt that did not work on record; it is tried again later, or has failed for good."""
    failed, happening = broken(action, failure, detail, policy, at)
    if failed != action:
        await work.firmware_actions.put([failed])
        await tell(work, failed, happening, at, by, f"{failure}: {detail}", is_a_move=True)
    return failed


async def tell(
    work: Work, action: Action, happening: Happening, at: int, by: str, detail: str, *, is_a_move: bool
) -> None:
    """Add a line to the story of an action."""
    await work.firmware_actions.note([
        ActionEvent(
            id=new_id(Micros(at)), site_id=action.site_id, action_id=action.id, at=at, happening=happening,
            state=action.state, is_a_move=is_a_move, revision=action.revision, by=by, detail=detail[:DETAIL_MAX],
        )
    ])  # fmt: skip


def said(details: object) -> str:
    """Return what a device said in lines, cut to what a story keeps."""
    lines = details if isinstance(details, list | tuple) else []
    return "\n".join(str(line)[:MESSAGE_CHARACTERS_MAX] for line in lines[:MESSAGES_PER_EVENT_MAX])[:DETAIL_MAX]


def of_site(site_id: str) -> Scope:
    """Return the scope of one site."""
    return Scope(sites=frozenset({site_id}))
