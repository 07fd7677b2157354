"""The explicit list of pages; a new page is one file and one line here."""

from collections.abc import Callable
from dataclasses import dataclass, field

import reflex as rx
from reflex.event import EventType

from pdm_app.ui.pages.about import about
from pdm_app.ui.pages.accept import accept
from pdm_app.ui.pages.alarms import alarms, figures, journal, rules, shelf
from pdm_app.ui.pages.api import api
from pdm_app.ui.pages.asset import asset
from pdm_app.ui.pages.audit import audit
from pdm_app.ui.pages.batches import batches
from pdm_app.ui.pages.campaigns import campaign, campaigns
from pdm_app.ui.pages.cases import cases
from pdm_app.ui.pages.certificates import certificates
from pdm_app.ui.pages.connections import connections
from pdm_app.ui.pages.device_groups import device_groups
from pdm_app.ui.pages.devices import device_page, devices
from pdm_app.ui.pages.directories import directories
from pdm_app.ui.pages.firmware import firmware
from pdm_app.ui.pages.general import general
from pdm_app.ui.pages.health import health
from pdm_app.ui.pages.imports import imports
from pdm_app.ui.pages.inbox import inbox
from pdm_app.ui.pages.login import login
from pdm_app.ui.pages.lost import lost
from pdm_app.ui.pages.models import model, train
from pdm_app.ui.pages.notice_link import notice_link
from pdm_app.ui.pages.notices import notices
from pdm_app.ui.pages.permissions import permissions
from pdm_app.ui.pages.plant import line_page, plant
from pdm_app.ui.pages.production import (
    operations,
    production,
    production_plan,
    production_setup,
    production_shift,
    production_wall,
)
from pdm_app.ui.pages.profile import profile
from pdm_app.ui.pages.reports import reports
from pdm_app.ui.pages.settings import settings
from pdm_app.ui.pages.setup import setup
from pdm_app.ui.pages.shifts import shifts
from pdm_app.ui.pages.signals import signals
from pdm_app.ui.pages.sinks import sinks
from pdm_app.ui.pages.storage import storage
from pdm_app.ui.pages.storage_rules import storage_rules
from pdm_app.ui.pages.trends import trends
from pdm_app.ui.pages.trust import trust
from pdm_app.ui.pages.users import users
from pdm_app.ui.states.asset import AssetPage, Breakage
from pdm_app.ui.states.audit import Audit
from pdm_app.ui.states.devices import DevicePage, Devices
from pdm_app.ui.states.entrance import Entrance
from pdm_app.ui.states.fleet import Fleet
from pdm_app.ui.states.health import SystemHealth
from pdm_app.ui.states.journal import Journal
from pdm_app.ui.states.plant import Plant
from pdm_app.ui.states.session import Session


@dataclass(frozen=True, slots=True)
class Page:
    """A route, what it shows, what is loaded when it opens, and the words on the browser's tab."""

    route: str
    show: Callable[[], rx.Component]
    title_key: str
    on_load: list[EventType[()]] = field(default_factory=list)


PAGES: tuple[Page, ...] = (
    Page("/", plant, "nav.plant", [Plant.load]),
    Page("/login", login, "login.title", [Entrance.load]),
    Page("/setup", setup, "setup.title", [Entrance.load]),
    Page("/accept", accept, "accept.title", [Entrance.load]),
    Page("/plant", plant, "plant.title", [Plant.load]),
    Page("/plant/[line_id]", line_page, "plant.line", [Plant.load_line]),
    Page("/asset/[asset_id]", asset, "devices.asset", [AssetPage.load, Breakage.load]),
    Page("/alarms", alarms, "alarms.title", [Session.enter]),
    Page("/alarms/history", journal, "journal.title", [Journal.load]),
    Page("/alarms/shelf", shelf, "shelf.title", [Session.enter]),
    Page("/alarms/rules", rules, "master.title", [Session.enter]),
    Page("/notice/[notice_token]", notice_link, "notice.title", [Session.enter]),
    Page("/alarms/kpi", figures, "kpi.title", [Session.enter]),
    Page("/trends", trends, "trends.title", [Session.enter]),
    Page("/signals", signals, "signals.title", [Session.enter]),
    Page("/production", production, "production.title", [Session.enter]),
    Page("/production/shift", production_shift, "production.shift_title", [Session.enter]),
    Page("/production/plan", production_plan, "production.plan_title", [Session.enter]),
    Page("/production/wall", production_wall, "production.wall_title", [Session.enter]),
    Page("/operations", operations, "operations.title", [Session.enter]),
    Page("/production/setup", production_setup, "production.setup_title", [Session.enter]),
    Page("/batches", batches, "batches.title", [Session.enter]),
    Page("/fleet", health, "health.title", [Fleet.load]),
    Page("/models/train", train, "training.title", [Session.enter]),
    Page("/models/[model_id]", model, "models.title", [Session.enter]),
    Page("/cases", cases, "maintenance.title", [Session.enter]),
    Page("/reports", reports, "reports.title", [Session.enter]),
    Page("/storage/rules", storage_rules, "storage_rules.title", [Session.enter]),
    Page("/connections", connections, "connections.title", [Session.enter]),
    Page("/devices", devices, "devices.title", [Devices.load]),
    Page("/devices/groups", device_groups, "device_groups.title", [Session.enter]),
    Page("/devices/[device_id]", device_page, "devices.device", [DevicePage.load]),
    Page("/firmware", firmware, "firmware.title", [Session.enter]),
    Page("/firmware/campaigns", campaigns, "campaigns.title", [Session.enter]),
    Page("/firmware/campaign/[campaign_id]", campaign, "campaigns.campaign", [Session.enter]),
    Page("/settings", settings, "nav.settings", [Session.enter]),
    Page("/settings/profile", profile, "profile.title", [Session.enter]),
    Page("/settings/users", users, "users.title", [Session.enter]),
    Page("/settings/notices", notices, "notices.title", [Session.enter]),
    Page("/settings/shifts", shifts, "shifts.title", [Session.enter]),
    Page("/settings/inbox", inbox, "inbox.title", [Session.enter]),
    Page("/settings/general", general, "general.title", [Session.enter]),
    Page("/settings/api", api, "nav.api", [Session.enter]),
    Page("/settings/sign-in", directories, "directories.title", [Session.enter]),
    Page("/settings/permissions", permissions, "permissions.title", [Session.enter]),
    Page("/settings/audit", audit, "audit.title", [Audit.load]),
    Page("/settings/certificates", certificates, "certificates.title", [Session.enter]),
    Page("/settings/trust", trust, "trust.title", [Session.enter]),
    Page("/settings/import", imports, "imports.page", [Session.enter]),
    Page("/settings/storage", storage, "storage.title", [Session.enter]),
    Page("/settings/sinks", sinks, "sinks.title", [Session.enter]),
    Page("/settings/about", about, "about.title", [SystemHealth.load]),
)

LOST = Page("404", lost, "lost.title")
"""What the front end shows at every other address."""
