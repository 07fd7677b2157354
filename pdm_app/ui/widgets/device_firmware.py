"""The firmware of one device, and what happened to it."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class DeviceFirmware(Widget):
    """What a device is to run and runs, how its line is, and its story."""

    library = module("device_firmware.jsx")
    tag = "DeviceFirmware"

    device_id: rx.Var[str]


device_firmware = DeviceFirmware.create
