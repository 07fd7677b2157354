"""The registry of signals, with their forms for those who may change them."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class SignalRegistry(Widget):
    """Every signal of a site, searched and filtered; its address holds the filter."""

    library = module("signal_registry.jsx")
    tag = "SignalRegistry"

    site_id: rx.Var[str]
    may_configure: rx.Var[bool]


signal_registry = SignalRegistry.create
