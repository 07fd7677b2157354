"""One machine: state, alarms and key values at a glance, everything live, trends, and its alarms."""

import reflex as rx

from pdm_app.domain.signals import Signal
from pdm_app.ui.messages import text
from pdm_app.ui.pages.breakage import breakage_card
from pdm_app.ui.shell import card_head, empty, page, simulated_chip
from pdm_app.ui.states.asset import TABS, AssetPage
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.access import shares, signatures
from pdm_app.ui.widgets.asset_alarms import asset_alarms
from pdm_app.ui.widgets.key_value import key_value
from pdm_app.ui.widgets.live_value import live_value
from pdm_app.ui.widgets.machine_state import machine_state
from pdm_app.ui.widgets.maintenance import asset_maintenance
from pdm_app.ui.widgets.models import asset_health, copilot
from pdm_app.ui.widgets.plant_editors import alarm_rules, asset_editor, rule_desk, rule_offer
from pdm_app.ui.widgets.sparkline import sparkline
from pdm_app.ui.widgets.trend import trend


def asset() -> rx.Component:
    """L3: the machine that the address names."""
    detail = AssetPage.detail
    return page(
        "nav.plant",
        [
            rx.el.a(text("nav.plant"), href="/plant"),
            rx.el.a(detail.line.name, href=f"/plant/{detail.line.id}"),
            rx.el.span(detail.asset.code, class_name="code"),
        ],
        rx.cond(
            detail,
            rx.fragment(_head(), _tabs(), _body(), _rule_desk()),
            rx.cond(
                AssetPage.is_missing & (AssetPage.problem != ""),
                empty("asset.missing", "asset.missing_hint"),
                rx.el.div(class_name="card tile placeholder"),
            ),
        ),
        level="L3",
    )


def _head() -> rx.Component:
    detail = AssetPage.detail
    return rx.el.div(
        rx.el.h1(rx.el.span(detail.asset.code, class_name="asset-code")),
        rx.el.span(detail.asset.name, class_name="aside"),
        rx.el.span(detail.asset.asset_class, class_name="chip"),
        simulated_chip(),
        rx.el.div(
            machine_state(asset=detail.asset),
            copilot(rights=Session.permissions),
            rx.cond(
                Session.permissions.contains("assets.configure"),
                asset_editor(asset=detail.asset, on_changed=AssetPage.refresh),
            ),
            class_name="actions",
        ),
        class_name="page-head",
    )


def _rule_desk() -> rx.Component:
    """Make rules of the values on this page, for those who may."""
    return rule_desk(
        may_configure=Session.permissions.contains("alarms.configure"),
        on_changed=AssetPage.refresh,
    )


def _tabs() -> rx.Component:
    """Views with addresses of their own are links: reached by keyboard, opened beside, and shared."""
    return rx.el.nav(
        *(
            rx.el.a(
                text(f"asset.tab.{tab}"),
                href=f"/asset/{AssetPage.detail.asset.id}?tab={tab}",
                on_click=AssetPage.show_tab(tab).prevent_default,
                aria_current=rx.cond(AssetPage.tab == tab, "page", "false"),
            )
            for tab in TABS
        ),
        class_name="tabs",
        aria_label=text("asset.views"),
    )


def _body() -> rx.Component:
    return rx.match(
        AssetPage.tab,
        ("live", _live()),
        ("trends", _trends()),
        ("alarms", _alarms()),
        (
            "health",
            asset_health(
                asset_id=AssetPage.detail.asset.id, site_id=AssetPage.detail.site.id, rights=Session.permissions
            ),
        ),
        ("access", _access()),
        _overview(),
    )


