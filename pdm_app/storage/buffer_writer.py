"""The thread that commits the durable buffer: at once while there is little to do, in groups while there is much."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.storage.buffer_file import BufferFile, Stored

log = logging.getLogger(__name__)

GROUP_S = 0.025  # At least so long from one commit to the next, so that a busy disk is flushed 40 times a second.
CONFIRM_S = 0.5  # Confirmations wait this long for a batch to ride with; losing one means a replay, not a loss.


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of the writer did.

    Attributes:
        newest: Highest seq among the batches of this round, 0 where there was none.
        error: Why the batches of this round are not stored; None if they are.
        trimmed_samples: Samples deleted because every consumer has confirmed them.
        trimmed_bytes: Bytes that went with them.
        trimmed_to: Up to which seq everything is deleted.
        spoiled: Batches that were set aside because they could not be read.
    """

    newest: int
    error: PdmError | None
    trimmed_samples: int = 0
    trimmed_bytes: int = 0
    trimmed_to: int = 0
    spoiled: int = 0


class BufferWriter:
    """Owns the writing connection; everything but `run` is called from the event loop and returns at once."""

    def __init__(self, file: BufferFile, report: Callable[[Outcome], None]) -> None:
        """Start the thread; ``report`` is called from it after each round."""
        self._file = file
        self._report = report
        self._changed = threading.Condition()
        self._entries: list[Stored] = []
        self._positions: dict[str, int] = {}
        self._spoiled: dict[int, str] = {}
        self._stopping = False
        self._failing = False
        self.thread = threading.Thread(target=self._run, name="durable-buffer", daemon=True)
        self.thread.start()

    def put(self, entry: Stored) -> None:
        with self._changed:
            self._entries.append(entry)
            self._changed.notify()

    def confirm(self, consumer: str, seq: int) -> None:
        with self._changed:
            self._positions[consumer] = seq
            self._changed.notify()

    def set_aside(self, spoiled: dict[int, str]) -> None:
        with self._changed:
            self._spoiled.update(spoiled)
            self._changed.notify()

    def stop(self) -> None:
        """Commit what waits, then end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _run(self) -> None:
        last_at = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._entries or self._positions or self._spoiled or self._stopping)
                if not self._entries:
                    self._changed.wait_for(lambda: self._entries or self._stopping, timeout=CONFIRM_S)
                group_s = last_at + GROUP_S - time.monotonic()
                if group_s > 0:
                    self._changed.wait_for(lambda: self._stopping, timeout=group_s)
                entries, self._entries = self._entries, []
                positions, self._positions = self._positions, {}
                spoiled, self._spoiled = self._spoiled, {}
                is_last = self._stopping
            last_at = time.monotonic()
            self._report(self._commit(entries, positions, spoiled))
            if is_last:
                return

    def _commit(self, entries: list[Stored], positions: dict[str, int], spoiled: dict[int, str]) -> Outcome:
        newest = entries[-1].seq if entries else 0
        try:
            self._file.commit(entries, positions, spoiled)
        except sqlite3.Error as error:
            with self._changed:  # What concerns older batches is tried again with the next round.
                self._positions = {**positions, **self._positions}
                self._spoiled = {**spoiled, **self._spoiled}
            if not entries:
                time.sleep(CONFIRM_S)
            return Outcome(newest, self._failed(error))
        if self._failing:
            self._failing = False
            log.info("The durable buffer %s stores samples again.", self._file.path)
        if not positions:
            return Outcome(newest, None, spoiled=len(spoiled))
        try:
            samples, size, upto = self._file.trim()
        except sqlite3.Error as error:
            log.warning("The durable buffer %s cannot delete confirmed batches now: %s", self._file.path, error)
            return Outcome(newest, None, spoiled=len(spoiled))
        return Outcome(newest, None, samples, size, upto, len(spoiled))

    def _failed(self, error: sqlite3.Error) -> UnavailableError:
        failure = UnavailableError(
            f"The durable buffer {self._file.path} could not store samples: {error}. Nothing of this batch was kept. "
            "Make room on the disk of the data directory and check that it may be written.",
            path=str(self._file.path),
        )
        if not self._failing:
            self._failing = True
            log.error("%s", failure.message)
        return failure
