"""The copilot: finds the machine and the question, gathers what is on record, and has the answer put together."""

from dataclasses import replace

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.advice import advice
from pdm_app.domain.assets import Asset
from pdm_app.domain.cases import CaseQuery, CaseState
from pdm_app.domain.copilot import Answer, Known, Question, answered, machine_of, question_of
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.maintenance_events import EventQuery
from pdm_app.domain.movements import BLOCKS_MIN, Movement, movements
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import Signal
from pdm_app.domain.training import Span
from pdm_app.services.diagnoses import HOUR_ROWS, USUAL_DAYS, DiagnosisService
from pdm_app.services.training_rows import watchable

ALARMS_MAX = 5
DAY_US = 86_400 * MICROS_PER_S


class CopilotService:
    """Answers about machines of the actor's sites.

    Args:
        work: Where everything is on record.
        diagnoses: Compares a machine with its usual self.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, diagnoses: DiagnosisService, clock: Clock) -> None:
        self._work = work
        self._diagnoses = diagnoses
        self._clock = clock

    async def ask(self, actor: Actor, text: str, asset_id: str | None = None) -> Answer:
        """Answer a question about the machine it names, or about ``asset_id``.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
            InvalidInputError: No machine is named, or the question is not understood; says what can be asked.
        """
        for permission in (Permission.ASSETS_READ, Permission.ALARMS_READ, Permission.HISTORY_READ):
            actor.require(permission)
        question = question_of(text)
        if question is None:
            raise InvalidInputError(
                "The question is not understood. Ask why a machine is unwell, what to do next, or compare it with last "
                "week.",
                [FieldIssue("text", "is not understood", "ask why, what next, or compare with last week")],
            )
        async with self._work(actor.scope) as work:
            asset = await self._machine(actor, work, text, asset_id)
            signals = watchable(await work.signals.of_asset(asset.id))
            known = await self._on_record(work, asset, signals)
        if question is Question.COMPARE:
            return answered(question, replace(known, week=await self._week(asset, signals)))
        told = await self._diagnoses.of_machine(asset, signals, known.healths)
        if told is None:
            return answered(question, known)
        diagnosis, moved = told
        lasts = [each.outlook.low_10_s for each in known.healths if each.outlook and each.outlook.low_10_s is not None]
        episodes = await self._diagnoses.alike(actor, asset, signals, moved)
        return answered(
            question,
            replace(
                known, diagnosis=diagnosis, advice=advice(diagnosis, known.now, min(lasts, default=None)),
                episodes=episodes,
            ),
        )  # fmt: skip

    async def _machine(self, actor: Actor, work: Work, text: str, asset_id: str | None) -> Asset:
        there = {asset.code: asset for asset in await work.assets.all() if actor.scope.covers(asset.site_id)}
        named = machine_of(text, there)
        if named is not None:
            return there[named]
        if asset_id is None:
            raise InvalidInputError(
                "No machine is named. Say its code, such as P-101A.",
                [FieldIssue("text", "names no machine", "name one")],
            )
        asset = next((asset for asset in there.values() if asset.id == asset_id), None)
        if asset is None:
            raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
        return asset

    async def _on_record(self, work: Work, asset: Asset, signals: tuple[Signal, ...]) -> Known:
        now = self._clock.now()
        alarms = [alarm for alarm in await work.alarms.standing() if alarm.asset_id == asset.id and alarm.times_raised]
        events = await work.maintenance.events(EventQuery(asset_id=asset.id, is_open=True, limit=ALARMS_MAX))
        cases = await work.cases.page(CaseQuery(asset_id=asset.id, limit=ALARMS_MAX))
        healths = [each for each in await work.health.all() if each.asset_id == asset.id and not each.is_shadow]
        return Known(
            asset_id=asset.id, code=asset.code, now=now,
            alarms=sorted(alarms, key=lambda alarm: (alarm.priority, alarm.raised_at))[:ALARMS_MAX],
            events=events, cases=[case for case in cases if case.state in (CaseState.OPEN, CaseState.CONFIRMED)],
            healths=healths, signal_ids={signal.name: signal.id for signal in signals},
            labels={signal.name: signal.label for signal in signals},
        )  # fmt: skip

    async def _week(self, asset: Asset, signals: tuple[Signal, ...]) -> tuple[Movement, ...]:
        """Compare the last day with the week before it."""
        now = self._clock.now()
        span = Span(start_at=max(0, now - (USUAL_DAYS + 1) * DAY_US), end_at=now)
        rows = await self._diagnoses.rows(asset, signals, span)
        begin = int(np.searchsorted(rows.at, now - DAY_US))
        usual, recent = rows.values[:begin][rows.running[:begin]], rows.values[begin:][rows.running[begin:]]
        recent = recent[-(len(usual) // BLOCKS_MIN) :]
        if not len(recent) or len(usual) < BLOCKS_MIN * HOUR_ROWS:
            return ()
        return movements([s.name for s in signals], [s.unit for s in signals], usual, recent)
