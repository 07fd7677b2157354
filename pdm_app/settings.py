"""Settings of one installation: one frozen tree, read once at the start.

Sources, strongest first: arguments of the command, environment (``PDM_PORT``, ``PDM_AUTH__KEY``: prefix ``PDM_``,
``__`` between levels), the TOML file that ``PDM_CONFIG`` names, what an admin has stored
(`pdm_app.services.settings_tree` lays it between), the defaults below. A new setting can be stored once
`pdm_app.services.setting_keys` lists it.
"""

import os
import re
import sys
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from pdm_app.domain.access import Role
from pdm_app.domain.acme import HOST_NAME, AcmeSettings
from pdm_app.domain.cold_bucket import BucketSettings
from pdm_app.domain.directories import LdapDirectory, OidcProvider
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.notice_channels import ChannelsSetUp
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.section import Section

CONFIG_VARIABLE = "PDM_CONFIG"
KEY_CHARACTERS_MIN = 32  # HS256 wants a key at least as long as its hash. Source: RFC 7518, section 3.2.


class AuthSettings(Section):
    """Sign-in, sessions and the origins that may use a session cookie."""

    key: SecretStr | None = Field(
        default=None, description="Signs session tokens; at least 32 characters. None: a file in the data directory."
    )
    access_s: int = Field(default=900, ge=60, le=86_400, description="Life of an access token.")
    session_days: float = Field(default=7, gt=0, le=90, description="A session ends this long after sign-in.")
    idle_hours: float = Field(default=12, gt=0, le=24 * 90, description="A session with no page open ends after this.")
    sessions_max: int = Field(default=20, ge=1, le=1000, description="Per person; the oldest makes room.")
    attempts_max: int = Field(default=5, ge=1, le=100, description="Failed sign-ins per account and address.")
    attempts_account_max: int = Field(
        default=25, ge=1, le=10_000, description="Failed sign-ins per account from all addresses together."
    )
    attempts_address_max: int = Field(default=50, ge=1, le=10_000, description="Failed sign-ins per address.")
    attempts_window_s: int = Field(default=300, ge=1, le=86_400, description="The span in which failures count.")
    idle_minutes: float = Field(
        default=60, ge=0, le=60 * 24, description="A page nobody touches signs out after this; 0 is never."
    )
    idle_exempt_roles: tuple[Role, ...] = Field(
        default=(Role.VIEWER,), description="Roles whose pages stay open untouched: screens on a wall."
    )
    mfa_required_roles: tuple[Role, ...] = Field(
        default=(Role.ADMIN,), description="Roles that need an authenticator app; never asked for in the demo."
    )
    invite_hours: float = Field(default=72, gt=0, le=24 * 90, description="Life of an invitation's link.")
    reset_hours: float = Field(default=24, gt=0, le=24 * 90, description="Life of a link for a new password.")
    key_overlap_hours: float = Field(
        default=24, ge=0, le=24 * 90, description="So long a key of a service account works on after it was rotated."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Further origins of this product's own pages, such as https://plant.example."
    )
    public_url: str = Field(
        default="",
        max_length=300,
        description="Where browsers find this product, for the way back from a provider; empty: as they call it.",
    )
    oidc: tuple[OidcProvider, ...] = Field(
        default=(), max_length=10, description="OpenID Connect providers that people may sign in with."
    )
    ldap: tuple[LdapDirectory, ...] = Field(
        default=(), max_length=5, description="LDAP directories that check passwords, asked in this order."
    )

    @field_validator("key")
    @classmethod
    def _key_is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value().encode()) < KEY_CHARACTERS_MIN:
            raise ValueError(
                f"is shorter than {KEY_CHARACTERS_MIN} characters; `openssl rand -hex 32` makes a good one"
            )
        return key

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_origin(cls, public_url: str) -> str:
        if public_url and not re.fullmatch(r"https?://[^\s/?#@]+", public_url):
            raise ValueError("is no address such as https://plant.example, without a path")
        return public_url

    @model_validator(mode="after")
    def _directories_are_told_apart(self) -> "AuthSettings":
        ids = [directory.id for directory in (*self.oidc, *self.ldap)]
        if len(set(ids)) < len(ids):
            raise ValueError("two directories have the same id; accounts would be mixed up")
        return self


