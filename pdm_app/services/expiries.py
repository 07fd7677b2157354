"""What ends at a known time, in one list: the page, the banner, the health check and the log all say the same.

expiries.add("trust", trust.expiries)    # an async function that returns what it knows of, at once
"""

import logging
from collections.abc import Awaitable, Callable, Iterable

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import PdmError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.services.metrics import Metrics
from pdm_app.services.system import Check

log = logging.getLogger(__name__)

NAMED_MAX = 3  # In the line of the health check.
LISTED_MAX = 500
Source = Callable[[], Awaitable[Iterable[Expiry]]]


class ExpiryView(Record):
    """One thing that ends, and how soon."""

    expiry: Expiry
    days_left: int
    step: int | None
    is_sound: bool


class ExpiryService:
    """The list of what ends; each owner of such things adds itself once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: dict[str, Source] = {}
        self._said: dict[tuple[str, str, int], int] = {}
        self._days_left: float | None = None

    def add(self, name: str, source: Source) -> None:
        """Have a source asked from now on.

        Raises:
            ValueError: The name is taken.
        """
        if name in self._sources:
            raise ValueError(f"a source named {name!r} is already asked")
        self._sources[name] = source

    def register(self, metrics: Metrics) -> None:
        """Offer the figure to a monitoring system."""
        metrics.gauge(
            "expiry_days_left", "Days until the next thing ends that does not renew itself in time.",
            lambda: float("nan") if self._days_left is None else self._days_left,
        )  # fmt: skip

    async def all(self, actor: Actor) -> tuple[ExpiryView, ...]:
        """Return what ends and is in the actor's sites, the soonest first."""
        actor.require(Permission.SYSTEM_READ)
        now = self._clock.now()
        found, _ = await self._asked()
        seen = [one for one in found if one.site_id is None or actor.scope.covers(one.site_id)]
        return tuple(
            ExpiryView(expiry=one, days_left=one.days_left(now), step=one.step(now), is_sound=one.is_sound(now))
            for one in seen[:LISTED_MAX]
        )

    async def check(self) -> Check:
        """Say for the health page what ends soon; the texts hold no secret."""
        now = self._clock.now()
        found, problems = await self._asked()
        ending = [one for one in found if not one.is_sound(now)]
        words = [_words(one, now) for one in ending[:NAMED_MAX]]
        if len(ending) > NAMED_MAX:
            words.append(f"{len(ending) - NAMED_MAX} more")
        words += problems
        if words:
            return Check(name="certificate", ok=False, detail="; ".join(words), needed=False)
        detail = f"{found[0].name}: {found[0].days_left(now)} days left" if found else "HTTPS is not served here"
        return Check(name="certificate", ok=True, detail=detail, needed=False)

    async def note(self) -> None:
        """Log each step that was reached since the last time, once; called now and then by the engine."""
        now = self._clock.now()
        found, problems = await self._asked()
        for problem in problems:
            log.warning("what ends could not be read: %s", problem)
        self._days_left = min((float(one.days_left(now)) for one in found if one.step(now) is not None), default=None)
        current = {(one.kind, one.id, one.ends_at): one for one in found}
        self._said = {key: step for key, step in self._said.items() if key in current}
        for key, one in current.items():
            step = one.step(now)
            if step is not None and step < self._said.get(key, 1 << 30):
                self._said[key] = step
                log.log(
                    logging.WARNING if one.is_sound(now) else logging.ERROR, _words(one, now),
                    extra={"kind": one.kind, "name_of": one.name, "days_left": one.days_left(now)},
                )  # fmt: skip

    async def _asked(self) -> tuple[tuple[Expiry, ...], list[str]]:
        """Ask every source; one that fails says so and does not hide the others."""
        found: list[Expiry] = []
        problems: list[str] = []
        for source in tuple(self._sources.values()):  # While one is asked, the product may add another.
            try:
                found.extend(await source())
            except PdmError as error:
                problems.append(error.message)
        return tuple(sorted(found, key=lambda one: one.ends_at)), problems


def _words(one: Expiry, now: int) -> str:
    left = one.days_left(now)
    when = "has ended" if left < 0 else "ends today" if left == 0 else f"ends in {left} day{'s' if left > 1 else ''}"
    return f"{one.name} {when}"
