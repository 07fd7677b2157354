"""Ask for the settings and change them: revision by revision, each checked as a whole, with its reason on record.

A change names the revision it was made from; where somebody was first, it is refused and says who. Going back to a
revision makes a new one with what that one held, so that nothing is ever lost.
"""

from collections.abc import Callable, Mapping

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import moment
from pdm_app.domain.settings_revisions import (
    NOTHING_SET,
    RevisionNumber,
    SettingKey,
    SettingsHead,
    SettingsRevision,
    SettingValue,
    changed_between,
)
from pdm_app.services.auditing import audit
from pdm_app.services.setting_keys import Effect, Kind, SettingSpec, setting_specs, value_in
from pdm_app.services.settings_book import SettingsBook
from pdm_app.services.settings_text import read, with_lines, written
from pdm_app.services.settings_tree import checked, composed, refusal

CHANGES_MAX = 200
PAGE_MAX = 100


class SettingView(Record):
    """A setting as it is now.

    ``value`` is in force, or will be at the next start; ``stored`` was set in the product, None where nothing was.
    """

    spec: SettingSpec
    value: SettingValue | None
    stored: SettingValue | None = None
    source: str = Field(description="default, stored or fixed")
    fixed_by: str = Field(default="", description="The variable, file or command that fixes it.")
    problem: str = Field(default="", description="Why a stored value is not used.")
    needs_restart: bool = False


class SettingsStatus(Record):
    """Which revision is in force, and what of it waits for the next start."""

    revision: RevisionNumber
    restart_needed: tuple[SettingKey, ...] = ()


class SettingsView(SettingsStatus):
    """All settings, in the order of the tree."""

    settings: tuple[SettingView, ...]


class SettingChange(Record):
    """How one setting differs; None is not set in the product, which leaves it to ``default``."""

    key: SettingKey
    before: SettingValue | None
    after: SettingValue | None
    default: SettingValue | None
    effect: Effect


class SettingsPage(Record):
    """Revisions, newest first; ``before`` is what the next page is asked for with, None at the end."""

    revisions: tuple[SettingsHead, ...]
    before: RevisionNumber | None = None


class SettingsReview(Record):
    """What would change, and which stored values of the revision or file are left out because they cannot be used."""

    base: RevisionNumber
    changes: tuple[SettingChange, ...]
    left_out: dict[str, str] = Field(default_factory=dict)


