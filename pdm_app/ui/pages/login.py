"""Sign in."""

import reflex as rx

from pdm_app.services.demo_accounts import DemoAccount
from pdm_app.ui.messages import text
from pdm_app.ui.shell import card_head, mark
from pdm_app.ui.states.entrance import Entrance
from pdm_app.ui.widgets.sign_in import sign_in_form
from pdm_app.ui.widgets.theme_switch import theme_switch


def login() -> rx.Component:
    """Name and password; in the demo its accounts beside it, one press each."""
    return entrance_page(
        rx.el.section(
            rx.el.h1(text("login.title")),
            rx.cond(
                Entrance.needs_setup & ~Entrance.is_demo,
                rx.el.p(text("login.needs_setup"), class_name="muted"),
            ),
            sign_in_form(
                next_path=Entrance.next_path,
                accounts=Entrance.accounts,
                providers=Entrance.providers,
                refused=Entrance.refused,
                refused_by=Entrance.refused_by,
                resumes=Entrance.resumes,
            ),
            class_name="card entrance-card",
        ),
        rx.cond(Entrance.accounts.length() > 0, _demo_accounts()),
    )


def entrance_page(*content: rx.Component) -> rx.Component:
    """The frame of the pages before sign-in."""
    return rx.el.main(
        rx.el.div(
            mark(),
            rx.el.span(text("product.name"), class_name="entrance-name"),
            rx.el.span(class_name="spacer"),
            theme_switch(),
            class_name="entrance-head",
        ),
        *content,
        class_name="entrance",
        id="content",
    )


def _demo_accounts() -> rx.Component:
    def row(account: rx.Var[DemoAccount]) -> rx.Component:
        return rx.el.tr(
            rx.el.td(rx.el.span(account.username, class_name="code")),
            rx.el.td(rx.el.span(account.password, class_name="code")),
            rx.el.td(text("shell.role", role=account.role)),
        )

    return rx.el.section(
        card_head(text("login.demo_accounts")),
        rx.el.p(text("login.demo_accounts_hint"), class_name="muted"),
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th(text("login.username")),
                        rx.el.th(text("login.password")),
                        rx.el.th(text("login.role")),
                    )
                ),
                rx.el.tbody(rx.foreach(Entrance.accounts, row)),
                class_name="table",
            ),
            class_name="table-scroll",
        ),
        class_name="card entrance-card",
    )
