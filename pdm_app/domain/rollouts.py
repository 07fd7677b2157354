"""What a rollout finds out by itself: who may get a release, who has proven it, who has fallen silent.

All of it is pure: the records of a device and the time go in, what happened comes out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pdm_app.domain.campaigns import Campaign, UpdateMode
from pdm_app.domain.firmware_actions import Action, ActionState, FailureClass, Happening
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.releases import REACHES_DEVICES, REACHES_DEVICES_AGAIN, Obstacle, Release, ReleaseState, obstacles

MICROS_PER_S = 1_000_000
NEVER_ASKED = "It has never asked for firmware. Give it a key and its client the address of this server."
BOOT_S_MIN = 300
"""So long a device may go on to report its old version after it wrote the new one: it still has to restart."""

STAND_ON_DEVICES = frozenset({ReleaseState.PUBLISHED, ReleaseState.DEPRECATED, ReleaseState.REVOKED})
"""In which states a release may be what a device runs: a revoked one is not taken off by being revoked."""

S, H = ActionState, Happening
WAITS_FOR_DEVICE = frozenset({S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.DOWNLOADED, S.WAITING_WINDOW, S.INSTALLING,
                              S.CANCELING})  # fmt: skip
NOT_WRITTEN = frozenset({S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.RETRY_WAIT})
"""Here a device that says that it is done is not believed; it is when it reports the version."""


def why_not(
    release: Release | None,
    twin: FirmwareTwin | None,
    mode: UpdateMode = UpdateMode.FORCED,
    *,
    running: Release | None = None,
    back: bool = False,
    fault: str = "",
) -> str:
    """Return why a device does not get a release, for people; empty where it does.

    Args:
        release: What it would get; None where there is none.
        twin: The device; None where it never asked for anything.
        mode: How it would get it.
        running: What it is proven to run, for the way back.
        back: Whether this is a way back.
        fault: Why nobody vouches for the release now; empty where somebody does.
    """
    if twin is None:
        return NEVER_ASKED
    if release is None:
        return "No earlier good release of it is known." if back else "The release does not exist any more."
    if release.state not in (REACHES_DEVICES_AGAIN if back else REACHES_DEVICES):
        return f"{release.title} is {release.state}, and not published."
    if fault:
        return f"{release.title} cannot be vouched for: {fault}."
    if release.id in twin.quarantined:
        return f"{release.title} failed on it before. Take it out of quarantine first."
    if twin.runs(release.version):
        return f"It runs {release.version} already."
    if back and running is not None and not running.rollback_safe:
        return f"{running.title} is not marked as safe to go back from."
    found = obstacles(release, twin.target)
    if back:  # The way back leads to what has run there before, whatever it says of updates.
        found = tuple(each for each in found if each is not Obstacle.FROM_VERSION)
    if found:
        return _said(found[0], release, twin)
    if twin.polled_at is None and not twin.version:
        return NEVER_ASKED  # It is on record by a sheet, or by a setting of its group, and would count as silent.
    if mode is UpdateMode.DOWNLOAD_ONLY and twin.client.closes_what_it_skips:
        return f"Its client ({twin.client}) reports a download that is not to be installed as done."
    return ""


def _said(obstacle: Obstacle, release: Release, twin: FirmwareTwin) -> str:
    if obstacle is Obstacle.MODEL:
        wanted = ", ".join(each.model for each in release.hardware[:3])
        return f"It is {twin.hardware or 'of unknown hardware'}, and {release.title} is for {wanted}."
    if obstacle is Obstacle.REVISION:
        return f"Its hardware revision {twin.hardware_revision or 'is not known and'} is not one of the release's."
    if obstacle is Obstacle.FROM_VERSION:
        return f"It runs {twin.version or 'an unknown version'}; at least {release.min_from_version} is needed first."
    return (
        f"Its security version is {twin.security_floor}, and that of {release.title} is {release.security_version}: "
        "it never goes down."
    )


class Finding(NamedTuple):
    """Something that happened to an action without anybody saying so."""

    happening: Happening
    failure: FailureClass | None
    detail: str


def found_out(
    action: Action, twin: FirmwareTwin | None, campaign: Campaign, new_alarm: str, now: int
) -> Finding | None:
    """Say what time, or what the device reports, has made of an action.

    Args:
        action: The action.
        twin: Its device as it reported last.
        campaign: Its campaign.
        new_alarm: An alarm raised at the device's machine since it runs the release; empty for none.
        now: Microseconds UTC.
    """
    is_due = action.state is S.RETRY_WAIT and action.retry_at is not None and action.retry_at <= now
    if is_due and not (twin is not None and _found_running(action, twin)):
        return Finding(H.RETRY_DUE, None, f"Try {action.attempts + 1} of {campaign.retry.attempts_max}.")
    heard_at = max(action.state_at, action.heard_at, (twin.polled_at or 0) if twin else 0)
    silent_s = (now - heard_at) // MICROS_PER_S
    if action.state in WAITS_FOR_DEVICE | {S.INSTALLED, S.VERIFYING} and silent_s >= campaign.silent_s:
        return Finding(H.SILENT, FailureClass.SILENCE, f"Nothing was heard of it for {silent_s} s.")
    if twin is None:
        return None
    if action.state in NOT_WRITTEN and campaign.mode is not UpdateMode.DOWNLOAD_ONLY:
        return _found_running(action, twin)
    if action.state not in (S.INSTALLED, S.VERIFYING):
        return None
    return _proof(action, twin, campaign, new_alarm, now)


def _found_running(action: Action, twin: FirmwareTwin) -> Finding | None:
    """Believe a device that reports the release though nothing is on record of its having been written."""
    if not twin.runs(action.to_version) or (twin.version_at or 0) <= action.created_at:
        return None
    detail = f"It reports {twin.version}, though nothing is on record here of its having been sent: it is watched now."
    return Finding(H.FOUND_RUNNING, None, detail)


def _proof(action: Action, twin: FirmwareTwin, campaign: Campaign, new_alarm: str, now: int) -> Finding | None:
    runs_it = twin.runs(action.to_version)
    reported_at = twin.version_at or 0
    if action.state is S.INSTALLED:
        if reported_at < action.state_at:
            return None
        if runs_it:
            return Finding(H.BOOTED_NEW, None, f"It reports {twin.version}.")
        if now - action.state_at >= max(campaign.soak_s, BOOT_S_MIN) * MICROS_PER_S:
            return Finding(H.BOOTED_OLD, FailureClass.OLD_VERSION, f"It reports {twin.version} after the installation.")
        return None
    if not runs_it:
        return Finding(H.BOOTED_OLD, FailureClass.OLD_VERSION, f"It went back to {twin.version}.")
    if new_alarm:
        return Finding(H.UNHEALTHY, FailureClass.HEALTH, f"Since it runs {twin.version}: {new_alarm}")
    due_at = (action.verified_from or action.state_at) + campaign.soak_s * MICROS_PER_S
    if now >= due_at and (twin.polled_at or 0) >= due_at:
        return Finding(H.PROVEN, None, f"It runs {twin.version} and was well for {campaign.soak_s} s.")
    return None


def after_report(twin: FirmwareTwin, proven: Release, known: Sequence[Release]) -> FirmwareTwin:
    """Return a device with what is on record of it set right, where it reports another release than the proven one.

    So it is after a server was restored from an older backup, or a device went back by itself, or was given a release
    by hand. A release that failed on it is not believed to be good.

    Args:
        twin: The device, which has no update under way.
        proven: What is on record as proven to run.
        known: All releases.
    """
    if twin.runs(proven.version):
        return twin
    for release in known:
        if (
            release.name == proven.name and release.state in STAND_ON_DEVICES and twin.runs(release.version)
            and release.id not in twin.quarantined
        ):  # fmt: skip
            went_back = release.id == twin.good_release_id
            found = after_proof(twin, release)
            return found.model_copy(update={"good_release_id": None}) if went_back else found
    return twin


def after_proof(twin: FirmwareTwin, release: Release) -> FirmwareTwin:
    """Return a device of which it is proven that it runs a release; its security version only ever rises."""
    if twin.release_id == release.id:
        return twin
    floor = max(twin.security_floor, release.security_version)
    good = twin.release_id if twin.release_id is not None else twin.good_release_id
    changes = {"release_id": release.id, "good_release_id": good, "security_floor": floor}
    return twin.model_copy(update={**changes, "revision": twin.revision + 1})
