"""What a service tells the audit trail: who, from where, in which request, what differs, and never a secret."""

import json

import pytest

from pdm_app.domain.access import SYSTEM, Role, User
from pdm_app.domain.audit import AuditFact
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import fact_of, stranger
from pdm_app.services.logs import correlation_id
from tests.counterparts.alarms import ANNA

AT = Micros(1_800_000_000_000_000)
OLGA = User(id="u1", username="olga", display_name="Olga", role=Role.OPERATOR, site_ids=("pune",))


def told(before: object = None, after: object = None, **more: str) -> AuditFact:
    return fact_of(ANNA, AT, "things.changed", subject="thing", before=before, after=after, **more)  # type: ignore[arg-type]


def test_a_fact_names_actor_role_session_address_and_request() -> None:
    token = correlation_id.set("c-77")
    try:
        actor = ANNA.model_copy(update={"session_id": "s-1", "address": "192.0.2.9"})
        fact = fact_of(
            actor, AT, "things.changed", subject="thing", subject_id="t1", name="T", site_id="pune", reason="x"
        )
    finally:
        correlation_id.reset(token)
    assert (fact.actor_id, fact.actor, fact.role, fact.session_id, fact.address, fact.correlation_id) == (
        "anna", "anna", "operator", "s-1", "192.0.2.9", "c-77",
    )  # fmt: skip
    assert (fact.at, fact.subject_id, fact.name, fact.site_id, fact.reason) == (AT, "t1", "T", "pune", "x")


def test_of_two_records_only_what_differs_is_kept() -> None:
    fact = told(OLGA, OLGA.model_copy(update={"role": Role.ENGINEER, "site_ids": ("graz", "pune")}))
    assert json.loads(fact.before) == {"role": "operator", "site_ids": ["pune"]}
    assert json.loads(fact.after) == {"role": "engineer", "site_ids": ["graz", "pune"]}


@pytest.mark.parametrize(
    "name",
    ["password", "Password", "new_password", "client_secret", "refresh_token", "key_hash", "private_key", "cookie"],
)
def test_what_is_called_like_a_secret_is_blotted_out_at_any_depth(name: str) -> None:
    fact = told({name: None, "broker": {"a": 1}}, {name: "hunter2", "broker": {name: ["hunter2"], "a": 1}})
    assert "hunter2" not in fact.model_dump_json()
    assert json.loads(fact.before)[name] is None
    assert json.loads(fact.after)[name] == "…"


def test_a_login_inside_an_address_is_blotted_out() -> None:
    fact = told(None, {"endpoint": "mqtts://olga:hunter2@broker.example:8883/x@y", "list": ["http://u:p@h", "a@b"]})
    assert json.loads(fact.after) == {
        "endpoint": "mqtts://…@broker.example:8883/x@y", "list": ["http://…@h", "a@b"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", ["x" * 5_000, "🙂" * 5_000, "half \ud800 pair", "null \x00 byte", "</script>\n\r'\";--"]
)
def test_any_words_at_all_fit_into_a_row(words: str) -> None:
    fact = told(None, {"field": words}, subject_id=words, name=words, reason=words)
    again = AuditFact.model_validate_json(fact.model_dump_json())
    assert again == fact
    assert fact.reason.encode().decode() == fact.reason


def test_a_stranger_has_a_name_but_neither_role_nor_rights() -> None:
    somebody = stranger("nobody@example", "198.51.100.7")
    fact = fact_of(somebody, AT, "sessions.refused", subject="user")
    assert (fact.actor_id, fact.actor, fact.role, fact.address) == ("-", "nobody@example", "", "198.51.100.7")
    assert somebody.permissions == frozenset()
    assert fact_of(SYSTEM, AT, "a.b", subject="x").role == "admin"
