"""One device's way to a release: every state, everything that can happen in it, and nothing else.

``after(state, happening)`` is total: each pair moves the action, is of no effect (`Effect.KEPT`), or comes after the
end (`Effect.CLOSED`). A device's own "success" only means that the image was written; the action succeeds by
`Happening.PROVEN`, which the rollout reports when the device runs the release and was healthy for the soak time. Where
an image is only to be kept, `Happening.STORED` says that all of it was sent. `Happening.FOUND_RUNNING` mends what a
restored backup has forgotten: the device reports the release before we know that it was sent, and is watched like any.

Source: the direct device integration of Eclipse hawkBit for what devices say; the states after ``installed`` are ours.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pydantic import Field

from pdm_app.domain.record import Id, Instant, Name, Record, Revision

EVENTS_PER_ACTION_MAX = 1_000
MESSAGES_PER_EVENT_MAX = 50
MESSAGE_CHARACTERS_MAX = 500
NUMBER_MAX = 2**31 - 1  # Clients of the protocol read it into a signed int.


class ActionState(StrEnum):
    """Where an action stands."""

    SCHEDULED = "scheduled"
    WAITING_CONFIRMATION = "waiting_confirmation"
    PENDING = "pending"
    RETRIEVED = "retrieved"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    WAITING_WINDOW = "waiting_window"
    INSTALLING = "installing"
    INSTALLED = "installed"
    VERIFYING = "verifying"
    RETRY_WAIT = "retry_wait"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    LOST = "lost"
    CANCELED = "canceled"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Happening(StrEnum):
    """What can happen to an action."""

    OFFERED = "offered"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    FETCHED = "fetched"
    DOWNLOAD_BEGAN = "download_began"
    DOWNLOAD_ENDED = "download_ended"
    WINDOW_CLOSED = "window_closed"
    WINDOW_OPENED = "window_opened"
    INSTALL_BEGAN = "install_began"
    PROGRESSED = "progressed"
    CLOSED_WELL = "closed_well"
    BOOTED_NEW = "booted_new"
    FOUND_RUNNING = "found_running"
    BOOTED_OLD = "booted_old"
    PROVEN = "proven"
    STORED = "stored"
    UNHEALTHY = "unhealthy"
    BROKE = "broke"
    FAILED = "failed"
    RETRY_DUE = "retry_due"
    CANCEL_WANTED = "cancel_wanted"
    CANCEL_DONE = "cancel_done"
    CANCEL_REFUSED = "cancel_refused"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    SILENT = "silent"


class Effect(StrEnum):
    """What a happening did."""

    MOVED = "moved"
    KEPT = "kept"
    CLOSED = "closed"


class Step(NamedTuple):
    """The state after a happening, and whether it is another one."""

    state: ActionState
    effect: Effect


S, H = ActionState, Happening

ENDED = frozenset({S.SUCCEEDED, S.ROLLED_BACK, S.LOST, S.CANCELED, S.FAILED, S.SKIPPED, S.EXPIRED, S.SUPERSEDED})
FINALLY_FAILED = frozenset({S.FAILED, S.ROLLED_BACK, S.LOST, S.EXPIRED})
"""What a threshold counts as a failure; a device that fell silent is one of them."""
NOT_OFFERED = frozenset({S.SCHEDULED})
OF_NOBODY = ENDED | NOT_OFFERED
"""States in which the action does not take up the one place that a device has."""
OFFERED = frozenset({S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.DOWNLOADED, S.WAITING_WINDOW, S.INSTALLING})
"""States in which a device is given the deployment."""
CLOSED_FOR_DEVICE = ENDED | {S.INSTALLED, S.VERIFYING}
"""From here on a device's feedback has no addressee."""

_BEFORE_FETCH: Mapping[Happening, ActionState] = {
    H.CANCEL_WANTED: S.CANCELED,
    H.SUPERSEDED: S.SUPERSEDED,
    H.SILENT: S.EXPIRED,
    H.SKIPPED: S.SKIPPED,
    H.FAILED: S.FAILED,
}
_UNDER_WAY: Mapping[Happening, ActionState] = {
    H.BROKE: S.RETRY_WAIT,
    H.FAILED: S.FAILED,
    H.CANCEL_WANTED: S.CANCELING,
    H.CANCEL_DONE: S.CANCELED,
    H.SILENT: S.EXPIRED,
}
_WRITTEN: Mapping[Happening, ActionState] = {
    H.BOOTED_OLD: S.ROLLED_BACK,
    H.UNHEALTHY: S.FAILED,
    H.SILENT: S.LOST,
}

