"""The company's own directories of people: OpenID Connect providers and LDAP servers, and what they say of somebody.

A directory proves who somebody is and names their groups; ordered rules of ours turn groups into a role and sites. What
a person may do is never taken from a directory in any other way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.access import Role
from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.domain.record import Name, Record
from pdm_app.domain.samples import Micros

ANYBODY = "*"
EVERY_SITE_THERE_IS = "*"
SUBJECT_CHARACTERS_MAX = 255  # OpenID Connect Core 1.0, section 2: ``sub`` has at most 255 ASCII characters.
GROUPS_MAX = 1_000  # More groups than that nobody reads; Active Directory itself ends at 1,015 per person.

DirectoryId = Annotated[str, Field(min_length=1, max_length=24, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Words = Annotated[str, Field(max_length=500)]
Attribute = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9.;-]*$")]
Claim = Annotated[str, Field(min_length=1, max_length=200)]


class DirectoryAwayError(UnavailableError):
    """A directory does not answer; ``facts['why']`` says what came back, for the log and for admins."""


class DirectoryRefusedError(PdmError):
    """A directory answered, and its answer proves nothing; ``facts['why']`` is for the log and for admins."""


class DirectoryRule(Record):
    """Who belongs to a group gets this role in these sites; the first rule that fits decides."""

    group: str = Field(min_length=1, max_length=500, description="Name or DN of the group; * is anybody.")
    role: Role
    site_ids: tuple[str, ...] = Field(default=(), max_length=500, description="Sites of the role; * is every site.")

    @field_validator("role")
    @classmethod
    def _role_is_of_people(cls, role: Role) -> Role:
        if role is Role.SERVICE:
            raise ValueError("the role service belongs to programs; choose a role of people")
        return role


class Directory(Record):
    """What every directory has."""

    id: DirectoryId = Field(description="Short and lasting: part of addresses, and of every account's link to it.")
    name: Name = Field(description="What people call it, on the button of the sign-in page.")
    rules: tuple[DirectoryRule, ...] = Field(default=(), max_length=200, description="In order; none fits: no entry.")
    create_people: bool = Field(default=True, description="Make an account at the first sign-in of somebody.")
    link_by_email: bool = Field(
        default=False, description="Let somebody in as the person here who has the same, verified, e-mail address."
    )
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed its certificate.")
    timeout_s: float = Field(default=5, gt=0, le=60, description="For one answer.")
    recheck_minutes: float = Field(
        default=10, ge=0, le=1440, description="How old an answer about an open session may be when it is renewed."
    )


class OidcProvider(Directory):
    """A provider that speaks OpenID Connect: Entra ID, Keycloak, Okta, Google and others."""

    issuer: str = Field(max_length=500, description="As in its own description, without /.well-known/….")
    client_id: str = Field(min_length=1, max_length=200)
    scopes: tuple[Claim, ...] = Field(default=("openid", "profile", "email"), max_length=20)
    username_claim: Claim = Field(default="preferred_username")
    name_claim: Claim = Field(default="name")
    groups_claim: Claim = Field(default="groups", description="Points go deeper: realm_access.roles.")
    asks_userinfo: bool = Field(default=True, description="Read claims that the ID token leaves out.")
    mfa_values: tuple[Claim, ...] = Field(
        default=(), max_length=20, description="An amr or acr that proves a second factor, so that ours is not asked."
    )
    acr_values: str = Field(default="", max_length=200, description="What to ask the provider for, such as its MFA.")
    skew_s: int = Field(default=60, ge=0, le=300, description="How far its clock may be from ours.")

    @field_validator("issuer")
    @classmethod
    def _issuer_is_private(cls, issuer: str) -> str:
        check_https(issuer)
        if urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise ValueError("an issuer has no query and no fragment")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _scopes_have_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("without the scope openid there is no proof of who signs in; add it")
        return scopes


class LdapDirectory(Directory):
    """An LDAP server, such as Active Directory or OpenLDAP, that checks passwords of the sign-in form."""

    url: str = Field(max_length=300, description="ldaps://host or ldap://host, with a port where it is another one.")
    start_tls: bool = Field(default=True, description="Encrypt an ldap:// connection before anything is sent.")
    bind_dn: Words = Field(default="", description="Who searches; empty: nobody. Its password is a stored secret.")
    base_dn: str = Field(min_length=1, max_length=500, description="Where people are searched.")
    people_filter: str = Field(default="(objectClass=person)", max_length=1000, description="Who may sign in at all.")
    username_attributes: tuple[Attribute, ...] = Field(
        default=("uid",), min_length=1, max_length=5, description="What people type; the first one names the account."
    )
    id_attribute: Attribute = Field(default="entryUUID", description="Never changes; Active Directory: objectGUID.")
    name_attribute: Attribute = Field(default="cn")
    mail_attribute: Attribute = Field(default="mail")
    group_base_dn: Words = Field(default="", description="Where groups are searched; empty: memberOf of the person.")
    group_filter: str = Field(default="(|(objectClass=groupOfNames)(objectClass=group))", max_length=1000)
    member_attribute: Attribute = Field(default="member")
    nested_groups: Literal["no", "each", "chain"] = Field(
        default="no", description="each: search level by level; chain: Active Directory's own rule, in one search."
    )
    connections_max: int = Field(default=4, ge=1, le=50)
    failures_max: int = Field(default=3, ge=1, le=100, description="Wrong passwords per person passed on to it…")
    failures_window_minutes: float = Field(default=30, gt=0, le=1440, description="…within this; then we refuse.")

    @field_validator("url")
    @classmethod
    def _url_is_ldap(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("write ldaps://host or ldap://host, with a port where it is another one")
        _ = parts.port  # Raises ValueError where it is none.
        return url

    @model_validator(mode="after")
    def _passwords_travel_encrypted(self) -> "LdapDirectory":
        if not self.is_encrypted and not _is_loopback(urlsplit(self.url).hostname):
            raise ValueError("passwords would travel in the clear: use ldaps:// or start_tls")
        if self.nested_groups != "no" and not self.group_base_dn:
            raise ValueError("nested groups are searched: set group_base_dn")
        return self

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("ldaps:") or self.start_tls


def check_https(url: str) -> None:
    """Refuse an address over which others could read or write.

    Raises:
        ValueError: It is not https, and not on this machine either.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None:
        raise ValueError("is no address, such as https://login.example/realms/plant")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("is not https: others could read and write along")


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


