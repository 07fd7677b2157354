"""With what people and programs prove who they are: second factors, one-time links, keys; and how people like it.

Passwords are stored with `pdm_app.domain.repositories.Users`. Hashes and sealed secrets are never fields of a record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from pdm_app.domain.access import Role
from pdm_app.domain.record import Id, Name, Record
from pdm_app.domain.samples import Micros

LinkPurpose = Literal["invite", "reset"]
OwnPath = Annotated[str, Field(max_length=200, pattern=r"^/([A-Za-z0-9_-][\x21-\x7e]*)?$")]


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """What is known of how a person signs in.

    Attributes:
        user_id: Whose it is.
        must_change: The password has to be replaced at the next sign-in.
        password_at: When the password was set; 0 if that is not known.
        totp_at: When the first code of the authenticator app was confirmed; its seed is a sealed secret elsewhere.
        totp_step: Number of the 30 s step whose code was used last; older ones and itself are used up.
    """

    user_id: str
    must_change: bool = False
    password_at: int = 0
    totp_at: Micros | None = None
    totp_step: int = 0

    @property
    def has_mfa(self) -> bool:
        return self.totp_at is not None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link that lets one person set a password once."""

    token_hash: str
    user_id: str
    purpose: LinkPurpose
    created_at: Micros
    created_by: str
    expires_at: Micros


class ApiKey(Record):
    """A key of a service account. Only its hash is stored; ``hint`` is its readable start."""

    id: Id
    user_id: Id
    name: Name
    hint: str = Field(max_length=16)
    created_at: int
    created_by: Name
    expires_at: int | None = None
    last_used_at: int | None = None
    revoked_at: int | None = None


OF_ROLE: Literal["role"] = "role"
USUAL_HOME = "/plant"
HOME_OF: Mapping[Role, str] = {
    Role.OPERATOR: "/production/shift",
    Role.TECHNICIAN: "/cases",
    Role.ENGINEER: "/fleet",
    Role.MANAGER: "/operations",
}
"""What a role asks first: what needs me now, what do I fix next, what is drifting, are we on plan."""


class Preferences(Record):
    """How a person likes the pages; kept with the account, so that every screen knows."""

    theme: Literal["system", "light", "dark"] = "system"
    units: Literal["si", "us"] = "si"
    language: Literal["en"] = "en"
    density: Literal["comfortable", "compact"] = "comfortable"
    home: OwnPath | Literal["role"] = Field(
        default=OF_ROLE, description="The page that opens after sign-in; role: the one that the role begins with."
    )

    def first_page(self, role: Role) -> str:
        """Return the path of the page that opens after sign-in."""
        return HOME_OF.get(role, USUAL_HOME) if self.home == OF_ROLE else self.home


class Credentials(Protocol):
    """Second factors, links and preferences. A scope of some sites sees and changes nothing of it."""

    async def of(self, user_id: str) -> CredentialRow:
        """Return what is known; for somebody unknown, a row that says nothing."""
        ...

    async def all(self) -> Sequence[CredentialRow]: ...
    async def put(self, row: CredentialRow) -> None: ...

    async def take_step(self, user_id: str, step: int) -> bool:
        """Use up the code of a step in one conditional UPDATE; False if it, or a later one, is used up already."""
        ...

    async def put_recovery(self, user_id: str, code_hashes: Sequence[str]) -> None:
        """Replace all recovery codes; an empty sequence removes them."""
        ...

    async def take_recovery(self, user_id: str, code_hash: str) -> bool:
        """Use up a recovery code in one conditional DELETE: of two callers one gets True."""
        ...

    async def count_recovery(self, user_id: str) -> int: ...

    async def put_link(self, link: LinkRow) -> None:
        """Store a link; the person's earlier ones end."""
        ...

    async def link(self, token_hash: str) -> LinkRow | None: ...
    async def links(self) -> Sequence[LinkRow]: ...

    async def take_link(self, token_hash: str) -> bool:
        """Use up a link in one conditional DELETE: of two callers one gets True."""
        ...

    async def forget_links(self, user_id: str) -> None: ...
    async def preferences(self, user_id: str) -> Preferences: ...
    async def put_preferences(self, user_id: str, preferences: Preferences) -> None: ...

    async def forget(self, user_id: str) -> None:
        """Delete everything of a person that is kept here."""
        ...


class ApiKeys(Protocol):
    """Keys of service accounts. A scope of some sites sees and changes none."""

    async def all(self, user_id: str | None = None) -> Sequence[ApiKey]: ...
    async def add(self, key: ApiKey, key_hash: str) -> None: ...
    async def by_hash(self, key_hash: str) -> ApiKey | None: ...

    async def put(self, key: ApiKey) -> None:
        """Store what may change of a key: name, expiry and when it was revoked."""
        ...

    async def used(self, key_id: str, at: Micros) -> None: ...