MOVES: Mapping[ActionState, Mapping[Happening, ActionState]] = MappingProxyType({
    S.SCHEDULED: {**_BEFORE_FETCH, H.OFFERED: S.PENDING, H.ASKED: S.WAITING_CONFIRMATION},
    S.WAITING_CONFIRMATION: {**_BEFORE_FETCH, H.CONFIRMED: S.PENDING},
    S.PENDING: {
        **_BEFORE_FETCH, H.DENIED: S.WAITING_CONFIRMATION, H.FETCHED: S.RETRIEVED, H.DOWNLOAD_BEGAN: S.DOWNLOADING,
        H.BROKE: S.RETRY_WAIT, H.FOUND_RUNNING: S.VERIFYING,
    },
    S.RETRIEVED: {
        **_UNDER_WAY, H.FOUND_RUNNING: S.VERIFYING, H.DENIED: S.WAITING_CONFIRMATION, H.DOWNLOAD_BEGAN: S.DOWNLOADING,
        H.DOWNLOAD_ENDED: S.DOWNLOADED,
    },
    S.DOWNLOADING: {
        **_UNDER_WAY, H.DENIED: S.WAITING_CONFIRMATION, H.DOWNLOAD_ENDED: S.DOWNLOADED, H.FOUND_RUNNING: S.VERIFYING,
    },
    S.DOWNLOADED: {
        **_UNDER_WAY, H.WINDOW_CLOSED: S.WAITING_WINDOW, H.INSTALL_BEGAN: S.INSTALLING, H.CLOSED_WELL: S.INSTALLED,
        H.STORED: S.SUCCEEDED,
    },
    S.WAITING_WINDOW: {
        **_UNDER_WAY, H.WINDOW_OPENED: S.DOWNLOADED, H.INSTALL_BEGAN: S.INSTALLING, H.CLOSED_WELL: S.INSTALLED,
    },
    S.INSTALLING: {H.BROKE: S.RETRY_WAIT, H.FAILED: S.FAILED, H.CLOSED_WELL: S.INSTALLED, H.CANCEL_DONE: S.CANCELED,
                   H.BOOTED_OLD: S.ROLLED_BACK, H.SILENT: S.LOST},
    S.INSTALLED: {**_WRITTEN, H.BOOTED_NEW: S.VERIFYING},
    S.VERIFYING: {**_WRITTEN, H.PROVEN: S.SUCCEEDED},
    S.RETRY_WAIT: {**_BEFORE_FETCH, H.RETRY_DUE: S.PENDING, H.FOUND_RUNNING: S.VERIFYING},
    S.CANCELING: {
        H.CANCEL_DONE: S.CANCELED, H.CANCEL_REFUSED: S.RETRIEVED, H.CLOSED_WELL: S.INSTALLED, H.FAILED: S.CANCELED,
        H.BROKE: S.CANCELED, H.SILENT: S.CANCELED,
    },
})  # fmt: skip
"""Every move there is. What is not in it leaves the action where it is."""


def after(state: ActionState, happening: Happening) -> Step:
    """Return where an action stands after something happened."""
    if state in ENDED:
        return Step(state, Effect.CLOSED)
    to = MOVES[state].get(happening)
    return Step(state, Effect.KEPT) if to is None else Step(to, Effect.MOVED)


class FailureClass(StrEnum):
    """Why an attempt did not lead to the release."""

    DOWNLOAD = "download"
    CHECKSUM = "checksum"
    SIGNATURE = "signature"
    INSTALL = "install"
    NOT_DOWNLOADED = "not_downloaded"
    HEALTH = "health"
    OLD_VERSION = "old_version"
    SILENCE = "silence"
    OTHER = "other"


RETRYABLE = frozenset({FailureClass.DOWNLOAD, FailureClass.CHECKSUM, FailureClass.INSTALL, FailureClass.NOT_DOWNLOADED,
                       FailureClass.OTHER})  # fmt: skip
"""A wrong signature stays wrong, and a device that went back must not be sent the same again."""


class Action(Record):
    """One device's way to one release.

    ``active_device_id`` is the device's while the action takes up its place, else None: a unique key of the database
    lets a device have one such action.
    """

    id: Id
    number: int = Field(ge=1, le=NUMBER_MAX, description="What devices call it.")
    site_id: Id
    campaign_id: Id
    device_id: Id
    release_id: Id
    phase: int = Field(ge=0, le=100)
    state: ActionState = ActionState.SCHEDULED
    state_at: Instant
    created_at: Instant
    heard_at: Instant = Field(default=0, description="When the device last said something; 0 for never.")
    retry_at: Instant | None = None
    attempts: int = Field(default=0, ge=0, le=1_000, description="Failed ones.")
    failure: FailureClass | None = None
    detail: str = Field(default="", max_length=MESSAGE_CHARACTERS_MAX, description="What the device or we said last.")
    progress: int = Field(default=0, ge=0, le=100, description="Percent of the download or the installation.")
    served_to: int = Field(default=0, ge=0, le=2**53, description="Bytes of the image sent without a gap.")
    from_version: str = Field(default="", max_length=80, description="What ran before.")
    to_version: str = Field(default="", max_length=80)
    verified_from: Instant | None = Field(default=None, description="Begin of the soak time.")
    active_device_id: Id | None = None
    revision: Revision = 0

    def at(self, state: ActionState, now: int, **more: object) -> "Action":
        """Return the action in another state, with the place of its device taken or given back."""
        place = None if state in OF_NOBODY else self.device_id
        changes = {"state": state, "state_at": now, "active_device_id": place, "revision": self.revision + 1}
        return self.model_copy(update={**changes, **more})


