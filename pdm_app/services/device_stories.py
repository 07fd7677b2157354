"""All that is known of one device's firmware: what it is to run and runs, how its line is, and what happened to it.

Its story joins what its updates, its machine's alarms and its machine's samples tell, in the order of time, so that
somebody sees whether the machine changed when the firmware did.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import JournalKind, JournalQuery
from pdm_app.domain.assets import Device
from pdm_app.domain.errors import NotFoundError, UnavailableError
from pdm_app.domain.firmware_actions import ActionState, FailureClass
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.history import AggregateAnswer, AggregateQuery
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Id, Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.history import HistoryService

ASKED_EVERY_S = 300
"""As devices are told while there is nothing for them."""
ACTIONS_MAX, EVENTS_MAX, ALARMS_MAX, SIGNALS_MAX = 20, 30, 100, 5
MOMENTS_MAX = 300
TELEMETRY_S, STRETCH_S = 86_400, 600
LINE_FAILURES = frozenset({FailureClass.DOWNLOAD, FailureClass.CHECKSUM, FailureClass.SILENCE})


class WantedRelease(Record):
    """The release that a campaign is about to bring a device."""

    release: str
    version: str
    state: ActionState
    progress: int
    detail: str
    campaign_id: Id
    campaign: str


class LinkQuality(Record):
    """How well a device is reached."""

    heard_at: int | None = Field(description="When it asked last; microseconds UTC.")
    every_s: int = Field(description="How often it asks where there is nothing for it.")
    missed: int = Field(description="Questions that should have come since.")
    attempts: int = Field(description="Updates that were begun, of the newest ones.")
    broken: int = Field(description="Attempts of them that failed for the line: broken, spoiled, silent.")


class DeviceMoment(Record):
    """Something that happened; ``what`` is a happening of an update, a kind of journal entry, or silent or back."""

    at: int
    kind: Literal["firmware", "alarm", "telemetry"]
    what: str
    state: str = Field(default="", description="Of an update, after it; else empty.")
    name: str = Field(description="Of the release, the alarm or the signals' machine.")
    detail: str = ""
    campaign_id: Id | None = None


class DeviceFirmware(Record):
    """What is known of a device's firmware."""

    device_id: Id
    twin: FirmwareTwin | None = Field(description="As it reported last; none where it never asked.")
    wanted: WantedRelease | None = Field(description="None where nothing is under way.")
    runs: str = Field(description="The release that it has proven to run; empty where none is known.")
    way_back: str = Field(description="The one it ran before that.")
    quarantined: tuple[str, ...] = Field(description="Releases that failed on it and are not given to it again.")
    line: LinkQuality
    moments: tuple[DeviceMoment, ...] = Field(description="The newest first.")


class DeviceStoryService:
    """Tells it.

    Args:
        work: Where devices and actions are stored.
        clock: Injected time.
        history: Knows when samples came.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, history: HistoryService) -> None:
        self._work = work
        self._clock = clock
        self._history = history

    async def firmware(self, actor: Actor, device_id: str) -> DeviceFirmware:
        """Return what is known of a device; alarms and samples for who may see them.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.DEVICES_READ)
        now = int(self._clock.now())
        async with self._work(actor.scope) as work:
            device = await work.devices.get(device_id)
            if device is None:
                raise NotFoundError(f"There is no device {device_id!r}.", device_id=device_id)
            twin = await work.twins.get(device_id)
            titles = {release.id: release.title for release in await work.releases.all()}
            actions = await work.firmware_actions.of_device(device_id, ACTIONS_MAX)
            active = await work.firmware_actions.active_of(device_id)
            campaign = await work.campaigns.get(active.campaign_id) if active is not None else None
            moments = [
                DeviceMoment(
                    at=event.at, kind="firmware", what=event.happening, state=event.state if event.is_a_move else "",
                    name=titles.get(action.release_id, action.to_version), detail=event.detail,
                    campaign_id=action.campaign_id,
                )
                for action in actions
                for event in await work.firmware_actions.events(action.id, EVENTS_MAX)
            ]  # fmt: skip
            if Permission.ALARMS_READ in actor.permissions:
                moments += await _alarms(work, device)
            signals = [signal.id for signal in await work.signals.of_asset(device.asset_id)] if device.asset_id else []
            machine = await work.assets.get(device.asset_id) if device.asset_id else None
        if signals and machine is not None and Permission.HISTORY_READ in actor.permissions:
            moments += await self._telemetry(actor, signals[:SIGNALS_MAX], machine.code, now)
        moments.sort(key=lambda moment: moment.at, reverse=True)
        wanted = None
        if active is not None and campaign is not None:
            wanted = WantedRelease(
                release=titles.get(active.release_id, ""), version=active.to_version, state=active.state,
                progress=active.progress, detail=active.detail, campaign_id=campaign.id, campaign=campaign.name,
            )  # fmt: skip
        heard_at = twin.polled_at if twin is not None else None
        asked_s = 0 if heard_at is None else max(0, now - heard_at) // MICROS_PER_S
        return DeviceFirmware(
            device_id=device_id,
            twin=twin,
            wanted=wanted,
            runs=titles.get(twin.release_id or "", "") if twin is not None else "",
            way_back=titles.get(twin.good_release_id or "", "") if twin is not None else "",
            quarantined=tuple(titles.get(one, one) for one in twin.quarantined) if twin is not None else (),
            line=LinkQuality(
                heard_at=heard_at, every_s=ASKED_EVERY_S, missed=asked_s // ASKED_EVERY_S,
                attempts=sum(max(1, action.attempts) for action in actions),
                broken=sum(max(1, action.attempts) for action in actions if action.failure in LINE_FAILURES),
            ),
            moments=tuple(moments[:MOMENTS_MAX]),
        )  # fmt: skip

    async def _telemetry(self, actor: Actor, signals: Sequence[int], machine: str, now: int) -> list[DeviceMoment]:
        """Return when a machine's samples stopped and came back within the last day; nothing where that is slow."""
        end = now - now % (STRETCH_S * MICROS_PER_S)
        query = AggregateQuery(
            signals=tuple(signals), start_at=end - TELEMETRY_S * MICROS_PER_S, end_at=end,
            every_us=STRETCH_S * MICROS_PER_S,
        )  # fmt: skip
        try:
            found = await self._history.aggregate(actor, query)
        except (UnavailableError, NotFoundError):
            return []  # The rest of the story does not wait for a history that is busy.
        return silences(found, machine)


def silences(found: AggregateAnswer, machine: str) -> list[DeviceMoment]:
    """Return when nothing at all came any more, and when something did again; not what lies before the first sample."""
    counts = [sum(of_all) for of_all in zip(*(series.count for series in found.series), strict=True)]
    moments: list[DeviceMoment] = []
    has_begun, was_silent = False, False
    for at, count in zip(found.series[0].at, counts, strict=True):
        if count and was_silent:
            moments.append(DeviceMoment(at=at, kind="telemetry", what="back", name=machine))
        if not count and has_begun and not was_silent:
            moments.append(DeviceMoment(at=at, kind="telemetry", what="silent", name=machine))
        was_silent = has_begun and not count
        has_begun = has_begun or bool(count)
    return moments


async def _alarms(work: Work, device: Device) -> list[DeviceMoment]:
    if device.asset_id is None:
        return []
    kinds = (JournalKind.RAISED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED)
    asked = JournalQuery(asset_id=device.asset_id, kinds=kinds, limit=ALARMS_MAX)
    return [
        DeviceMoment(at=entry.at, kind="alarm", what=entry.kind, name=entry.name, detail=entry.comment)
        for entry in await work.alarms.journal(asked)
    ]
