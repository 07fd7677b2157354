"""Every setting by its key, such as ``auth.idle_minutes``: of what kind it is, in which bounds, and where it is set.

Kinds, bounds, defaults and words come from the tree in `pdm_app.settings`; what can be set while the product runs, and
whether a running product takes it over, is said here, line by line.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.record import Record
from pdm_app.domain.section import Section
from pdm_app.domain.settings_revisions import SettingKey, SettingValue
from pdm_app.settings import Settings


class Effect(StrEnum):
    """When a change of a setting takes effect; OUTSIDE is set in the file or the environment alone."""

    AT_ONCE = "at_once"
    RESTART = "restart"
    OUTSIDE = "outside"


class Kind(StrEnum):
    """What a setting holds; PATH, SECRET and RECORDS, which have fields of their own, are never set in the product."""

    FLAG = "flag"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    TEXTS = "texts"
    CHOICES = "choices"
    PATH = "path"
    SECRET = "secret"  # noqa: S105 - a kind, not a secret
    RECORDS = "records"


AT_ONCE: Mapping[str, tuple[str, ...]] = {
    "auth": (
        "access_s", "session_days", "idle_hours", "sessions_max", "attempts_max", "attempts_account_max",
        "attempts_address_max", "attempts_window_s", "idle_minutes", "idle_exempt_roles", "mfa_required_roles",
        "invite_hours", "reset_hours", "key_overlap_hours",
    ),
    "http": (
        "address_per_minute", "credential_per_minute", "url_bytes_max", "head_bytes_max", "head_s",
        "connections_max",
    ),
    "rpc": (
        "calls_per_minute", "call_s", "body_bytes_max", "upload_bytes_max", "batch_max", "subscriptions_max",
        "connections_max",
    ),
    "ingest": ("samples_max", "bytes_max", "calls_max"),
    "uploads": ("bytes_max", "person_bytes_max", "total_bytes_max", "keep_hours"),
    "buffer": ("bytes_max",),
    "history": ("hot_days",),
    "notices.email": ("host", "port", "security", "username", "sender", "sender_name", "timeout_s"),
    "notices.sms": ("profile", "url", "user", "sender", "timeout_s"),
    "notices.webhook": ("url", "shape", "timeout_s"),
    "notices.mqtt": ("url", "topic", "username", "version", "timeout_s"),
    "audit": ("entries_warn", "sign_deletions"),
    "log": ("level", "requests"),
}  # fmt: skip
"""Whoever uses one of these follows `pdm_app.services.settings_book.SettingsBook`; a test changes each and looks."""

AT_RESTART: Mapping[str, tuple[str, ...]] = {
    "log": ("format",),  # A log that changes its form half-way is read by nobody.
}
"""What is in neither list, a new setting too, belongs to the file and the environment: nobody locks the product up, or
opens it, from a page of its own by port, address, database, certificate, key, or by whom it believes."""

UNITS = (("_s", "s"), ("_minutes", "min"), ("_hours", "h"), ("_days", "d"), ("per_minute", "/min"))


class SettingSpec(Record):
    """What can be said of a setting whatever its value; ``unit`` is a UCUM code."""

    key: SettingKey
    kind: Kind
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    is_above_minimum: bool = False
    choices: tuple[str, ...] = ()
    default: SettingValue | None = None
    description: str = ""
    effect: Effect = Effect.OUTSIDE

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PDM_" + self.key.replace(".", "__").upper()


@cache
def setting_specs() -> Mapping[str, SettingSpec]:
    """Return every setting by key, in the order of the tree."""
    return MappingProxyType({spec.key: spec for spec in _walk()})


def spec_of(key: str) -> SettingSpec:
    """Return one setting.

    Raises:
        NotFoundError: There is none of this key.
    """
    spec = setting_specs().get(key)
    if spec is None:
        raise NotFoundError(f"There is no setting {key[:80]!r}.", key=key[:80])
    return spec


def value_in(tree: Settings, key: str) -> SettingValue | None:
    """Return what a tree holds, as it is stored and sent; None for a path that is not set and for every secret."""
    held: Any = tree
    for name in key.split("."):
        held = getattr(held, name)
    return plain(held)


def plain(held: Any) -> SettingValue | None:
    """Return a value of the tree as it is stored and sent."""
    if isinstance(held, SecretStr) or held is None:
        return None
    if isinstance(held, Enum):
        return str(held.value)
    if isinstance(held, BaseModel):
        return str(getattr(held, "id", ""))  # A record of several fields, some of them secret, is named alone.
    if isinstance(held, tuple | list):
        return tuple(str(plain(part)) for part in held)
    return str(held) if isinstance(held, Path) else held


def keys_given(tree: Settings | Section, above: str = "") -> Iterator[str]:
    """Yield the keys that file, environment or command have set, whatever value they gave."""
    for name in type(tree).model_fields:
        held = getattr(tree, name)
        if isinstance(held, Section):
            yield from keys_given(held, f"{above}{name}.")
        elif name in tree.model_fields_set:
            yield f"{above}{name}"


def _walk(tree: type[Settings | Section] = Settings, above: str = "") -> Iterator[SettingSpec]:
    for name, field in tree.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _walk(field.annotation, f"{above}{name}.")
        else:
            yield _spec(f"{above}{name}", field, _effect(above.rstrip("."), name))


def _effect(section: str, name: str) -> Effect:
    if name in AT_ONCE.get(section, ()):
        return Effect.AT_ONCE
    return Effect.RESTART if name in AT_RESTART.get(section, ()) else Effect.OUTSIDE


def _spec(key: str, field: FieldInfo, effect: Effect) -> SettingSpec:
    kind, choices = _kind(field.annotation)
    if not field.repr:
        kind = Kind.SECRET  # Such as an address that holds a password.
    lower = next((mark for mark in field.metadata if isinstance(mark, Ge | Gt)), None)
    upper = next((mark for mark in field.metadata if isinstance(mark, Le | Lt)), None)
    return SettingSpec(
        key=key,
        kind=kind,
        unit=_unit(key) if kind in (Kind.INTEGER, Kind.NUMBER) else "",
        minimum=None if lower is None else _bound(lower.ge if isinstance(lower, Ge) else lower.gt),
        maximum=None if upper is None else _bound(upper.le if isinstance(upper, Le) else upper.lt),
        is_above_minimum=isinstance(lower, Gt),
        choices=choices,
        default=None if kind in (Kind.PATH, Kind.SECRET) else plain(field.get_default(call_default_factory=False)),
        description=field.description or "",
        effect=effect,
    )


def _bound(given: Any) -> float:
    return float(given)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    if get_origin(annotation) is Literal:
        return Kind.CHOICE, tuple(str(value) for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        inner, choices = _kind(get_args(annotation)[0])
        if inner is Kind.RECORDS:
            return inner, ()
        return (Kind.CHOICES if inner is Kind.CHOICE else Kind.TEXTS), choices
    if issubclass(annotation, Enum):
        return Kind.CHOICE, tuple(str(member.value) for member in annotation)
    kinds = ((bool, Kind.FLAG), (int, Kind.INTEGER), (float, Kind.NUMBER), (Path, Kind.PATH), (SecretStr, Kind.SECRET),
             (BaseModel, Kind.RECORDS))  # fmt: skip
    return next((kind for base, kind in kinds if issubclass(annotation, base)), Kind.TEXT), ()


def _unit(key: str) -> str:
    if "bytes" in key:
        return "By"
    return next((unit for ending, unit in UNITS if key.endswith(ending)), "")
