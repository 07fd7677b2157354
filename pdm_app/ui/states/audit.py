"""State of the audit page: filters, and one page of entries with what each changed."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx

from pdm_app.domain.audit import AuditEntry, AuditQuery
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.record import Record
from pdm_app.domain.samples import micros, moment
from pdm_app.ui.states.session import Act, Follow, Session

PAGE = 50
ENTRIES_MAX = 500  # All entries shown travel to the page again with each further one.
CHANGES_SHOWN_MAX = 8
VALUE_CHARACTERS_MAX = 120
AT_MAX = 2**53


class FieldChange(Record):
    """One field before and after, each as a person reads it; empty where there was or is nothing."""

    field: str
    before: str
    after: str


class AuditLine(Record):
    """An entry as the page shows it."""

    entry: AuditEntry
    changes: list[FieldChange]
    left_out: int


class Audit(Session):
    """Entries newest first, as many as a screen can be asked to draw."""

    lines: list[AuditLine] = []
    text: str = ""
    actor: str = ""
    action: str = ""
    on_site: str = ""
    from_day: str = ""
    to_day: str = ""
    cursor: int = 0
    is_cut: bool = False

    @rx.var
    def export_query(self) -> str:
        """Filters of the page as the query of an export's address."""
        query = self._asked()
        given = {"text": self.text, "actor": self.actor, "action": self.action, "site_id": self.on_site}
        times = {"start": query.start_at, "end": query.end_at} if query else {}
        return urlencode({name: value for name, value in (given | times).items() if value})

    @rx.event
    async def load(self) -> Follow:
        """Read the first page; a page that opens shows empty filters, so there are none."""
        self.text = self.actor = self.action = self.on_site = self.from_day = self.to_day = ""
        return await self._read(before=None)

    @rx.event
    async def more(self) -> Follow:
        """Read the next page and add it."""
        return await self._read(before=self.cursor or None)

    @rx.event
    async def search(self, form: dict[str, str]) -> Follow:
        """Apply the filters."""
        return await self._read(before=None, form=form)

    async def _read(self, before: int | None, form: dict[str, str] | None = None) -> Follow:
        async def work(act: Act) -> None:
            if form is not None:
                self._take(form)
            query = self._asked()
            if query is None:
                raise InvalidInputError(
                    "The days cannot be searched: the first comes after the last, or one is no day.",
                    [FieldIssue("from_day", "is no day, or after the last one", "choose both from the calendar")],
                )
            page = await act.services.audit.page(act.actor, query.model_copy(update={"before": before, "limit": PAGE}))
            lines = [_line(entry) for entry in page.entries]
            self.lines = lines if before is None else [*self.lines, *lines]
            self.is_cut = page.before is not None and len(self.lines) + PAGE > ENTRIES_MAX
            self.cursor = 0 if self.is_cut else page.before or 0
            self.is_loaded = True

        return await self._act(work)

    def _take(self, form: Mapping[str, str]) -> None:
        self.text, self.actor = form.get("text", "")[:120].strip(), form.get("actor", "")[:120].strip()
        self.action = form.get("action", "")[:80].strip()
        site_id = form.get("site", "")
        self.on_site = site_id if site_id in {site.id for site in self.sites} else ""
        self.from_day, self.to_day = form.get("from_day", "")[:10], form.get("to_day", "")[:10]

    def _asked(self) -> AuditQuery | None:
        """Return what the filters ask for; whole days count in the site's time. None where they contradict."""
        try:
            zone = ZoneInfo(self.time_zone)
            start = _midnight(self.from_day, zone, days=0)
            end = _midnight(self.to_day, zone, days=1)
            if start is not None and end is not None and start >= end:
                return None
            return AuditQuery(
                text=self.text,
                actor=self.actor,
                action=self.action,
                site_id=self.on_site or None,
                start_at=start,
                end_at=end,
            )
        except (ValueError, OverflowError):
            return None


def _midnight(day: str, zone: ZoneInfo, *, days: int) -> int | None:
    if not day:
        return None
    wanted = date.fromisoformat(day) + timedelta(days=days)
    return micros(datetime(wanted.year, wanted.month, wanted.day, tzinfo=zone))


def _line(entry: AuditEntry) -> AuditLine:
    before, after = _fields(entry.before), _fields(entry.after)
    names = [*after, *(name for name in before if name not in after)]
    shown = [
        FieldChange(field=name, before=_words(name, before.get(name)), after=_words(name, after.get(name)))
        for name in names
        if name != "id" and before.get(name) != after.get(name)
    ]
    told = [change for change in shown if change.before or change.after]
    return AuditLine(entry=entry, changes=told[:CHANGES_SHOWN_MAX], left_out=max(0, len(told) - CHANGES_SHOWN_MAX))


def _fields(side: str) -> dict[str, object]:
    try:
        read = json.loads(side) if side else {}
    except ValueError:
        return {"?": side}  # Somebody has altered it: shown as it is, and the check of the chain names it.
    return read if isinstance(read, dict) else {"?": read}


def _words(name: str, value: object) -> str:
    """Write a value as a person reads it; empty where there is nothing."""
    if value in (None, "", [], {}):
        return ""
    if name.endswith("_at") and isinstance(value, int) and 0 < value <= AT_MAX:
        return f"{moment(value):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list):
        words = ", ".join(part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in value)
    else:
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= VALUE_CHARACTERS_MAX else f"{words[:VALUE_CHARACTERS_MAX]}…"
