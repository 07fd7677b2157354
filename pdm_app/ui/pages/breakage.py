"""The demo's card "Break something": inject a fault on this machine and see the ground truth."""

import reflex as rx

from pdm_app.domain.ports import InjectedFault
from pdm_app.ui.messages import text
from pdm_app.ui.shell import card_head
from pdm_app.ui.states.asset import AssetPage, Breakage
from pdm_app.ui.widgets.moment import moment


def breakage_card(asset_code: rx.Var[str]) -> rx.Component:
    """Stands only in the demo, for those who may use it."""
    return rx.cond(
        Breakage.kinds.length() > 0,
        rx.el.section(
            card_head(text("demo.break"), rx.el.span(text("demo.break_hint"), class_name="caption push")),
            rx.el.form(
                rx.el.label(
                    rx.el.span(text("demo.fault"), class_name="field-label"),
                    rx.el.select(
                        rx.foreach(Breakage.kinds, lambda kind: rx.el.option(kind.title, value=kind.key)),
                        name="key",
                        class_name="input",
                        value=Breakage.chosen,
                        on_change=Breakage.choose,
                    ),
                    class_name="field",
                ),
                rx.cond(
                    Breakage.needs_signal,
                    rx.el.label(
                        rx.el.span(text("demo.signal"), class_name="field-label"),
                        rx.el.select(
                            rx.foreach(
                                Breakage.sensors,
                                lambda signal: rx.el.option(signal.label, value=signal.name),
                            ),
                            name="signal",
                            class_name="input",
                        ),
                        class_name="field",
                    ),
                ),
                rx.el.label(
                    rx.el.span(text("demo.severity"), class_name="field-label"),
                    rx.el.input(
                        name="severity",
                        type="number",
                        min="0",
                        max="100",
                        step="1",
                        default_value="100",
                        class_name="input",
                    ),
                    class_name="field",
                ),
                rx.el.button(text("demo.inject"), type="submit", class_name="button"),
                on_submit=Breakage.inject(asset_code),
                class_name="fault-form",
            ),
            rx.el.ul(rx.foreach(Breakage.faults, _fault), class_name="faults"),
            class_name="card last",
        ),
    )


def _fault(fault: rx.Var[InjectedFault]) -> rx.Component:
    return rx.el.li(
        rx.el.span(text("demo.fault_since", fault=Breakage.titles[fault.key], signal=fault.signal)),
        moment(at=fault.injected_at, time_zone=AssetPage.time_zone),
        rx.el.button(text("demo.clear"), type="button", class_name="link", on_click=Breakage.clear(fault.id)),
    )
