"""Groups of devices and campaigns of a site, for the tests of what may be done with them."""

from pdm_app.domain.campaigns import Campaign, CampaignState, Phase
from pdm_app.domain.device_groups import DeviceGroup
from pdm_app.domain.firmware_actions import Action, ActionState
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.repositories import Work

GROUP_REVISION = 7
STANDING = {
    "approve": CampaignState.DRAFT,
    "start": CampaignState.APPROVED,
    "pause": CampaignState.RUNNING,
    "resume": CampaignState.PAUSED,
    "abort": CampaignState.PAUSED,
    "retry": CampaignState.PAUSED,
    "exclude": CampaignState.PAUSED,
    "roll_back": CampaignState.PAUSED,
}
"""By what is tried with it."""
ENDLESS = Phase(name="All", error_percent=100, success_percent=0)
"""Of a campaign that takes new members: the rollout leaves such a one as it is, whatever fails."""


def campaign_id(site_id: str, use: str) -> str:
    return f"{use}-campaign-{site_id}"


def action_id(site_id: str, use: str) -> str:
    return f"{use}-action-{site_id}"


def group_id(site_id: str, use: str = "change") -> str:
    return f"{use}-devices-{site_id}"


async def put_rollouts(work: Work, site_id: str, device_id: str, release_id: str) -> None:
    """Three groups, and campaigns of which each stands where its step can be done, one device failed in each."""
    await work.twins.put([FirmwareTwin(id=device_id, site_id=site_id, hardware="GW-100", version="0.9")])
    for use in ("change", "remove", "update"):
        group = DeviceGroup(id=group_id(site_id, use), site_id=site_id, name=f"To {use}", revision=GROUP_REVISION)
        await work.device_groups.put(group.model_copy(update={"device_ids": (device_id,)}))
    number = await work.firmware_actions.next_number()
    for place, (use, state) in enumerate(STANDING.items()):
        begun = state not in (CampaignState.DRAFT, CampaignState.APPROVED)
        await work.campaigns.put(
            Campaign(
                id=campaign_id(site_id, use), site_id=site_id, name=f"To {use}", release_id=release_id,
                group_id=group_id(site_id, "update"), phases=(ENDLESS,), state=state,
                takes_new_members=True, created_at=1, created_by="tom", creator_id="nobody",
                started_at=1 if begun else None,
            )
        )  # fmt: skip
        if begun:
            action = Action(
                id=action_id(site_id, use), number=number + place, site_id=site_id, device_id=device_id, phase=0,
                campaign_id=campaign_id(site_id, use), release_id=release_id, state_at=1, created_at=1,
            )  # fmt: skip
            await work.firmware_actions.put([action.at(ActionState.FAILED, 1)])
