"""Handing over a shift: filled in from what is known, signed by who leaves it, and by who takes it."""

from collections.abc import Sequence
from typing import Literal

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.handovers import (
    ALARMS_TOLD,
    LINES_TOLD,
    Handover,
    HandoverAlarm,
    HandoverDraft,
    HandoverLine,
    handover_id,
)
from pdm_app.domain.ports import Clock
from pdm_app.domain.production_views import LineOverview
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.shifts import ShiftSpan
from pdm_app.domain.signatures import Meaning
from pdm_app.services.alarms import AlarmService
from pdm_app.services.production import ProductionService
from pdm_app.services.record_changes import require_site
from pdm_app.services.shifts import zone_of
from pdm_app.services.signatures import SignatureService, Signing

Which = Literal["now", "before"]
"""The shift that runs, or the last one that has ended."""


class HandoverService:
    """Handovers in an actor's sites.

    Args:
        work: Where they are stored.
        production: Says how lines went.
        alarms: Says what stands.
        signatures: Checks passwords and signs.
        clock: Injected time.
    """

    def __init__(
        self,
        work: UnitOfWork,
        production: ProductionService,
        alarms: AlarmService,
        signatures: SignatureService,
        clock: Clock,
    ) -> None:
        self._work = work
        self._production = production
        self._alarms = alarms
        self._signatures = signatures
        self._clock = clock

    async def draft(self, actor: Actor, site_id: str, which: Which) -> HandoverDraft:
        """Return a shift as it would be handed over now.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's, or no such shift is known there.
        """
        actor.require(Permission.HISTORY_READ)
        actor.require(Permission.ALARMS_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            span = await _shift(work, site_id, which, now)
        until_at = min(now, span.end_at)
        lines = await self._production.overview(actor, site_id, span.begin_at, until_at)
        standing = await self._alarms.active(actor, site_id)
        return HandoverDraft(
            site_id=site_id, name=span.name, crew=span.crew, day=span.on, begin_at=span.begin_at, end_at=span.end_at,
            until_at=until_at, lines=tuple(_line(line) for line in lines[:LINES_TOLD]), alarms=_told(standing),
            alarms_left_out=max(len(standing) - ALARMS_TOLD, 0),
        )  # fmt: skip

    async def page(self, actor: Actor, site_id: str, limit: int) -> tuple[Handover, ...]:
        """Return the handovers of a site, the newest first.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            return tuple(await work.handovers.newest(site_id, limit))

    async def hand_over(self, actor: Actor, site_id: str, which: Which, notes: str, signing: Signing) -> Handover:
        """Sign a shift as it stands, for the next one to take.

        Raises:
            NotFoundError: As `draft`.
            ConflictError: It was handed over already.
            InvalidInputError: The password or the code is wrong; nothing was signed.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        draft = await self.draft(actor, site_id, which)
        key = handover_id(site_id, draft.begin_at)
        async with self._work(actor.scope) as work:
            await _refuse_twice(work, key)
        confirmed = await self._signatures.confirm(actor, signing.password, signing.code)
        after = Handover(
            **draft.model_dump(), id=key, notes=notes.strip(), handed_by_id=actor.id,
            handed_by=confirmed.user.display_name, handed_at=self._clock.now(), revision=1,
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            await _refuse_twice(work, key)
            await work.handovers.put(after)
            await self._signatures.sign(
                work, confirmed, Meaning.AUTHORED, after, subject="handover", subject_id=key, name=_name(after),
                site_id=site_id, reason=signing.reason,
            )  # fmt: skip
            await work.commit()
        return after

    async def take(self, actor: Actor, key: str, remarks: str, signing: Signing) -> Handover:
        """Sign that a shift was taken over.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It was taken already, or the actor has handed it over.
            InvalidInputError: The password or the code is wrong; nothing was signed.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        async with self._work(actor.scope) as work:
            await _open(work, key, actor)
        confirmed = await self._signatures.confirm(actor, signing.password, signing.code)
        async with self._work(actor.scope) as work:
            before = await _open(work, key, actor)
            after = before.model_copy(
                update={
                    "taken_by_id": actor.id, "taken_by": confirmed.user.display_name, "taken_at": self._clock.now(),
                    "remarks": remarks.strip(), "revision": before.revision + 1,
                }
            )  # fmt: skip
            await work.handovers.put(after)
            await self._signatures.sign(
                work, confirmed, Meaning.REVIEWED, after, subject="handover", subject_id=key, name=_name(after),
                site_id=after.site_id, reason=signing.reason,
            )  # fmt: skip
            await work.commit()
        return after


async def _shift(work: Work, site_id: str, which: Which, now: int) -> ShiftSpan:
    zone = await zone_of(work, site_id)
    calendar = await work.shifts.get(site_id)
    span = None
    if calendar is not None:
        span = calendar.at(now, zone) if which == "now" else calendar.newest(now, zone)
    if span is None:
        words = "runs now" if which == "now" else "has ended"
        raise NotFoundError(
            f"No shift {words} at {site_id!r}. Set shifts under Settings, Shifts and on call.", site_id=site_id
        )
    return span


async def _refuse_twice(work: Work, key: str) -> None:
    before = await work.handovers.get(key)
    if before is not None:
        raise ConflictError(f"{before.handed_by} has handed over this shift already.")


async def _open(work: Work, key: str, actor: Actor) -> Handover:
    before = await work.handovers.get(key)
    if before is None:
        raise NotFoundError(f"There is no handover {key!r}.")
    if before.taken_at is not None:
        raise ConflictError(f"{before.taken_by} has taken over this shift already.")
    if before.handed_by_id == actor.id:
        raise ConflictError("Who hands over a shift cannot take it as well. Somebody of the next shift signs.")
    return before


def _name(handover: Handover) -> str:
    return f"{handover.name} {handover.day.isoformat()}"


def _line(line: LineOverview) -> HandoverLine:
    totals = line.period.totals
    stopped_us = (
        totals.breakdown_us + totals.setup_us + totals.blocked_us + totals.starved_us + totals.idle_us
    )  # fmt: skip
    return HandoverLine(
        line_id=line.line_id, name=line.name, made=totals.made, good=totals.good, scrap=totals.scrap,
        oee=line.period.figures.oee, target_oee=line.target_oee, stopped_s=stopped_us / MICROS_PER_S,
        waiting=line.uncategorised,
    )  # fmt: skip


def _told(standing: Sequence[Alarm]) -> tuple[HandoverAlarm, ...]:
    return tuple(
        HandoverAlarm(
            asset_id=alarm.asset_id, name=alarm.name, priority=alarm.priority, raised_at=alarm.raised_at,
            is_acknowledged=alarm.acknowledged_at is not None,
        )
        for alarm in standing[:ALARMS_TOLD]
    )  # fmt: skip
