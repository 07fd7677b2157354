"""Where settings come from, and what is said of those that cannot be used."""

from pathlib import Path

import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.settings import Settings, default_data_dir, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("PDM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


def test_without_anything_it_listens_on_loopback_with_sqlite_in_the_users_data_directory(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.demo) == ("127.0.0.1", 8000, False)
    assert settings.data_dir == default_data_dir() == tmp_path / "xdg" / "pdm_app"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'xdg' / 'pdm_app' / 'pdm.sqlite'}"


def test_an_argument_beats_the_environment_beats_the_file_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pdm.toml").write_text('port = 1\nhost = "10.0.0.1"\n[auth]\naccess_s = 60\nidle_hours = 1\n')
    monkeypatch.setenv("PDM_CONFIG", str(tmp_path / "pdm.toml"))
    monkeypatch.setenv("PDM_PORT", "2")
    monkeypatch.setenv("PDM_AUTH__ACCESS_S", "120")
    settings = load_settings(port=3, host=None)
    assert (settings.port, settings.host) == (3, "10.0.0.1")
    assert (settings.auth.access_s, settings.auth.idle_hours, settings.auth.session_days) == (120, 1, 7)
    assert load_settings().port == 2


def test_the_database_lies_in_the_data_directory_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDM_DATA_DIR", str(tmp_path / "a b"))
    assert load_settings().database_url == f"sqlite+aiosqlite:///{tmp_path / 'a b' / 'pdm.sqlite'}"
    monkeypatch.setenv("PDM_DATABASE_URL", "mysql+asyncmy://pdm:secret@db/pdm")
    assert load_settings().database_url == "mysql+asyncmy://pdm:secret@db/pdm"
    assert load_settings(database_url="").database_url.startswith("sqlite")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PDM_PORT", "eighty", "PDM_PORT: Input should be a valid integer"),
        ("PDM_PORT", "70000", "PDM_PORT: Input should be less than or equal to 65535"),
        ("PDM_AUTH__KEY", "short", "PDM_AUTH__KEY: is shorter than 32 characters; `openssl rand -hex 32`"),
        ("PDM_AUTH__IDLE_HOUR", "1", "PDM_AUTH__IDLE_HOUR: Extra inputs are not permitted"),
        ("PDM_INGEST__SAMPLES_MAX", "0", "PDM_INGEST__SAMPLES_MAX: Input should be greater than or equal to 1"),
        ("PDM_CONFIG", "/nowhere/pdm.toml", "names the file /nowhere/pdm.toml, which does not exist"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_as_it_is_set(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInputError) as caught:
        load_settings()
    assert said in str(caught.value)
    assert caught.value.issues[0].field == name


def test_a_file_that_is_no_toml_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pdm.toml").write_text("port =\n")
    monkeypatch.setenv("PDM_CONFIG", str(tmp_path / "pdm.toml"))
    with pytest.raises(InvalidInputError, match=r"not valid TOML: .*line 1"):
        load_settings()


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pdm.toml").write_text("prot = 80\n")
    monkeypatch.setenv("PDM_CONFIG", str(tmp_path / "pdm.toml"))
    with pytest.raises(InvalidInputError, match="PDM_PROT: Extra inputs are not permitted"):
        load_settings()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_the_demo_refuses_to_listen_to_the_network(host: str) -> None:
    with pytest.raises(InvalidInputError, match=r"listens on 127\.0\.0\.1 only"):
        load_settings(demo=True, host=host)


def test_neither_key_nor_database_password_shows_when_settings_are_printed() -> None:
    settings = Settings.model_validate(
        {"database_url": "mysql+asyncmy://pdm:hush@db/pdm", "auth": {"key": "hush" * 10}}
    )
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)
