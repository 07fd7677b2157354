"""Signals: what is measured, in which unit, where it comes from; asked for and changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Line
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.record import Facts
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal, SignalFacts
from pdm_app.services.derived_signals import require_reckonable, require_unread, resolved
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import PlantService
from pdm_app.services.plant_noun import Bound, Hold, Noun
from pdm_app.services.plant_rules import referred, structure_issue

ADDRESS_BYTES_MAX = 2_000


SIGNAL = Noun(
    kind=Signal,
    facts=SignalFacts,
    word="signal",
    actions="signals",
    read=Permission.SIGNALS_READ,
    configure=Permission.SIGNALS_CONFIGURE,
    name="name",
    within="asset_id",
    parent=(Asset, "asset_id", "asset"),
    fixed=frozenset({"asset_id", "data_type"}),  # History is kept by the signal: it stays what it was of.
    holds=(
        Hold(AlarmRule, "signal_id", "alarm rule", "alarm rules", "Delete its alarm rules first."),
        Hold(
            Line,
            "lead_signal_id",
            "line that it leads",
            "lines that it leads",
            "Choose another lead signal for the line first.",
        ),
        Hold(
            Asset,
            "state_signal_id",
            "asset whose state it says",
            "assets whose state it says",
            "Choose another state signal for the asset first.",
        ),
    ),
    bounds=(
        Bound("asset_id", 1_000, "signals of this asset"),
        Bound("site_id", 50_000, "signals in this site"),
    ),
)
READING = ("connection_id", "address", "poll_every_s")
"""With another one of these, the connection has to be made anew."""


class SignalService(PlantService[Signal]):
    """The signal registry."""

    noun = SIGNAL

    async def all(self, actor: Actor, asset_id: str | None = None) -> tuple[Signal, ...]:
        """Return all signals in scope, or those of one asset in order of importance.

        Raises:
            NotFoundError: The asset does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            if asset_id is None:
                signals = await work.signals.all()
            else:
                if await work.assets.get(asset_id) is None:
                    raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
                signals = await work.signals.of_asset(asset_id)
        return tuple(sorted(signals, key=lambda signal: (signal.asset_id, signal.position, signal.id)))

    async def some(self, actor: Actor, ids: Sequence[int]) -> tuple[Signal, ...]:
        """Return exactly the signals asked for, in the order asked.

        Raises:
            NotFoundError: Names the first that does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            found = {signal.id: signal for signal in await work.signals.some(ids)}
        return _in_order(ids, found)

    async def ever(self, actor: Actor, ids: Sequence[int]) -> tuple[Signal, ...]:
        """Return the signals asked for, also those that were deleted: their history stays.

        Raises:
            NotFoundError: Names the first that never existed or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            found = {signal.id: signal for signal in await work.signals.some(ids)}
            for signal_id in dict.fromkeys(ids):
                if signal_id not in found:
                    deleted = await work.plant.get(Signal, signal_id, deleted=True)
                    if deleted is not None:
                        found[signal_id] = deleted
        return _in_order(ids, found)

    @override
    async def _added(self, work: Work, facts: Facts, parent: Any, now: Micros) -> dict[str, object]:
        connection = await referred(
            work, Connection, getattr(facts, "connection_id", None), parent.site_id, "connection"
        )
        return {
            "id": await work.plant.new_signal_number(),
            "site_id": parent.site_id,
            "simulated": parent.simulated if connection is None else connection.simulated,
        }

    @override
    async def _inferred(self, work: Work, before: Signal | None, after: Signal) -> Signal:
        if after.formula is None:
            return after
        if before is not None and before.formula == after.formula:
            return after.model_copy(update={"shape": before.shape})  # By number: names may have changed since.
        return await resolved(work, after)

    @override
    async def _let_go(self, work: Work, record: Signal) -> None:
        await require_unread(work, [record])

    @override
    async def _judge(self, work: Work, before: Signal | None, after: Signal) -> None:
        connection = await referred(work, Connection, after.connection_id, after.site_id, "connection")
        issues = []
        if after.scale == 0:
            issues.append(FieldIssue("scale", "is 0, which makes every reading the same", "give another factor"))
        if (issue := structure_issue("address", after.address, ADDRESS_BYTES_MAX)) is not None:
            issues.append(issue)
        elif connection is not None:
            issues += self._desk.drivers.address_issues(connection.driver, after.address)
        if issues:
            raise InvalidInputError(f"Signal {after.name} cannot be read so.", issues)
        await require_reckonable(work, before, after)

    @override
    async def _put_in_force(self, in_force: InForce, before: Signal | None, after: Signal | None) -> None:
        sides = [side for side in (before, after) if side is not None]
        reads_anew = len(sides) == 1 or any(getattr(before, name) != getattr(after, name) for name in READING)
        await in_force.signals_changed(*{side.connection_id for side in sides if reads_anew})


def _in_order(ids: Sequence[int], found: Mapping[int, Signal]) -> tuple[Signal, ...]:
    for signal_id in ids:
        if signal_id not in found:
            raise NotFoundError(f"There is no signal {signal_id}.", signal_id=signal_id)
    return tuple(found[signal_id] for signal_id in ids)
