"""Who would get what in a campaign, who would not and why, and how long it would take: asked before it begins."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import Campaign, CampaignKind, opens_at, share_out
from pdm_app.domain.device_groups import members, natural
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.record import Id, Record
from pdm_app.domain.releases import Release
from pdm_app.domain.repositories import Work
from pdm_app.domain.rollouts import why_not
from pdm_app.services.release_rules import fault
from pdm_app.services.shifts import zone_of

POLL_S = 300
"""How long a device may take to ask, as clients are told."""
INSTALL_S = 120
BYTES_PER_S = 500_000
"""Assumed of a link; a campaign says how many devices load at once."""


class PlannedDevice(Record):
    """What a campaign does with one device of its group."""

    device_id: Id
    code: str = Field(max_length=40)
    phase: int | None = Field(description="From 0; None for one that is left out.")
    release_id: str | None
    from_version: str
    to_version: str
    why_not: str


class PlannedPhase(Record):
    """How a phase would go, in seconds after the start."""

    name: str
    devices: int
    begin_s: int
    end_s: int
    bytes: int


class CampaignPlan(Record):
    """What would happen if a campaign began now and every device did as it should."""

    devices: tuple[PlannedDevice, ...]
    phases: tuple[PlannedPhase, ...]
    eligible: int
    skipped: int
    bytes: int
    assumptions: str


async def plan(work: Work, campaign: Campaign, now: int) -> CampaignPlan:
    """Return what a campaign would do now.

    Raises:
        NotFoundError: Its group does not exist.
        InvalidInputError: The group's filter cannot be read.
    """
    group = await work.device_groups.get(campaign.group_id)
    if group is None or group.site_id != campaign.site_id:
        raise NotFoundError(f"There is no group of devices {campaign.group_id!r} in this site.")
    devices = {device.id: device for device in await work.devices.all()}
    twins = {twin.id: twin for twin in await work.twins.all()}
    releases = {release.id: release for release in await work.releases.all()}
    chosen = [told.device_id for told in members(group, list(devices.values()), twins) if told.is_member]
    chosen.sort(key=lambda device_id: natural(devices[device_id].code))
    keys = await work.releases.keys()
    undone = await work.campaigns.get(campaign.rolls_back) if campaign.rolls_back is not None else None
    wanted = {device_id: _wanted(campaign, twins.get(device_id), undone) for device_id in chosen}
    faults = {one: fault(releases[one], keys, now) for one in set(wanted.values()) & releases.keys()}
    found = [
        _of(devices[device_id], twins.get(device_id), campaign, releases, wanted[device_id], faults)
        for device_id in chosen
    ]
    shares = share_out([each.device_id for each in found if not each.why_not], campaign.phases)
    phase_of = {device_id: number for number, share in enumerate(shares) for device_id in share}
    planned = tuple(each.model_copy(update={"phase": phase_of.get(each.device_id)}) for each in found)
    first_s = (opens_at(campaign.windows, now, await zone_of(work, campaign.site_id)) - now) // 1_000_000
    phases = _timeline(campaign, planned, releases, first_s)
    return CampaignPlan(
        devices=planned,
        phases=phases,
        eligible=sum(not each.why_not for each in planned),
        skipped=sum(bool(each.why_not) for each in planned),
        bytes=sum(phase.bytes for phase in phases),
        assumptions=(
            f"Devices ask every {POLL_S} s, load {BYTES_PER_S // 1000} kB/s each, install in {INSTALL_S} s and are "
            f"watched for {campaign.soak_s} s; {campaign.concurrent_max} at once{_shared(campaign)}; "
            "later windows are not counted."
        ),
    )


def _shared(campaign: Campaign) -> str:
    limit = campaign.bytes_per_s_max
    return "" if limit is None else f", which share {limit // 1000} kB/s"


def _load_s(campaign: Campaign, sizes: Sequence[int], turns: int) -> int:
    """Return how long a turn of devices loads: as fast as one can, or as all of them may together."""
    alone_s = max(sizes, default=0) // BYTES_PER_S
    if campaign.bytes_per_s_max is None or not turns:
        return alone_s
    return max(alone_s, -(-sum(sizes) // (turns * campaign.bytes_per_s_max)))


def _wanted(campaign: Campaign, twin: FirmwareTwin | None, undone: Campaign | None) -> str:
    """Return the release that a device would get: on the way back its own last good one; empty where none is known.

    A device that was never proven to run what is undone goes back to what it was proven to run, which it may run still.
    """
    if campaign.kind is not CampaignKind.ROLLBACK or campaign.release_id is not None or twin is None:
        return campaign.release_id or ""
    was_reached = undone is None or undone.release_id is None or twin.release_id == undone.release_id
    return (twin.good_release_id if was_reached else twin.release_id) or ""


def _of(
    device: Device,
    twin: FirmwareTwin | None,
    campaign: Campaign,
    releases: Mapping[str, Release],
    wanted: str,
    faults: Mapping[str, str],
) -> PlannedDevice:
    back = campaign.kind is CampaignKind.ROLLBACK
    release = releases.get(wanted)
    running = releases.get(twin.release_id or "") if twin is not None else None
    return PlannedDevice(
        device_id=device.id, code=device.code, phase=None, release_id=release.id if release else None,
        from_version=twin.version if twin else "", to_version=release.version if release else "",
        why_not=why_not(
            release, twin, campaign.mode, running=running, back=back, fault=faults[release.id] if release else ""
        ),
    )  # fmt: skip


def _timeline(
    campaign: Campaign, planned: Sequence[PlannedDevice], releases: Mapping[str, Release], first_s: int
) -> tuple[PlannedPhase, ...]:
    found: list[PlannedPhase] = []
    begin_s = 0
    for number, phase in enumerate(campaign.phases):
        sizes = [
            releases[each.release_id].artifact.bytes for each in planned if each.phase == number and each.release_id
        ]
        turns = -(-len(sizes) // campaign.concurrent_max)
        turn_s = POLL_S + _load_s(campaign, sizes, turns) + INSTALL_S + POLL_S + campaign.soak_s
        wait_s = max(0, first_s - begin_s) if sizes else 0
        end_s = begin_s + (wait_s + turns * turn_s if sizes else 0)
        found.append(PlannedPhase(name=phase.name, devices=len(sizes), begin_s=begin_s, end_s=end_s, bytes=sum(sizes)))
        begin_s = end_s
    return tuple(found)
