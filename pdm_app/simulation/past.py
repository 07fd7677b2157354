"""The month behind the demo plant: which spans at which resolution, and how far they are stored.

Told are, for the story's machines and for all others: in the last hours a sample a second and one in ten seconds, of
two days one in ten seconds and a minute, before that one in a minute and in five. The running hour comes every ten
seconds, for it is kept as rows. Finer ones of a whole month would be gigabytes of rollups, and minutes of work.

So that the month is seen at once it is sketched first, by one sample an hour of what is told later: the two pumps to
which a newcomer is led before all else, which takes two seconds of a processor, then, after the running hour, the other
machines. The later a piece the longer it may be: each is about as much work for the database, which records what is
live meanwhile.

It is the physics of the live plant, asked for past moments; the bearing that is on day 19 when the plant starts began
to wear 19 days before.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.past import PastPiece
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Batch, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.history import PlantColumns, plant_columns
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.physics.world import CODES
from pdm_app.simulation.plant import machines_of
from pdm_app.simulation.story import repaired

FILE_NAME = "past.json"
VERSION = 3
HOUR_US = 3600 * MICROS_PER_S
DAY_US = 24 * HOUR_US
FINE_HOURS = 8
FINE_PIECE_HOURS = 1  # Of one sample a second: more at once would take hundreds of megabytes while it is stored.
NEAR_PIECE_HOURS = 3
FAR_PIECE_HOURS = 12
SKETCH_DAYS = 6  # As many moments as are told at once.
FIRST_CODES = frozenset({"P-101A", "P-501"})  # Of the story, and of the readings that requirement S1 names.
FINE_S, STORY_S, COARSE_S, SELDOM_S, SKETCH_S = 1, 10, 60, 300, 3600
NEAR_DAYS = 2
STORY_CODES = frozenset({"P-101A", "P-501", "C-201", "F-41", "C-42", "L-43", "K-44", "Z-45"})
DEVICE = "simulation"


@dataclass(frozen=True, slots=True)
class _Part:
    """Machines that are asked for together."""

    codes: tuple[str, ...]
    step_s: int
    every_s: int | None = (
        None  # Of what the physics tells, only this is kept; longer steps of its own it does not take.
    )


class DemoPast:
    """The past of one data directory; implements `pdm_app.domain.past.PastSource`."""

    def __init__(self, folder: Path, labels: Labels, days: int) -> None:
        self._path = folder / FILE_NAME
        self._labels = labels
        told = machines_of(labels.plant)  # Test rigs have no past: they repeat what others say, at full rate.
        self._codes = tuple(machine.asset.code for machine in told if machine.asset.code in CODES)
        self._faults = acted(labels)
        self.pieces: Sequence[PastPiece] = pieces(labels.since, days)

    def done(self) -> frozenset[int]:
        """Return the numbers of the pieces that are stored; a file that cannot be read says none."""
        return self._kept()[0]

    def is_judged(self) -> bool:
        """Return whether the rules of alarms have judged it."""
        return self._kept()[1]

    def _kept(self) -> tuple[frozenset[int], bool]:
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            if (kept["version"], kept["since"]) != (VERSION, self._labels.since):
                return frozenset(), False
            return frozenset(int(number) for number in kept["done"]), bool(kept.get("judged", False))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return frozenset(), False

    def keep(self, piece: PastPiece) -> None:
        """Note on disk that a piece is stored.

        Raises:
            UnavailableError: The folder takes no file.
        """
        done, is_judged = self._kept()
        self._keep(done | {piece.number}, is_judged=is_judged)

    def keep_judged(self) -> None:
        """Note on disk that the rules have judged it; raises as `keep` does."""
        self._keep(self.done(), is_judged=True)

    def _keep(self, done: frozenset[int], *, is_judged: bool) -> None:
        kept = {"version": VERSION, "since": self._labels.since, "done": sorted(done), "judged": is_judged}
        draft = self._path.with_suffix(".new")
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise UnavailableError(
                f"How far the demo's past is stored cannot be written to {self._path}: {error.strerror}. Free space.",
                path=str(self._path),
            ) from error

    def batches(self, piece: PastPiece) -> Iterator[Batch]:
        """Yield the samples of a piece, one batch for each machine and chunk.

        A sketch counts as received before all else: what is told later in finer steps of the physics takes its place.
        """
        received_at = self._labels.since - piece.is_sketch
        for part in self._parts(piece):
            for columns in plant_columns(
                piece.start_at,
                piece.end_at,
                part.step_s,
                since=self._labels.since,
                faults=self._faults,
                codes=part.codes,
            ):
                batch = batch_of(columns, received_at)
                if part.every_s is not None:
                    batch = batch.rows(batch.source_at % (part.every_s * MICROS_PER_S) == 0)
                yield batch

    def _parts(self, piece: PastPiece) -> tuple[_Part, ...]:
        since = self._labels.since
        if piece.is_sketch:
            codes = tuple(code for code in self._codes if piece.codes is None or code in piece.codes)
            return (_Part(codes, COARSE_S, SKETCH_S),)
        if piece.start_at >= since - since % HOUR_US:
            return (_Part(self._codes, STORY_S),)
        codes = self._codes
        story = tuple(code for code in codes if code in STORY_CODES)
        rest = tuple(code for code in codes if code not in STORY_CODES)
        if piece.start_at >= fine_from(since):
            return _Part(story, FINE_S), _Part(rest, STORY_S)
        if piece.start_at >= near_from(since):
            return _Part(story, STORY_S), _Part(rest, COARSE_S)
        return _Part(story, COARSE_S), _Part(rest, COARSE_S, SELDOM_S)


def fine_from(since: int) -> int:
    """Return from which moment on there is a sample a second: a full hour, so that no piece lies across it."""
    return since - since % HOUR_US - FINE_HOURS * HOUR_US


def near_from(since: int) -> int:
    """Return from which moment on there is a sample in ten seconds of the story's machines: a full hour, too."""
    return since - since % HOUR_US - NEAR_DAYS * DAY_US


