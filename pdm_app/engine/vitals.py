"""The engine's own state, as health checks, as figures for the page about the system, and for Prometheus."""

import sys
from dataclasses import dataclass

import psutil

from pdm_app.domain.connections import DOWN
from pdm_app.domain.errors import PdmError
from pdm_app.domain.ports import Buffer, Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch, Micros
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.collector import Collector
from pdm_app.engine.deriver import Deriver
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.ledger import LOSSES, Count
from pdm_app.engine.recorder import Recorder
from pdm_app.services.metrics import Metrics
from pdm_app.services.system import Check, HealthChecks, SystemInfo
from pdm_app.stream.bus import Bus
from pdm_app.stream.frames import LiveFrames

LAG_S_MAX = 60.0  # A recorder further behind than this is in trouble, not busy.


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while the process runs."""

    version: str
    started_at: Micros
    database: str
    data_dir: str
    demo: bool


class Vitals:
    """Looks at every part of the engine; holds nothing of its own.

    Texts of checks hold no secret and nothing of a single site: probes have no actor.
    """

    def __init__(
        self,
        about: About,
        clock: Clock,
        work: UnitOfWork,
        buffer: Buffer,
        recorder: Recorder,
        collector: Collector,
        alarm_watch: AlarmWatch,
        deriver: Deriver,
        keeper: LeaseKeeper,
        bus: Bus[Batch],
        frames: LiveFrames,
    ) -> None:
        self._about = about
        self._clock = clock
        self._work = work
        self._buffer = buffer
        self._recorder = recorder
        self._collector = collector
        self._alarm_watch = alarm_watch
        self._deriver = deriver
        self._keeper = keeper
        self._bus = bus
        self._frames = frames
        self._process = psutil.Process()
        self._process.cpu_percent()  # The first call only starts the measurement.

    def checks(self) -> HealthChecks:
        """Return the checks by name; only the database and the buffer decide over readiness."""
        return {
            "database": self._database,
            "lease": self._leading,
            "recorder": self._recording,
            "buffer": self._buffering,
            "alarms": self._alarms,
            "formulas": self._formulas,
            "connections": self._connections,
        }

    async def _database(self) -> Check:
        try:
            round_trip_ms = await self._work.ping()
        except PdmError as error:
            return Check(name="database", ok=False, detail=error.message)
        return Check(name="database", ok=True, detail=f"answers in {round_trip_ms:.1f} ms")

    async def _leading(self) -> Check:
        if self._keeper.fence is not None:
            return Check(name="lease", ok=True, detail="this process collects", needed=False)
        why = "another process collects; this one takes over when that one stops" if self._keeper.waiting else ""
        why = why or self._keeper.last_error or "the right to collect is being taken"
        return Check(name="lease", ok=False, detail=why, needed=False)

    async def _recording(self) -> Check:
        status = self._recorder.status()
        if not status.recording:
            return Check(name="recorder", ok=False, detail=status.last_error, needed=False)
        return Check(name="recorder", ok=status.lag_s < LAG_S_MAX, detail=f"{status.lag_s:.1f} s behind", needed=False)

    async def _buffering(self) -> Check:
        share = self._buffer.bytes_used / self._buffer.bytes_max
        stands = f"{self._buffer.depth} samples, {share:.0%} of its cap"
        if self._buffer.quarantined:
            stands += f"; {self._buffer.quarantined} batches were damaged by the disk and are set aside. Check the disk"
        return Check(name="buffer", ok=not self._buffer.trouble, detail=self._buffer.trouble or stands)

    async def _alarms(self) -> Check:
        status = self._alarm_watch.status
        if status.storing_failed_since is not None:
            detail = f"{status.unsaved} changes wait to be stored; they are on screen. Look at the database"
            return Check(name="alarms", ok=False, detail=detail, needed=False)
        return Check(name="alarms", ok=not status.is_paused, detail=f"{status.judged} samples judged", needed=False)

    async def _formulas(self) -> Check:
        status = self._deriver.status
        if status.last_error:
            return Check(name="formulas", ok=False, detail=status.last_error, needed=False)
        detail = f"{status.derived} derived signals"
        if status.faults:  # Which, and why, is for those who may see its site.
            detail += f"; {len(status.faults)} cannot be reckoned, for what they read has gone"
        if status.too_late:
            detail += f"; {status.too_late} samples came too late for them: recalculate the span"
        return Check(name="formulas", ok=not status.faults, detail=detail, needed=False)

    async def _connections(self) -> Check:
        statuses = self._collector.statuses
        down = [status for status in statuses if status.state in DOWN]
        detail = f"{len(statuses) - len(down)} of {len(statuses)} stand"
        if down:  # Which, and why, is for those who may see its site.
            detail += "; the page Connections says which do not, and why"
        return Check(name="connections", ok=not down, detail=detail, needed=False)

    def info(self) -> SystemInfo:
        """Return figures of this moment; CPU since the call before."""
        about, status, memory = self._about, self._recorder.status(), self._process.memory_info()
        return SystemInfo(
            version=about.version,
            started_at=about.started_at,
            now=self._clock.now(),
            database=about.database,
            data_dir=about.data_dir,
            demo=about.demo,
            python=sys.version.split()[0],
            samples_recorded=status.samples_total,
            samples_per_s=status.samples_per_s,
            buffer_samples=self._buffer.depth,
            buffer_bytes=self._buffer.bytes_used,
            buffer_bytes_max=self._buffer.bytes_max,
            samples_dropped=sum(self._counted(loss) for loss in LOSSES),
            viewers=self._frames.watchers,
            memory_bytes=memory.rss,
            cpu_percent=self._process.cpu_percent(),
        )

    def _counted(self, count: Count) -> int:
        return self._collector.intake.ledger.totals()[count]

    def register(self, metrics: Metrics) -> None:
        """Put the engine's figures on the page for Prometheus."""
        recorder, buffer = self._recorder, self._buffer
        metrics.counter(
            "sensor_readings_total", "Samples received from sources.", lambda: self._counted(Count.RECEIVED)
        )
        metrics.gauge("signals", "Signals configured.", lambda: self._collector.intake.signals)
        metrics.counter("samples_recorded_total", "Samples in the historian.", lambda: recorder.status().samples_total)
        metrics.counter(
            "samples_refused_total", "Samples refused by a full buffer.", lambda: self._counted(Count.REFUSED)
        )
        metrics.counter(
            "samples_lost_total", "Samples whose commit the disk refused.", lambda: self._counted(Count.LOST)
        )
        metrics.counter(
            "samples_rejected_time_total",
            "Samples with a source time that cannot be.",
            lambda: self._counted(Count.REJECTED_TIME),
        )
        metrics.gauge("samples_recorded_per_second", "Write rate.", lambda: recorder.status().samples_per_s)
        metrics.gauge("recorder_lag_seconds", "Age of the oldest sample not recorded.", lambda: recorder.status().lag_s)
        metrics.gauge("buffer_depth_samples", "Samples not confirmed by every consumer.", lambda: buffer.depth)
        metrics.gauge("buffer_used_bytes", "Size of the durable buffer.", lambda: buffer.bytes_used)
        metrics.gauge("live_viewers", "Live subscriptions open.", lambda: self._frames.watchers)
        metrics.gauge("bus_dropped_batches", "Batches that readers of the bus lost.", lambda: self._bus.dropped)
        metrics.gauge(
            "connections_up",
            "Connections that deliver.",
            lambda: sum(status.state not in DOWN for status in self._collector.statuses),
        )
        metrics.counter("derived_samples_total", "Outcomes of formulas.", lambda: self._deriver.status.reckoned)
        metrics.gauge("alarms_unsaved", "Changes that wait for storage.", lambda: self._alarm_watch.status.unsaved)
