"""Maintenance: events, cases and rules of a site, and the open events of one machine."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Maintenance(Widget):
    """Events, cases and rules of a site."""

    library = module("maintenance.jsx")
    tag = "Maintenance"

    site_id: rx.Var[str]
    may_write: rx.Var[bool]
    may_configure: rx.Var[bool]


class AssetMaintenance(Widget):
    """Open events of one machine."""

    library = module("maintenance.jsx")
    tag = "AssetMaintenance"

    asset_id: rx.Var[str]


maintenance = Maintenance.create
asset_maintenance = AssetMaintenance.create
