"""A certificate from an ACME directory, kept fresh: when to ask, what came of it, and when to ask again.

A third of its life before the end a certificate is asked for anew. Who is refused waits, each time twice as long, also
over restarts: directories lock out who asks too often.
"""

import asyncio
import logging
from collections.abc import Callable
from threading import Event, Thread

from pydantic import Field, ValidationError

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor
from pdm_app.domain.certificates import Certificate
from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.acme_challenges import Challenges
from pdm_app.services.auditing import audit
from pdm_app.services.certificate_files import read_certificates
from pdm_app.services.certificate_pairs import checked_pair
from pdm_app.services.certificate_store import CertificateStore
from pdm_app.services.private_files import write_private
from pdm_app.settings import TlsSettings

log = logging.getLogger(__name__)

STATE_FILE = "acme.json"
FIRST_WAIT_S = 600
WAIT_S_MAX = 86_400
LIFE_LEFT = 1 / 3


class AcmeAttempt(Record):
    """What came of the last order; kept, so that a restart does not ask too soon."""

    tried_at: int = 0
    failures: int = Field(default=0, description="In a row.")
    problem: str = ""
    next_at: int = 0
    directory: str = Field(default="", description="Which one was asked; another one is asked at once.")


class AcmeState(Record):
    """How it stands with the directory."""

    directory: str
    names: tuple[str, ...]
    is_asking: bool
    is_in_use: bool = Field(description="False while an uploaded certificate, or a file of the settings, counts.")
    last: AcmeAttempt


class AcmeKeeping:
    """Asks the directory that the settings name; nothing at all where they name none."""

    def __init__(self, store: CertificateStore, settings: TlsSettings, work: UnitOfWork, clock: Clock) -> None:
        self._store = store
        self._settings = settings.acme
        self._is_served = settings.enabled
        self._work = work
        self._clock = clock
        self._challenges = Challenges(store.folder)
        self._is_asking = False
        self._is_wanted = False
        self.hurry = asyncio.Event()
        """Set when somebody does not want to wait for the next look."""

    @property
    def is_configured(self) -> bool:
        """Whether the settings name a directory, and HTTPS is served with what it gives."""
        return self._is_served and bool(self._settings.directory)

    def state(self) -> AcmeState | None:
        """Return how it stands, None where there is no directory."""
        if not self.is_configured:
            return None
        return AcmeState(
            directory=self._settings.directory,
            names=self._settings.names,
            is_asking=self._is_asking,
            is_in_use=self._store.source == "acme",
            last=self._last(),
        )

    def ask_now(self) -> None:
        """Have the directory asked at the next look, however short ago it refused, and however fresh what it gave."""
        self._is_wanted = True
        self.hurry.set()

    async def tend(self) -> bool:
        """Ask for a certificate if one is due; a refusal is kept and logged, not raised.

        Returns:
            Whether there is a new one.
        """
        if not self._is_due():
            return False
        now = self._clock.now()
        self._is_asking, self._is_wanted = True, False
        try:
            obtained = await _in_thread(self._order)
        except PdmError as error:
            failures = self._last().failures + 1
            wait_s = min(WAIT_S_MAX, FIRST_WAIT_S * 2 ** min(failures - 1, 16))
            self._keep(
                AcmeAttempt(
                    tried_at=now,
                    failures=failures,
                    problem=error.message,
                    next_at=now + wait_s * MICROS_PER_S,
                    directory=self._settings.directory,
                )
            )
            log.warning("no certificate was obtained, asked again in %d min: %s", wait_s // 60, error.message)
            return False
        finally:
            self._is_asking = False
        await self._take(obtained, SYSTEM)
        return True

    def _order(self, stop: Event) -> str:
        from pdm_app.services.acme_orders import obtain  # Its libraries are loaded only where they are needed.

        got = obtain(self._settings, self._store.folder, self._challenges, stop)
        try:
            return checked_pair(got.certificates, got.key, self._clock.now())
        except ValueError:
            raise UnavailableError(
                f"The ACME directory {self._settings.directory} gave something that is no certificate in PEM."
            ) from None

    async def _take(self, pair: str, actor: Actor) -> None:
        before, after = self._obtained(), read_certificates(pair)[0]
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await audit(
                work, actor, now, "certificates.obtained", subject="certificate", name=after.subject[:120],
                before=before, after=after,
            )  # fmt: skip
            write_private(self._store.obtained_file, pair)
            await work.commit()
        self._keep(AcmeAttempt(tried_at=now, directory=self._settings.directory))
        log.info(
            "certificate obtained", extra={"directory": self._settings.directory, "fingerprint": after.fingerprint}
        )

    def _is_due(self) -> bool:
        if not self.is_configured or self._store.source in ("settings", "brought"):
            return False
        now = self._clock.now()
        last = self._last()
        if self._is_wanted or last.directory not in ("", self._settings.directory):
            return True
        if now < last.next_at <= now + WAIT_S_MAX * MICROS_PER_S:  # Beyond: the clock was set back since.
            return False
        one = self._obtained()
        if (
            last.failures
            or one is None
            or {name.lower() for name in self._settings.names} - {name.lower() for name in one.names}
        ):
            return True
        return one.valid_until - now <= (one.valid_until - one.valid_from) * LIFE_LEFT

    def _obtained(self) -> Certificate | None:
        try:
            return read_certificates(self._store.obtained_file.read_text(encoding="ascii"))[0]
        except (OSError, ValueError, PdmError):
            return None

    def _last(self) -> AcmeAttempt:
        try:
            return AcmeAttempt.model_validate_json((self._store.folder / STATE_FILE).read_bytes())
        except (OSError, ValidationError):
            return AcmeAttempt()

    def _keep(self, attempt: AcmeAttempt) -> None:
        write_private(self._store.folder / STATE_FILE, attempt.model_dump_json())


async def _in_thread(work: Callable[[Event], str]) -> str:
    """Run something that blocks for minutes; cancelled, it is told to stop and left to end, which the end of the
    program does not wait for.
    """  # noqa: D205
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[str] = loop.create_future()
    stop = Event()

    def settle(result: str | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result or "")

    def run() -> None:
        result, error = None, None
        try:
            result = work(stop)
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            pass  # The loop has ended; nobody waits.

    Thread(target=run, name="acme order", daemon=True).start()
    try:
        return await outcome
    finally:
        stop.set()
