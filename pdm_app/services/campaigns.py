"""Campaigns: made, looked at before they begin, approved, started, stopped, and undone.

What moves a campaign on by itself is `pdm_app.engine.rollout`.
"""

from collections.abc import Callable, Sequence

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.campaigns import (
    CAMPAIGNS_MAX,
    DEVICES_MAX,
    MOVES,
    OVER,
    Campaign,
    CampaignFacts,
    CampaignKind,
)
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.firmware_actions import (
    ENDED,
    FINALLY_FAILED,
    Action,
    ActionEvent,
    ActionState,
    Effect,
    Happening,
    after,
    latest,
)
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.auditing import audit
from pdm_app.services.campaign_actions import action_of, cancel_all, successor, way_back
from pdm_app.services.campaign_plans import CampaignPlan, plan
from pdm_app.services.campaign_releases import HasFile, require_release
from pdm_app.services.campaign_views import CampaignDetail, CampaignView, failures_of, view_of
from pdm_app.services.firmware_stories import move, one_at_a_time
from pdm_app.services.record_changes import require_site

EVENTS_SHOWN_MAX = 200
S, H = ActionState, Happening
CAN_BE_LEFT_OUT = FINALLY_FAILED | {state for state in ActionState if after(state, H.SKIPPED).effect is Effect.MOVED}