def _overview() -> rx.Component:
    detail = AssetPage.detail
    return rx.el.div(
        rx.el.div(
            _alarm_card(),
            asset_maintenance(asset_id=detail.asset.id),
            breakage_card(detail.asset.code),
            class_name="stack",
        ),
        rx.el.div(
            rx.el.section(
                rx.foreach(
                    AssetPage.key_signals,
                    lambda signal: key_value(signal=signal, rules=detail.rules),
                ),
                class_name="card key-values",
                aria_label=text("asset.key_values"),
            ),
            _trend_card(280),
            class_name="stack",
        ),
        class_name="asset-grid",
    )


def _alarm_card() -> rx.Component:
    detail = AssetPage.detail
    return rx.el.section(
        card_head(
            text("asset.active_alarms"), rx.el.a(text("alarms.journal"), href="/alarms/history", class_name="link push")
        ),
        asset_alarms(
            asset_id=detail.asset.id,
            may_acknowledge=Session.permissions.contains("alarms.acknowledge"),
        ),
        class_name="card",
    )


def _trend_card(height: int) -> rx.Component:
    return rx.el.section(
        rx.cond(
            AssetPage.trend_signal,
            trend(
                signal=AssetPage.trend_signal,
                rules=AssetPage.detail.rules,
                height=height,
            ),
            empty("asset.no_signals", "asset.no_signals_hint"),
        ),
        class_name="card",
    )


def _live() -> rx.Component:
    def row(signal: rx.Var[Signal]) -> rx.Component:
        return rx.el.tr(
            rx.el.td(signal.label),
            rx.el.td(live_value(signal=signal, size="title")),
            rx.el.td(
                rx.el.div(sparkline(signal=signal, height=32), class_name="cell-spark"), class_name="desktop-only"
            ),
            rx.el.td(rx.el.span(signal.name, class_name="code"), class_name="desktop-only"),
            rx.el.td(
                rx.el.button(
                    text("asset.show_trend"), type="button", class_name="link",
                    on_click=[AssetPage.show_trend(signal.id), AssetPage.show_tab("trends")],
                ),
                rule_offer(signal=signal),
                class_name="nowrap",
            ),
        )  # fmt: skip

    return rx.el.section(
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th(text("asset.signal")),
                        rx.el.th(text("asset.value")),
                        rx.el.th(text("asset.last_hour"), class_name="desktop-only"),
                        rx.el.th(text("asset.name"), class_name="desktop-only"),
                        rx.el.th(""),
                    )
                ),
                rx.el.tbody(rx.foreach(AssetPage.detail.signals, row)),
                class_name="table",
            ),
            class_name="table-scroll",
        ),
        class_name="card",
    )


def _trends() -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.el.span(text("asset.choose"), class_name="field-label"),
            rx.el.select(
                rx.foreach(
                    AssetPage.detail.signals,
                    lambda signal: rx.el.option(signal.label, value=signal.id.to_string()),
                ),
                value=AssetPage.trend_signal.id.to_string(),
                on_change=AssetPage.choose_trend,
                class_name="input",
            ),
            class_name="field signal-picker",
        ),
        _trend_card(460),
        class_name="stack",
    )


def _alarms() -> rx.Component:
    detail = AssetPage.detail
    return rx.el.div(
        _alarm_card(),
        rx.el.section(
            card_head(text("asset.rules")),
            alarm_rules(
                asset_id=detail.asset.id,
                signals=detail.signals,
                may_configure=Session.permissions.contains("alarms.configure"),
                on_changed=AssetPage.refresh,
            ),
            class_name="card",
        ),
        class_name="stack",
    )


def _access() -> rx.Component:
    """Show who has signed for the machine, and to those who may share it, with whom it is shared."""
    asset = AssetPage.detail.asset
    return rx.el.div(
        rx.cond(
            Session.permissions.contains("assets.share"),
            shares(asset_id=asset.id, may_change=Session.permissions.contains("assets.configure")),
        ),
        signatures(
            subject="asset",
            subject_id=asset.id,
            name=asset.code + " " + asset.name,
            may_sign=Session.permissions.contains("signatures.sign"),
        ),
        class_name="stack",
    )
