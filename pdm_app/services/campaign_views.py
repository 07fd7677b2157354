"""How a campaign stands: its devices by state, and those that failed by cause."""

from collections import Counter
from collections.abc import Sequence

from pdm_app.domain.campaigns import Campaign
from pdm_app.domain.firmware_actions import FINALLY_FAILED, Action, ActionState, latest
from pdm_app.domain.record import Record


class CampaignView(Record):
    """A campaign with how its devices stand: the number of them in each state."""

    campaign: Campaign
    counts: dict[str, int]


class FailureGroup(Record):
    """Devices that failed for the same reason."""

    failure: str
    details: tuple[str, ...]
    action_ids: tuple[str, ...]
    is_retried: bool


class CampaignDetail(Record):
    """A campaign, each of its devices, and its failures by cause."""

    campaign: Campaign
    counts: dict[str, int]
    actions: tuple[Action, ...]
    codes: dict[str, str]
    failures: tuple[FailureGroup, ...]


def view_of(campaign: Campaign, actions: Sequence[Action]) -> CampaignView:
    """Return a campaign with the number of its devices in each state, one action of each device counted."""
    return CampaignView(campaign=campaign, counts=dict(Counter(str(action.state) for action in latest(actions))))


def failures_of(actions: Sequence[Action]) -> tuple[FailureGroup, ...]:
    """Return what failed, and what is tried again, by cause."""
    by_cause: dict[tuple[str, bool], list[Action]] = {}
    for action in latest(actions):
        if action.failure is not None and action.state in FINALLY_FAILED | {ActionState.RETRY_WAIT}:
            by_cause.setdefault((str(action.failure), action.state is ActionState.RETRY_WAIT), []).append(action)
    return tuple(
        FailureGroup(
            failure=failure, is_retried=is_retried, action_ids=tuple(action.id for action in found),
            details=tuple(dict.fromkeys(action.detail for action in found))[:5],
        )
        for (failure, is_retried), found in sorted(by_cause.items())
    )  # fmt: skip
