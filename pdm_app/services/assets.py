"""The asset tree: the plant by site, area and line, and one machine with all that belongs to it; changed, too."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from pdm_app.domain.access import Actor, Permission, Scope
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, AssetFacts, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError, NotSupportedError
from pdm_app.domain.plant import Mark
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal
from pdm_app.domain.signatures import Meaning
from pdm_app.services.alarm_rules import ALARM_RULE
from pdm_app.services.derived_signals import require_unread
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import Desk, PlantService, put_on_record
from pdm_app.services.plant_noun import Bound, Hold, Noun
from pdm_app.services.plant_rules import referred, require_unheld
from pdm_app.services.signals import SIGNAL
from pdm_app.services.signatures import Confirmed, SignatureService, Signing

ASSET = Noun(
    kind=Asset,
    facts=AssetFacts,
    word="asset",
    actions="assets",
    read=Permission.ASSETS_READ,
    configure=Permission.ASSETS_CONFIGURE,
    name="code",
    within="site_id",
    parent=(Line, "line_id", "line"),
    fixed=frozenset(),
    holds=(
        Hold(Signal, "asset_id", "signal", "signals", "Delete its signals with it, or first."),
        Hold(Device, "asset_id", "device", "devices", "Put its devices elsewhere first."),
    ),
    bounds=(Bound("site_id", 5_000, "assets in this site"),),
)
PARTS_MAX = 20_000  # Above what an asset may have.


class LineOverview(Record):
    """One line with its machines in flow order and the signals its tile shows."""

    line: Line
    area: Area
    site: Site
    assets: tuple[Asset, ...]
    lead: Signal | None
    watched: Signal | None


class PlantOverview(Record):
    """All lines the actor may see."""

    sites: tuple[Site, ...]
    lines: tuple[LineOverview, ...]


class AssetDetail(Record):
    """One machine with its place, its signals in order of importance, its devices and its alarm rules."""

    asset: Asset
    line: Line
    area: Area
    site: Site
    signals: tuple[Signal, ...]
    rules: tuple[AlarmRule, ...]
    devices: tuple[Device, ...]


class AssetService(PlantService[Asset]):
    """The asset tree as it is read, and its machines as they are changed.

    Attributes:
        signs_deletions: Deleting takes an electronic signature; may be changed at any time.
    """

    noun = ASSET

    def __init__(
        self,
        work: UnitOfWork,
        desk: Desk | None = None,
        signatures: SignatureService | None = None,
        *,
        signs_deletions: bool = False,
    ) -> None:
        super().__init__(work, desk)
        self._signatures = signatures
        self.signs_deletions = signs_deletions

    async def sites(self, actor: Actor) -> tuple[Site, ...]:
        """Return the sites in the actor's scope, by code."""
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            return tuple(sorted(await work.sites.all(), key=lambda site: site.code))

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[Asset, ...]:
        """Return the machines of one site, or of all in scope, in plant order."""
        overview = await self.overview(actor, site_id)
        return tuple(asset for line in overview.lines for asset in line.assets)

    async def overview(self, actor: Actor, site_id: str | None = None) -> PlantOverview:
        """Return the lines of one site, or of all sites in scope.

        Raises:
            NotFoundError: ``site_id`` is not a site in scope.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            sites = {site.id: site for site in await work.sites.all()}
            if site_id is not None:
                if site_id not in sites:
                    raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
                sites = {site_id: sites[site_id]}
            return await _overview(work, sites)

    async def by_id(self, actor: Actor, asset_id: str) -> AssetDetail:
        """Return one machine.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(asset_id)
            if asset is None:
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            signals = await work.signals.of_asset(asset_id)
            rules = [rule for rule in await work.alarms.rules() if rule.asset_id == asset_id]
            devices = [device for device in await work.devices.all() if device.asset_id == asset_id]
        # Whoever is shown a single machine of another site is told where it stands, and nothing else of that site.
        async with self._work(Scope(sites=frozenset({asset.site_id}))) as work:
            sites = {site.id: site for site in await work.sites.all()}
            areas = {area.id: area for area in await work.assets.areas()}
            lines = {line.id: line for line in await work.assets.lines()}
            line = lines[asset.line_id]
            return AssetDetail(
                asset=asset,
                line=line,
                area=areas[line.area_id],
                site=sites[asset.site_id],
                signals=tuple(sorted(signals, key=lambda signal: (signal.position, signal.id))),
                rules=tuple(sorted(rules, key=lambda rule: (rule.priority, rule.name))),
                devices=tuple(sorted(devices, key=lambda device: device.code)),
            )

    @override
    async def delete(
        self,
        actor: Actor,
        id: str | int,
        revision: int | None = None,
        *,
        with_parts: bool = False,
        signing: Signing | None = None,
    ) -> Asset:
        """Delete a machine; ``with_parts`` its signals and alarm rules too, which come back when it is restored.

        Where the settings ask for it, and wherever ``signing`` is given, it is signed in the same transaction.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since, or something hangs on it; says who or what.
            InvalidInputError: It has to be signed and is not, or the password or the code is wrong.
        """
        for noun in (ASSET, SIGNAL, ALARM_RULE) if with_parts else (ASSET,):
            actor.require(noun.configure)
        confirmed = await self._confirmed(actor, signing)
        desk, now = self._desk, self._desk.clock.now()
        async with self._work(actor.scope) as work:
            asset = await self._held(work, id, revision)
            await self._let_go(work, asset)
            rules = await work.plant.some(AlarmRule, PARTS_MAX, asset_id=asset.id) if with_parts else ()
            signals = await work.plant.some(Signal, PARTS_MAX, asset_id=asset.id) if with_parts else ()
            if confirmed is not None and self._signatures is not None and signing is not None:
                await self._signatures.sign(
                    work, confirmed, Meaning.APPROVED, asset, subject="asset", subject_id=asset.id, name=asset.code,
                    site_id=asset.site_id, reason=signing.reason,
                )  # fmt: skip
            for rule in rules:
                await _delete(ALARM_RULE, work, actor, now, rule)
            await _delete(ASSET, work, actor, now, asset)
            await require_unread(work, signals)
            for signal in signals:
                await require_unheld(SIGNAL, work, signal)
                await _delete(SIGNAL, work, actor, now, signal)
            await require_unheld(ASSET, work, asset)  # Nothing is committed where devices are left on it.
            await work.commit()
        await self._put_in_force(desk.in_force, asset, None)
        await self._parts_in_force(desk.in_force, signals, rules)
        return asset

    async def _confirmed(self, actor: Actor, signing: Signing | None) -> Confirmed | None:
        """Check what was typed to sign, before the deed.

        Raises:
            InvalidInputError: The settings ask for a signature and there is none.
        """
        if signing is None:
            if self.signs_deletions:
                fix = "sign it with your password"
                raise InvalidInputError(
                    f"A machine is deleted here with an electronic signature only; {fix}.",
                    [FieldIssue("signing", "is missing", fix)],
                )
            return None
        if self._signatures is None:
            raise NotSupportedError("Nothing can be signed in this process. Ask the one that serves.")
        return await self._signatures.confirm(actor, signing.password, signing.code)

    @override
    async def restore(self, actor: Actor, id: str | int) -> Asset:
        asset = await super().restore(actor, id)
        async with self._work(actor.scope) as work:
            signals = await work.plant.some(Signal, PARTS_MAX, asset_id=asset.id)
            rules = await work.plant.some(AlarmRule, PARTS_MAX, asset_id=asset.id)
        await self._parts_in_force(self._desk.in_force, signals, rules)
        return asset

    @override
    async def _restore_parts(self, work: Work, actor: Actor, now: Micros, record: Asset, mark: Mark) -> None:
        went_with: dict[str, Any] = {"asset_id": record.id, "deleted_at": mark.deleted_at}
        for signal in await work.plant.some(Signal, PARTS_MAX, **went_with):
            await referred(work, Connection, signal.connection_id, signal.site_id, "connection")
            await work.plant.restore(Signal, signal.id, actor.name, now)
            await put_on_record(SIGNAL, work, actor, now, "restored", None, signal)
        for rule in await work.plant.some(AlarmRule, PARTS_MAX, **went_with):
            await work.plant.restore(AlarmRule, rule.id, actor.name, now)
            await put_on_record(ALARM_RULE, work, actor, now, "restored", None, rule)

    async def _parts_in_force(self, in_force: InForce, signals: Sequence[Signal], rules: Sequence[AlarmRule]) -> None:
        if signals:
            await in_force.signals_changed(*{signal.connection_id for signal in signals})
        if rules:
            await in_force.rules_changed()

    @override
    async def _judge(self, work: Work, before: Asset | None, after: Asset) -> None:
        await referred(work, Signal, after.state_signal_id, after.site_id, "signal")

    @override
    async def _put_in_force(self, in_force: InForce, before: Asset | None, after: Asset | None) -> None:
        in_force.forget_sources()


