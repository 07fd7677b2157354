"""Which values a setting takes, what is said of others, and how stored ones lie over what the installation gives."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.settings_revisions import SettingValue
from pdm_app.services.setting_keys import AT_ONCE, AT_RESTART, Effect, Kind, setting_specs, value_in
from pdm_app.services.settings_text import bounds, literal, markdown, meaning, read, written
from pdm_app.services.settings_tree import checked, composed
from pdm_app.settings import AuthSettings, Settings

BASE = Settings(data_dir=Path("/nowhere"))


def test_every_key_that_is_listed_is_one_of_the_tree_and_in_one_list() -> None:
    listed = [
        f"{section}.{name}" for lists in (AT_ONCE, AT_RESTART) for section, names in lists.items() for name in names
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == {key for key, spec in setting_specs().items() if spec.effect is not Effect.OUTSIDE}


def test_what_opens_or_moves_the_product_is_set_outside_of_it() -> None:
    outside = {key for key, spec in setting_specs().items() if spec.effect is Effect.OUTSIDE}
    assert {
        "data_dir", "database_url", "host", "port", "demo", "auth.key", "secrets.key", "secrets.key_file",
        "tls.enabled", "tls.certificate", "tls.key", "http.trusted_proxies", "auth.allowed_origins",
    } <= outside  # fmt: skip
    assert {
        key for key, spec in setting_specs().items() if spec.kind in (Kind.SECRET, Kind.PATH, Kind.RECORDS)
    } <= outside


def test_every_setting_has_words_and_those_with_a_unit_say_it() -> None:
    assert [key for key, spec in setting_specs().items() if not spec.description] == []
    assert setting_specs()["auth.idle_minutes"].unit == "min"
    assert setting_specs()["http.address_per_minute"].unit == "/min"
    assert setting_specs()["rpc.body_bytes_max"].unit == "By"
    assert meaning(setting_specs()["auth.session_days"]) == (
        "A session ends this long after sign-in. (d; above 0, to 90; default 7)"
    )
    assert bounds(setting_specs()["log.format"]) == "json or text"
    assert bounds(setting_specs()["audit.entries_warn"]) == "from 1000"


def test_the_page_of_the_documentation_is_current() -> None:
    page = Path(__file__).resolve().parents[2] / ".docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == markdown(), (
        "The settings have changed since .docs/settings.md was written. Write it anew: "
        "`python3 -m pdm_app settings docs --out .docs/settings.md`."
    )


def test_a_value_is_stored_as_the_tree_reads_it() -> None:
    kept = checked(BASE, {"auth.sessions_max": 5.0, "auth.idle_minutes": 5, "auth.mfa_required_roles": ["admin"]})  # type: ignore[dict-item]
    assert kept == {"auth.sessions_max": 5, "auth.idle_minutes": 5, "auth.mfa_required_roles": ("admin",)}
    assert type(kept["auth.sessions_max"]) is int


def test_what_is_stored_never_keeps_the_product_from_starting() -> None:
    found = composed(BASE, {"auth.sessions_max": -5, "log.level": 7, "nonsense": "x", "log.requests": True, "port": 1})
    assert found.tree.log.requests
    assert found.tree.port == BASE.port
    assert set(found.unused) == {"auth.sessions_max", "log.level", "nonsense", "port"}


def test_what_the_installation_gives_stays_whatever_is_stored() -> None:
    base = Settings(data_dir=Path("/nowhere"), auth=AuthSettings(key=SecretStr("k" * 32), access_s=900))
    found = composed(base, {"auth.access_s": 60, "auth.sessions_max": 3})
    assert (found.tree.auth.access_s, found.tree.auth.sessions_max) == (900, 3)
    assert found.tree.auth.key == SecretStr("k" * 32)
    assert value_in(found.tree, "auth.key") is None


@pytest.mark.parametrize(
    "value", [True, 0, -3, 2**53, 0.5, 1e-9, 60.0, "", 'a "b" \\ c', "tab\tnew\nline\x7f\x00é", (), ("a", "b,]")]
)
def test_a_value_that_is_written_is_read_again(value: SettingValue) -> None:
    assert read(f"[auth]\nx = {literal(value)}\n") == {"auth.x": value}


def test_nothing_set_is_an_empty_file() -> None:
    assert written({}, comments=False) == ""
    assert read(written({})) == {}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"auth.idle_minutes": -1}, "auth.idle_minutes", "must be greater than or equal to 0"),
        ({"auth.idle_minutes": "15"}, "auth.idle_minutes", "must be a number"),
        ({"auth.idle_minutes": True}, "auth.idle_minutes", "must be a number"),
        ({"auth.idle_minutes": float("nan")}, "auth.idle_minutes", "must be a number"),
        ({"auth.sessions_max": 1.5}, "auth.sessions_max", "must be a whole number"),
        ({"buffer.bytes_max": 2**60}, "buffer.bytes_max", "must be a whole number"),
        ({"log.requests": 1}, "log.requests", "must be yes or no"),
        ({"log.level": "loud"}, "log.level", "must be 'debug', 'info', 'warning' or 'error'"),
        ({"auth.mfa_required_roles": ("admin", "king")}, "auth.mfa_required_roles", "must be 'viewer'"),
        ({"auth.mfa_required_roles": "admin"}, "auth.mfa_required_roles", "must be a list of its choices (viewer"),
        ({"auth.idle_minute": 15}, "auth.idle_minute", "did you mean auth.idle_minutes?"),
        ({"database_url": "sqlite://"}, "database_url", "is set in the environment or the settings file only"),
        ({"auth.key": "x" * 40}, "auth.key", "is set in the environment or the settings file only"),
        ({"tls.enabled": True}, "tls.enabled", "is set in the environment or the settings file only"),
        ({"http.trusted_proxies": ("0.0.0.0/0",)}, "http.trusted_proxies", "the environment or the settings file only"),
    ],
)
def test_what_cannot_be_set_is_named_with_what_is_allowed(
    changes: dict[str, SettingValue], field: str, said: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked(BASE, {"ingest.samples_max": 9, **changes})
    (issue,) = refused.value.issues
    assert issue.field == field
    assert said in f"{issue.problem}, {issue.fix}"
