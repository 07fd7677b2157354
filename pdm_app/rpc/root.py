"""The root router: every noun that can be called; a new one is one file and one line here."""

from pdm_app.rpc.alarm_rules import alarm_rules
from pdm_app.rpc.alarms import alarms
from pdm_app.rpc.annotations import annotations
from pdm_app.rpc.api import api
from pdm_app.rpc.areas import areas
from pdm_app.rpc.assets import assets
from pdm_app.rpc.audit import audit
from pdm_app.rpc.auth import auth
from pdm_app.rpc.batches import batches
from pdm_app.rpc.campaigns import campaigns
from pdm_app.rpc.cases import cases
from pdm_app.rpc.certificates import certificates
from pdm_app.rpc.connections import connections
from pdm_app.rpc.context import Ctx, Visitor
from pdm_app.rpc.copilot import copilot
from pdm_app.rpc.demo import demo
from pdm_app.rpc.device_groups import device_groups
from pdm_app.rpc.devices import devices
from pdm_app.rpc.directories import directories
from pdm_app.rpc.expiries import expiries
from pdm_app.rpc.exports import exports
from pdm_app.rpc.formulas import formulas
from pdm_app.rpc.groups import groups
from pdm_app.rpc.handovers import handovers
from pdm_app.rpc.health import health
from pdm_app.rpc.history import history
from pdm_app.rpc.imports import imports
from pdm_app.rpc.inbox import inbox
from pdm_app.rpc.lines import lines
from pdm_app.rpc.live import live
from pdm_app.rpc.maintenance import maintenance
from pdm_app.rpc.models import models
from pdm_app.rpc.notices import notices
from pdm_app.rpc.orders import orders
from pdm_app.rpc.page_notices import page_notices
from pdm_app.rpc.planned_stops import planned_stops
from pdm_app.rpc.production import production
from pdm_app.rpc.profile import profile
from pdm_app.rpc.releases import releases
from pdm_app.rpc.replays import replays
from pdm_app.rpc.reports import reports
from pdm_app.rpc.retention import retention
from pdm_app.rpc.roles import roles
from pdm_app.rpc.rotas import rotas
from pdm_app.rpc.service_accounts import service_accounts
from pdm_app.rpc.sessions import sessions
from pdm_app.rpc.settings import settings
from pdm_app.rpc.shares import shares
from pdm_app.rpc.shifts import shifts
from pdm_app.rpc.signals import signals
from pdm_app.rpc.signatures import signatures
from pdm_app.rpc.signing_keys import signing_keys
from pdm_app.rpc.sinks import sinks
from pdm_app.rpc.sites import sites
from pdm_app.rpc.storage import storage
from pdm_app.rpc.storage_rules import storage_rules
from pdm_app.rpc.system import system
from pdm_app.rpc.training import training
from pdm_app.rpc.trust import trust
from pdm_app.rpc.uploads import uploads
from pdm_app.rpc.users import users
from pdm_app.rpc.views import views
from pdm_app.trpc import Router

ROUTES: dict[str, Router[Ctx]] = {
    "alarm_rules": alarm_rules,
    "alarms": alarms,
    "annotations": annotations,
    "api": api,
    "areas": areas,
    "assets": assets,
    "audit": audit,
    "auth": auth,
    "batches": batches,
    "campaigns": campaigns,
    "cases": cases,
    "certificates": certificates,
    "connections": connections,
    "copilot": copilot,
    "demo": demo,
    "device_groups": device_groups,
    "devices": devices,
    "directories": directories,
    "expiries": expiries,
    "exports": exports,
    "formulas": formulas,
    "groups": groups,
    "handovers": handovers,
    "health": health,
    "history": history,
    "imports": imports,
    "inbox": inbox,
    "lines": lines,
    "live": live,
    "maintenance": maintenance,
    "models": models,
    "notices": notices,
    "page_notices": page_notices,
    "orders": orders,
    "planned_stops": planned_stops,
    "production": production,
    "profile": profile,
    "releases": releases,
    "replays": replays,
    "reports": reports,
    "retention": retention,
    "roles": roles,
    "rotas": rotas,
    "service_accounts": service_accounts,
    "sessions": sessions,
    "shares": shares,
    "settings": settings,
    "shifts": shifts,
    "signals": signals,
    "signatures": signatures,
    "signing_keys": signing_keys,
    "sinks": sinks,
    "sites": sites,
    "storage_rules": storage_rules,
    "storage": storage,
    "system": system,
    "training": training,
    "trust": trust,
    "uploads": uploads,
    "users": users,
    "views": views,
}

root: Router[Visitor] = Router(**ROUTES)
