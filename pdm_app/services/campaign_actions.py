"""The actions that a campaign makes, and how it ends them."""

from pdm_app.domain.campaigns import Campaign, CampaignFacts, CampaignKind, Phase
from pdm_app.domain.firmware_actions import Action, ActionState, Effect, Happening, after
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.campaign_plans import PlannedDevice
from pdm_app.services.firmware_stories import move

NO_RELEASE = "none"
S, H = ActionState, Happening


def action_of(campaign: Campaign, planned: PlannedDevice, number: int, now: int) -> Action:
    """Return the action of a device, as it was planned; one that is left out says why."""
    action = Action(
        id=new_id(Micros(now)), number=number, site_id=campaign.site_id, campaign_id=campaign.id,
        device_id=planned.device_id, release_id=planned.release_id or campaign.release_id or NO_RELEASE,
        phase=planned.phase or 0, state_at=now, created_at=now, from_version=planned.from_version,
        to_version=planned.to_version,
    )  # fmt: skip
    return action.at(S.SKIPPED, now, detail=planned.why_not) if planned.why_not else action


def successor(action: Action, number: int, now: int) -> Action:
    """Return a new action of the same device, which counts instead of one that has ended."""
    changes = {"id": new_id(Micros(now)), "number": number, "created_at": now, "heard_at": 0, "retry_at": None,
               "attempts": 0, "failure": None, "detail": "", "progress": 0, "served_to": 0,
               "verified_from": None}  # fmt: skip
    return action.model_copy(update=changes).at(S.SCHEDULED, now)


def way_back(campaign: Campaign) -> CampaignFacts:
    """Return the rollback of a campaign: the same devices, at once, each to its own last good release."""
    facts = {name: getattr(campaign, name) for name in CampaignFacts.model_fields}
    phase = Phase(name="All", success_percent=0, error_percent=100)
    name = f"Back from {campaign.name}"[:120]
    return CampaignFacts.model_validate({
        **facts, "name": name, "kind": CampaignKind.ROLLBACK, "release_id": None, "phases": (phase,),
        "takes_new_members": False,
    })  # fmt: skip


async def cancel_all(work: Work, campaign_id: str, now: int, by: str, why: str, release_id: str | None = None) -> None:
    """Cancel what of a campaign has not begun, and ask devices that load to stop; of one release alone if it is given.

    What installs finishes first.
    """
    for action in await work.firmware_actions.of_campaign(campaign_id):
        if release_id in (None, action.release_id) and after(action.state, H.CANCEL_WANTED).effect is Effect.MOVED:
            await move(work, action, H.CANCEL_WANTED, now, by, why)
