"""Whether a campaign may give its releases to devices: asked before it begins, and at every look while it runs.

A device is refused what nobody vouches for whatever a campaign says. Here the campaign learns of it, so that people
read the reason on its page instead of seeing devices that ask and get nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pdm_app.domain.campaigns import Campaign, CampaignKind
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.firmware_actions import CLOSED_FOR_DEVICE
from pdm_app.domain.releases import Artifact, ReleaseState
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.release_rules import file_missing, why_refused

HasFile = Callable[[Artifact], bool]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a release may not reach devices now, and whether that is for good."""

    release_id: str
    why: str
    for_good: bool


async def objections(work: Work, campaign: Campaign, now: Micros) -> tuple[Objection, ...]:
    """Return what stands against the release of a campaign, or against those to which its devices would go back."""
    wanted = {campaign.release_id} if campaign.release_id is not None else {
        action.release_id
        for action in await work.firmware_actions.of_campaign(campaign.id)
        if action.state not in CLOSED_FOR_DEVICE
    }  # fmt: skip
    keys, found = await work.releases.keys(), list[Objection]()
    for release_id in sorted(wanted):
        release = await work.releases.get(release_id)
        if release is None:
            found.append(Objection(release_id, "The release does not exist any more.", for_good=True))
        elif why := why_refused(release, keys, now, back=campaign.kind is CampaignKind.ROLLBACK):
            found.append(Objection(release_id, why, for_good=release.state is ReleaseState.REVOKED))
    return tuple(found)


async def require_release(work: Work, campaign: Campaign, now: Micros, has_file: HasFile) -> None:
    """Refuse a campaign whose one release may not reach devices; one that leads each device back is planned by device.

    Raises:
        ConflictError: Nobody vouches for the release now, or it is not published; says why.
        UnavailableError: Its file is not there.
    """
    if campaign.release_id is None:
        return
    for objection in await objections(work, campaign, now):
        raise ConflictError(objection.why, campaign_id=campaign.id)
    release = await work.releases.get(campaign.release_id)
    if release is not None and not has_file(release.artifact):
        raise file_missing(release)