class SettingsService:
    """The settings of the installation; they belong to no site."""

    def __init__(self, work: UnitOfWork, clock: Clock, book: SettingsBook) -> None:
        self._work = work
        self._clock = clock
        self.book = book

    # --- asking ---------------------------------------------------------------------------------------------------

    async def tree(self, actor: Actor) -> SettingsView:
        """Return all settings; what is secret is named and never shown."""
        actor.require(Permission.SETTINGS_READ)
        book = self.book
        waiting = book.restart_needed
        return SettingsView(
            revision=book.revision.number,
            restart_needed=waiting,
            settings=tuple(
                SettingView(
                    spec=spec,
                    value=None if spec.kind is Kind.SECRET else value_in(book.current, key),
                    stored=book.revision.stored.get(key),
                    source=self._source(key),
                    fixed_by=book.fixed.get(key, ""),
                    problem=book.unused.get(key, ""),
                    needs_restart=key in waiting,
                )
                for key, spec in setting_specs().items()
            ),
        )

    def _source(self, key: str) -> str:
        if key in self.book.fixed:
            return "fixed"
        return "stored" if key in self.book.revision.stored and key not in self.book.unused else "default"

    async def status(self, actor: Actor) -> SettingsStatus:
        """Say which revision is in force and what waits for the next start."""
        actor.require(Permission.SETTINGS_READ)
        return self._status()

    async def history(self, actor: Actor, before: int | None = None, limit: int = PAGE_MAX) -> SettingsPage:
        """Return revisions, newest first, at most `PAGE_MAX` of them."""
        actor.require(Permission.SETTINGS_READ)
        limit = max(1, min(limit, PAGE_MAX))
        async with self._work(EVERY_SITE) as work:
            found = tuple(await work.settings.page(before, limit + 1))
        more = len(found) > limit
        return SettingsPage(revisions=found[:limit], before=found[limit - 1].number if more else None)

    async def difference(self, actor: Actor, older: int, newer: int) -> tuple[SettingChange, ...]:
        """Return how two revisions differ, by key; 0 is before anything was set.

        Raises:
            NotFoundError: There is no such revision.
        """
        actor.require(Permission.SETTINGS_READ)
        async with self._work(EVERY_SITE) as work:
            one, other = await _revision(work, older), await _revision(work, newer)
        return differences(one.stored, other.stored)

    async def export(self, actor: Actor, *, comments: bool = True) -> str:
        """Return what is set in the product as text; the same text for the same settings."""
        actor.require(Permission.SETTINGS_READ)
        async with self._work(EVERY_SITE) as work:
            newest = await work.settings.newest()
        return written(newest.stored, comments=comments)

    async def review_text(self, actor: Actor, text: str, *, replace: bool = False) -> SettingsReview:
        """Say what bringing in a file would change; see `bring_in`."""
        actor.require(Permission.SETTINGS_READ)
        async with self._work(EVERY_SITE) as work:
            newest = await work.settings.newest()
        wanted = self._from_text(newest.stored, text, replace=replace)
        return SettingsReview(base=newest.number, changes=differences(newest.stored, wanted))

    async def review(
        self, actor: Actor, changes: Mapping[str, SettingValue], resets: tuple[str, ...] = ()
    ) -> SettingsReview:
        """Say what a change would do, without making it; see `change`."""
        actor.require(Permission.SETTINGS_READ)
        async with self._work(EVERY_SITE) as work:
            newest = await work.settings.newest()
        wanted = self._changed(newest.stored, changes, resets)
        return SettingsReview(base=newest.number, changes=differences(newest.stored, wanted))

    async def review_back(self, actor: Actor, number: int) -> SettingsReview:
        """Say what going back to a revision would change; see `go_back`."""
        actor.require(Permission.SETTINGS_READ)
        async with self._work(EVERY_SITE) as work:
            newest, wanted = await work.settings.newest(), await _revision(work, number)
        usable, left_out = self._usable(wanted.stored)
        return SettingsReview(base=newest.number, changes=differences(newest.stored, usable), left_out=left_out)

    # --- changing -------------------------------------------------------------------------------------------------

    async def change(
        self,
        actor: Actor,
        changes: Mapping[str, SettingValue],
        resets: tuple[str, ...] = (),
        base: int | None = None,
        reason: str = "",
    ) -> SettingsStatus:
        """Set some settings, and leave others to the installation again.

        Args:
            actor: Who does it.
            changes: New values by key.
            resets: Keys that are not set any more.
            base: The revision that the change was made from; None for whatever it is.
            reason: Why, in the actor's words.

        Raises:
            InvalidInputError: Names each key that cannot be set so; or nothing would change.
            ConflictError: There is a newer revision.
        """
        return await self._make(
            actor, "settings.changed", base, reason, lambda stored: self._changed(stored, changes, resets)
        )

    async def bring_in(
        self, actor: Actor, text: str, *, replace: bool = False, base: int | None = None, reason: str = ""
    ) -> SettingsStatus:
        """Set what a file says. With ``replace`` what it does not name is not set any more, else it stays.

        Raises:
            InvalidInputError: Names each key, with its line, that cannot be set so; or nothing would change.
            ConflictError: There is a newer revision.
        """
        return await self._make(
            actor, "settings.imported", base, reason, lambda stored: self._from_text(stored, text, replace=replace)
        )

    async def go_back(self, actor: Actor, number: int, base: int | None = None, reason: str = "") -> SettingsStatus:
        """Set again exactly what a revision held, but for values that this version or installation cannot use.

        Raises:
            NotFoundError: There is no such revision.
            InvalidInputError: Nothing would change.
            ConflictError: There is a newer revision than ``base``.
        """
        actor.require(Permission.SETTINGS_WRITE)
        async with self._work(EVERY_SITE) as work:
            wanted = await _revision(work, number)
        usable, _ = self._usable(wanted.stored)
        words = f"back to revision {number}" + (f": {reason}" if reason else "")
        return await self._make(actor, "settings.rolled_back", base, words, lambda _: usable)

    async def _make(
        self,
        actor: Actor,
        action: str,
        base: int | None,
        reason: str,
        wanted_of: Callable[[Mapping[str, SettingValue]], dict[str, SettingValue]],
    ) -> SettingsStatus:
        actor.require(Permission.SETTINGS_WRITE)
        at = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            newest = await work.settings.newest()
            if base is not None and newest.number != base:
                raise _stale(newest, base)
            wanted = wanted_of(newest.stored)
            changed = changed_between(newest.stored, wanted)
            if not changed:
                raise InvalidInputError("Nothing would change: these settings are as they are wanted already.")
            revision = SettingsRevision(
                number=newest.number + 1,
                at=at,
                actor_id=actor.id,
                actor=actor.name,
                reason=reason[:2000],
                changed=changed,
                stored=wanted,
            )
            await work.settings.add(revision)
            await audit(work, actor, at, action, subject="settings", subject_id=str(revision.number),
                        name=f"revision {revision.number}", before=_shown(newest, changed),
                        after=_shown(revision, changed), reason=reason)  # fmt: skip
            await work.commit()
        self.book.take(revision)
        return self._status()

    def _status(self) -> SettingsStatus:
        return SettingsStatus(revision=self.book.revision.number, restart_needed=self.book.restart_needed)

    def _changed(
        self, stored: Mapping[str, SettingValue], changes: Mapping[str, SettingValue], resets: tuple[str, ...]
    ) -> dict[str, SettingValue]:
        if len(changes) + len(resets) > CHANGES_MAX:
            raise InvalidInputError(f"More than {CHANGES_MAX} settings at once are refused. Bring in a file instead.")
        twice = sorted(set(changes) & set(resets))
        if twice:
            raise refusal([FieldIssue(key, "is both set and reset", "choose one") for key in twice])
        return self._wanted(stored, changes, resets)

    def _from_text(self, stored: Mapping[str, SettingValue], text: str, *, replace: bool) -> dict[str, SettingValue]:
        given = read(text)
        resets = tuple(key for key in stored if key not in given) if replace else ()
        try:
            return self._wanted(stored, given, resets)
        except InvalidInputError as error:
            raise with_lines(error, text) from None

    def _wanted(
        self, stored: Mapping[str, SettingValue], changes: Mapping[str, SettingValue], resets: tuple[str, ...]
    ) -> dict[str, SettingValue]:
        """Return everything that is stored with a change made, once the whole tree with it holds."""
        issues = [
            FieldIssue(key, "is no setting") for key in resets if key not in setting_specs() and key not in stored
        ]
        kept = {key: value for key, value in stored.items() if key not in resets and key not in changes}
        unused = {key: value for key, value in kept.items() if key in self.book.unused}
        good = checked(self.book.base, {**{key: kept[key] for key in kept.keys() - unused.keys()}, **changes})
        for key in changes:
            if key in self.book.fixed and stored.get(key) != good[key]:
                fix = "change it there, or remove it there to set it here"
                issues.append(FieldIssue(key, f"is fixed by {self.book.fixed[key]}", fix))
        if issues:
            raise refusal(issues)
        return dict(sorted({**unused, **good}.items()))

    def _usable(self, stored: Mapping[str, SettingValue]) -> tuple[dict[str, SettingValue], dict[str, str]]:
        """Part the values of an old revision into those that can be set today and those left out, with the reason."""
        left_out = {
            key: problem
            for key, problem in composed(self.book.base, stored).unused.items()
            if key not in self.book.fixed
        }
        return {key: value for key, value in stored.items() if key not in left_out}, left_out


