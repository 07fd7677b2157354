"""No answer carries a secret: not by the shape it may have, and not by what it holds."""

import json
import re

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Permission, Role
from pdm_app.services.devices import key_hash
from pdm_app.trpc import TrpcError
from tests.counterparts.whole_product import PASSWORD, WholeProduct, username
from tests.rpc.calls import NEEDS, answer, procedures, sensible_input
from tests.rpc.test_site_scope import names_of

SECRET = re.compile(r"pass(word|wd|phrase)|hash|secret|token|credential|private|salt|otp|refresh|api_?key|pem", re.I)

AUDIT_CHECKS = ("verify", "begin_check", "checking", "cancel_check")

# The chain's hashes are there to be kept elsewhere, and a device's key is shown once, to whoever makes it.
SHOWN_ON_PURPOSE = {
    ("audit.page", "hash"), *((f"audit.{what}", "last_hash") for what in AUDIT_CHECKS),
    ("alarm_rules.history", "hash"), ("notices.status", "has_secret"),
    ("sinks.list", "has_secret"), ("sinks.by_id", "has_secret"),
    ("devices.create_key", "secret"), ("devices.rotate_key", "secret"),
}  # fmt: skip

# Certificates, and requests for one, are there to be shown.
SHOWN_ON_PURPOSE |= {
    (path, "pem")
    for path, needed in NEEDS.items()
    if needed is Permission.TRUST_CONFIGURE or path.startswith("certificates.")
}


def test_no_output_has_a_field_for_a_secret() -> None:
    named = {
        (path, name)
        for path, procedure in procedures().items()
        for name in names_of(procedure.describe()["output"])
        if SECRET.search(name)
    }
    assert named == SHOWN_ON_PURPOSE


def test_every_output_says_what_it_holds() -> None:
    silent = [path for path, procedure in procedures().items() if procedure.describe()["output"] in ({}, None)]
    assert silent == [], "an output without a shape could hold anything"


def test_the_search_for_secrets_finds_them() -> None:
    schema = {"$defs": {"User": {"properties": {"name": {}, "password_hash": {}}}}, "items": {"$ref": "#/$defs/User"}}
    assert [name for name in names_of(schema) if SECRET.search(name)] == ["password_hash"]


async def test_no_answer_to_an_admin_holds_a_secret(walked_product: WholeProduct) -> None:
    product = walked_product
    new_key = await product.services.devices.create_key(SYSTEM, product.ours.device_id)
    link = await product.services.auth.setup_link("http://127.0.0.1")
    admin = await product.sign_in(Role.ADMIN)
    assert admin.refresh_token is not None
    async with product.work(EVERY_SITE) as work:
        hashes = [await work.users.password_hash(f"person-{role}") for role in Role]
        sessions = [session.refresh_hash for role in Role for session in await work.users.sessions(f"person-{role}")]
        setup_hash = await work.users.value("setup.token_hash")
    secrets = {
        PASSWORD,
        admin.access_token,
        admin.refresh_token,
        new_key.secret,
        key_hash(new_key.secret),
        *(found for found in (*hashes, *sessions, setup_hash) if found),
        *((link or "=").rpartition("=")[2:]),
    } - {""}
    assert len(secrets) >= 8, "there are secrets to be found"
    said = {}
    async with product.client(admin.access_token) as client:
        for path in NEEDS:
            try:
                said[path] = json.dumps(await answer(client, path, sensible_input(path, product.ours)))
            except TrpcError as error:
                said[path] = json.dumps([error.message, error.data])
    assert {path: secret for path, text in said.items() for secret in secrets if secret in text} == {}
    assert username(Role.ADMIN) in said["auth.me"], "the answers are real ones"
