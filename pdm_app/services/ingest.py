"""Samples that a device sends itself: judged one by one, the good ones kept, the others named with their fix.

Two bodies are understood: ``{"samples": [{"signal", "value", "source_at", "quality"?}, …]}``, and the flat one of a
pump controller, one JSON object with a number per signal name of the device's asset and an optional ``timestamp``.
What is kept is acknowledged only after the commit of the durable buffer.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import FieldIssue, InvalidInputError, UnavailableError
from pdm_app.domain.ports import Clock, Intake
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch, Micros, Quality
from pdm_app.services.signal_index import SignalIndex, SiteSignals
from pdm_app.services.verdicts import (
    Judged,
    RefusedError,
    UnknownSignalError,
    echo,
    judge,
    kind,
    read_time,
    read_value,
    unknown,
)
from pdm_app.settings import IngestSettings

COMMIT_S_MAX = 5.0
TURN_SAMPLES = 500

Verdict = dict[str, Any]
"""``index`` or ``signal``, ``kept``; where not kept also ``field``, ``problem`` and ``fix``."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of one call: a verdict per sample, in the order sent."""

    kept: int
    refused: int
    received_at: Micros
    verdicts: Sequence[Verdict]


class Judgement:
    """The verdicts on one body, and its good samples as columns in the making."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.has_unknown = False
        self._signal: list[int] = []
        self._source_at: list[int] = []
        self._value: list[float] = []
        self._quality: list[int] = []
        self._text: dict[int, str] = {}

    @property
    def kept(self) -> int:
        return len(self._signal)

    def keep(self, sample: Judged, which: Verdict) -> None:
        value = sample.value
        if isinstance(value, str):
            self._text[len(self._signal)] = value
            value = math.nan
        self._signal.append(sample.signal)
        self._source_at.append(sample.source_at)
        self._value.append(value)
        self._quality.append(sample.quality)
        which["kept"] = True
        self.verdicts.append(which)

    def refuse(self, fault: RefusedError, which: Verdict, field: str) -> None:
        self.has_unknown |= isinstance(fault, UnknownSignalError)
        self.verdicts.append({**which, "kept": False, "field": field, "problem": fault.problem, "fix": fault.fix})

    def batch(self, device_id: str, received_at: Micros) -> Batch:
        return Batch(
            device=device_id,
            signal=np.array(self._signal, dtype=np.uint32),
            source_at=np.array(self._source_at, dtype=np.int64),
            value=np.array(self._value, dtype=np.float64),
            quality=np.array(self._quality, dtype=np.uint16),
            received_at=received_at,
            text=self._text,
            may_repeat=True,
        )


class IngestService:
    """Takes the bodies that devices send; ``limits`` may be replaced at any time."""

    def __init__(self, work: UnitOfWork, intake: Intake, clock: Clock, settings: IngestSettings) -> None:
        self._intake = intake
        self._clock = clock
        self.limits = settings
        self._index = SignalIndex(work, clock)
        self.kept_total = 0
        self.refused_total = 0

    async def take(self, actor: Actor, body: object) -> IngestReport:
        """Judge a decoded JSON body and keep its good samples; returns once they are on disk.

        Args:
            actor: A device, from its key.
            body: Anything JSON can be.

        Raises:
            InvalidInputError: The body as a whole is of neither form; no sample was looked at.
            BufferFullError: The buffer is full; nothing was recorded.
            UnavailableError: The commit did not come in time, or the database is away and this site's signals were
                never read; send the same again: a repeated sample is stored once.
        """
        actor.require(Permission.SAMPLES_INGEST)
        if not isinstance(body, dict):
            raise _malformed("", f"is {kind(body)}", "send a JSON object")
        now = self._clock.now()
        site_id = next(iter(actor.scope.sites or ()), "")
        site = await self._index.of_site(site_id)
        judgement = await self._judge(body, site, actor, now)
        if judgement.has_unknown:
            fresh = await self._index.of_site(site_id, after_a_miss=True)
            if fresh is not site:
                judgement = await self._judge(body, fresh, actor, now)
        kept, refused = judgement.kept, len(judgement.verdicts) - judgement.kept
        if kept:
            await self._record(judgement.batch(actor.device_id or actor.id, now))
        self.kept_total += kept
        self.refused_total += refused
        return IngestReport(kept, refused, now, judgement.verdicts)

    def forget_signals(self) -> None:
        """Read the configuration anew at the next call."""
        self._index.forget()

    async def _record(self, batch: Batch) -> None:
        durable = self._intake.accept(batch).durable
        # Not wait_for: a caller that gives up must not cancel the commit that others wait for, too.
        await asyncio.wait([durable], timeout=COMMIT_S_MAX)
        if not durable.done() or durable.cancelled() or durable.exception() is not None:
            raise UnavailableError(
                "The samples could not be written to disk now. Send the same again in a few seconds.", retry_after_s=5
            )

    async def _judge(self, body: Mapping[str, Any], site: SiteSignals, actor: Actor, now: Micros) -> Judgement:
        asset_id = site.asset_of_device.get(actor.device_id or "")
        if "samples" in body:
            return await self._judge_list(body["samples"], site, asset_id, now)
        return self._judge_flat(body, site, asset_id, now)

    async def _judge_list(self, samples: object, site: SiteSignals, asset_id: str | None, now: Micros) -> Judgement:
        if not isinstance(samples, list):
            raise _malformed("samples", f"is {kind(samples)}", "send a list of samples")
        self._check_count("samples", len(samples))
        judgement = Judgement()
        for index, sample in enumerate(samples):
            if index % TURN_SAMPLES == TURN_SAMPLES - 1:
                await asyncio.sleep(0)  # Others have their turn: 5,000 samples take 15 ms.
            try:
                judgement.keep(judge(sample, site, asset_id, now), {"index": index})
            except RefusedError as fault:
                place = f"samples.{index}"
                judgement.refuse(fault, {"index": index}, f"{place}.{fault.part}" if fault.part else place)
        return judgement

    def _judge_flat(self, body: Mapping[str, Any], site: SiteSignals, asset_id: str | None, now: Micros) -> Judgement:
        own = site.of_asset.get(asset_id or "")
        if own is None:
            raise _malformed(
                "samples",
                "is missing, and this device has no asset by whose signals a flat body could be read",
                'send {"samples": […]}, or assign the device to an asset with signals',
            )
        try:
            source_at = now if body.get("timestamp") is None else read_time(body["timestamp"], "timestamp", now)
        except RefusedError as fault:
            raise _malformed("timestamp", fault.problem, fault.fix) from None
        names = [name for name in body if name != "timestamp"]
        self._check_count("", len(names))
        judgement = Judgement()
        for name in names:
            try:
                if name not in own:
                    raise unknown(name, own)
                value = read_value(body[name], own[name], Quality.GOOD)
                judgement.keep(Judged(own[name].id, source_at, value, Quality.GOOD), {"signal": name})
            except RefusedError as fault:
                judgement.refuse(fault, {"signal": echo(name)}, echo(name))
        if any(name in body for name in PUMP_KEYS):
            for name in PUMP_KEYS:
                if name in own and name not in body:
                    judgement.refuse(RefusedError("", "is missing", "send a number"), {"signal": name}, name)
        return judgement

    def _check_count(self, field: str, count: int) -> None:
        if not 1 <= count <= self.limits.samples_max:
            raise _malformed(field, f"has {count} entries", f"send 1 to {self.limits.samples_max} per call")


def _malformed(field: str, problem: str, fix: str) -> InvalidInputError:
    subject = field or "The body"
    return InvalidInputError(f"{subject} {problem}; {fix}.", [FieldIssue(field or "body", problem, fix)])
