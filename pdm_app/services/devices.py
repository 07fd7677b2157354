"""Devices and the keys with which they send samples.

A key is shown once, when it is made; stored is its SHA-256, which is enough for a secret of 256 random bits.
"""

import asyncio
import logging
import re
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256

from typing_extensions import override

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, DeviceKey, Permission, Role, Scope
from pdm_app.domain.assets import Asset, Device, DeviceFacts, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError, NotFoundError, UnauthenticatedError, UnavailableError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.auditing import audit
from pdm_app.services.in_force import InForce
from pdm_app.services.patience import impatient
from pdm_app.services.plant_changes import Desk, PlantService
from pdm_app.services.plant_noun import Bound, Noun
from pdm_app.services.plant_rules import referred

log = logging.getLogger(__name__)

ALPHABET = string.ascii_letters + string.digits
HINT_CHARACTERS = 6
SECRET_CHARACTERS = 43  # Of 62 each: 256 bits.
KEY_FORM = re.compile(rf"pdm_[a-z0-9]{{{HINT_CHARACTERS}}}_[A-Za-z0-9]{{{SECRET_CHARACTERS}}}")
REREAD_S = 10  # A key revoked by another process is refused within this time; by this one at once.
USED_S = 600  # How often "last used" is written: thousands of devices ask each minute.
USES_TOGETHER_US = 1_000_000
KNOWN_MAX = 50_000  # More than devices: those that ask in turn would push each other out.

