"""One connection's loop: a fresh driver per attempt, values while it stands, bad quality when it falls.

The collector owns it; the supervisor runs `ConnectionLoop.attempt` again and again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import structlog

from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus, ConnectionTest, Login
from pdm_app.domain.errors import ConnectionFailedError, UnavailableError
from pdm_app.domain.link_security import (
    NOT_PROTECTED,
    CertificateRefusedError,
    LinkMaterial,
    LinkSecurity,
    Secured,
)
from pdm_app.domain.ports import Clock, Driver, DriverFactory, SignsIn
from pdm_app.domain.samples import MICROS_PER_S, Batch, Quality
from pdm_app.domain.signals import Signal
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Backoff, Expected, Retry, first_of

log = structlog.get_logger(__name__)

RETRY_FIRST_S = 0.5
RETRY_CAP_S = 2.0  # An endpoint that is back is noticed within two seconds; a refused attempt costs a fraction of a ms.
STEADY_US = 5 * MICROS_PER_S  # A link that stood this long was a success; shorter ones keep the back-off growing.
RATE_WINDOW = 6  # Status refreshes, a second apart, over which samples per second are averaged.
FAULTS_SHOWN_MAX = 200

T = TypeVar("T")
LoginOf = Callable[[str], Awaitable[Login | None]]


class Vouching(Protocol):
    """Who gives connections what protects them, and hears of certificates that nobody has decided on."""

    async def material(self, connection: Connection) -> LinkMaterial: ...
    async def met(self, connection: Connection, refused: CertificateRefusedError) -> None: ...


class ConnectionLoop:
    """State and attempts of one connection.

    Args:
        connection: What to reach.
        signals: What to read there.
        make_driver: Called once per attempt.
        intake: Takes the batches.
        clock: Times attempts and polls.
        changed: Called with the new status at every change of state.
        login_of: Asked before each attempt as whom to sign in; None where nobody does.
        vouching: Asked before each attempt whom to trust; None where nobody is.
    """

    def __init__(
        self,
        connection: Connection,
        signals: Sequence[Signal],
        make_driver: DriverFactory,
        intake: Intake,
        clock: Clock,
        changed: Callable[[ConnectionStatus], None],
        login_of: LoginOf | None = None,
        vouching: Vouching | None = None,
    ) -> None:
        self.connection = connection
        self.signals = tuple(signals)
        self._ids = [signal.id for signal in signals]
        self._make_driver = make_driver
        self._intake = intake
        self._clock = clock
        self._changed = changed
        self._login_of = login_of
        self._vouching = vouching
        self._security: LinkSecurity | None = None
        self._refused = ""
        self.backoff = Backoff(RETRY_FIRST_S, float(connection.options.get("retry_cap_s", RETRY_CAP_S)))
        self.driver: Driver | None = None
        self._state = ConnectionState.DISCONNECTED
        self._since = clock.now()
        self._retry_at: int | None = None
        self._last_sample_at: int | None = None
        self._connect_ms: float | None = None
        self._last_error = ""
        self._samples_total = 0
        self._rate_marks: deque[tuple[int, int]] = deque([(clock.now(), 0)], maxlen=RATE_WINDOW)
        self._down_since: int | None = None

    # --- attempts -------------------------------------------------------------------------------------------------

    async def attempt(self) -> None:
        """Connect, deliver until the link is lost, and give everything back.

        It says ONLINE once all signals are subscribed; the first values of a driver that pushes may come before that.

        Cancellation closes the driver, and stamps the signals as from a lost link.

        Raises:
            ConnectionFailedError: The endpoint could not be reached, or was lost; the text says why.
        """
        self._retry_at = None
        self._enter(ConnectionState.CONNECTING)
        began_at = self._clock.now()
        online_at: int | None = None
        driver: Driver | None = None
        try:
            driver = self._make_driver(self.connection, self._clock)
            await self._introduce(driver)
            await self._ask(driver.connect())
            if driver.pushes and self.signals:
                await self._ask(driver.subscribe(self.signals, self._take))
            online_at = self._clock.now()
            self._connect_ms = (online_at - began_at) / 1000
            self._came_up(driver)
            polls = [] if driver.pushes else [self._poll(driver, group) for group in _by_period(self.signals)]
            reason = await first_of(self._ask(driver.lost()), *polls)
            raise ConnectionFailedError(str(reason), connection_id=self.connection.id)
        except asyncio.CancelledError:
            self._went_down("Stopped here, not at the endpoint.", told=True)
            raise
        except Expected as error:
            await self._note_refused(error)
            self._went_down(str(error) or type(error).__name__, told=False)
            raise
        finally:
            if online_at is not None and self._clock.now() - online_at >= STEADY_US:
                self.backoff.reset()
            self.driver = None
            if driver is not None:
                await driver.close()

    async def try_out(self) -> ConnectionTest:
        """Make one attempt that reads nothing, and say what came of it; never raises what a driver may raise."""
        began_at = self._clock.now()
        driver: Driver | None = None
        try:
            driver = self._make_driver(self.connection, self._clock)
            await self._introduce(driver)
            await self._ask(driver.connect())
            security = driver.security() if isinstance(driver, Secured) else NOT_PROTECTED
            return ConnectionTest(reached=True, took_ms=self._ms_since(began_at), security=security)
        except Expected as error:
            is_unknown = isinstance(error, CertificateRefusedError) and error.is_unknown
            return ConnectionTest(
                reached=False,
                took_ms=self._ms_since(began_at),
                message=(str(error) or type(error).__name__)[:2000],
                refused=error.fingerprint if isinstance(error, CertificateRefusedError) and is_unknown else "",
            )
        finally:
            if driver is not None:
                await driver.close()

    def _ms_since(self, at: int) -> float:
        return (self._clock.now() - at) / 1000

    async def _note_refused(self, error: BaseException) -> None:
        self._refused = ""
        if isinstance(error, CertificateRefusedError):
            self._refused = error.fingerprint if error.is_unknown else ""
            if self._vouching is not None:
                await self._vouching.met(self.connection, error)

    async def _introduce(self, driver: Driver) -> None:
        if isinstance(driver, Secured) and self._vouching is not None:
            driver.secure_with(await self._vouching.material(self.connection))
        login = await self._login_of(self.connection.id) if self._login_of is not None else None
        if login is None:
            return
        if not isinstance(driver, SignsIn):
            raise ConnectionFailedError(
                f"Connection {self.connection.name!r} has a login, and its driver {self.connection.driver!r} knows no "
                "users. Remove the login, or choose the driver it was meant for.",
                connection_id=self.connection.id,
            )
        driver.sign_in_as(login)

    async def _ask(self, answer: Awaitable[T]) -> T:
        """Await a driver; whatever a protocol library throws is the endpoint's trouble, not the end of the process."""
        try:
            return await answer
        except Expected:
            raise
        except Exception as error:
            log.exception("driver failed unexpectedly", connection=self.connection.id, driver=self.connection.driver)
            raise ConnectionFailedError(
                f"The {self.connection.driver} driver of {self.connection.name!r} failed with "
                f"{type(error).__name__}: {error}. The log has the details.",
                connection_id=self.connection.id,
            ) from error

    async def _poll(self, driver: Driver, signals: Sequence[Signal]) -> str:
        """Read ``signals`` at whole multiples of their period since 1970; a slot missed is counted, not made up for."""
        every_us = round(signals[0].poll_every_s * MICROS_PER_S)
        ids = [signal.id for signal in signals]
        slot = self._clock.now() // every_us
        while True:
            wait_us = slot * every_us - self._clock.now()
            if wait_us > 0:
                await self._clock.sleep(wait_us / MICROS_PER_S)
            self._take(await self._ask(driver.poll(signals)))
            now_slot = max(slot, self._clock.now() // every_us)
            if now_slot > slot:
                self._intake.skipped(ids, now_slot - slot)
            slot = now_slot + 1

    def _take(self, batch: Batch) -> "asyncio.Future[None] | None":
        """Hand a batch to the intake; the sink of pushing drivers."""
        self._samples_total += len(batch)
        self._last_sample_at = batch.received_at
        try:
            return self._intake.accept(batch).durable
        except UnavailableError:  # Full: counted per signal, and the values are on screen. Or at the end of a lease.
            return None

    def retrying(self, retry: Retry) -> None:
        """Note when the next attempt will be."""
        self._retry_at = self._clock.now() + round(retry.wait_s * MICROS_PER_S)
        self._enter(ConnectionState.DISCONNECTED)

    def hold(self, why: str, state: ConnectionState = ConnectionState.DISCONNECTED) -> None:
        """Show that no attempt is being made, and why."""
        self._last_error = why
        self._enter(state)

    # --- state ----------------------------------------------------------------------------------------------------

    def _came_up(self, driver: Driver) -> None:
        self.driver = driver
        self._last_error = self._refused = ""
        self._security = driver.security() if isinstance(driver, Secured) else NOT_PROTECTED
        if self._down_since is not None:
            down_s = (self._clock.now() - self._down_since) / MICROS_PER_S
            log.info("connection stands", connection=self.connection.id, after_s=round(down_s, 1))
            self._down_since = None
        self._enter(ConnectionState.ONLINE)

    def _went_down(self, why: str, *, told: bool) -> None:
        """Stamp the signals bad; log it the first time only. ``told``: somebody stopped it, so it is no news."""
        now = self._clock.now()
        self._security = None
        self._last_error = "" if told else why
        self._intake.stamp(self._ids, Quality.BAD_CONNECTION_LOST)
        if self._down_since is None and not told:
            self._down_since = now
            event = "connection is lost" if self._connect_ms is not None else "connection cannot be made"
            log.warning(event, connection=self.connection.id, reason=why)
        self._enter(ConnectionState.DISCONNECTED)

    def _enter(self, state: ConnectionState) -> None:
        if state is ConnectionState.ONLINE and self._faults():
            state = ConnectionState.DEGRADED
        if state is not self._state:
            self._state = state
            self._since = self._clock.now()
        self._changed(self.status())

    def refresh(self) -> None:
        """Look once a second whether signals fail, move the rate window and tell the listeners."""
        self._rate_marks.append((self._clock.now(), self._samples_total))
        if self._stands:
            self._enter(ConnectionState.ONLINE)

    @property
    def _stands(self) -> bool:
        return self._state in (ConnectionState.ONLINE, ConnectionState.DEGRADED)

    def _faults(self) -> dict[int, str]:
        faults = dict(self._intake.faults(self._ids))
        if self.driver is not None:
            with suppress(*Expected):
                faults.update(self.driver.health().faults)
        return faults

    def status(self) -> ConnectionStatus:
        """Return what is known now."""
        faults = self._faults()
        (from_at, from_total), (to_at, to_total) = self._rate_marks[0], self._rate_marks[-1]
        elapsed_s = (to_at - from_at) / MICROS_PER_S
        return ConnectionStatus(
            connection_id=self.connection.id,
            state=self._state,
            since=self._since,
            signals=len(self.signals),
            signals_failing=len(faults),
            samples_total=self._samples_total,
            samples_per_s=(to_total - from_total) / elapsed_s if elapsed_s > 0 else 0.0,
            attempts=0 if self._stands else self.backoff.attempts,
            retry_at=self._retry_at,
            last_sample_at=self._last_sample_at,
            connect_ms=self._connect_ms,
            last_error=self._last_error[:2000],
            security=self._security,
            refused=self._refused,
            faults=dict(list(faults.items())[:FAULTS_SHOWN_MAX]),
        )


def _by_period(signals: Sequence[Signal]) -> list[list[Signal]]:
    groups: dict[float, list[Signal]] = {}
    for signal in signals:
        groups.setdefault(signal.poll_every_s, []).append(signal)
    return [groups[every_s] for every_s in sorted(groups)]
