"""Plugs campaigns together: who moves them on, who answers people, and who answers devices."""

from collections.abc import Awaitable, Callable
from typing import TypedDict

from pdm_app.domain.assets import STATE_OF_NUMBER, AssetState
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Quality
from pdm_app.engine.rollout import Rollout
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.device_confirmations import DeviceConfirmationService
from pdm_app.services.device_groups import DeviceGroupService
from pdm_app.services.device_stories import DeviceStoryService
from pdm_app.services.device_updates import DeviceUpdateService
from pdm_app.services.devices import DeviceService
from pdm_app.services.history import HistoryService
from pdm_app.services.releases import ReleaseService
from pdm_app.stream.latest import Latest

FRESH_S = 1.0
"""Devices ask twice a minute at most; what one may hear so much later is new to it all the same."""


class RolloutServices(TypedDict):
    """By their names among the services."""

    campaigns: CampaignService
    device_confirmations: DeviceConfirmationService
    device_groups: DeviceGroupService
    device_stories: DeviceStoryService
    device_updates: DeviceUpdateService


def begin_rollout(
    work: UnitOfWork,
    latest: Latest,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    releases: ReleaseService,
    devices: DeviceService,
    history: HistoryService,
) -> RolloutServices:
    """Start what moves campaigns on."""

    def is_idle(signal_id: int) -> bool | None:
        sample = latest.sample(signal_id)
        if sample is None or sample.quality is not Quality.GOOD or not isinstance(sample.value, int | float):
            return None
        state = STATE_OF_NUMBER.get(round(sample.value))
        return None if state is None else state in (AssetState.IDLE, AssetState.STOPPED)

    async def note_polls() -> None:
        await updates.note_polls()
        await devices.note_uses()

    rollout = Rollout(work, clock, fence, note_polls)
    updates = DeviceUpdateService(work, clock, is_idle, rollout.wake, fresh_s=FRESH_S)
    supervisor.start("rollout", rollout.run, stage=Stage.CONSUMER)
    return RolloutServices(
        campaigns=CampaignService(work, clock, rollout.wake, releases.has_file),
        device_confirmations=DeviceConfirmationService(work, clock, is_idle, rollout.wake),
        device_groups=DeviceGroupService(work, clock),
        device_stories=DeviceStoryService(work, clock, history),
        device_updates=updates,
    )
