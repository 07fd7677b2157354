"""The forms before a session exists; they post to the endpoints that set its cookies."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class SignInForm(Widget):
    """Name and password, and one button per demo account."""

    library = module("sign_in.jsx")
    tag = "SignInForm"

    next_path: rx.Var[str]
    accounts: rx.Var[Any]
    providers: rx.Var[Any]
    refused: rx.Var[str]
    refused_by: rx.Var[str]
    resumes: rx.Var[bool]


class SetupForm(Widget):
    """The first-run chooser and the first admin."""

    library = module("sign_in.jsx")
    tag = "SetupForm"

    token: rx.Var[str]
    choices: rx.Var[list[str]]


class LogOut(Widget):
    """Ends the session and goes to the login page."""

    library = module("sign_in.jsx")
    tag = "LogOut"


log_out = LogOut.create
sign_in_form = SignInForm.create
setup_form = SetupForm.create
