"""Groups of devices: kept, previewed with the reason for each device, and acted on together."""

from collections.abc import Sequence

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.campaigns import OVER
from pdm_app.domain.device_groups import GROUPS_MAX, DeviceGroup, DeviceGroupFacts, Told, members, parse
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.firmware_stories import one_at_a_time
from pdm_app.services.record_changes import put_on_record, require_revision, require_site

WORD = "device group"


class GroupView(Record):
    """A group, how many devices are in it now, and which versions they run."""

    group: DeviceGroup
    members: int
    versions: dict[str, int]
    problem: str


class DeviceResult(Record):
    """What a batch operation did with one device."""

    device_id: str
    code: str
    is_done: bool
    detail: str


class DeviceGroupService:
    """Groups of the sites in an actor's scope.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[GroupView, ...]:
        """Return groups by name, with the spread of versions in each; an empty one is of devices that said none."""
        actor.require(Permission.DEVICES_READ)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            groups = [each for each in await work.device_groups.all() if site_id in (None, each.site_id)]
            return tuple([await _view(work, group) for group in groups])

    async def preview(self, actor: Actor, facts: DeviceGroupFacts) -> tuple[Told, ...]:
        """Say of each device of a site whether it would be in such a group, and why; nothing is kept.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: The filter cannot be read; says where.
        """
        actor.require(Permission.DEVICES_READ)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, facts.site_id)
            return await _told(work, facts)

    async def members(self, actor: Actor, group_id: str) -> tuple[Told, ...]:
        """Say of each device of the site whether it is in a group, and why.

        Raises:
            NotFoundError: There is no such group in the actor's sites.
        """
        actor.require(Permission.DEVICES_READ)
        async with self._work(actor.scope) as work:
            return await _told(work, await _found(work, group_id))

    async def twins(self, actor: Actor, site_id: str | None = None) -> tuple[FirmwareTwin, ...]:
        """Return what devices run, as far as they have said so."""
        actor.require(Permission.DEVICES_READ)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            return tuple(twin for twin in await work.twins.all() if site_id in (None, twin.site_id))

    async def create(self, actor: Actor, facts: DeviceGroupFacts) -> DeviceGroup:
        """Keep a new group.

        Raises:
            NotFoundError: Its site, or a device that it names, does not exist or lies outside the actor's sites.
            InvalidInputError: The filter cannot be read.
            ConflictError: There are too many, or the name is taken in this site.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        now = self._clock.now()
        group = DeviceGroup(
            **facts.model_dump(), id=new_id(now), changed_at=int(now), changed_by=actor.name, revision=1
        )
        async with self._work(actor.scope) as work:
            await _judge(work, actor, group)
            if len(await work.device_groups.all()) >= GROUPS_MAX:
                raise ConflictError(f"There are {GROUPS_MAX} groups of devices already. Delete one first.")
            await work.device_groups.put(group)
            await put_on_record(work, actor, now, "device_groups.created", WORD, None, group)
            await work.commit()
        return group

    async def change(self, actor: Actor, group_id: str, facts: DeviceGroupFacts, revision: int) -> DeviceGroup:
        """Put other facts in the place of a group's; campaigns that have begun keep their devices.

        Raises:
            NotFoundError: There is no such group in the actor's sites; or as `create`.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: The filter cannot be read, or it would move to another site.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, group_id)
            await require_site(work, actor, facts.site_id)
            require_revision(before, WORD, revision)
            if facts.site_id != before.site_id:
                raise InvalidInputError("A group stays at its site.")
            group = DeviceGroup(
                **facts.model_dump(), id=group_id, changed_at=int(now), changed_by=actor.name,
                revision=before.revision + 1,
            )  # fmt: skip
            await _judge(work, actor, group)
            await work.device_groups.put(group)
            await put_on_record(work, actor, now, "device_groups.changed", WORD, before, group)
            await work.commit()
        return group

    async def remove(self, actor: Actor, group_id: str) -> DeviceGroup:
        """Forget a group; its devices stay.

        Raises:
            NotFoundError: There is no such group in the actor's sites.
            ConflictError: A campaign that is not over needs it.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, group_id)
            needed = [
                each.name for each in await work.campaigns.all() if each.group_id == group_id and each.state not in OVER
            ]
            if needed:
                raise ConflictError(f"Campaigns need this group: {', '.join(needed[:5])}. Abort or finish them first.")
            await work.device_groups.remove(group_id)
            await put_on_record(work, actor, self._clock.now(), "device_groups.removed", WORD, before, None)
            await work.commit()
        return before

    async def set_client(
        self, actor: Actor, group_id: str, client: ClientKind, device_ids: Sequence[str] = ()
    ) -> tuple[DeviceResult, ...]:
        """Say which update client the members have, all or those named; answer for each of them.

        Raises:
            NotFoundError: There is no such group in the actor's sites.
        """
        actor.require(Permission.DEVICES_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            group = await work.device_groups.get(group_id)
            if group is None or not actor.scope.covers(group.site_id):
                raise NotFoundError(f"There is no group of devices {group_id!r}.")
            twins = {twin.id: twin for twin in await work.twins.all()}
            told = [each for each in await _told(work, group) if each.is_member]
            chosen = [each for each in told if not device_ids or each.device_id in device_ids]
            results, changed = [], []
            for each in chosen:
                twin = twins.get(each.device_id) or FirmwareTwin(id=each.device_id, site_id=group.site_id)
                if twin.client is client:
                    results.append(_result(each, f"It has {client} already.", is_done=False))
                    continue
                changed.append(twin.model_copy(update={"client": client, "revision": twin.revision + 1}))
                results.append(_result(each, f"It was {twin.client}.", is_done=True))
            strangers = set(device_ids) - {each.device_id for each in chosen}
            results += [
                DeviceResult(device_id=each, code="", is_done=False, detail="It is no member of the group.")
                for each in sorted(strangers)
            ]
            await work.twins.put(changed)
            named = [each.code for each in results if each.is_done]
            await put_on_record(
                work, actor, self._clock.now(), "device_groups.client_set", WORD, group,
                group.model_copy(update={"note": f"{client}: {', '.join(named)}"[:2000]}),
            )  # fmt: skip
            await work.commit()
        return tuple(results)


def _result(told: Told, detail: str, *, is_done: bool) -> DeviceResult:
    return DeviceResult(device_id=told.device_id, code=told.code, is_done=is_done, detail=detail)


async def _told(work: Work, facts: DeviceGroupFacts) -> tuple[Told, ...]:
    return members(facts, await work.devices.all(), {twin.id: twin for twin in await work.twins.all()})


async def _view(work: Work, group: DeviceGroup) -> GroupView:
    try:
        inside = {each.device_id for each in await _told(work, group) if each.is_member}
    except InvalidInputError as error:
        return GroupView(group=group, members=0, versions={}, problem=error.message)
    twins = {twin.id: twin.version for twin in await work.twins.all()}
    versions: dict[str, int] = {}
    for device_id in inside:
        version = twins.get(device_id, "")
        versions[version] = versions.get(version, 0) + 1
    return GroupView(group=group, members=len(inside), versions=dict(sorted(versions.items())), problem="")


async def _found(work: Work, group_id: str) -> DeviceGroup:
    group = await work.device_groups.get(group_id)
    if group is None:
        raise NotFoundError(f"There is no group of devices {group_id!r}.")
    return group


async def _judge(work: Work, actor: Actor, group: DeviceGroup) -> None:
    await require_site(work, actor, group.site_id)
    if group.filter is not None:
        parse(group.filter)
    there = {device.id for device in await work.devices.all() if device.site_id == group.site_id}
    if unknown := [each for each in group.device_ids if each not in there]:
        raise NotFoundError(f"There is no device {unknown[0]!r} in this site.")
    for other in await work.device_groups.all():
        if other.id != group.id and other.site_id == group.site_id and other.name.casefold() == group.name.casefold():
            raise ConflictError(f"Another group of this site is called {other.name}. Choose another name.")
