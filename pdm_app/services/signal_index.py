"""Which signal a device means: by name within its asset, by ``ASSET/Name``, or by number, in its own site only."""

from dataclasses import dataclass

from pdm_app.domain.access import Scope
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.signals import DataType
from pdm_app.services.patience import impatient

REREAD_S = 30  # A changed configuration is seen within this time, or at once after `SignalIndex.forget`.
MISS_REREAD_S = 2  # An unknown name may be a new signal; asked no more often than this.


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be known of a signal to judge a sample for it."""

    id: int
    asset_id: str
    name: str
    data_type: DataType
    is_derived: bool = False


@dataclass(slots=True)
class SiteSignals:
    """The signals of one site, found by every name they go by."""

    read_at: Micros
    asset_of_device: dict[str, str | None]
    by_name: dict[str | int, Target]
    of_asset: dict[str, dict[str, Target]]

    def find(self, asset_id: str | None, reference: str | int) -> Target | None:
        """Return the signal a device on ``asset_id`` means by ``reference``."""
        if isinstance(reference, str):
            own = self.of_asset.get(asset_id or "", {}).get(reference)
            if own is not None:
                return own
            if reference.isascii() and reference.isdigit() and len(reference) <= 10:
                return self.by_name.get(int(reference))
        return self.by_name.get(reference)


class SignalIndex:
    """Remembers the signals of each site for a while."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._sites: dict[str, SiteSignals] = {}

    async def of_site(self, site_id: str, *, after_a_miss: bool = False) -> SiteSignals:
        """Return the signals of a site; while the database is away, as last known.

        Raises:
            UnavailableError: The database does not answer, and the site was never read.
        """
        now = self._clock.now()
        known = self._sites.get(site_id)
        age_s_max = MISS_REREAD_S if after_a_miss else REREAD_S
        if known is not None and 0 <= now - known.read_at < age_s_max * MICROS_PER_S:
            return known
        try:
            async with impatient(can_do_without=known is not None):
                self._sites[site_id] = known = await self._read(site_id, now)
        except UnavailableError:
            if known is None:
                raise
            known.read_at = now
        return known

    def forget(self) -> None:
        """Read anew at the next call: signals, assets or devices have changed."""
        self._sites.clear()

    async def _read(self, site_id: str, now: Micros) -> SiteSignals:
        async with self._work(Scope(sites=frozenset({site_id}))) as work:
            devices = {device.id: device.asset_id for device in await work.devices.all()}
            codes = {asset.id: asset.code for asset in await work.assets.all()}
            signals = await work.signals.all()
        site = SiteSignals(now, devices, {}, {})
        for signal in signals:
            target = Target(signal.id, signal.asset_id, signal.name, signal.data_type, signal.is_derived)
            site.by_name[signal.id] = target
            site.by_name[f"{codes.get(signal.asset_id, '')}/{signal.name}"] = target
            site.of_asset.setdefault(signal.asset_id, {})[signal.name] = target
        return site
