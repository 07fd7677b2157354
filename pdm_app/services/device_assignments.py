"""What all of a device's questions about its firmware begin with: the device, its action, and what it is to do."""

from collections.abc import Callable
from dataclasses import dataclass

from pdm_app.domain.access import Actor
from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import Campaign, CampaignKind, UpdateMode, is_open
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.firmware_actions import Action, ActionState
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.ports import Clock
from pdm_app.domain.releases import Release
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.release_rules import why_refused
from pdm_app.services.shifts import zone_of

IsIdle = Callable[[int], bool | None]


class GoneError(ConflictError):
    """The action has ended for the device: nothing that it says of it counts any more."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a device is to do: the action, its release, and whether it may install now.

    ``refusal`` says why nobody vouches for the release any more; then the device is given nothing of it.
    """

    action: Action
    campaign: Campaign
    release: Release
    may_install: bool
    refusal: str = ""


class DeviceAssignments:
    """Base of the services that devices call.

    Args:
        work: Where actions are stored.
        clock: Injected time.
        is_idle: Whether a machine stands still, by the number of its state signal; None where that is not known.
        wake: Told that something happened that the rollout should look at.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        is_idle: IsIdle = lambda _signal_id: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._clock = clock
        self._is_idle = is_idle
        self._wake = wake

    async def _known(self, work: Work, actor: Actor) -> tuple[Device, FirmwareTwin]:
        device = await work.devices.get(actor.device_id or "")
        if device is None or not actor.scope.covers(device.site_id):
            raise NotFoundError("There is no such device.")
        twin = await work.twins.get(device.id)
        return device, twin or FirmwareTwin(id=device.id, site_id=device.site_id)

    async def _own(self, work: Work, device: Device, number: int) -> Action:
        action = await work.firmware_actions.by_number(number)
        if action is None or action.device_id != device.id:
            raise NotFoundError(f"There is no action {number} of this device.")
        return action

    async def _assigned(self, work: Work, device: Device, action: Action) -> Assigned:
        campaign, release = await self._campaign(work, action), await self._release(work, action)
        may = campaign.mode is not UpdateMode.DOWNLOAD_ONLY
        if may and campaign.windows:
            may = is_open(campaign.windows, self._clock.now(), await zone_of(work, device.site_id))
        if may and campaign.only_when_idle and device.asset_id is not None:
            asset = await work.assets.get(device.asset_id)
            signal_id = asset.state_signal_id if asset is not None else None
            may = signal_id is not None and self._is_idle(signal_id) is True
        return Assigned(action, campaign, release, may, await self._refusal(work, action, campaign, release))

    async def _refusal(self, work: Work, action: Action, campaign: Campaign, release: Release) -> str:
        """Say why a release may not reach devices now, verified at this moment; empty where it may."""
        back = campaign.kind is CampaignKind.ROLLBACK or action.state is not ActionState.PENDING
        return why_refused(release, await work.releases.keys(), self._clock.now(), back=back)

    async def _campaign(self, work: Work, action: Action) -> Campaign:
        campaign = await work.campaigns.get(action.campaign_id)
        if campaign is None:
            raise NotFoundError(f"There is no campaign of the action {action.number}.")
        return campaign

    async def _release(self, work: Work, action: Action) -> Release:
        release = await work.releases.get(action.release_id)
        if release is None:
            raise NotFoundError(f"There is no release of the action {action.number}.")
        return release
