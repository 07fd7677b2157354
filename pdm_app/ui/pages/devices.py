"""Devices, and one device with the keys it sends samples with."""

import reflex as rx

from pdm_app.domain.access import DeviceKey
from pdm_app.domain.assets import Device
from pdm_app.ui.messages import text
from pdm_app.ui.shell import card_head, empty, head, page, simulated_chip
from pdm_app.ui.states.devices import DevicePage, Devices
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.device_firmware import device_firmware
from pdm_app.ui.widgets.device_sheet import device_sheet
from pdm_app.ui.widgets.live_value import live_value
from pdm_app.ui.widgets.moment import moment


def devices() -> rx.Component:
    """All devices of the site."""
    return page(
        "nav.devices",
        [text("nav.devices")],
        head(
            text("devices.title"),
            rx.el.span(Devices.site_name, class_name="aside"),
            simulated_chip(),
            actions=(
                device_sheet(site_id=Session.site_id, rights=Session.permissions),
                rx.el.a(text("device_groups.title"), href="/devices/groups", class_name="button"),
            ),
        ),
        rx.cond(
            Devices.devices.length() > 0,
            rx.el.section(
                rx.el.div(
                    rx.el.table(
                        rx.el.thead(
                            rx.el.tr(
                                rx.el.th(text("devices.device")),
                                rx.el.th(text("devices.name")),
                                rx.el.th(text("devices.model")),
                                rx.el.th(text("firmware.hardware")),
                                rx.el.th(text("device_groups.versions")),
                                rx.el.th(text("devices.asset")),
                            )
                        ),
                        rx.el.tbody(rx.foreach(Devices.devices, _row)),
                        class_name="table",
                    ),
                    class_name="table-scroll",
                ),
                class_name="card",
            ),
            rx.cond(Devices.is_loaded, empty("devices.empty", "devices.empty_hint")),
        ),
    )


def _row(device: rx.Var[Device]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.a(device.code, href=f"/devices/{device.id}", class_name="code link")),
        rx.el.td(device.name),
        rx.el.td(device.model, class_name="muted"),
        rx.el.td(Devices.hardware[device.id], class_name="muted"),
        rx.el.td(Devices.versions[device.id], class_name="code"),
        rx.el.td(
            rx.cond(
                device.asset_id,
                rx.el.a(text("devices.open_asset"), href=f"/asset/{device.asset_id}", class_name="link"),
            )
        ),
    )


def device_page() -> rx.Component:
    """One device."""
    device = DevicePage.device
    return page(
        "nav.devices",
        [
            rx.el.a(text("nav.devices"), href="/devices"),
            rx.cond(device, rx.el.span(device.code, class_name="code"), text("devices.device")),
        ],
        rx.cond(
            device,
            rx.fragment(
                head(
                    rx.el.span(device.code, class_name="asset-code"),
                    rx.el.span(device.name, class_name="aside"),
                    simulated_chip(),
                ),
                rx.el.div(
                    rx.el.div(_facts(), _keys(), _how_to_send(), class_name="stack"),
                    rx.el.div(_signals(), device_firmware(device_id=device.id), class_name="stack"),
                    class_name="asset-grid",
                ),
            ),
            rx.cond(
                DevicePage.is_missing & (DevicePage.problem != ""), empty("devices.missing", "devices.missing_hint")
            ),
        ),
    )


def _facts() -> rx.Component:
    device = DevicePage.device
    return rx.el.section(
        card_head(text("devices.device")),
        rx.el.dl(
            rx.el.dt(text("devices.model")),
            rx.el.dd(device.model),
            rx.el.dt(text("devices.asset")),
            rx.el.dd(
                rx.cond(
                    device.asset_id,
                    rx.el.a(text("devices.open_asset"), href=f"/asset/{device.asset_id}", class_name="link"),
                    "–",
                )
            ),
            class_name="definition",
        ),
        class_name="card",
    )


def _keys() -> rx.Component:
    return rx.cond(
        DevicePage.may_configure,
        rx.el.section(
            card_head(text("keys.title")),
            rx.cond(
                DevicePage.new_key != "",
                rx.el.div(
                    rx.el.div(rx.el.strong(text("keys.shown_once")), rx.el.div(DevicePage.new_key, class_name="code")),
                    rx.el.button(
                        text("keys.copy"),
                        type="button",
                        class_name="button",
                        on_click=rx.set_clipboard(DevicePage.new_key),
                    ),
                    rx.el.button(text("keys.done"), type="button", class_name="button", on_click=DevicePage.hide_key),
                    class_name="secret",
                ),
            ),
            rx.cond(
                DevicePage.keys.length() > 0,
                rx.el.table(
                    rx.el.thead(
                        rx.el.tr(
                            rx.el.th(text("keys.key")),
                            rx.el.th(text("keys.made")),
                            rx.el.th(text("keys.used")),
                            rx.el.th(""),
                        )
                    ),
                    rx.el.tbody(rx.foreach(DevicePage.keys, _key)),
                    class_name="table",
                ),
                rx.el.p(text("keys.empty"), class_name="muted"),
            ),
            rx.el.button(text("keys.create"), type="button", class_name="button", on_click=DevicePage.create_key),
            class_name="card stack",
        ),
    )


def _key(key: rx.Var[DeviceKey]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(key.hint, class_name="code")),
        rx.el.td(moment(at=key.created_at, time_zone=DevicePage.time_zone)),
        rx.el.td(
            rx.cond(key.last_used_at, moment(at=key.last_used_at, time_zone=DevicePage.time_zone), text("keys.never"))
        ),
        rx.el.td(
            rx.cond(
                key.revoked_at,
                rx.el.span(text("keys.revoked"), class_name="muted"),
                rx.el.span(
                    rx.cond(
                        key.expires_at,
                        rx.el.span(
                            text("accounts.until"),
                            " ",
                            moment(at=key.expires_at, time_zone=DevicePage.time_zone),
                            class_name="muted",
                        ),
                        rx.el.button(
                            text("accounts.rotate"),
                            type="button",
                            class_name="link",
                            on_click=DevicePage.rotate_key(key.id),
                        ),
                    ),
                    " ",
                    rx.el.button(
                        text("keys.revoke"), type="button", class_name="link", on_click=DevicePage.revoke_key(key.id)
                    ),
                ),
            )
        ),
    )


def _signals() -> rx.Component:
    return rx.el.section(
        card_head(text("devices.signals")),
        rx.cond(
            DevicePage.signals.length() > 0,
            rx.el.table(
                rx.el.thead(rx.el.tr(rx.el.th(text("asset.signal")), rx.el.th(text("asset.value")))),
                rx.el.tbody(
                    rx.foreach(
                        DevicePage.signals,
                        lambda signal: rx.el.tr(
                            rx.el.td(signal.label), rx.el.td(live_value(signal=signal, size="title"))
                        ),
                    )
                ),
                class_name="table",
            ),
            rx.el.p(text("devices.no_signals"), class_name="muted"),
        ),
        class_name="card",
    )


def _how_to_send() -> rx.Component:
    return rx.cond(
        DevicePage.signals.length() > 0,
        rx.el.section(
            card_head(text("keys.how")),
            rx.el.pre(
                DevicePage.example,
                class_name="code block",
            ),
            class_name="card",
        ),
    )
