"""The root router: every noun that can be called; a new one is one file and one line here."""

from pdm_app.rpc.alarms import alarms
from pdm_app.rpc.api import api
from pdm_app.rpc.assets import assets
from pdm_app.rpc.auth import auth
from pdm_app.rpc.connections import connections
from pdm_app.rpc.context import Ctx, Visitor
from pdm_app.rpc.demo import demo
from pdm_app.rpc.history import history
from pdm_app.rpc.live import live
from pdm_app.rpc.profile import profile
from pdm_app.rpc.service_accounts import service_accounts
from pdm_app.rpc.sessions import sessions
from pdm_app.rpc.signals import signals
from pdm_app.rpc.system import system
from pdm_app.rpc.users import users
from pdm_app.trpc import Router

ROUTES: dict[str, Router[Ctx]] = {
    "alarms": alarms,
    "api": api,
    "assets": assets,
    "auth": auth,
    "connections": connections,
    "demo": demo,
    "history": history,
    "live": live,
    "profile": profile,
    "service_accounts": service_accounts,
    "sessions": sessions,
    "signals": signals,
    "system": system,
    "users": users,
}

root: Router[Visitor] = Router(**ROUTES)
