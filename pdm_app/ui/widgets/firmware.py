"""Releases of firmware and their keys."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class FirmwarePage(Widget):
    """Upload, sign, approve, publish, end; and the keys that vouch."""

    library = module("firmware.jsx")
    tag = "FirmwarePage"

    rights: rx.Var[list[str]]
    username: rx.Var[str]


firmware_page = FirmwarePage.create
