"""Every setting that is said to take effect at once does so: it is changed while the product runs, and looked at."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pdm_app.cli.serving import follow
from pdm_app.domain.access import SYSTEM, Role, User
from pdm_app.domain.settings_revisions import SettingValue
from pdm_app.endpoints.bounded_http import BoundedHttp, bounded_http
from pdm_app.endpoints.gate import Gate
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.rpc.server import apply, make_rpc
from pdm_app.runtime import running
from pdm_app.runtime.process import SystemClock
from pdm_app.services.catalogue import Services
from pdm_app.services.logs import set_level
from pdm_app.services.metrics import Metrics
from pdm_app.services.rates import MINUTE
from pdm_app.services.setting_keys import Effect, setting_specs
from pdm_app.settings import Settings
from pdm_app.trpc import TrpcApp

ADMIN = User(id="a", username="a", display_name="A", role=Role.ADMIN)
ENGINEER = User(id="e", username="e", display_name="E", role=Role.ENGINEER)
S, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000


@dataclass
class Running:
    """What goes by settings: the services, and what the server puts in front of them."""

    services: Services
    rpc: TrpcApp[Any]
    gate: Gate
    wrapping: Wrapping
    http: type[BoundedHttp]
    config: uvicorn.Config

    @property
    def auth(self) -> Any:
        return self.services.auth

    @property
    def dispatchers(self) -> set[tuple[Any, Any]]:
        rpc: Any = self.rpc
        return {(one.limits, one.rate) for one in (rpc._dispatcher, *rpc._plain)}

    def rpc_limit(self, name: str) -> Any:
        """The bound that HTTP, WebSocket and REST share; None where they do not."""
        found = {getattr(limits, name) for limits, _ in self.dispatchers} | {getattr(self.rpc.limits, name)}
        return found.pop() if len(found) == 1 else None

    @property
    def mfa_roles(self) -> list[bool]:
        return [self.auth._sign_in.needs_mfa(user) for user in (ADMIN, ENGINEER)]


Probe = tuple[SettingValue, Callable[[Running], Any], Any]
CHANNELS: dict[str, SettingValue] = {
    "email.host": "mail.plant.example", "email.port": 25, "email.security": "none", "email.username": "pdm",
    "email.sender": "pdm@plant.example", "email.sender_name": "Plant", "email.timeout_s": 5.0,
    "sms.profile": "twilio", "sms.url": "https://sms.plant.example/", "sms.user": "AC1", "sms.sender": "Plant",
    "sms.timeout_s": 6.0, "webhook.url": "https://chat.plant.example/", "webhook.shape": "teams",
    "webhook.timeout_s": 7.0, "mqtt.url": "mqtts://broker.plant.example", "mqtt.topic": "notices/{priority}",
    "mqtt.username": "pdm", "mqtt.version": "3.1.1", "mqtt.timeout_s": 8.0,
}  # fmt: skip


def probe_of(key: str, value: SettingValue) -> Probe:
    """What the channels are opened with; a change closes the one that stands, see `tests/channels/test_doors.py`."""

    def held(on: Running) -> Any:
        found: Any = on.services.notices.set_up()
        for name in key.split("."):
            found = getattr(found, name)
        return found

    return value, held, value


# What is set, and what the part that goes by it then says of itself.
PROBES: dict[str, Probe] = {
    "auth.access_s": (300, lambda on: on.auth._mint.access_s, 300),
    "auth.session_days": (2, lambda on: on.auth._sessions._session, 2 * DAY),
    "auth.idle_hours": (3, lambda on: on.auth._sessions._idle, 3 * HOUR),
    "auth.sessions_max": (4, lambda on: on.auth._sessions._sessions_max, 4),
    "auth.attempts_max": (
        2, lambda on: (on.auth._sign_in._per_account_here._attempts_max, on.auth._sign_in._codes._attempts_max), (2, 2),
    ),
    "auth.attempts_account_max": (6, lambda on: on.auth._sign_in._per_account._attempts_max, 6),
    "auth.attempts_address_max": (
        7, lambda on: (on.auth._sign_in._per_address._attempts_max, on.auth._per_address._attempts_max), (7, 7),
    ),
    "auth.attempts_window_s": (90, lambda on: {one._window for one in attempts(on)}, {90 * S}),
    "auth.idle_minutes": (5, lambda on: on.auth._sessions.idle_s(Role.ENGINEER), 300),
    "auth.idle_exempt_roles": (("engineer",), lambda on: on.auth._sessions.idle_s(Role.ENGINEER), None),
    "auth.mfa_required_roles": (("engineer",), lambda on: on.mfa_roles, [False, True]),
    "auth.invite_hours": (1, lambda on: on.auth.links._life["invite"], HOUR),
    "auth.reset_hours": (2, lambda on: on.auth.links._life["reset"], 2 * HOUR),
    "auth.key_overlap_hours": (5, lambda on: on.auth.service_accounts._overlap, 5 * HOUR),
    "http.address_per_minute": (60, lambda on: on.gate._per_address._share, MINUTE / 60),
    "http.credential_per_minute": (30, lambda on: on.gate._per_credential._share, MINUTE / 30),
    "http.url_bytes_max": (2_000, lambda on: on.gate._settings.url_bytes_max, 2_000),
    "http.head_bytes_max": (
        5_000, lambda on: (on.gate._settings.head_bytes_max, on.http.head_bytes_max), (5_000, 5_000),
    ),
    "http.head_s": (3, lambda on: on.http.head_s, 3),
    "http.connections_max": (50, lambda on: on.config.limit_concurrency, 50),
    "rpc.calls_per_minute": (120, lambda on: {rate for _, rate in on.dispatchers}, {(120, 60.0)}),
    "rpc.call_s": (9, lambda on: on.rpc_limit("call_timeout_s"), 9),
    "rpc.body_bytes_max": (
        2_000, lambda on: (on.rpc_limit("body_bytes_max"), on.rpc_limit("message_bytes_max")), (2_000, 2_000),
    ),
    "rpc.upload_bytes_max": (3_000, lambda on: on.rpc_limit("upload_bytes_max"), 3_000),
    "rpc.batch_max": (2, lambda on: on.rpc_limit("batch_max"), 2),
    "rpc.subscriptions_max": (3, lambda on: on.rpc_limit("subscriptions_max"), 3),
    "rpc.connections_max": (4, lambda on: on.rpc_limit("connections_max"), 4),
    "ingest.samples_max": (5, lambda on: on.services.ingest.limits.samples_max, 5),
    "ingest.bytes_max": (2_000, lambda on: on.services.ingest.limits.bytes_max, 2_000),
    "ingest.calls_max": (6, lambda on: on.services.ingest.limits.calls_max, 6),
    "history.hot_days": (3, lambda on: on.services.storage.hot_days, 3),
    "uploads.bytes_max": (5_000, lambda on: on.services.uploads.limits.bytes_max, 5_000),
    "uploads.person_bytes_max": (6_000, lambda on: on.services.uploads.limits.person_bytes_max, 6_000),
    "uploads.total_bytes_max": (7_000, lambda on: on.services.uploads.limits.total_bytes_max, 7_000),
    "uploads.keep_hours": (3.0, lambda on: on.services.uploads.limits.keep_hours, 3.0),
    "buffer.bytes_max": (2_000_000, lambda on: on.services.system._info().buffer_bytes_max, 2_000_000),
    **{f"notices.{key}": probe_of(key, value) for key, value in CHANNELS.items()},
    "audit.entries_warn": (2_000, lambda on: on.services.audit.entries_warn, 2_000),
    "audit.sign_deletions": (True, lambda on: on.services.assets.signs_deletions, True),
    "log.level": ("warning", lambda on: logging.getLogger().level, logging.WARNING),
    "log.requests": (True, lambda on: on.wrapping._level_of_good, logging.INFO),
}  # fmt: skip


def attempts(on: Running) -> list[Any]:
    sign_in = on.auth._sign_in
    return [
        sign_in._per_account_here, sign_in._per_account, sign_in._per_address, sign_in._codes, on.auth._per_address,
    ]  # fmt: skip


def test_every_setting_that_takes_effect_at_once_is_tried() -> None:
    assert {key for key, spec in setting_specs().items() if spec.effect is Effect.AT_ONCE} == set(PROBES)


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    """Stands where the application would."""


async def test_each_of_them_takes_effect_while_the_product_runs_and_goes_back(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)
    async with running(settings, on_fatal=lambda child, error: pytest.fail(f"{child}: {error}")) as product:
        services = product.services
        rpc = make_rpc(lambda: services, settings=settings.rpc)
        rpc.rest_routes("/api/v1")
        on = Running(
            services=services,
            rpc=rpc,
            gate=Gate(nobody, settings.http, SystemClock()),
            wrapping=Wrapping(nobody, Metrics()),
            http=bounded_http(head_s=settings.http.head_s, head_bytes_max=settings.http.head_bytes_max),
            config=uvicorn.Config(nobody, limit_concurrency=settings.http.connections_max, log_config=None),
        )
        book = services.settings.book
        book.follow(lambda now: apply(on.rpc, now.rpc))
        book.follow(lambda now: set_level(now.log.level))
        book.follow(lambda now: on.gate.apply(now.http))
        book.follow(lambda now: on.wrapping.log_all(now.log.requests))
        follow(book, on.http, on.config)
        before = {key: probe(on) for key, (_, probe, _) in PROBES.items()}
        for key, (value, probe, expected) in PROBES.items():
            await services.settings.change(SYSTEM, {key: value})
            assert probe(on) == expected, key
            assert before[key] != expected, key
            await services.settings.change(SYSTEM, {}, (key,))
            assert probe(on) == before[key], key
        assert services.settings.book.restart_needed == ()