# --- what a directory says of somebody ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """Somebody as a directory describes them.

    Attributes:
        subject: What never changes: ``sub`` of OpenID Connect, entryUUID or objectGUID of LDAP.
        username: What the directory calls them; not yet in the form of our usernames.
        email: Empty where it has none; ``email_verified`` says whether it vouches for it.
        groups: Names or DNs, at most `GROUPS_MAX`.
        has_mfa: A second factor was shown there, in a way that the settings trust.
        dn: The entry in LDAP.
    """

    subject: str
    username: str
    display_name: str
    email: str = ""
    email_verified: bool = False
    groups: tuple[str, ...] = ()
    has_mfa: bool = False
    dn: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an OpenID Connect provider hands over for a code: who it is, and what ends or renews it there.

    ``is_whole`` is False where a renewal says that somebody is still there, and nothing of groups.
    """

    person: DirectoryPerson
    sid: str = ""
    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """A provider says that somebody has signed out there; one of the two names may be empty."""

    subject: str
    sid: str


def rule_for(rules: Sequence[DirectoryRule], person: DirectoryPerson) -> int | None:
    """Return the place of the first rule that fits, None where none does.

    In LDAP a rule with a DN fits that group alone, and a plain name every group whose DN begins with it. Capitals, and
    spaces around commas, do not matter.
    """
    held = {_plain(group) for group in person.groups}
    if person.dn:
        held |= {name for group in held if (name := group.partition(",")[0].partition("=")[2])}
    for place, rule in enumerate(rules):
        if rule.group == ANYBODY or _plain(rule.group) in held:
            return place
    return None


def _plain(group: str) -> str:
    return ",".join(part.strip() for part in group.casefold().split(",")).strip()


