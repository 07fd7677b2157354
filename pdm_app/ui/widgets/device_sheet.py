"""Many devices at once, from a sheet of a spreadsheet."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class DeviceSheet(Widget):
    """A button for those who may, and what a sheet would make before it does."""

    library = module("device_sheet.jsx")
    tag = "DeviceSheet"

    site_id: rx.Var[str]
    rights: rx.Var[list[str]]


device_sheet = DeviceSheet.create