class HttpSettings(Section):
    """What the server takes from whom, and how much of it."""

    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of reverse proxies whose X-Forwarded-For and -Proto are believed.",
    )
    address_per_minute: int = Field(
        default=6_000, ge=0, description="Requests per address; 0 is no limit. Not for callers at this machine."
    )
    credential_per_minute: int = Field(
        default=12_000, ge=0, description="Requests per session, token or device key; 0 is no limit."
    )
    url_bytes_max: int = Field(default=32_768, ge=1_024, le=1_048_576, description="Path and query of a request.")
    head_bytes_max: int = Field(default=65_536, ge=4_096, le=1_048_576, description="Address and headers of a request.")
    head_s: float = Field(default=15, gt=0, le=300, description="Within this the head of a request must be complete.")
    connections_max: int = Field(default=5_000, ge=10, le=1_000_000, description="Open connections; more are told 503.")
    events_per_minute: int = Field(
        default=1_200,
        ge=0,
        description="Events that the pages of one session send; more close its socket. 0 is no limit.",
    )
    event_sockets_per_minute: int = Field(
        default=120, ge=0, description="Tabs that one session, or one address without, opens; 0 is no limit."
    )
    event_bytes_max: int = Field(default=65_536, ge=4_096, le=1_048_576, description="One event of a page.")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is no address or network, such as 192.0.2.7 or 192.0.2.0/24") from None
        return proxies


class RpcSettings(Section):
    """What one caller of the procedures may ask for; over HTTP, WebSocket and REST together."""

    calls_per_minute: int = Field(
        default=12_000, ge=0, description="Calls per person or key, each of a batch counted; 0 is no limit."
    )
    call_s: float = Field(default=30, gt=0, le=600, description="A call that takes longer is cancelled.")
    body_bytes_max: int = Field(default=1_048_576, ge=1_024, le=100_000_000, description="Body, or WebSocket message.")
    upload_bytes_max: int = Field(
        default=536_870_912, ge=1_024, le=100_000_000_000, description="Body with a file, where one is taken."
    )
    batch_max: int = Field(default=100, ge=1, le=10_000, description="Calls in one request.")
    subscriptions_max: int = Field(default=256, ge=1, le=100_000, description="Per WebSocket.")
    connections_max: int = Field(default=2_000, ge=1, le=1_000_000, description="WebSockets and event streams open.")


class TlsSettings(Section):
    """HTTPS, where no proxy serves it."""

    enabled: bool = Field(default=False, description="Serve HTTPS, with a certificate of our own unless one is given.")
    certificate: Path | None = Field(default=None, description="PEM file of a certificate and those between; or all.")
    key: Path | None = Field(default=None, description="PEM file of its private key, where that is another file.")
    names: tuple[str, ...] = Field(
        default=(), max_length=50, description="Further host names and addresses for our own certificate."
    )
    redirect_port: int | None = Field(
        default=None, ge=0, le=65_535, description="On this port requests without TLS are sent on to HTTPS."
    )
    hsts_days: int = Field(
        default=365, ge=0, le=3650, description="So long browsers refuse this host without HTTPS; 0 never says so."
    )
    acme: AcmeSettings = AcmeSettings()

    @field_validator("names")
    @classmethod
    def _names_can_be_certified(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is no host name or address, such as plant.example or 192.0.2.7")
        return names

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> "TlsSettings":
        if self.key is not None and self.certificate is None:
            raise ValueError("a key is named without its certificate; set PDM_TLS__CERTIFICATE as well")
        return self

    @model_validator(mode="after")
    def _directory_can_ask(self) -> "TlsSettings":
        if self.enabled and self.acme.directory and self.redirect_port is None:
            raise ValueError("the ACME directory asks on port 80; set PDM_TLS__REDIRECT_PORT, and PDM_TLS__ENABLED")
        return self


class SecretSettings(Section):
    """The key under which passwords of connections and the like are stored."""

    key: SecretStr | None = Field(
        default=None,
        description="32 bytes in base64; several by commas, the first one seals. None: key_file, else a systemd "
        "credential pdm_secret_keys, else a file in the data directory.",
    )
    key_file: Path | None = Field(default=None, description="A file with the same, readable by its owner only.")


class IngestSettings(Section):
    """Samples that devices send by HTTP."""

    samples_max: int = Field(default=5_000, ge=1, le=100_000, description="Per call.")
    bytes_max: int = Field(default=2_000_000, ge=1_000, le=100_000_000, description="Size of a body.")
    calls_max: int = Field(default=64, ge=1, le=10_000, description="Calls at once; further ones are told to wait.")


class UploadSettings(Section):
    """Files that people hand in, such as tables of history."""

    bytes_max: int = Field(default=1_000_000_000, ge=1_000, le=100_000_000_000, description="Size of one file.")
    person_bytes_max: int = Field(
        default=4_000_000_000, ge=1_000, le=1_000_000_000_000, description="All files of one person."
    )
    total_bytes_max: int = Field(
        default=20_000_000_000, ge=1_000, le=10_000_000_000_000, description="All files of all people."
    )
    keep_hours: float = Field(default=24, gt=0, le=24 * 90, description="So long a file stays that nothing needs.")


class BufferSettings(Section):
    """The durable buffer between the sources and the database."""

    bytes_max: int = Field(default=1_000_000_000, ge=1_000_000, description="When full it refuses; it never evicts.")


class HistorySettings(Section):
    """The long memory."""

    hot_days: int = Field(
        default=2,
        ge=1,
        le=60,
        description="Days, with today, whose samples stay in the database; older ones are kept in files.",
    )
    bucket: BucketSettings = BucketSettings()


class AuditSettings(Section):
    """The audit trail, which only grows."""

    entries_warn: int = Field(
        default=5_000_000, ge=1_000, description="From this many entries on, of about 1 kB each, health asks for room."
    )
    sign_deletions: bool = Field(
        default=False, description="Deleting a machine takes an electronic signature, as regulated plants ask for."
    )


class LogSettings(Section):
    """The program's log."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Less is not logged.")
    format: Literal["json", "text"] = Field(default="json", description="One JSON object per line, or for reading.")
    requests: bool = Field(default=False, description="A line also for each request that was answered as it should.")


def default_data_dir() -> Path:
    """Where data belong to the user who runs the program, by the habit of the system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "pdm_app"
    return Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "pdm_app"


class Settings(BaseSettings):
    """The root of the tree."""

    model_config = SettingsConfigDict(
        env_prefix="PDM_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    data_dir: Path = Field(default_factory=default_data_dir, description="Everything that must survive a restart.")
    database_url: str = Field(
        default="",
        repr=False,
        description="mysql+asyncmy://user:password@host/name; empty: SQLite in the data directory.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    demo: bool = Field(default=False, description="Run the simulated plant and its accounts; loopback only.")
    demo_history_days: int = Field(default=0, ge=0, le=60, description="Days that the simulated plant has behind it.")
    demo_plant: PlantSize | None = Field(
        default=None,
        description="How much of the simulated plant runs; empty: what the data directory has, else whole.",
    )
    auth: AuthSettings = AuthSettings()
    http: HttpSettings = HttpSettings()
    rpc: RpcSettings = RpcSettings()
    secrets: SecretSettings = SecretSettings()
    tls: TlsSettings = TlsSettings()
    ingest: IngestSettings = IngestSettings()
    uploads: UploadSettings = UploadSettings()
    buffer: BufferSettings = BufferSettings()
    history: HistorySettings = HistorySettings()
    notices: ChannelsSetUp = ChannelsSetUp()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: dict[str, Any]) -> dict[str, Any]:
        data_dir = Path(given.get("data_dir") or default_data_dir()).expanduser().absolute()
        database_url = given.get("database_url") or f"sqlite+aiosqlite:///{(data_dir / 'pdm.sqlite').as_posix()}"
        return {**given, "data_dir": data_dir, "database_url": database_url}

    @model_validator(mode="after")
    def _demo_stays_on_loopback(self) -> "Settings":
        if self.demo and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"the demo has accounts anybody may use, so it listens on 127.0.0.1 only, not {self.host}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources = [init_settings, env_settings]
        named = os.environ.get(CONFIG_VARIABLE)
        if named:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=Path(named).expanduser()))
        return tuple(sources)


