"""The settings in force: read at the start, followed by whoever uses them, and looked at every other second.

    book.follow(lambda settings: gate.apply(settings.http))

A follower is called at once and after each change, whichever process made it: a page, a command, another server.
"""

import logging
from collections.abc import Callable, Mapping

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.settings_revisions import NOTHING_SET, SettingsRevision
from pdm_app.services.setting_keys import Effect, keys_given, setting_specs, value_in
from pdm_app.services.settings_tree import composed
from pdm_app.settings import Settings, given_by

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0  # One number read by primary key; measured at 1.7 ms of a busy processor, so 0.1 % of a core.

Follower = Callable[[Settings], None]


class SettingsBook:
    """One per process.

    Attributes:
        base: What file, environment, command and defaults give.
        fixed: Who fixes a setting, by key: the variable, the file or the command.
    """

    def __init__(self, base: Settings, work: UnitOfWork, clock: Clock) -> None:
        self.base = base
        self.fixed: Mapping[str, str] = {key: given_by(key) for key in keys_given(base)}
        self._work = work
        self._clock = clock
        self._revision = NOTHING_SET
        self._current = base
        self._started = base
        self._unused: Mapping[str, str] = {}
        self._followers: list[Follower] = []
        self._is_away = False

    @property
    def current(self) -> Settings:
        """The tree in force; what takes effect at restart only is in it, too."""
        return self._current

    @property
    def revision(self) -> SettingsRevision:
        """The revision it is made of."""
        return self._revision

    @property
    def unused(self) -> Mapping[str, str]:
        """Stored values that are not used, each with the reason."""
        return self._unused

    @property
    def restart_needed(self) -> tuple[str, ...]:
        """The settings that were changed since the start and take effect at the next one."""
        return tuple(
            key
            for key, spec in setting_specs().items()
            if spec.effect is Effect.RESTART and value_in(self._current, key) != value_in(self._started, key)
        )

    async def load(self) -> Settings:
        """Read what is stored, before anything is built from it."""
        async with self._work(EVERY_SITE) as work:
            self._take(await work.settings.newest())
        self._started = self._current
        return self._current

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Call the follower now and after each change; the result ends it."""
        self._followers.append(follower)
        follower(self._current)
        return lambda: self._followers.remove(follower)

    async def run(self) -> None:
        """Look for changes of others until cancelled; that ends between two looks or in one, and nothing is lost."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Take over a newer revision if there is one; without the database the settings stay as they are."""
        try:
            async with self._work(EVERY_SITE) as work:
                if await work.settings.newest_number() == self._revision.number:
                    self._is_away = False
                    return
                newest = await work.settings.newest()
        except UnavailableError as error:
            if not self._is_away:
                log.warning("settings cannot be looked at and stay as they are", extra={"error": str(error)})
            self._is_away = True
            return
        self._is_away = False
        self.take(newest)

    def take(self, revision: SettingsRevision) -> None:
        """Put a revision in force."""
        if revision.number == self._revision.number:
            return
        self._take(revision)
        log.info(
            "settings changed",
            extra={"revision": revision.number, "by": revision.actor, "changed": list(revision.changed)},
        )
        for follower in list(self._followers):
            try:
                follower(self._current)
            except Exception:  # One part that fails must not keep the others from what was decided.
                log.exception("a setting was not taken over", extra={"revision": revision.number})

    def _take(self, revision: SettingsRevision) -> None:
        found = composed(self.base, revision.stored)
        self._revision, self._current, self._unused = revision, found.tree, found.unused
        for key, problem in found.unused.items():
            log.warning("a stored setting is not used", extra={"setting": key, "problem": problem})
