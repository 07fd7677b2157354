"""One consumed exchange: its layout, the order of its productions, its silence, and what is wrong with it now."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, I8, U2, U4, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.egd_datagrams import UNSYNCHRONISED, Datagram, meaning_of, quality_of
from pdm_app.drivers.egd_layouts import EgdAddress, EgdExchange, Key, Layout
from pdm_app.drivers.egd_sequence import Sequence as Order

PERIODS_MISSED_MAX = 3
SILENCE_S_MIN = 1.0  # Of a time-out that nobody has set: a busy machine's own pauses are no silence of the producer.
PERIOD_WEIGHT = 0.2  # Of the newest step in the smoothed period.


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of equal length for the next batch."""

    signal: U4
    source_at: I8
    value: F8
    quality: U2


class Exchange:
    """What is known of one exchange of one producer.

    Args:
        key: Producer and number.
        settings: What the connection says of it.
        timeout_s: The connection's; None: three periods as they come, 0: never.
        first_s: How long the first datagram, and where no period is known the second, may take.
        heard_from: When listening began, in seconds of the event loop's clock.
    """

    def __init__(
        self, key: Key, settings: EgdExchange | None, timeout_s: float | None, first_s: float, heard_from: float
    ) -> None:
        self.key = key
        self.settings = settings
        own_s = settings.timeout_s if settings is not None else None
        self._set_s = timeout_s if own_s is None else own_s
        self._first_s = max(SILENCE_S_MIN, first_s)
        self._heard_at = heard_from
        self._period_s: float | None = None
        self._slots: I8 | None = None
        self._quality: Quality | None = None
        self.order = Order()
        self.layout: Layout | None = None
        self.is_known = False  # At least one datagram came.
        self.is_silent = False
        self.length = 0
        self.problem = ""
        self.is_unsynchronised = False
        self.is_revised = False  # Its configuration differs in the minor version.

    def __str__(self) -> str:
        return f"exchange {self.key[1]} of producer {self.key[0]}"

    def hold(self, members: Sequence[tuple[Signal, EgdAddress]]) -> None:
        """Read these signals from now on."""
        self.layout = Layout(members)
        self._slots = None

    # --- silence --------------------------------------------------------------------------------------------------

    @property
    def timeout_s(self) -> float:
        """Silence that is too long; infinite where it is not watched."""
        if self._set_s is not None:
            return self._set_s or math.inf
        if self._period_s is None:
            return self._first_s
        return max(SILENCE_S_MIN, PERIODS_MISSED_MAX * self._period_s)

    @property
    def silent_from(self) -> float:
        """When it will have been silent for too long, on the event loop's clock."""
        return math.inf if self.is_silent else self._heard_at + self.timeout_s

    def fall_silent(self, now_at: int) -> Rows | None:
        """Take note that its time-out is over; return the bad rows of its signals."""
        self.is_silent = True
        self.order.counts.timeouts += 1
        if self.is_known:
            self.problem = (
                f"The {self} has not come for more than {self.timeout_s:g} s. Check the producer and its network."
            )
        else:
            self.problem = (
                f"The {self} has not come since listening began. "
                "Check both numbers, and that it is produced to this machine."
            )
        return self._marked(Quality.BAD_STALE, now_at)

    # --- datagrams ------------------------------------------------------------------------------------------------

    def judge(self, datagram: Datagram, sender: str, heard_at: float) -> bool:
        """Say whether a datagram is to be read; what is doubled or late is counted alone.

        Args:
            heard_at: Now, on the event loop's clock.
        """
        verdict = self.order.judge(datagram.request_id, datagram.source_at, sender, was_silent=self.is_silent)
        if not verdict.is_taken:
            return False
        if self.is_known and self.order.step:
            step_s = (heard_at - self._heard_at) / self.order.step
            before_s = step_s if self._period_s is None else self._period_s
            self._period_s = before_s + PERIOD_WEIGHT * (step_s - before_s)
        self._heard_at, self.is_known, self.is_silent = heard_at, True, False
        self.length = len(datagram.payload)
        self.problem = ""
        return True

    def read(self, datagram: Datagram, now_at: int, *, strict_time: bool) -> Rows | None:
        """Return the rows that a judged datagram is worth; None where none is due.

        Args:
            now_at: Microseconds UTC: the source time where the producer gives none that counts.
            strict_time: A doubtful clock makes values uncertain.
        """
        if refused := self._refused(datagram):
            self.order.counts.refused += 1
            self.problem = refused
            return self._marked(Quality.BAD_CONFIGURATION, now_at)
        return self._rows(datagram, now_at, strict_time=strict_time)

    def _refused(self, datagram: Datagram) -> str:
        """Say why the layout cannot be that of this datagram; empty where it can."""
        settings = self.settings
        if settings is None:
            return ""
        length = len(datagram.payload)
        if settings.length is not None and length != settings.length:
            return (
                f"The {self} has {length} bytes instead of {settings.length}. "
                "Compare it with the producer's configuration."
            )
        if settings.signature and settings.signature >> 8 != (datagram.signature >> 8) & 0xFF:
            return (
                f"The {self} is of configuration {_version(datagram.signature)}, not {_version(settings.signature)}. "
                "Compare addresses with the producer's configuration, then enter its new signature."
            )
        self.is_revised = settings.signature not in (0, datagram.signature & 0xFFFF)
        return ""

    def _rows(self, datagram: Datagram, now_at: int, *, strict_time: bool) -> Rows | None:
        quality = quality_of(datagram.status)
        self.is_unsynchronised = datagram.status == UNSYNCHRONISED
        if self.is_unsynchronised and strict_time:
            quality = Quality.UNCERTAIN
        self.problem = (
            "" if quality.is_good else f"The {self} has status {datagram.status}: {meaning_of(datagram.status)}."
        )
        layout = self.layout
        if layout is None:
            return None
        has_time = datagram.source_at is not None and not self.is_unsynchronised
        source_at = datagram.source_at if has_time and datagram.source_at is not None else now_at
        slots = source_at // layout.every_us
        is_due = np.ones(len(layout), dtype=bool)
        if self._slots is not None and quality == self._quality:
            is_due = slots != self._slots
        self._slots, self._quality = slots, quality
        count = int(is_due.sum())
        if not count:
            return None
        columns: U2 = np.full(len(layout), quality, dtype=np.uint16)
        columns[layout.end > len(datagram.payload)] = Quality.BAD_CONFIGURATION
        value = layout.values(datagram.payload)
        return Rows(layout.signal[is_due], np.full(count, source_at, dtype=np.int64), value[is_due], columns[is_due])

    def _marked(self, quality: Quality, now_at: int) -> Rows | None:
        """Return a row without a value for each signal, once until the quality changes."""
        layout = self.layout
        if layout is None or self._quality is quality:
            return None
        self._quality = quality
        rows = len(layout)
        return Rows(
            layout.signal,
            np.full(rows, now_at, dtype=np.int64),
            np.full(rows, np.nan),
            np.full(rows, quality, dtype=np.uint16),
        )

    # --- what is wrong --------------------------------------------------------------------------------------------

    def faults(self) -> dict[int, str]:
        """Say why signals fail, by signal."""
        layout = self.layout
        if layout is None:
            return {}
        if self.problem:
            return dict.fromkeys(layout.signal.tolist(), self.problem)
        if not self.is_known:
            return {}
        return {
            int(
                layout.signal[row]
            ): f"The value ends at byte {layout.end[row]}, and the {self} has {self.length} bytes."
            for row in np.flatnonzero(layout.end > self.length)
        }


def _version(signature: int) -> str:
    return f"{(signature >> 8) & 0xFF}.{signature & 0xFF}"
