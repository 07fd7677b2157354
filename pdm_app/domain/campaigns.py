"""A release on its way to many devices: phases, thresholds and the decision of what comes next.

`decide` is pure: from the counts of the phases it says whether to wait, open the next phase, pause, abort, roll back or
finish, and why, in words for the page and the audit trail.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from pdm_app.domain.firmware_actions import ENDED, FINALLY_FAILED, Action, ActionState, RetryPolicy
from pdm_app.domain.record import Facts, Id, Instant, Name, Revision, Text
from pdm_app.domain.wall_clock import WallTime, at_wall, on_wall

PHASES_MAX = 20
WINDOWS_MAX = 20
DEVICES_MAX = 10_000
CAMPAIGNS_MAX = 1_000
BYTES_PER_S_MIN = 16_000
"""A slower line would leave devices that share it without a byte for longer than their clients wait."""
DAY_MIN = 24 * 60
MICROS_PER_MIN = 60_000_000

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
OnSuccess = Literal["next", "pause"]
OnError = Literal["pause", "abort", "roll_back"]


class CampaignKind(StrEnum):
    """Which way it goes."""

    FORWARD = "forward"
    ROLLBACK = "rollback"


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    ABORTED = "aborted"


class UpdateMode(StrEnum):
    """How hard a device is pressed."""

    SOFT = "soft"
    FORCED = "forced"
    TIME_FORCED = "time_forced"
    DOWNLOAD_ONLY = "download_only"


S = CampaignState
MOVES: dict[str, tuple[frozenset[CampaignState], CampaignState]] = {
    "approve": (frozenset({S.DRAFT}), S.APPROVED),
    "start": (frozenset({S.APPROVED}), S.RUNNING),
    "pause": (frozenset({S.RUNNING}), S.PAUSED),
    "resume": (frozenset({S.PAUSED}), S.RUNNING),
    "abort": (frozenset({S.DRAFT, S.APPROVED, S.RUNNING, S.PAUSED}), S.ABORTED),
    "retry": (frozenset({S.RUNNING, S.PAUSED, S.FINISHED}), S.RUNNING),
    "finish": (frozenset({S.RUNNING}), S.FINISHED),
}
"""What can be done to a campaign, in which states, and where it leads."""
OVER = frozenset({S.FINISHED, S.ABORTED})


class Window(Facts):
    """A weekly span in which devices may install, on the wall of the site; it may cross midnight."""

    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(min_length=1, max_length=7, description="0 Monday.")
    begin: WallTime
    minutes: int = Field(ge=5, le=DAY_MIN)


class Phase(Facts):
    """A share of the devices, and what it takes to go on to the next."""

    name: Name
    percent: Percent | None = Field(default=None, description="Of all devices; None for ``devices`` or the rest.")
    devices: int | None = Field(default=None, ge=1, le=DEVICES_MAX)
    success_percent: Percent = 95
    error_percent: Percent = Field(default=5, description="Of all devices of the campaign, failed for good.")
    sample_min: int = Field(default=5, ge=1, le=DEVICES_MAX, description="Judged from so many on, or from all of it.")
    on_success: OnSuccess = "next"
    on_error: OnError = "pause"

    @model_validator(mode="after")
    def _one_size(self) -> "Phase":
        if self.percent is not None and self.devices is not None:
            raise ValueError("a phase has a percent or a number of devices, not both")
        return self


class CampaignFacts(Facts):
    """What somebody says of a campaign."""

    site_id: Id
    name: Name
    kind: CampaignKind = CampaignKind.FORWARD
    release_id: Id | None = Field(default=None, description="None only for a rollback: each device has its own.")
    group_id: Id
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=PHASES_MAX)
    mode: UpdateMode = UpdateMode.FORCED
    forced_at: Instant | None = Field(default=None, description="For time_forced: from then on it is forced.")
    windows: tuple[Window, ...] = Field(default=(), max_length=WINDOWS_MAX, description="None: at any time.")
    only_when_idle: bool = Field(default=False, description="Installs only while the device's machine does not run.")
    ask_users: bool = Field(default=False, description="Somebody at the device confirms.")
    retry: RetryPolicy = RetryPolicy()
    concurrent_max: int = Field(default=50, ge=1, le=DEVICES_MAX, description="Devices on their way at once.")
    bytes_per_s_max: int | None = Field(
        default=None, ge=BYTES_PER_S_MIN, le=10**11, description="All its downloads together; None: no limit."
    )
    soak_s: int = Field(default=600, ge=0, le=604_800, description="How long a device must be well with it.")
    silent_s: int = Field(default=3_600, ge=60, le=2_592_000, description="A device silent so long has failed.")
    takes_new_members: bool = False
    second_person: bool = Field(default=True, description="Somebody else than its author approves it.")
    note: Text = ""

    @model_validator(mode="after")
    def _whole(self) -> "CampaignFacts":
        if self.kind is CampaignKind.FORWARD and self.release_id is None:
            raise ValueError("a forward campaign names its release")
        if (self.mode is UpdateMode.TIME_FORCED) != (self.forced_at is not None):
            raise ValueError("forced_at goes with time_forced, and with nothing else")
        if any(phase.percent is None and phase.devices is None for phase in self.phases[:-1]):
            raise ValueError("every phase but the last says its size")
        return self


class Campaign(CampaignFacts):
    """A campaign and how far it is."""

    id: Id
    state: CampaignState = CampaignState.DRAFT
    phase: int = Field(default=0, ge=0, le=PHASES_MAX, description="The one that is open, from 0.")
    why: str = Field(default="", max_length=500, description="Why it stands as it does.")
    created_at: Instant
    created_by: Name
    creator_id: Id
    approved_by: str = Field(default="", max_length=120)
    started_at: Instant | None = None
    ended_at: Instant | None = None
    rolls_back: Id | None = Field(default=None, description="The campaign that this one undoes.")
    revision: Revision = 0


class Tally(NamedTuple):
    """How the devices of a phase, or of a campaign, stand; those left out on purpose are not in it."""

    devices: int
    succeeded: int
    failed: int

    @property
    def outstanding(self) -> int:
        return self.devices - self.succeeded - self.failed

    @classmethod
    def of(cls, actions: Iterable[Action]) -> "Tally":
        """Count actions, one of each device; a failure that is tried again is outstanding."""
        devices = succeeded = failed = 0
        for action in actions:
            if action.state in ENDED - FINALLY_FAILED - {ActionState.SUCCEEDED}:
                continue
            devices += 1
            succeeded += action.state is ActionState.SUCCEEDED
            failed += action.state in FINALLY_FAILED
        return cls(devices, succeeded, failed)


class Verdict(StrEnum):
    """What is to be done with a campaign."""

    WAIT = "wait"
    NEXT = "next"
    PAUSE = "pause"
    ABORT = "abort"
    ROLL_BACK = "roll_back"
    FINISH = "finish"


class Decision(NamedTuple):
    """A verdict, its reason, and whether the phase that is open has succeeded."""

    verdict: Verdict
    why: str
    is_success: bool = False


def decide(campaign: CampaignFacts, opened: int, phase_tally: Tally, whole: Tally) -> Decision:
    """Say what comes next for a campaign of which phase ``opened`` is under way.

    The error threshold is judged at every count: failed for good by devices of the campaign. A phase has succeeded when
    enough were judged and enough of those succeeded; it has failed as soon as it cannot succeed any more.
    """
    phase = campaign.phases[opened]
    if whole.failed and whole.failed * 100 > phase.error_percent * whole.devices:
        share = whole.failed * 100 / whole.devices
        why = f"{whole.failed} of {whole.devices} devices failed: {share:.1f} %, above {phase.error_percent:g} %."
        return Decision(Verdict(phase.on_error), why)
    judged = phase_tally.succeeded + phase_tally.failed
    best = phase_tally.succeeded + phase_tally.outstanding
    if phase_tally.devices and best * 100 < phase.success_percent * phase_tally.devices:
        why = (
            f"{phase.name} cannot reach {phase.success_percent:g} % any more: "
            f"{phase_tally.failed} of its {phase_tally.devices} devices failed."
        )
        return Decision(Verdict(phase.on_error), why)
    is_last = opened == len(campaign.phases) - 1
    if is_last:
        if whole.outstanding or campaign.takes_new_members:
            return Decision(Verdict.WAIT, f"{whole.outstanding} devices are outstanding.")
        return Decision(Verdict.FINISH, f"{whole.succeeded} of {whole.devices} devices succeeded.")
    needed = min(phase.sample_min, phase_tally.devices)
    if judged < needed:
        return Decision(Verdict.WAIT, f"{judged} of {needed} devices are judged that {phase.name} needs.")
    if phase_tally.succeeded * 100 < phase.success_percent * judged:
        return Decision(Verdict.WAIT, f"{phase_tally.succeeded} of {judged} succeeded; {phase.name} may still do.")
    done = Verdict.NEXT if phase.on_success == "next" else Verdict.PAUSE
    return Decision(done, f"{phase.name}: {phase_tally.succeeded} of {judged} succeeded.", is_success=True)


def share_out(device_ids: Sequence[str], phases: Sequence[Phase]) -> list[list[str]]:
    """Share devices out over phases, in their order; the last phase has the rest.

    A percent is rounded up, so that a small group's first phase is not empty.
    """
    left, found = list(device_ids), []
    for phase in phases[:-1]:
        wanted = phase.devices if phase.devices is not None else -(-len(device_ids) * (phase.percent or 0) // 100)
        found.append(left[: int(wanted)])
        left = left[int(wanted) :]
    return [*found, left]


def is_open(windows: Sequence[Window], at: int, zone: ZoneInfo) -> bool:
    """Say whether devices may install at a moment, microseconds UTC; without windows always."""
    return not windows or any(begin <= at < end for begin, end in _around(windows, at, zone))


def opens_at(windows: Sequence[Window], at: int, zone: ZoneInfo) -> int:
    """Return when devices may install next, ``at`` itself while they may."""
    if is_open(windows, at, zone):
        return at
    return min(begin for begin, _ in _around(windows, at, zone) if begin > at)


def _around(windows: Sequence[Window], at: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the spans of the windows from yesterday to the same day of the next week."""
    day = on_wall(at, zone).toordinal()
    found: list[tuple[int, int]] = []
    for ordinal in range(day - 1, day + 9):
        date = on_wall(at, zone).date().fromordinal(ordinal)
        for window in windows:
            if date.weekday() in window.weekdays:
                begin = at_wall(date, window.begin, zone)
                found.append((begin, begin + window.minutes * MICROS_PER_MIN))
    return found


class Campaigns(Protocol):
    """Where campaigns are kept."""

    async def all(self) -> Sequence[Campaign]: ...
    async def get(self, campaign_id: str) -> Campaign | None: ...
    async def put(self, campaign: Campaign) -> None: ...