def pieces(since: int, days: int) -> tuple[PastPiece, ...]:
    """Cut the days before ``since`` into pieces: a first sketch, the running hour, sketches, then all else.

    Each of these is told newest first. No piece but a sketch lies across midnight, for each day has a file of its own.
    """
    if days <= 0:
        return ()
    begin = (since - days * DAY_US) // DAY_US * DAY_US
    hour = since - since % HOUR_US
    edges = [since, hour]
    lengths = ((fine_from(since), FINE_PIECE_HOURS), (near_from(since), NEAR_PIECE_HOURS), (begin, FAR_PIECE_HOURS))
    for until, hours in lengths:
        while edges[-1] > max(until, begin):
            midnight = (edges[-1] - 1) // DAY_US * DAY_US
            edges.append(max(edges[-1] - hours * HOUR_US, until, midnight))
    first = [(begin, hour, True, FIRST_CODES)] if hour > begin else []
    running = [(hour, since, False, None)] if since > hour else []
    others = CODES - FIRST_CODES
    sketches = [
        (max(end - SKETCH_DAYS * DAY_US, begin), end, True, others) for end in range(hour, begin, -SKETCH_DAYS * DAY_US)
    ]
    closed = [(start, end, False, None) for end, start in pairwise(edges[1:])]
    ordered = [*first, *running, *sketches, *closed]
    return tuple(
        PastPiece(number, Micros(start), Micros(end), sketch, codes)
        for number, (start, end, sketch, codes) in enumerate(ordered)
    )


def acted(labels: Labels) -> tuple[InjectedFault, ...]:
    """Return every fault that ever acted: what was repaired before the plant first started, and the labels."""
    return (*repaired(labels.since), *(backdated(fault, labels.since) for fault in labels.faults))


def backdated(fault: InjectedFault, since: int) -> InjectedFault:
    """Return a fault that stood when the plant first started as one that began before, at severity 0."""
    if fault.injected_at > since or not fault.start_severity:
        return fault
    grown_us = round(fault.start_severity * faults.SCRIPTS[fault.key].full_after_s * MICROS_PER_S)
    return replace(fault, injected_at=fault.injected_at - grown_us, start_severity=0.0)


def batch_of(columns: PlantColumns, received_at: int) -> Batch:
    """Return the samples of one machine as a batch: sorted by signal, then time; without cells that say nothing."""
    count, moments = columns.values.shape
    value = columns.values.ravel()
    quality = columns.quality.ravel()
    said = ~np.isnan(value) | (quality >= QUALITY_BAD_MIN)
    signal = np.repeat(columns.signal_ids, moments).astype(np.uint32)[said]
    source_at = np.tile(columns.at, count)[said]
    text: dict[int, str] = {}
    if columns.texts and moments:  # A text that never changes is said once at the beginning.
        ids = np.array(sorted(columns.texts), dtype=np.uint32)
        text = {len(signal) + row: columns.texts[int(number)] for row, number in enumerate(ids)}
        signal = np.concatenate([signal, ids])
        source_at = np.concatenate([source_at, np.full(len(ids), columns.at[0], dtype=np.int64)])
    return Batch(
        device=DEVICE,
        signal=signal,
        source_at=source_at,
        value=np.concatenate([value[said], np.full(len(text), np.nan)]),
        quality=np.concatenate([quality[said], np.zeros(len(text), dtype=np.uint16)]).astype(np.uint16),
        received_at=Micros(received_at),
        text=text,
    )
