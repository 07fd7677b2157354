"""Campaigns, and the groups of devices that they go to."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Campaigns(Widget):
    """The campaigns of a site, and a new one."""

    library = module("campaigns.jsx")
    tag = "Campaigns"

    site_id: rx.Var[str]
    rights: rx.Var[list[str]]


class CampaignPage(Widget):
    """The campaign that the page's address names, as it goes on."""

    library = module("campaign.jsx")
    tag = "CampaignPage"

    rights: rx.Var[list[str]]
    username: rx.Var[str]


class DeviceGroups(Widget):
    """Groups of a site's devices, each with the reason why a device is in it."""

    library = module("device_groups.jsx")
    tag = "DeviceGroups"

    site_id: rx.Var[str]
    rights: rx.Var[list[str]]


campaigns_widget = Campaigns.create
campaign_widget = CampaignPage.create
device_groups_widget = DeviceGroups.create