DEVICE = Noun(
    kind=Device,
    facts=DeviceFacts,
    word="device",
    actions="devices",
    read=Permission.DEVICES_READ,
    configure=Permission.DEVICES_CONFIGURE,
    name="code",
    within="site_id",
    parent=(Site, "site_id", "site"),
    fixed=frozenset({"site_id"}),
    holds=(),
    bounds=(Bound("site_id", 10_000, "devices in this site"),),
)
WRONG_KEY = (
    "This device key is not known or was revoked. "
    "Make a new one on the device's page, or with `pdm-app key create DEVICE`."
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; ``secret`` is shown now and never again."""

    key: DeviceKey
    secret: str


@dataclass(slots=True)
class _Known:
    key: DeviceKey
    device: Device
    used_at: Micros
    actor: Actor


class DeviceService(PlantService[Device]):
    """Devices, and the making, revoking and checking of their keys; keys of a deleted device are refused."""

    noun = DEVICE

    def __init__(self, work: UnitOfWork, clock: Clock, desk: Desk | None = None, *, overlap_hours: float = 24) -> None:
        super().__init__(work, desk)
        self._clock = clock
        self._overlap = round(overlap_hours * 3600 * MICROS_PER_S)
        self._known: dict[str, _Known] = {}
        self._generation = 0
        self._fingerprint: str | None = None
        """What changes with any key or device, as it was read last."""
        self._looked_at: int | None = None
        self._looking = asyncio.Lock()
        self._uses: dict[str, Micros] = {}
        self._uses_noted_at = 0

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[Device, ...]:
        """Return the devices of one site, or of all in scope, by code."""
        actor.require(Permission.DEVICES_READ)
        async with self._work(actor.scope) as work:
            devices = await work.devices.all()
        return tuple(
            sorted((device for device in devices if site_id in (None, device.site_id)), key=lambda device: device.code)
        )

    async def by_id(self, actor: Actor, device_id: str) -> Device:
        """Return one device.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.DEVICES_READ)
        async with self._work(actor.scope) as work:
            device = await work.devices.get(device_id)
        if device is None:
            raise NotFoundError(f"There is no device {device_id!r}.", device_id=device_id)
        return device

    async def keys(self, actor: Actor, device_id: str | None = None) -> tuple[DeviceKey, ...]:
        """Return the keys of one device, or of all in scope, the newest first; revoked ones too."""
        actor.require(Permission.DEVICES_CONFIGURE)
        if device_id is not None:
            await self.by_id(actor, device_id)
        async with self._work(actor.scope) as work:
            keys = await work.devices.keys(device_id)
        return tuple(sorted(keys, key=lambda key: (key.created_at, key.id), reverse=True))

    async def create_key(self, actor: Actor, device_id: str) -> NewKey:
        """Make a key for a device. Others of the device stay good, so that keys can be changed without a gap.

        Raises:
            NotFoundError: The device does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            device = await work.devices.get(device_id)
            if device is None:
                raise NotFoundError(f"There is no device {device_id!r}.", device_id=device_id)
            made = await self._make(work, actor, device, now)
            await _record(work, actor, now, "devices.key_created", None, made.key)
            await work.commit()
        log.info("device key made", extra={"device": device.code, "key": made.key.hint, "by": actor.name})
        return made

    async def rotate_key(self, actor: Actor, key_id: str) -> NewKey:
        """Make the successor of a key; the old one works on for the overlap of the settings, so that nothing is lost.

        Raises:
            NotFoundError: It, or its device, does not exist or lies outside the actor's sites.
            ConflictError: It has ended already.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            old = next((key for key in await work.devices.keys() if key.id == key_id), None)
            device = await work.devices.get(old.device_id) if old is not None else None
            if old is None or device is None:
                raise NotFoundError(f"There is no device key {key_id!r}.", key_id=key_id)
            ends_at = Micros(min(int(now) + self._overlap, old.expires_at or 2**53))
            if not _is_good(old, now) or not await work.devices.expire_key(key_id, ends_at):
                raise ConflictError(f"The key {old.hint} has ended. Make a new one instead.", key_id=key_id)
            made = await self._make(work, actor, device, now)
            await _record(work, actor, now, "devices.key_rotated", old, made.key)
            await work.commit()
        self._forget(key_id)
        log.info("device key replaced", extra={"device": device.code, "key": made.key.hint, "by": actor.name})
        return made

    async def _make(self, work: Work, actor: Actor, device: Device, now: Micros) -> NewKey:
        hint = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(HINT_CHARACTERS))
        secret = f"pdm_{hint}_" + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
        key = DeviceKey(
            id=new_id(now),
            site_id=device.site_id,
            device_id=device.id,
            hint=f"pdm_{hint}",
            created_at=now,
            created_by=actor.name,
        )
        await work.devices.add_key(key, key_hash(secret))
        return NewKey(key, secret)

    async def revoke_key(self, actor: Actor, key_id: str) -> DeviceKey:
        """End a key, here at once; a key that was revoked before stays as it is.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        self._forget(key_id)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            is_revoked_now = await work.devices.revoke_key(key_id, now)
            key = next((key for key in await work.devices.keys() if key.id == key_id), None)
            if key is None:
                raise NotFoundError(f"There is no device key {key_id!r}.", key_id=key_id)
            if is_revoked_now:
                good = key.model_copy(update={"revoked_at": None})
                await _record(work, actor, now, "devices.key_revoked", good, key)
            await work.commit()
        self._forget(key_id)  # Once more: a call that read it between the two may have remembered it.
        log.info("device key revoked", extra={"key": key.hint, "by": actor.name})
        return key

    async def actor_of_key(self, secret: str, address: str = "") -> Actor:
        """Return the device that holds a key, as an actor of its own site that may only send samples.

        Raises:
            UnauthenticatedError: Malformed, unknown, revoked or replaced long ago, alike in text.
            UnavailableError: The database does not answer and the key is not known here.
        """
        if not KEY_FORM.fullmatch(secret):
            raise UnauthenticatedError(WRONG_KEY, reason="malformed")
        hash_ = key_hash(secret)
        now = self._clock.now()
        if not self._is_current(now):
            await self._look_again()
        known = self._known.get(hash_) or await self._read(hash_)
        if not _is_good(known.key, now):
            raise UnauthenticatedError(WRONG_KEY, reason="has ended")
        if now - known.used_at >= USED_S * MICROS_PER_S:
            await self._note_use(known, now)
        if known.actor.address != address:
            known.actor = _actor(known.key, known.device, address)
        return known.actor

    def _is_current(self, now: Micros) -> bool:
        return self._looked_at is not None and 0 <= now - self._looked_at < REREAD_S * MICROS_PER_S

    async def _look_again(self) -> None:
        """Forget every key where another process has changed any: one question for all of a fleet."""
        async with self._looking:
            if self._is_current(self._clock.now()):
                return  # Whoever was first has looked for those who waited.
            mark = self._fingerprint
            try:
                async with impatient(), self._work(EVERY_SITE) as work:
                    mark = await work.devices.mark()
            except UnavailableError:
                pass  # Samples are taken while the database is away; the buffer holds them.
            if mark != self._fingerprint:
                self._generation += 1
                self._known.clear()
            self._fingerprint, self._looked_at = mark, int(self._clock.now())

    async def _read(self, hash_: str) -> _Known:
        generation = self._generation
        async with self._work(EVERY_SITE) as work:
            key = await work.devices.key_by_hash(hash_)
            device = await work.devices.get(key.device_id) if key else None
        if key is None or device is None or key.revoked_at is not None:
            raise UnauthenticatedError(WRONG_KEY, reason="unknown or revoked")
        used_at = self._uses.get(key.id, Micros(key.last_used_at or 0))
        fresh = _Known(key, device, used_at, _actor(key, device, ""))
        if generation == self._generation:
            self._known[hash_] = fresh
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return fresh

    async def _note_use(self, known: _Known, now: Micros) -> None:
        known.used_at = now
        self._uses[known.key.id] = now
        if now - self._uses_noted_at >= USES_TOGETHER_US:
            await self.note_uses()

    async def note_uses(self) -> None:
        """Put on record which keys were used since this was done last, together: each is a writing to the disk."""
        uses, self._uses, self._uses_noted_at = self._uses, {}, int(self._clock.now())
        if not uses:
            return
        try:
            async with impatient(), self._work(EVERY_SITE) as work:
                await work.devices.keys_used(uses)
                await work.commit()
        except UnavailableError:
            pass  # Written ten minutes later; it only dates the last use.

    @override
    async def _judge(self, work: Work, before: Device | None, after: Device) -> None:
        await referred(work, Asset, after.asset_id, after.site_id, "asset")
        await referred(work, Connection, after.connection_id, after.site_id, "connection")

    @override
    async def _put_in_force(self, in_force: InForce, before: Device | None, after: Device | None) -> None:
        self._generation += 1
        self._known.clear()
        in_force.forget_sources()

    def _forget(self, key_id: str) -> None:
        self._generation += 1
        for hash_ in [hash_ for hash_, known in self._known.items() if known.key.id == key_id]:
            del self._known[hash_]


def _is_good(key: DeviceKey, now: Micros) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def key_hash(secret: str) -> str:
    """Return the form in which a key is stored."""
    return sha256(secret.encode()).hexdigest()


def _actor(key: DeviceKey, device: Device, address: str) -> Actor:
    return Actor(
        id=key.id,
        name=device.code,
        role=Role.SERVICE,
        scope=Scope(sites=frozenset({key.site_id})),
        permissions=ROLE_PERMISSIONS[Role.SERVICE],
        address=address,
        device_id=device.id,
    )


async def _record(work: Work, actor: Actor, at: Micros, action: str, before: DeviceKey | None, key: DeviceKey) -> None:
    """Put a change of a key on record, under its hint: that is what its holder can compare."""
    await audit(
        work,
        actor,
        at,
        action,
        subject="device_key",
        subject_id=key.id,
        name=key.hint,
        site_id=key.site_id,
        before=before,
        after=key,
    )
