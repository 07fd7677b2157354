"""Keeps what ends from ending unnoticed: asks the ACME directory in time, and says early what somebody has to renew."""

from pdm_app.domain.ports import Clock
from pdm_app.engine.supervisor import first_of
from pdm_app.services.acme import AcmeKeeping
from pdm_app.services.expiries import ExpiryService

LOOK_EVERY_S = 600.0


class CertificateKeeper:
    """One look every ten minutes, and at once when somebody asks for it."""

    def __init__(self, acme: AcmeKeeping, expiries: ExpiryService, clock: Clock) -> None:
        self._acme = acme
        self._expiries = expiries
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._acme.tend()
            await self._expiries.note()
            await first_of(self._clock.sleep(LOOK_EVERY_S), self._hurried())

    async def _hurried(self) -> None:
        await self._acme.hurry.wait()
        self._acme.hurry.clear()