async def _delete(noun: Noun[Any], work: Work, actor: Actor, now: Micros, record: Any) -> None:
    await work.plant.delete(noun.kind, record.id, actor.name, now)
    await put_on_record(noun, work, actor, now, "deleted", record, None)


async def _overview(work: Work, sites: dict[str, Site]) -> PlantOverview:
    areas = {area.id: area for area in await work.assets.areas()}
    signals = {signal.id: signal for signal in await work.signals.all()}
    by_line: dict[str, list[Asset]] = {}
    for asset in sorted(await work.assets.all(), key=lambda asset: (asset.position, asset.code)):
        by_line.setdefault(asset.line_id, []).append(asset)
    key_signal: dict[str, Signal] = {}
    for signal in sorted(signals.values(), key=lambda signal: (signal.position, signal.id), reverse=True):
        key_signal[signal.asset_id] = signal
    lines = []
    for line in sorted(await work.assets.lines(), key=lambda line: (line.site_id, line.position, line.name)):
        if line.site_id not in sites:
            continue
        machines = tuple(by_line.get(line.id, ()))
        lines.append(
            LineOverview(
                line=line,
                area=areas[line.area_id],
                site=sites[line.site_id],
                assets=machines,
                lead=signals.get(line.lead_signal_id) if line.lead_signal_id is not None else None,
                watched=next((key_signal[asset.id] for asset in machines if asset.id in key_signal), None),
            )
        )
    return PlantOverview(sites=tuple(sites.values()), lines=tuple(lines))
