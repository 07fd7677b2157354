"""Moves campaigns on: offers the release to devices, counts who has proven it, opens phases and stops what goes wrong.

Each campaign is looked at in one transaction: what it finds, what it decides and what it does about it is kept together
or not at all, so that a process that dies between two looks has missed nothing. It looks when a device has spoken, and
every few seconds for what only time brings.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import (
    Campaign,
    CampaignState,
    Decision,
    Tally,
    Verdict,
    decide,
)
from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.firmware_actions import Action, ActionState, FailureClass, Happening, latest
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.rollouts import Finding, after_proof, found_out
from pdm_app.services.auditing import audit
from pdm_app.services.campaign_actions import action_of, cancel_all, way_back
from pdm_app.services.campaign_plans import plan
from pdm_app.services.campaign_releases import objections
from pdm_app.services.firmware_stories import ROLLOUT, move, one_at_a_time

log = structlog.get_logger(__name__)

TICK_S = 1.0
TICKS = 10  # Without anybody's word it looks so often less.
PHASES_PER_LOOK_MAX = 30
S, H = ActionState, Happening
UNDER_WAY = frozenset({S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.DOWNLOADED, S.WAITING_WINDOW, S.INSTALLING,
                       S.INSTALLED, S.VERIFYING, S.CANCELING})  # fmt: skip
ENDS = {Verdict.PAUSE: CampaignState.PAUSED, Verdict.FINISH: CampaignState.FINISHED,
        Verdict.ABORT: CampaignState.ABORTED, Verdict.ROLL_BACK: CampaignState.ABORTED}  # fmt: skip


class Rollout:
    """Looks after every campaign that has begun.

    Args:
        work: Where campaigns are stored.
        clock: Injected time.
        fence: The collector's lease: of two processes one moves campaigns.
        note_polls: Puts on record who has asked meanwhile, before each look in `run`.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        note_polls: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._note_polls = note_polls
        self._work = work
        self._clock = clock
        self._fence = fence
        self._is_woken = False

    def wake(self) -> None:
        """Have it look soon: a device has spoken, or somebody has started something."""
        self._is_woken = True

    async def run(self) -> None:
        """Look for ever; a database that does not answer is waited for."""
        while True:
            self._is_woken = False
            try:
                if self._note_polls is not None:
                    await self._note_polls()
                await self.look()
            except UnavailableError as error:
                log.warning("campaigns wait for the database", problem=error.message)
            for _ in range(TICKS):
                await self._clock.sleep(TICK_S)
                if self._is_woken:
                    break

    async def look(self) -> None:
        """Look at every campaign once."""
        async with self._work(EVERY_SITE) as work:
            begun = [each.id for each in await work.campaigns.all() if each.started_at is not None]
            busy = {action.campaign_id for action in await work.firmware_actions.active()}
            running = {each.id for each in await work.campaigns.all() if each.state is CampaignState.RUNNING}
        for campaign_id in begun:
            if campaign_id in busy | running:
                await self._look_at(campaign_id)

    async def _look_at(self, campaign_id: str) -> None:
        now = int(self._clock.now())
        fence = await self._fence()
        async with self._work(EVERY_SITE) as work:
            await work.hold(fence)
            await one_at_a_time(work, self._clock)
            campaign = await work.campaigns.get(campaign_id)
            if campaign is None:
                return
            await self._find_out(work, campaign, now)
            campaign = await self._objected(work, campaign, now)
            if campaign.state is CampaignState.RUNNING:
                if campaign.takes_new_members:
                    await self._take_in(work, campaign, now)
                await self._go_on(work, campaign, now)
            await work.commit()

    # --- what was found ---------------------------------------------------------------------------------------------

    async def _find_out(self, work: Work, campaign: Campaign, now: int) -> None:
        actions = await work.firmware_actions.of_campaign(campaign.id)
        waiting = [action for action in actions if action.state in UNDER_WAY | {S.RETRY_WAIT}]
        if not waiting:
            return
        twins = {twin.id: twin for twin in await work.twins.of({action.device_id for action in waiting})}
        alarms = await self._new_alarms(work, waiting)
        for action in waiting:
            twin = twins.get(action.device_id)
            finding = found_out(action, twin, campaign, alarms.get(action.device_id, ""), now)
            if finding is not None:
                await self._note(work, action, twin, finding, now)

    async def _new_alarms(self, work: Work, actions: Sequence[Action]) -> dict[str, str]:
        """Return by device an alarm of its machine that was raised since it runs its release."""
        since = {action.device_id: action.verified_from or action.state_at for action in actions
                 if action.state is S.VERIFYING}  # fmt: skip
        if not since:
            return {}
        on_machine: dict[str | None, list[str]] = {}
        for device in await work.devices.all():
            if device.id in since:
                on_machine.setdefault(device.asset_id, []).append(device.id)
        return {
            device_id: f"the alarm {alarm.name!r}"
            for alarm in await work.alarms.standing()
            for device_id in on_machine.get(alarm.asset_id, ())
            if alarm.abnormal and alarm.raised_at >= since[device_id]
        }

    async def _note(self, work: Work, action: Action, twin: FirmwareTwin | None, finding: Finding, now: int) -> None:
        changes: dict[str, object] = {}
        if finding.failure is not None:
            changes["failure"] = finding.failure
        if finding.happening in (H.BOOTED_NEW, H.FOUND_RUNNING):
            changes["verified_from"] = now
        if finding.happening is H.RETRY_DUE:
            changes["retry_at"] = None
        moved = await move(work, action, finding.happening, now, ROLLOUT.name, finding.detail, **changes)
        if twin is None:
            return
        if moved.state is S.SUCCEEDED:
            release = await work.releases.get(action.release_id)
            if release is not None:
                await work.twins.put([after_proof(twin, release)])
        elif finding.failure in (FailureClass.HEALTH, FailureClass.OLD_VERSION):
            await work.twins.put([twin.quarantine(action.release_id)])

    async def _objected(self, work: Work, campaign: Campaign, now: int) -> Campaign:
        """Stop a campaign whose release nobody vouches for any more, and return how it stands.

        What can be mended, such as a key that ended, pauses it; a release that was revoked ends it. Of a way back only
        the devices stop whose own earlier release it is.
        """
        if campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
            return campaign
        for objection in await objections(work, campaign, self._clock.now()):
            if campaign.release_id is None:
                await cancel_all(work, campaign.id, now, ROLLOUT.name, objection.why, objection.release_id)
            elif objection.for_good:
                await cancel_all(work, campaign.id, now, ROLLOUT.name, objection.why)
                ended = campaign.model_copy(update={"state": CampaignState.ABORTED, "ended_at": now})
                return await self._keep(work, campaign, ended, "aborted", objection.why)
            elif campaign.state is CampaignState.RUNNING:
                paused = campaign.model_copy(update={"state": CampaignState.PAUSED})
                return await self._keep(work, campaign, paused, "paused", objection.why)
        return campaign

    # --- what follows -----------------------------------------------------------------------------------------------

    async def _take_in(self, work: Work, campaign: Campaign, now: int) -> None:
        """Give devices that have joined the group a place in the phase that is open."""
        known = {action.device_id for action in await work.firmware_actions.of_campaign(campaign.id)}
        try:
            planned = await plan(work, campaign, now)
        except InvalidInputError:
            return  # The filter was changed into none; who is in stays in.
        number = await work.firmware_actions.next_number()
        new = [each.model_copy(update={"phase": campaign.phase}) for each in planned.devices
               if each.device_id not in known and not each.why_not]  # fmt: skip
        await work.firmware_actions.put(
            [action_of(campaign, each, number + place, now) for place, each in enumerate(new)]
        )

    async def _go_on(self, work: Work, campaign: Campaign, now: int) -> None:
        for _ in range(PHASES_PER_LOOK_MAX):
            actions = latest(await work.firmware_actions.of_campaign(campaign.id))
            in_phase = Tally.of(action for action in actions if action.phase == campaign.phase)
            decision = decide(campaign, campaign.phase, in_phase, Tally.of(actions))
            if decision.verdict is not Verdict.NEXT:
                break
            after_it = campaign.model_copy(update={"phase": campaign.phase + 1})
            campaign = await self._keep(work, campaign, after_it, "phase_opened", decision.why)
        if decision.verdict is Verdict.WAIT:
            await self._offer(work, campaign, actions, now)
            return
        await self._end(work, campaign, decision, now)

    async def _end(self, work: Work, campaign: Campaign, decision: Decision, now: int) -> None:
        state = ENDS[decision.verdict]
        changes: dict[str, object] = {"state": state}
        if decision.is_success:
            changes["phase"] = campaign.phase + 1  # Whoever resumes it opens the next.
        if state is not CampaignState.PAUSED:
            changes["ended_at"] = now
        if state is CampaignState.ABORTED:
            await cancel_all(work, campaign.id, now, ROLLOUT.name, decision.why)
        await self._keep(work, campaign, campaign.model_copy(update=changes), str(state), decision.why)
        if decision.verdict is Verdict.ROLL_BACK:
            await self._begin_way_back(work, campaign, decision.why, now)

    async def _begin_way_back(self, work: Work, campaign: Campaign, why: str, now: int) -> None:
        """Start the rollback that the phase asks for: it was approved together with the campaign."""
        back = Campaign(
            **way_back(campaign).model_dump(), id=new_id(self._clock.now()), created_at=now, created_by=ROLLOUT.name,
            creator_id=ROLLOUT.id, approved_by=campaign.approved_by, state=CampaignState.RUNNING, started_at=now,
            rolls_back=campaign.id, why=why[:500], revision=1,
        )  # fmt: skip
        planned = await plan(work, back, now)
        number = await work.firmware_actions.next_number()
        await work.campaigns.put(back)
        await work.firmware_actions.put(
            [action_of(back, each, number + place, now) for place, each in enumerate(planned.devices)]
        )
        await audit(
            work, ROLLOUT, self._clock.now(), "campaigns.started", subject="campaign", subject_id=back.id,
            name=back.name, site_id=back.site_id, after=back, reason=why,
        )  # fmt: skip

    async def _keep(self, work: Work, before: Campaign, campaign: Campaign, done: str, why: str) -> Campaign:
        campaign = campaign.model_copy(update={"why": why[:500], "revision": before.revision + 1})
        await work.campaigns.put(campaign)
        await audit(
            work, ROLLOUT, self._clock.now(), f"campaigns.{done}", subject="campaign", subject_id=campaign.id,
            name=campaign.name, site_id=campaign.site_id, before=before, after=campaign, reason=why,
        )  # fmt: skip
        return campaign

    async def _offer(self, work: Work, campaign: Campaign, actions: Sequence[Action], now: int) -> None:
        """Give the release to devices of the phases that are open, as far as places are free."""
        free = campaign.concurrent_max - sum(action.state in UNDER_WAY for action in actions)
        taken = {action.device_id for action in await work.firmware_actions.active()}
        for action in actions:
            if free <= 0:
                return
            if action.state is not S.SCHEDULED or action.phase > campaign.phase or action.device_id in taken:
                continue
            twin = await work.twins.get(action.device_id)
            asks = campaign.ask_users and not (twin is not None and twin.auto_confirm)
            await move(work, action, H.ASKED if asks else H.OFFERED, now, ROLLOUT.name)
            free -= 1