def given_by(key: str) -> str:
    """Say where a setting comes from that is not left to its default, such as ``PDM_AUTH__ACCESS_S`` or a file's path.

    Args:
        key: Its path in the tree, such as ``auth.access_s``.
    """
    section, _, name = key.rpartition(".")
    for variable in (f"PDM_{key.replace('.', '__').upper()}", f"PDM_{section.upper()}"):
        if section + name and variable != "PDM_" and any(known.upper() == variable for known in os.environ):
            return variable
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        given: Any = TomlConfigSettingsSource(Settings, toml_file=Path(named).expanduser())()
        for part in key.split("."):
            given = given.get(part) if isinstance(given, dict) else None
        if given is not None:
            return named
    return "the command that started the product"


def load_settings(**arguments: object) -> Settings:
    """Read all sources.

    Args:
        arguments: From the command line; None means not given.

    Raises:
        InvalidInputError: Names each setting as the variable that sets it, what is wrong and what is allowed.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named and not Path(named).expanduser().is_file():
        raise InvalidInputError(
            f"{CONFIG_VARIABLE} names the file {named}, which does not exist. Correct the path or unset the variable.",
            [FieldIssue(CONFIG_VARIABLE, "names a file that does not exist", "correct the path or unset it")],
        )
    given: dict[str, Any] = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"The settings file {named} is not valid TOML: {error}.", [FieldIssue(CONFIG_VARIABLE, str(error))]
        ) from None
    except ValidationError as error:
        issues = [
            FieldIssue(
                "PDM_" + "__".join(str(part) for part in fault["loc"]).upper() if fault["loc"] else "PDM_HOST",
                fault["msg"].removeprefix("Value error, "),
            )
            for fault in error.errors(include_input=False, include_url=False)
        ]
        lines = "\n".join(f"  {issue.field}: {issue.problem}" for issue in issues)
        raise InvalidInputError(f"These settings cannot be used:\n{lines}", issues) from None
