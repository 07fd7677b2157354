"""What a device asks about its firmware, and what it says of it; the words of the protocol are the endpoint's.

A device is believed what it has seen, and nothing that we can know better: how much of an image it was sent is counted
here, and a success is only that the image was written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pdm_app.domain.access import EVERY_SITE, Actor
from pdm_app.domain.campaigns import Campaign, UpdateMode
from pdm_app.domain.errors import ConflictError, NotFoundError, UnavailableError
from pdm_app.domain.firmware_actions import (
    CLOSED_FOR_DEVICE,
    OFFERED,
    Action,
    ActionEvent,
    ActionState,
    Effect,
    FailureClass,
    Happening,
    after,
)
from pdm_app.domain.firmware_twins import AttributeMode, FirmwareTwin, Poll
from pdm_app.domain.ports import Clock
from pdm_app.domain.releases import Release
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.rollouts import after_report
from pdm_app.services.device_assignments import Assigned, DeviceAssignments, GoneError, IsIdle
from pdm_app.services.firmware_stories import fail, move, one_at_a_time
from pdm_app.services.paces import Paces
from pdm_app.services.quiet_devices import KEPT_MAX, QuietDevices

POLL_NOTED_S = 30
POLLS_TOGETHER_US = 1_000_000
QUIET_POLLS_TOGETHER_US = 15_000_000
"""Of devices without an update; the rollout puts them on record before that, where it runs in this process."""
WATCHED_NOTED_S = 5
"""While a device proves a release: its soak time ends with a question of the device."""
MICROS_PER_S = 1_000_000
S, H = ActionState, Happening

Execution = Literal["closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "downloaded", "download"]
Finished = Literal["success", "failure", "none"]


@dataclass(frozen=True, slots=True)
class Polled:
    """What a device finds when it asks."""

    twin: FirmwareTwin
    assigned: Assigned | None
    is_offered: bool
    installed: Action | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a device says of an action."""

    execution: Execution
    finished: Finished
    details: str = ""
    progress: int | None = None