def differences(older: Mapping[str, SettingValue], newer: Mapping[str, SettingValue]) -> tuple[SettingChange, ...]:
    """Return how what is stored differs, by key."""
    return tuple(_difference(key, older.get(key), newer.get(key)) for key in changed_between(older, newer))


def _difference(key: str, before: SettingValue | None, after: SettingValue | None) -> SettingChange:
    spec = setting_specs().get(key)
    return SettingChange(
        key=key,
        before=before,
        after=after,
        default=spec.default if spec else None,
        effect=spec.effect if spec else Effect.OUTSIDE,
    )


async def _revision(work: Work, number: int) -> SettingsRevision:
    found = NOTHING_SET if number == 0 else await work.settings.get(number)
    if found is None:
        raise NotFoundError(f"There is no revision {number} of the settings.", revision=number)
    return found


def _stale(newest: SettingsRevision, base: int) -> ConflictError:
    changed = ", ".join(newest.changed[:5]) + (", …" if len(newest.changed) > 5 else "")
    return ConflictError(
        f"This change was made from revision {base} of the settings. {newest.actor} has made revision {newest.number} "
        f"on {moment(newest.at):%Y-%m-%d at %H:%M:%S} UTC ({changed}). Look at it and change again.",
        revision=newest.number,
        by=newest.actor,
    )


def _shown(revision: SettingsRevision, keys: tuple[str, ...]) -> dict[str, object]:
    """Return what a revision means for some keys; one that is not set has its default."""
    specs = setting_specs()
    return {key: revision.stored.get(key, specs[key].default if key in specs else None) for key in keys}