# --- what is kept ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """Which account here is whose there. ``is_made`` for an account that the directory made, and so rules."""

    directory_id: str
    subject: str
    user_id: str
    is_made: bool
    linked_at: Micros
    seen_at: Micros


@dataclass(frozen=True, slots=True)
class DirectorySessionRow:
    """A session that somebody of a directory opened; ``sid`` is the provider's own name for it."""

    session_id: str
    directory_id: str
    subject: str
    sid: str
    checked_at: Micros


class Identities(Protocol):
    """Links between accounts and directories. A scope of some sites sees and changes nothing of it."""

    async def find(self, directory_id: str, subject: str) -> IdentityRow | None: ...
    async def of_user(self, user_id: str) -> Sequence[IdentityRow]: ...
    async def all(self) -> Sequence[IdentityRow]: ...
    async def put(self, row: IdentityRow) -> None: ...
    async def remove(self, directory_id: str, subject: str) -> bool: ...

    async def email(self, user_id: str) -> str:
        """Return somebody's address, empty where none is known."""
        ...

    async def user_of_email(self, email: str) -> str | None: ...

    async def put_email(self, user_id: str, email: str) -> None:
        """Store somebody's address, in small letters; an empty one removes it.

        Raises:
            ConflictError: Somebody else has it.
        """
        ...

    async def session(self, session_id: str) -> DirectorySessionRow | None: ...
    async def put_session(self, row: DirectorySessionRow) -> None: ...

    async def sessions(self, directory_id: str, notice: LogoutNotice) -> Sequence[DirectorySessionRow]:
        """Return the sessions that a notice means: of its sid where it has one, else all of its subject."""
        ...

    async def forget_sessions(self) -> Sequence[str]:
        """Delete some rows whose session is gone or was ended, and return which sessions that were."""
        ...


# --- ports ------------------------------------------------------------------------------------------------------------


class OidcDoor(Protocol):
    """One OpenID Connect provider."""

    @property
    def provider(self) -> OidcProvider: ...

    async def address(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser goes to sign in.

        Raises:
            DirectoryAwayError: The provider does not describe itself, or as another one.
        """
        ...

    async def redeem(self, redirect_uri: str, code: str, nonce: str, verifier: str, iss: str | None) -> Proof:
        """Exchange a code for the proof of who it is.

        Raises:
            DirectoryAwayError: The provider does not answer.
            DirectoryRefusedError: It refuses the code, or what it hands over proves nothing.
        """
        ...

    async def renew(self, subject: str, refresh_token: str) -> Proof:
        """Ask whether somebody is still there; raises as `redeem` does."""
        ...

    async def logout_address(self, id_token: str, back_to: str) -> str:
        """Return where the browser goes to sign out there too; empty where the provider has no such page."""
        ...

    async def read_logout(self, token: str) -> LogoutNotice:
        """Verify a back-channel logout token; raises as `redeem` does."""
        ...

    async def check(self) -> Sequence[str]:
        """Read the provider's description and keys anew, and return what is worth knowing.

        Raises:
            DirectoryAwayError: It cannot be reached or is not what the settings say.
        """
        ...

    async def close(self) -> None: ...


class LdapDoor(Protocol):
    """One LDAP server."""

    @property
    def directory(self) -> LdapDirectory: ...

    async def find(self, username: str) -> DirectoryPerson | None:
        """Return who is called so, None for nobody, or for more than one.

        Raises:
            DirectoryAwayError: The server does not answer, or refuses our own bind.
        """
        ...

    async def by_subject(self, subject: str) -> DirectoryPerson | None:
        """Return somebody who signed in before, None once they are gone or disabled; raises as `find` does."""
        ...

    async def accepts(self, person: DirectoryPerson, password: str) -> bool:
        """Say whether the server takes this password; an empty one never; raises as `find` does."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """All directories of the installation by their id, in the order of the settings."""

    oidc: Mapping[str, OidcDoor] = field(default_factory=dict)
    ldap: Mapping[str, LdapDoor] = field(default_factory=dict)

    async def close(self) -> None:
        for provider in self.oidc.values():
            await provider.close()
        for server in self.ldap.values():
            await server.close()