class ActionEvent(Record):
    """One line of an action's story; never changed, never taken back."""

    id: Id
    site_id: Id
    action_id: Id
    at: Instant
    happening: Happening
    state: ActionState
    is_a_move: bool = True
    revision: Revision = Field(default=0, description="Of the action: orders what happened within a microsecond.")
    by: Name = Field(description="The device's code, or who did it.")
    detail: str = Field(default="", max_length=MESSAGE_CHARACTERS_MAX * 4)


def latest(actions: Iterable[Action]) -> list[Action]:
    """Return of each device the action that counts: the newest; one before it was tried again or taken out."""
    newest: dict[str, Action] = {}
    for action in actions:
        other = newest.get(action.device_id)
        if other is None or other.number < action.number:
            newest[action.device_id] = action
    return list(newest.values())


class RetryPolicy(Record):
    """How often a broken attempt is begun anew, and after how long; the wait doubles each time."""

    attempts_max: int = Field(default=3, ge=1, le=20, description="The first one counts.")
    wait_s: int = Field(default=60, ge=1, le=86_400)
    wait_s_max: int = Field(default=3_600, ge=1, le=604_800)
    never: tuple[FailureClass, ...] = Field(default=(), max_length=20)

    def next_at(self, failure: FailureClass, attempts: int, now: int) -> int | None:
        """Return when to try again, microseconds UTC; None when it is not to be tried again.

        Args:
            failure: Why the attempt ended.
            attempts: Failed ones, this one counted, from 1.
            now: Microseconds UTC.
        """
        if failure not in RETRYABLE or failure in self.never or attempts >= self.attempts_max:
            return None
        wait_s = min(self.wait_s << (attempts - 1), self.wait_s_max)
        return now + wait_s * 1_000_000


def broken(
    action: Action, failure: FailureClass, detail: str, policy: RetryPolicy, now: int
) -> tuple[Action, Happening]:
    """Return the action after an attempt that did not work: it waits for the next one, or has failed for good."""
    attempts = action.attempts + 1
    retry_at = policy.next_at(failure, attempts, now)
    happening = Happening.FAILED if retry_at is None else Happening.BROKE
    state, effect = after(action.state, happening)
    if effect is not Effect.MOVED:
        return action, happening
    if state is not ActionState.RETRY_WAIT:
        retry_at = None
    return action.at(
        state, now, attempts=attempts, failure=failure, detail=detail[:MESSAGE_CHARACTERS_MAX], retry_at=retry_at,
        served_to=0 if failure is FailureClass.CHECKSUM else action.served_to, progress=0,
    ), happening  # fmt: skip


class FirmwareActions(Protocol):
    """Where actions and their stories are kept."""

    async def get(self, action_id: str) -> Action | None: ...
    async def by_number(self, number: int) -> Action | None: ...
    async def active_of(self, device_id: str) -> Action | None: ...
    async def last_of(self, device_id: str) -> Action | None:
        """Return the newest action of a device of which it has written the image."""
        ...

    async def of_campaign(self, campaign_id: str) -> Sequence[Action]: ...
    async def of_device(self, device_id: str, rows_max: int = 100) -> Sequence[Action]:
        """Return the newest ones first."""
        ...

    async def active(self) -> Sequence[Action]: ...
    async def active_devices(self) -> Collection[str]:
        """Return the devices that have an active action."""
        ...

    async def next_number(self) -> int:
        """Return the number after the highest there is; a unique key keeps two from taking the same."""
        ...

    async def put(self, actions: Sequence[Action]) -> None: ...
    async def heard(self, action_id: str, at: int) -> bool:
        """Set ``heard_at`` and nothing else."""
        ...

    async def note(self, events: Sequence[ActionEvent]) -> None:
        """Add lines to stories; past the limit only those that move an action are kept."""
        ...

    async def events(self, action_id: str, rows_max: int = 100) -> Sequence[ActionEvent]:
        """Return the newest ones first."""
        ...