class CampaignService:
    """Campaigns of the sites in an actor's scope.

    Args:
        work: Where they are stored.
        clock: Injected time.
        wake: Told that the rollout should look at once.
        has_file: Whether the file of a release is there.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
        has_file: HasFile = lambda _artifact: True,
    ) -> None:
        self._work = work
        self._clock = clock
        self._wake = wake
        self._has_file = has_file

    # --- asking -----------------------------------------------------------------------------------------------------

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[CampaignView, ...]:
        """Return campaigns, the newest first."""
        actor.require(Permission.FIRMWARE_READ)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            found = [each for each in await work.campaigns.all() if site_id in (None, each.site_id)]
            return tuple([view_of(each, await work.firmware_actions.of_campaign(each.id)) for each in found[::-1]])

    async def get(self, actor: Actor, campaign_id: str) -> CampaignDetail:
        """Return a campaign with its devices.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            campaign = await _found(work, campaign_id)
            actions = tuple(await work.firmware_actions.of_campaign(campaign_id))
            codes = {device.id: device.code for device in await work.devices.all()}
        wanted = {action.device_id for action in actions}
        return CampaignDetail(
            **view_of(campaign, actions).model_dump(),
            actions=actions,
            codes={device_id: code for device_id, code in codes.items() if device_id in wanted},
            failures=failures_of(actions),
        )

    async def story(self, actor: Actor, action_id: str) -> tuple[ActionEvent, ...]:
        """Return what happened to one device, the newest first.

        Raises:
            NotFoundError: The action does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            if await work.firmware_actions.get(action_id) is None:
                raise NotFoundError(f"There is no action {action_id!r}.")
            return tuple(await work.firmware_actions.events(action_id, EVENTS_SHOWN_MAX))

    async def simulate(self, actor: Actor, campaign_id: str) -> CampaignPlan:
        """Return what a campaign would do if it began now; nothing changes.

        Raises:
            NotFoundError: It, or its group, does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            return await plan(work, await _found(work, campaign_id), int(self._clock.now()))

    # --- changing ---------------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, facts: CampaignFacts) -> Campaign:
        """Keep a draft.

        Raises:
            NotFoundError: Its site, group or release does not exist or lies outside the actor's sites.
            ConflictError: There are too many.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = self._clock.now()
        campaign = Campaign(
            **facts.model_dump(), id=new_id(now), created_at=int(now), created_by=actor.name, creator_id=actor.id,
            revision=1,
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            await require_site(work, actor, campaign.site_id)
            group = await work.device_groups.get(campaign.group_id)
            if group is None or group.site_id != campaign.site_id:
                raise NotFoundError(f"There is no group of devices {campaign.group_id!r} in this site.")
            if campaign.release_id is not None and await work.releases.get(campaign.release_id) is None:
                raise NotFoundError(f"There is no release {campaign.release_id!r}.")
            if len(await work.campaigns.all()) >= CAMPAIGNS_MAX:
                raise ConflictError(f"There are {CAMPAIGNS_MAX} campaigns already.")
            await work.campaigns.put(campaign)
            await self._note(work, actor, "created", None, campaign)
            await work.commit()
        return campaign

    async def approve(self, actor: Actor, campaign_id: str, reason: str = "") -> Campaign:
        """Approve a draft; where it asks for a second person its author may not.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            PermissionDeniedError: The actor made it.
            ConflictError: It is no draft.
        """
        actor.require(Permission.FIRMWARE_APPROVE)
        async with self._work(actor.scope) as work:
            before = await _found(work, campaign_id)
            after_it = _moved(before, "approve")
            if before.second_person and before.creator_id == actor.id:
                raise PermissionDeniedError(
                    f"{actor.name} made this campaign, and it asks for a second person. Somebody else approves it."
                )
            return await self._keep(
                work, actor, "approved", before, after_it.model_copy(update={"approved_by": actor.name}), reason
            )

    async def start(self, actor: Actor, campaign_id: str) -> Campaign:
        """Begin: each eligible device has its action from now on, the others are on record with the reason.

        Raises:
            NotFoundError: It, or its group, does not exist or lies outside the actor's sites.
            ConflictError: It is not approved, or nobody vouches for its release now.
            InvalidInputError: No device of the group may have the release.
            UnavailableError: The file of the release is not there.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            campaign = _moved(before, "start").model_copy(update={"started_at": now, "why": "It was started."})
            await require_release(work, campaign, self._clock.now(), self._has_file)
            planned = await plan(work, campaign, now)
            if not planned.eligible:
                why = planned.devices[0].why_not if planned.devices else "The group has no members."
                problem = f"has no device that may have the release. {why}"
                raise InvalidInputError(f"The group {problem}", [FieldIssue("group_id", problem)])
            if len(planned.devices) > DEVICES_MAX:
                raise InvalidInputError(f"At most {DEVICES_MAX} devices are in one campaign.")
            number = await work.firmware_actions.next_number()
            await work.firmware_actions.put(
                [action_of(campaign, each, number + place, now) for place, each in enumerate(planned.devices)]
            )
            campaign = await self._keep(work, actor, "started", before, campaign)
        self._wake()
        return campaign

    async def pause(self, actor: Actor, campaign_id: str, reason: str = "") -> Campaign:
        """Give no further device the release; those under way go on.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It is not running.
        """
        return await self._steer(actor, campaign_id, "pause", "paused", reason or f"{actor.name} paused it.")

    async def resume(self, actor: Actor, campaign_id: str, reason: str = "") -> Campaign:
        """Go on; a phase whose success was waited for is followed by the next.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It is not paused, or nobody vouches for its release any more.
            UnavailableError: The file of the release is not there.
        """
        return await self._steer(actor, campaign_id, "resume", "resumed", reason or f"{actor.name} resumed it.")

    async def _steer(self, actor: Actor, campaign_id: str, step: str, done: str, why: str) -> Campaign:
        actor.require(Permission.FIRMWARE_PUBLISH)
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            steered = _moved(before, step).model_copy(update={"why": why[:500]})
            if step == "resume":
                await require_release(work, steered, self._clock.now(), self._has_file)
            campaign = await self._keep(work, actor, done, before, steered, why)
        self._wake()
        return campaign

    async def abort(self, actor: Actor, campaign_id: str, reason: str = "") -> Campaign:
        """End it: what has not begun is canceled, what loads is asked to stop, what installs finishes first.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It has ended.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            why = (reason or f"{actor.name} aborted it.")[:500]
            ended = _moved(before, "abort").model_copy(update={"why": why, "ended_at": now})
            await cancel_all(work, campaign_id, now, actor.name, why)
            campaign = await self._keep(work, actor, "aborted", before, ended, reason)
        self._wake()
        return campaign

    async def retry(self, actor: Actor, campaign_id: str, action_ids: Sequence[str] = ()) -> Campaign:
        """Give devices that failed, all or those named, a new action each; their failures count no more.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It was aborted, nothing of it failed, or nobody vouches for its release any more.
            UnavailableError: The file of the release is not there.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            running = _moved(before, "retry").model_copy(update={"why": f"{actor.name} tries again.", "ended_at": None})
            await require_release(work, running, self._clock.now(), self._has_file)
            again = await self._chosen(work, campaign_id, action_ids, FINALLY_FAILED)
            number = await work.firmware_actions.next_number()
            for place, action in enumerate(again):
                await work.firmware_actions.put([successor(action, number + place, now)])
                twin = await work.twins.get(action.device_id)
                if twin is not None and action.release_id in twin.quarantined:
                    kept = tuple(each for each in twin.quarantined if each != action.release_id)
                    await work.twins.put([twin.model_copy(update={"quarantined": kept})])
            campaign = await self._keep(work, actor, "retried", before, running)
        self._wake()
        return campaign

    async def exclude(self, actor: Actor, campaign_id: str, action_ids: Sequence[str]) -> Campaign:
        """Leave devices out that failed, or have not begun; they count no more.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: None of them can be left out any more.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            left_out = f"{actor.name} left it out."
            number = await work.firmware_actions.next_number()
            for place, action in enumerate(await self._chosen(work, campaign_id, action_ids, CAN_BE_LEFT_OUT)):
                if action.state in ENDED:  # What has ended stays on record as it is; what follows it says otherwise.
                    skipped = successor(action, number + place, now)
                    await work.firmware_actions.put([skipped.at(S.SKIPPED, now, detail=left_out)])
                else:
                    await move(work, action, H.SKIPPED, now, actor.name, left_out)
            why = before.model_copy(update={"revision": before.revision + 1})
            campaign = await self._keep(work, actor, "excluded", before, why)
        self._wake()
        return campaign

    async def roll_back(self, actor: Actor, campaign_id: str, reason: str = "") -> Campaign:
        """Draft the way back for the devices of a campaign, each to its own last good release, and stop this one.

        Raises:
            NotFoundError: It, or its group, does not exist or lies outside the actor's sites.
            ConflictError: It has not begun, or is itself a way back.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            before = await self._reached(work, actor, campaign_id)
            if before.started_at is None or before.kind is CampaignKind.ROLLBACK:
                raise ConflictError("Only a campaign that has begun, and is no rollback itself, can be rolled back.")
            if before.state not in OVER:
                why = (reason or f"{actor.name} rolls it back.")[:500]
                ended = _moved(before, "abort").model_copy(update={"why": why, "ended_at": now})
                await cancel_all(work, campaign_id, now, actor.name, why)
                await work.campaigns.put(ended.model_copy(update={"revision": before.revision + 1}))
            back = Campaign(
                **way_back(before).model_dump(), id=new_id(self._clock.now()), created_at=now, created_by=actor.name,
                creator_id=actor.id, rolls_back=campaign_id, revision=1,
            )  # fmt: skip
            await work.campaigns.put(back)
            await self._note(work, actor, "rolled_back", None, back, reason)
            await work.commit()
        self._wake()
        return back

    # --- helpers of the above ---------------------------------------------------------------------------------------

    async def _reached(self, work: Work, actor: Actor, campaign_id: str) -> Campaign:
        campaign = await work.campaigns.get(campaign_id)
        if campaign is None or not actor.scope.covers(campaign.site_id):
            raise NotFoundError(f"There is no campaign {campaign_id!r}.")
        return campaign

    async def _chosen(
        self, work: Work, campaign_id: str, action_ids: Sequence[str], states: frozenset[ActionState]
    ) -> list[Action]:
        found = [
            action
            for action in latest(await work.firmware_actions.of_campaign(campaign_id))
            if action.state in states and (not action_ids or action.id in action_ids)
        ]
        if not found:
            raise ConflictError("None of these devices is in a state in which this can be done.")
        return found

    async def _keep(
        self, work: Work, actor: Actor, done: str, before: Campaign, campaign: Campaign, reason: str = ""
    ) -> Campaign:
        campaign = campaign.model_copy(update={"revision": before.revision + 1})
        await work.campaigns.put(campaign)
        await self._note(work, actor, done, before, campaign, reason)
        await work.commit()
        return campaign

    async def _note(
        self, work: Work, actor: Actor, done: str, before: Campaign | None, campaign: Campaign, reason: str = ""
    ) -> None:
        await audit(
            work, actor, self._clock.now(), f"campaigns.{done}", subject="campaign", subject_id=campaign.id,
            name=campaign.name, site_id=campaign.site_id, before=before, after=campaign, reason=reason,
        )  # fmt: skip


async def _found(work: Work, campaign_id: str) -> Campaign:
    campaign = await work.campaigns.get(campaign_id)
    if campaign is None:
        raise NotFoundError(f"There is no campaign {campaign_id!r}.")
    return campaign


def _moved(campaign: Campaign, step: str) -> Campaign:
    begins, to = MOVES[step]
    if campaign.state not in begins:
        raise ConflictError(
            f"The campaign {campaign.name} is {campaign.state}; to {step} it, it must be "
            f"{' or '.join(sorted(begins))}.",
            campaign_id=campaign.id,
        )
    return campaign.model_copy(update={"state": to})
