"""The frame around every page: top bar with site, alarm strip and link state, rail, and tab bar on phones."""

from dataclasses import dataclass

import reflex as rx

from pdm_app.domain.access import Permission
from pdm_app.ui.messages import text
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.alarm_strip import alarm_strip
from pdm_app.ui.widgets.certificates import expiry_banner
from pdm_app.ui.widgets.clock import clock
from pdm_app.ui.widgets.connection_dot import connection_dot
from pdm_app.ui.widgets.frozen_banner import frozen_banner
from pdm_app.ui.widgets.installation_settings import settings_banner
from pdm_app.ui.widgets.notice_bell import notice_bell
from pdm_app.ui.widgets.people import idle_watch
from pdm_app.ui.widgets.plant_rate import plant_rate
from pdm_app.ui.widgets.sign_in import log_out
from pdm_app.ui.widgets.state_watch import state_watch
from pdm_app.ui.widgets.theme_switch import theme_switch
from pdm_app.ui.widgets.tour import tour

ICON = 20
STROKE = 1.75


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation."""

    key: str
    href: str
    icon: str
    on_phone: bool = True


NAVIGATION = (
    Entry("nav.plant", "/plant", "factory"),
    Entry("nav.alarms", "/alarms", "bell"),
    Entry("nav.trends", "/trends", "chart-line"),
    Entry("nav.production", "/production", "chart-no-axes-column", on_phone=False),
    Entry("nav.batches", "/batches", "layers", on_phone=False),
    Entry("nav.health", "/fleet", "heart-pulse", on_phone=False),
    Entry("nav.cases", "/cases", "wrench", on_phone=False),
    Entry("nav.devices", "/devices", "cpu"),
    Entry("nav.firmware", "/firmware", "package-check", on_phone=False),
    Entry("nav.reports", "/reports", "file-text", on_phone=False),
    Entry("nav.signals", "/signals", "activity", on_phone=False),
    Entry("nav.connections", "/connections", "cable", on_phone=False),
    Entry("nav.settings", "/settings", "sliders-horizontal"),
)
"""A page enters the navigation when it exists, never before."""


def icon(name: str, size: int = ICON) -> rx.Component:
    """A stroke icon of the one set."""
    return rx.icon(name, size=size, stroke_width=STROKE, aria_hidden="true")


def page(
    active: str,
    crumbs: list[rx.Component | rx.Var[str] | str],
    *content: rx.Component,
    level: str = "",
) -> rx.Component:
    """Frame a page.

    Args:
        active: Key of the navigation entry it belongs to.
        crumbs: From the widest to this page; the last is this page.
        content: What the page shows.
        level: ISA-101 display level, L1 to L4; empty where the page shows no plant.
    """
    return rx.fragment(
        rx.el.a(text("shell.skip"), href="#content", class_name="skip"),
        rx.el.div(
            _top_bar(crumbs, level),
            _rail(active),
            rx.el.main(
                frozen_banner(),
                expiry_banner(rights=Session.permissions),
                rx.cond(Session.permissions.contains(str(Permission.SETTINGS_READ)), settings_banner()),
                _problem(),
                idle_watch(),
                state_watch(has_come=(Session.username != "") | _has_problem()),
                rx.cond(Session.is_demo, tour(rights=Session.permissions)),
                *content,
                id="content",
                class_name="content",
            ),
            _tab_bar(active),
            class_name="app",
        ),
    )


def head(
    title: rx.Component | rx.Var[str] | str, *beside: rx.Component, actions: tuple[rx.Component, ...] = ()
) -> rx.Component:
    """The line under the top bar: title, what belongs beside it, and the page's actions."""
    return rx.el.div(
        rx.el.h1(title),
        *beside,
        rx.el.div(*actions, class_name="actions") if actions else rx.fragment(),
        class_name="page-head",
    )


def card_head(title: rx.Component | rx.Var[str] | str, *beside: rx.Component) -> rx.Component:
    """The first line of a card."""
    return rx.el.header(rx.el.h2(title), *beside, class_name="card-head")


def simulated_chip() -> rx.Component:
    """Covers every value of the page; stands wherever the demo plant runs."""
    return rx.cond(Session.is_demo, rx.el.span(text("simulated.chip"), class_name="chip chip-simulated"))