class DeviceUpdateService(DeviceAssignments):
    """The device's side of campaigns; takes what `DeviceAssignments` does.

    Args:
        work: Where actions are stored.
        clock: Injected time.
        is_idle: Whether a machine stands still, by the number of its state signal; None where that is not known.
        wake: Told that something happened that the rollout should look at.
        fresh_s: So long a device may be told that there is nothing for it after something has come.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        is_idle: IsIdle = lambda _signal_id: None,
        wake: Callable[[], None] = lambda: None,
        *,
        fresh_s: float = 0.0,
    ) -> None:
        super().__init__(work, clock, is_idle, wake)
        self._quiet: QuietDevices[Polled] = QuietDevices(work, clock, fresh_s)
        self._since = clock.now()
        self.paces = Paces(clock)
        self._polls: dict[str, Poll] = {}
        self._noted: dict[str, int] = {}
        """When devices asked, as it is on record or is about to be."""
        self._polls_noted_at = 0
        self._is_awaited = False
        """Whether one of them may be what a campaign waits for."""
        self._heard: set[str] = set()
        """Devices that have said what they run since this process began: the records may be those of a backup."""

    # --- asking -----------------------------------------------------------------------------------------------------

    async def poll(self, actor: Actor) -> Polled:
        """Return what there is for a device; it is known from its first question on."""
        now = self._clock.now()
        quiet = await self._quiet.find(actor.device_id or "")
        if quiet is not None:
            await self._asked(quiet.twin, actor, POLL_NOTED_S)
            return quiet
        mark = self._quiet.mark
        async with self._work(actor.scope) as work:
            twin = await work.twins.get(actor.device_id or "")  # The device itself was read together with its key.
            if twin is None:
                _, twin = await self._known(work, actor)
            action = await work.firmware_actions.active_of(twin.id)
            is_watched = action is not None and action.state is S.VERIFYING
            if twin.polled_at is None:
                twin = twin.model_copy(update={"polled_at": int(now), "address": actor.address[:80]})
                await work.twins.put([twin])
                await work.commit()
            assigned = None
            if action is not None:
                device, _ = await self._known(work, actor)
                assigned = await self._assigned(work, device, action)
            installed = await work.firmware_actions.last_of(twin.id)
        self._is_awaited |= action is not None
        await self._asked(twin, actor, WATCHED_NOTED_S if is_watched else POLL_NOTED_S, at_once=is_watched)
        offered = assigned is not None and assigned.action.state in OFFERED and not assigned.refusal
        if offered and assigned is not None and not assigned.may_install and twin.client.closes_what_it_skips:
            offered = False  # It would report what it is told to leave as done.
        if twin.id not in self._heard and (twin.version_at or 0) < self._since:
            twin = twin.model_copy(update={"wants_attributes": True})
        installed = installed if installed and installed.state in CLOSED_FOR_DEVICE else None
        polled = Polled(twin, assigned, offered, installed)
        if action is None:
            self._quiet.keep(twin.id, polled, mark)
        return polled

    async def _asked(self, twin: FirmwareTwin, actor: Actor, noted_s: int, *, at_once: bool = False) -> None:
        """Have it put on record that a device asks, with others that do, where that is not on record yet."""
        now = int(self._clock.now())
        known = self._noted.get(twin.id, twin.polled_at or 0)
        if now - known >= noted_s * MICROS_PER_S:
            self._polls[twin.id] = Poll(now, actor.address[:80])
            self._noted.pop(twin.id, None)
            self._noted[twin.id] = now
            if len(self._noted) > KEPT_MAX:
                del self._noted[next(iter(self._noted))]
        together = POLLS_TOGETHER_US if self._is_awaited else QUIET_POLLS_TOGETHER_US
        if self._polls and (at_once or now - self._polls_noted_at >= together):
            await self.note_polls()

    async def note_polls(self) -> None:
        """Put on record who has asked since this was done last; a writing for each of thousands would be too much."""
        polls, self._polls = self._polls, {}
        self._polls_noted_at = self._clock.now()
        is_awaited, self._is_awaited = self._is_awaited, False
        if not polls:
            return
        try:
            async with self._work(EVERY_SITE) as work:
                await work.twins.polled(polls)
                await work.commit()
        except UnavailableError:
            self._polls = {**polls, **self._polls}
            self._is_awaited |= is_awaited
            raise
        if is_awaited:
            self._wake()

    async def deployment(self, actor: Actor, number: int) -> Assigned:
        """Return what an action of the device is to do; the first question for it is put on record.

        Raises:
            NotFoundError: It is not one of this device's that it may have now.
        """
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            device, twin = await self._known(work, actor)
            action = await self._own(work, device, number)
            if action.state not in OFFERED | CLOSED_FOR_DEVICE or action.state is S.SKIPPED:
                raise NotFoundError(f"There is no deployment {number} for this device now.")
            assigned = await self._assigned(work, device, action)
            if action.state in OFFERED and assigned.refusal:
                raise NotFoundError(assigned.refusal)
            if action.state in OFFERED and not assigned.may_install and twin.client.closes_what_it_skips:
                raise NotFoundError(f"The window of deployment {number} is closed.")
            if action.state is S.PENDING:
                action = await move(work, action, H.FETCHED, self._clock.now(), device.code, "Asked for the update.")
                action = await self._downloaded(work, action, assigned.release, device.code)
            elif action.state is S.DOWNLOADED and not assigned.may_install:
                action = await move(work, action, H.WINDOW_CLOSED, self._clock.now(), device.code)
            elif action.state is S.WAITING_WINDOW and assigned.may_install:
                action = await move(work, action, H.WINDOW_OPENED, self._clock.now(), device.code)
            await work.commit()
        return Assigned(action, assigned.campaign, assigned.release, assigned.may_install)

    async def story(self, actor: Actor, action: Action, rows_max: int) -> Sequence[ActionEvent]:
        """Return what happened to an action of the device, the newest first."""
        async with self._work(actor.scope) as work:
            return await work.firmware_actions.events(action.id, rows_max)

    async def artifact_release(self, actor: Actor, release_id: str) -> tuple[Release, Action, Campaign]:
        """Return the release whose artifact a device may download, and the action and campaign that let it.

        Raises:
            NotFoundError: No action of the device has this release, or nobody vouches for it any more.
        """
        async with self._work(actor.scope) as work:
            device, _ = await self._known(work, actor)
            active = await work.firmware_actions.active_of(device.id)
            last = await work.firmware_actions.last_of(device.id)
            for action in (active, last):
                if action is not None and action.release_id == release_id:
                    release = await work.releases.get(release_id)
                    if release is None:
                        continue
                    campaign = await self._campaign(work, action)
                    if why := await self._refusal(work, action, campaign, release):
                        raise NotFoundError(why)
                    return release, action, campaign
        raise NotFoundError("There is no such file for this device.")

    # --- saying -----------------------------------------------------------------------------------------------------

    async def served(self, actor: Actor, action_id: str, begin: int, end: int) -> None:
        """Count the bytes from ``begin`` up to ``end`` that a device was sent of its image."""
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            action = await work.firmware_actions.get(action_id)
            if action is None or action.device_id != actor.device_id:
                return
            if begin > action.served_to and action.state_at >= self._since:
                return  # What lies before it was not sent. A process before this one may not have come to counting it.
            release = await work.releases.get(action.release_id)
            if release is None or end <= action.served_to or action.state in CLOSED_FOR_DEVICE:
                return
            percent = min(100, end * 100 // release.artifact.bytes)
            begins = action.state is S.RETRIEVED
            action = await move(
                work, action, H.DOWNLOAD_BEGAN if begins else H.PROGRESSED, self._clock.now(), actor.name,
                f"{end} of {release.artifact.bytes} bytes.", served_to=end, progress=percent,
                heard_at=self._clock.now(),
            )  # fmt: skip
            await self._downloaded(work, action, release, actor.name)
            await work.commit()

    async def _downloaded(self, work: Work, action: Action, release: Release, by: str) -> Action:
        if action.state in (S.RETRIEVED, S.DOWNLOADING) and action.served_to >= release.artifact.bytes:
            now = self._clock.now()
            action = await move(work, action, H.DOWNLOAD_ENDED, now, by, "The image was sent to its end.")
            if (await self._campaign(work, action)).mode is UpdateMode.DOWNLOAD_ONLY:
                action = await move(work, action, H.STORED, now, by, "It is to be kept, and not installed.")
        return action

    async def report(self, actor: Actor, number: int, report: Report) -> Action:
        """Take what a device says of its update.

        Raises:
            NotFoundError: The action is not this device's, or waits to be confirmed.
            GoneError: It has ended for the device; the same last word once more is taken in silence.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            device, twin = await self._known(work, actor)
            action = await self._own(work, device, number)
            if action.state in (S.WAITING_CONFIRMATION, S.SCHEDULED):
                raise NotFoundError(f"The action {number} waits to be confirmed.")
            if action.state in CLOSED_FOR_DEVICE or action.state is S.RETRY_WAIT:
                if report.execution == "closed":
                    return action  # Its answer was lost, and it says the same again.
                raise GoneError(f"The action {number} has ended.")
            release = await self._release(work, action)
            campaign = await self._campaign(work, action)
            action = await self._downloaded(work, action, release, device.code)
            action = await self._taken(work, action, campaign, report, now, device.code)
            if action.heard_at != now:
                await work.firmware_actions.heard(action.id, now)
            await self._settle(work, action, twin)
            await work.commit()
        self._wake()
        return action

    async def _taken(
        self, work: Work, action: Action, campaign: Campaign, report: Report, now: int, code: str
    ) -> Action:
        detail = report.details
        if report.execution == "canceled":
            return await move(work, action, H.CANCEL_DONE, now, code, detail or "The device canceled it.")
        if report.execution == "closed" and report.finished == "failure":
            failure = failure_of(detail)
            if failure is FailureClass.HEALTH and action.state is S.INSTALLING:  # It has been there, and went back.
                return await move(work, action, H.BOOTED_OLD, now, code, detail, failure=failure)
            return await fail(work, action, failure, detail or "No reason was given.", campaign.retry, now, code)
        if report.execution == "closed":
            step = after(action.state, H.CLOSED_WELL)
            if step.effect is not Effect.MOVED:
                why = "It reported success before it was sent the whole image. " + detail
                return await fail(work, action, FailureClass.NOT_DOWNLOADED, why, campaign.retry, now, code)
            return await move(work, action, H.CLOSED_WELL, now, code, detail or "The image is written.", progress=100,
                              heard_at=now)  # fmt: skip
        if report.execution == "download":
            share = action.progress if report.progress is None else report.progress
            return await move(work, action, H.DOWNLOAD_BEGAN, now, code, detail, progress=share)
        if action.state in (S.DOWNLOADED, S.WAITING_WINDOW) and report.execution == "proceeding":
            return await move(work, action, H.INSTALL_BEGAN, now, code, detail, progress=report.progress or 0)
        more = {} if report.progress is None else {"progress": report.progress}
        return await move(work, action, H.PROGRESSED, now, code, detail, **more)

    async def report_cancel(self, actor: Actor, number: int, report: Report) -> Action:
        """Take what a device says of being asked to stop.

        Raises:
            NotFoundError: The action is not this device's.
            ConflictError: It was not asked to.
        """
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            device, _ = await self._known(work, actor)
            action = await self._own(work, device, number)
            if action.state is S.CANCELED and report.execution == "closed":
                return action
            if action.state is not S.CANCELING:
                raise ConflictError(f"The action {number} is not being canceled.")
            refused = report.execution == "rejected" or (report.execution == "closed" and report.finished == "failure")
            happening = H.CANCEL_REFUSED if refused else H.CANCEL_DONE if report.execution == "closed" else H.PROGRESSED
            action = await move(work, action, happening, self._clock.now(), device.code, report.details)
            await work.commit()
        self._wake()
        return action

    async def canceling(self, actor: Actor, number: int) -> Action:
        """Return an action that the device is to stop.

        Raises:
            NotFoundError: It is not this device's, or is not to be stopped.
        """
        async with self._work(actor.scope) as work:
            device, _ = await self._known(work, actor)
            action = await self._own(work, device, number)
        if action.state is not S.CANCELING:
            raise NotFoundError(f"The action {number} is not being canceled.")
        return action

    async def put_attributes(self, actor: Actor, mode: AttributeMode, given: Mapping[str, str]) -> FirmwareTwin:
        """Keep what a device says of itself.

        Raises:
            InvalidInputError: An attribute cannot be kept.
        """
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            _, twin = await self._known(work, actor)
            twin = twin.with_attributes(mode, given, now)
            action = await work.firmware_actions.active_of(twin.id)
            if action is None:
                twin = await self._set_right(work, twin)
            if action is not None and action.state is S.INSTALLED and not twin.runs(action.to_version):
                twin = twin.model_copy(update={"wants_attributes": True})  # It has not restarted yet: ask once more.
            await work.twins.put([twin])
            await work.commit()
        self._heard.add(twin.id)
        self._quiet.forget(twin.id)
        self._wake()
        return twin

    async def _set_right(self, work: Work, twin: FirmwareTwin) -> FirmwareTwin:
        proven = await work.releases.get(twin.release_id) if twin.release_id is not None else None
        if proven is None or twin.runs(proven.version):
            return twin
        return after_report(twin, proven, await work.releases.all())

    async def _settle(self, work: Work, action: Action, twin: FirmwareTwin) -> None:
        """Ask a device that has written an image what it runs, and keep one that failed for good from it."""
        changes: dict[str, object] = {}
        if action.state is S.INSTALLED or action.failure is FailureClass.NOT_DOWNLOADED:
            changes["wants_attributes"] = True
        if action.state in (S.FAILED, S.ROLLED_BACK):
            twin = twin.quarantine(action.release_id)
            changes["revision"] = twin.revision + 1
        if changes:
            await work.twins.put([twin.model_copy(update=changes)])


def failure_of(details: str) -> FailureClass:
    """Return the kind of a failure from what a client says; what it does not say is an installation that failed."""
    said = details.casefold()
    for words, kind in (
        (("signature", "certificate", "ticket", "not trusted", "verification failed"), FailureClass.SIGNATURE),
        (("health check", "healthy"), FailureClass.HEALTH),
        (("checksum", "sha1", "sha256", "hash"), FailureClass.CHECKSUM),
        (("download", "connection", "network", "timeout", "curl"), FailureClass.DOWNLOAD),
    ):
        if any(word in said for word in words):
            return kind
    return FailureClass.INSTALL
