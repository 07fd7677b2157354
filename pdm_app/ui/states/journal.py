"""State of the alarm journal: filters and one page of entries."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import reflex as rx

from pdm_app.domain.alarms import JournalEntry, JournalKind, JournalQuery
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.ui.states.session import Act, Follow, Session

PAGE = 100
INSTANT_MAX = 2**53
ENTRIES_MAX = 1_000  # All entries shown travel to the page again with each further one.


class Journal(Session):
    """Entries newest first, as many as a screen can be asked to draw."""

    entries: list[JournalEntry] = []
    text: str = ""
    kind: str = ""
    priority: str = ""
    since: str = ""
    until: str = ""
    start_at: int | None = None
    end_at: int | None = None
    cursor: str = ""
    is_cut: bool = False

    @rx.event
    async def load(self) -> Follow:
        """Read the first page; a page that opens shows empty filters, so there are none."""
        self.text = self.kind = self.priority = self.since = self.until = ""
        self.start_at = self.end_at = None
        return await self._read(before=None)

    @rx.event
    async def more(self) -> Follow:
        """Read the next page and add it."""
        return await self._read(before=self.cursor or None)

    @rx.event
    async def search(self, form: dict[str, str]) -> Follow:
        """Apply the filters."""
        return await self._read(before=None, form=form)

    async def _read(self, before: str | None, form: dict[str, str] | None = None) -> Follow:
        async def work(act: Act) -> None:
            if form is not None:
                self.text = form.get("text", "")[:120]
                self.kind = form.get("kind", "")
                self.priority = form.get("priority", "")
                self.since, self.until = form.get("since", "")[:10], form.get("until", "")[:10]
                self.start_at = _midnight(self.since, self.time_zone)
                self.end_at = _midnight(self.until, self.time_zone, days_later=1)
            query = JournalQuery(
                text=self.text,
                kinds=(JournalKind(self.kind),) if self.kind in set(JournalKind) else (),
                priorities=(int(self.priority),) if self.priority in {"1", "2", "3", "4"} else (),
                start_at=self.start_at,
                end_at=self.end_at,
                before=before,
                limit=PAGE,
            )
            page = await act.services.alarms.journal(act.actor, query)
            self.entries = list(page.entries) if before is None else [*self.entries, *page.entries]
            self.is_cut = page.before is not None and len(self.entries) + PAGE > ENTRIES_MAX
            self.cursor = "" if self.is_cut else page.before or ""
            self.is_loaded = True

        return await self._act(work)


def _midnight(day: str, zone: str, days_later: int = 0) -> int | None:
    """Return when a day of the plant begins; None for no day, or for what is none."""
    try:
        begins = date.fromisoformat(day) + timedelta(days=days_later)
        at = int(datetime.combine(begins, time(), ZoneInfo(zone)).timestamp()) * MICROS_PER_S
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at <= INSTANT_MAX else None
