"""The settings: one index, and beside each of its pages the list of all of them.

A page joins with one line in `PLACES` and builds itself with `settings_page`.
"""

from dataclasses import dataclass
from typing import Literal

import reflex as rx

from pdm_app.domain.access import Permission
from pdm_app.ui.messages import text
from pdm_app.ui.shell import icon, page
from pdm_app.ui.states.session import Session

NAV = "nav.settings"
INDEX = "/settings"

Group = Literal["you", "people", "system"]
GROUPS: tuple[Group, ...] = ("you", "people", "system")


@dataclass(frozen=True, slots=True)
class Place:
    """One page of the settings.

    Attributes:
        key: The message of its name. The line under it on the index is ``settings.hint.NAME``, where NAME is the last
            part of the address.
        permission: Without it the page is in no list and shows nothing but what is missing; None for everybody.
        is_of_demo: It is in the lists of the demo alone.
    """

    group: Group
    key: str
    href: str
    icon: str
    permission: Permission | None = None
    is_of_demo: bool = False

    @property
    def hint(self) -> rx.Var[str]:
        return text(f"settings.hint.{self.href.rpartition('/')[2]}")


# fmt: off
PLACES: tuple[Place, ...] = (
    Place("you", "nav.profile", "/settings/profile", "circle-user"),
    Place("people", "nav.users", "/settings/users", "users", Permission.USERS_CONFIGURE),
    Place("people", "nav.sign_in", "/settings/sign-in", "building-2", Permission.USERS_CONFIGURE),
    Place("people", "nav.permissions", "/settings/permissions", "key-round"),
    Place("people", "nav.audit", "/settings/audit", "scroll-text", Permission.AUDIT_READ),
    Place("system", "nav.certificates", "/settings/certificates", "shield-check", Permission.SYSTEM_CONFIGURE),
    Place("system", "nav.trust", "/settings/trust", "handshake", Permission.TRUST_CONFIGURE),
    Place("system", "nav.import", "/settings/import", "file-up", Permission.HISTORY_IMPORT),
    Place("system", "nav.storage", "/settings/storage", "database", Permission.STORAGE_CONFIGURE),
    Place("system", "nav.sinks", "/settings/sinks", "share-2", Permission.STORAGE_CONFIGURE),
    Place("system", "nav.notices", "/settings/notices", "send", Permission.ALARMS_CONFIGURE),
    Place("system", "nav.shifts", "/settings/shifts", "calendar-clock", Permission.ALARMS_READ),
    Place("system", "nav.inbox", "/settings/inbox", "inbox", Permission.ALARMS_READ, is_of_demo=True),
    Place("system", "nav.general", "/settings/general", "settings-2", Permission.SETTINGS_READ),
    Place("system", "nav.api", "/settings/api", "braces"),
    Place("system", "nav.about", "/settings/about", "info", Permission.SYSTEM_READ),
)
# fmt: on
"""In the order of the lists; a page enters them when it exists, never before."""


def settings_page(href: str, *content: rx.Component) -> rx.Component:
    """Frame one page of the settings.

    Args:
        href: Its address, as in `PLACES`.
        content: What the page shows, its heading first. It is not built in for those who lack the place's permission.

    Raises:
        StopIteration: The page is not in `PLACES`.
    """
    place = next(place for place in PLACES if place.href == href)
    return page(
        NAV,
        [rx.el.a(text(NAV), href=INDEX), text(place.key)],
        rx.el.a(icon("chevron-left"), rx.el.span(text(NAV)), href=INDEX, class_name="settings-back phone-only"),
        rx.el.div(
            _list_beside(place),
            rx.el.div(_or_refused(place, *content), class_name="settings-content"),
            class_name="settings",
        ),
    )


def places_of(group: Group) -> list[Place]:
    """Return the pages of one group."""
    return [place for place in PLACES if place.group == group]


def group_name(group: Group) -> rx.Var[str]:
    """Return the words over one group."""
    return text(f"settings.group.{group}")


def if_allowed(place: Place, shown: rx.Component) -> rx.Component:
    """Show something about a page only to those who may open it."""
    allowed = shown if place.permission is None else rx.cond(_may_open(place), shown)
    return rx.cond(Session.is_demo, allowed) if place.is_of_demo else allowed


def if_any_allowed(group: Group, shown: rx.Component) -> rx.Component:
    """Show something about a group only to those who may open one of its pages."""
    condition = _any_may_be_opened(group)
    return shown if condition is None else rx.cond(condition, shown)


def _may_open(place: Place) -> rx.Var[bool]:
    return Session.permissions.contains(str(place.permission))


def _any_may_be_opened(group: Group) -> rx.Var[bool] | None:
    """Say whether a group has anything for this person; None where it has something for everybody."""
    places = places_of(group)
    if any(place.permission is None for place in places):
        return None
    found = _may_open(places[0])
    for place in places[1:]:
        found = found | _may_open(place)
    return found


def _or_refused(place: Place, *content: rx.Component) -> rx.Component:
    shown = rx.fragment(*content)
    if place.permission is None:
        return shown
    refused = rx.fragment(
        rx.el.div(rx.el.h1(text(place.key)), class_name="page-head"),
        rx.el.section(
            rx.el.p(text("settings.refused"), class_name="note-title"),
            rx.el.p(
                text("settings.refused_text", permission=str(place.permission), username=Session.username),
                class_name="note-text",
            ),
            class_name="note note-error",
            role="alert",
        ),
    )
    # Until the session is known nothing is refused: the heading stands from the first paint on.
    return rx.cond(_may_open(place) | (Session.username == ""), shown, refused)


def _list_beside(current: Place) -> rx.Component:
    return rx.el.nav(
        *(
            if_any_allowed(
                group,
                rx.el.div(
                    rx.el.h2(group_name(group)),
                    *(if_allowed(place, _link(place, current)) for place in places_of(group)),
                    class_name="settings-group",
                ),
            )
            for group in GROUPS
            if places_of(group)
        ),
        class_name="settings-list",
        aria_label=text("settings.list"),
    )


def _link(place: Place, current: Place) -> rx.Component:
    marked = {"aria_current": "page"} if place is current else {}
    return rx.el.a(icon(place.icon), rx.el.span(text(place.key)), href=place.href, **marked)