def empty(title_key: str, hint_key: str, *actions: rx.Component) -> rx.Component:
    """What stands where a list has nothing to show: what it is, and what to do."""
    return rx.el.div(rx.el.strong(text(title_key)), rx.el.span(text(hint_key)), *actions, class_name="empty")


def _top_bar(crumbs: list[rx.Component | rx.Var[str] | str], level: str) -> rx.Component:
    trail: list[rx.Component] = []
    for position, crumb in enumerate(crumbs):
        last = position == len(crumbs) - 1
        trail.append(rx.el.strong(crumb, aria_current="page") if last else rx.el.span(crumb))
        if not last:
            trail.append(rx.el.span("/", aria_hidden="true"))
    if level:
        trail.append(rx.el.span(level, class_name="level", title=text(f"shell.level.{level}")))
    return rx.el.header(
        rx.el.a(mark(), href="/plant", class_name="logo", aria_label=text("shell.home")),
        _site_select(),
        rx.el.span(class_name="divider desktop-only"),
        rx.el.nav(*trail, class_name="crumbs", aria_label=text("shell.breadcrumb")),
        rx.el.span(class_name="spacer"),
        alarm_strip(),
        connection_dot(),
        notice_bell(),
        rx.el.span(class_name="divider desktop-only"),
        rx.el.span(clock(time_zone=Session.time_zone), class_name="desktop-only"),
        _user_menu(),
        class_name="topbar",
    )


def mark() -> rx.Component:
    return rx.el.svg(
        rx.el.svg.rect(
            x="1.5", y="1.5", width="21", height="21", rx="3", fill="none", stroke="currentColor", stroke_width="1.75"
        ),
        rx.el.svg.path(
            d="M7 17V7l10 10V7", fill="none", stroke="currentColor", stroke_width="1.75", stroke_linejoin="round"
        ),
        view_box="0 0 24 24",
        width="24",
        height="24",
        aria_hidden="true",
    )


def _site_select() -> rx.Component:
    return rx.el.select(
        rx.foreach(Session.sites, lambda site: rx.el.option(site.name, value=site.id)),
        value=Session.site_id,
        on_change=Session.show_site,
        class_name="site-select",
        aria_label=text("shell.site"),
    )


def _user_menu() -> rx.Component:
    return rx.el.details(
        rx.el.summary(rx.el.span(Session.initials, class_name="avatar"), aria_label=text("shell.user_menu")),
        rx.el.div(
            rx.el.div(
                rx.el.div(Session.username),
                rx.el.div(text("shell.role", role=Session.role), class_name="caption"),
                class_name="who",
            ),
            theme_switch(keep=True),
            rx.el.a(icon("circle-user"), text("nav.profile"), href="/settings/profile"),
            log_out(icon("log-out"), text("shell.log_out")),
            class_name="panel",
        ),
        class_name="menu",
    )


def _rail(active: str) -> rx.Component:
    return rx.el.nav(
        *(_link(entry, active) for entry in NAVIGATION),
        rx.el.div(plant_rate(), class_name="foot"),
        class_name="rail",
        aria_label=text("shell.navigation"),
    )


def _tab_bar(active: str) -> rx.Component:
    return rx.el.nav(
        *(_link(entry, active) for entry in NAVIGATION if entry.on_phone),
        class_name="tabbar",
        aria_label=text("shell.navigation"),
    )


def _link(entry: Entry, active: str) -> rx.Component:
    current = {"aria_current": "page"} if entry.key == active else {}
    return rx.el.a(icon(entry.icon), rx.el.span(text(entry.key)), href=entry.href, **current)


def _has_problem() -> rx.Var[bool] | bool:
    return (Session.problem != "") | (Session.fault_id != "") | Session.is_starting


def _problem() -> rx.Component:
    """Say what went wrong with the last thing the person did, and let it be put away."""
    words = rx.cond(
        Session.fault_id != "",
        text("shell.fault", id=Session.fault_id),
        rx.cond(Session.is_starting, text("shell.starting"), Session.problem),
    )
    return rx.cond(
        _has_problem(),
        rx.el.div(
            icon("circle-alert"),
            rx.el.span(words),
            rx.el.button(text("shell.dismiss"), on_click=Session.dismiss, class_name="button", type="button"),
            class_name="problem",
            role="alert",
        ),
    )
