"""Who may do what, and where: roles, permissions, site scope and the actor.

Permissions are checked in the services, the site scope in every query.
"""

from enum import StrEnum

from pydantic import Field

from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.record import Id, Name, Record


class Role(StrEnum):
    """What a person is in the plant."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ENGINEER = "engineer"
    MANAGER = "manager"
    ADMIN = "admin"
    SERVICE = "service"


class Permission(StrEnum):
    """One right, as ``noun.verb``."""

    ASSETS_READ = "assets.read"
    ASSETS_CONFIGURE = "assets.configure"
    ASSETS_SHARE = "assets.share"
    SITES_CONFIGURE = "sites.configure"
    SIGNALS_READ = "signals.read"
    SIGNALS_CONFIGURE = "signals.configure"
    HISTORY_READ = "history.read"
    HISTORY_EXPORT = "history.export"
    HISTORY_IMPORT = "history.import"
    ANNOTATIONS_WRITE = "annotations.write"
    ALARMS_READ = "alarms.read"
    ALARMS_ACKNOWLEDGE = "alarms.acknowledge"
    ALARMS_SHELVE = "alarms.shelve"
    ALARMS_SERVICE = "alarms.service"
    ALARMS_CONFIGURE = "alarms.configure"
    CONNECTIONS_READ = "connections.read"
    CONNECTIONS_CONFIGURE = "connections.configure"
    DEVICES_READ = "devices.read"
    DEVICES_CONFIGURE = "devices.configure"
    SAMPLES_INGEST = "samples.ingest"
    SYSTEM_READ = "system.read"
    SYSTEM_CONFIGURE = "system.configure"
    SETTINGS_READ = "settings.read"
    SETTINGS_WRITE = "settings.write"
    USERS_CONFIGURE = "users.configure"
    DEMO_CONTROL = "demo.control"
    AUDIT_READ = "audit.read"
    SIGNATURES_SIGN = "signatures.sign"
    TRUST_CONFIGURE = "trust.configure"
    RUNS_CONTROL = "runs.control"
    PRODUCTION_RECORD = "production.record"
    PRODUCTION_CONFIGURE = "production.configure"
    PRODUCTION_MANAGE = "production.manage"
    STORAGE_CONFIGURE = "storage.configure"
    REPORTS_READ = "reports.read"
    REPORTS_CONFIGURE = "reports.configure"
    FIRMWARE_READ = "firmware.read"
    FIRMWARE_UPLOAD = "firmware.upload"
    FIRMWARE_APPROVE = "firmware.approve"
    FIRMWARE_PUBLISH = "firmware.publish"
    FIRMWARE_TRUST = "firmware.trust"
    MAINTENANCE_WRITE = "maintenance.write"
    MODELS_TRAIN = "models.train"
    MODELS_PROMOTE = "models.promote"


_READ = frozenset(
    {
        Permission.ASSETS_READ,
        Permission.SIGNALS_READ,
        Permission.HISTORY_READ,
        Permission.ALARMS_READ,
        Permission.DEVICES_READ,
        Permission.CONNECTIONS_READ,
        Permission.SYSTEM_READ,
        Permission.REPORTS_READ,
        Permission.FIRMWARE_READ,
    }
)
_OPERATE = _READ | {
    Permission.RUNS_CONTROL,
    Permission.PRODUCTION_RECORD,
    Permission.ALARMS_ACKNOWLEDGE,
    Permission.ALARMS_SHELVE,
    Permission.HISTORY_EXPORT,
    Permission.ANNOTATIONS_WRITE,
}
_ENGINEER = _OPERATE | {
    Permission.ASSETS_CONFIGURE,
    Permission.ASSETS_SHARE,
    Permission.SIGNALS_CONFIGURE,
    Permission.PRODUCTION_CONFIGURE,
    Permission.PRODUCTION_MANAGE,
    Permission.ALARMS_SERVICE,
    Permission.MAINTENANCE_WRITE,
    Permission.MODELS_TRAIN,
    Permission.MODELS_PROMOTE,
    Permission.ALARMS_CONFIGURE,
    Permission.CONNECTIONS_CONFIGURE,
    Permission.DEVICES_CONFIGURE,
    Permission.HISTORY_IMPORT,
    Permission.REPORTS_CONFIGURE,
    Permission.FIRMWARE_UPLOAD,
    Permission.FIRMWARE_APPROVE,
    Permission.DEMO_CONTROL,
    Permission.SIGNATURES_SIGN,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READ,
    Role.OPERATOR: _OPERATE | {Permission.DEMO_CONTROL},
    Role.TECHNICIAN: _OPERATE
    | {
        Permission.ALARMS_SERVICE,
        Permission.MAINTENANCE_WRITE,
        Permission.DEMO_CONTROL,
        Permission.SIGNATURES_SIGN,
    },
    Role.ENGINEER: _ENGINEER,
    Role.MANAGER: _READ
    | {
        Permission.HISTORY_EXPORT,
        Permission.PRODUCTION_RECORD,
        Permission.PRODUCTION_MANAGE,
        Permission.ANNOTATIONS_WRITE,
        Permission.AUDIT_READ,
        Permission.REPORTS_CONFIGURE,
        Permission.ASSETS_SHARE,
        Permission.FIRMWARE_APPROVE,
        Permission.SIGNATURES_SIGN,
    },
    Role.ADMIN: frozenset(Permission) - {Permission.SAMPLES_INGEST},
    Role.SERVICE: frozenset({Permission.SAMPLES_INGEST}),
}


class SharedAsset(Record):
    """A machine of another site that somebody may see, or change, all the same."""

    asset_id: Id
    site_id: Id
    may_change: bool = False


class Scope(Record):
    """The sites an actor may see, None for all of them, and single machines of other sites."""

    sites: frozenset[str] | None = None
    shared: frozenset[SharedAsset] = frozenset()

    def covers(self, site_id: str) -> bool:
        return self.sites is None or site_id in self.sites

    @property
    def entrusted(self) -> dict[str, str]:
        """Machines of other sites that may be changed, with their sites."""
        return {each.asset_id: each.site_id for each in self.shared if each.may_change}

    def shows(self, site_id: str, asset_id: str) -> bool:
        """Whether what belongs to a machine may be seen."""
        return self.covers(site_id) or any(asset_id == each.asset_id for each in self.shared)

    def may_change(self, site_id: str, asset_id: str) -> bool:
        """Whether what belongs to a machine may be changed, where the rights for it are there."""
        return self.covers(site_id) or any(asset_id == each.asset_id and each.may_change for each in self.shared)


EVERY_SITE = Scope(sites=None)


class User(Record):
    """A person who signs in. The password hash is elsewhere."""

    id: Id
    username: str = Field(min_length=1, max_length=80, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    display_name: Name
    role: Role
    custom_role_id: Id | None = Field(default=None, description="A role made here, copied from ``role``.")
    site_ids: tuple[str, ...] = Field(default=(), description="Sites of membership; admins see all.")
    is_active: bool = True
    created_at: int = 0
    grants: tuple[Permission, ...] = Field(default=(), description="Rights beside those of the role.")
    denials: tuple[Permission, ...] = Field(default=(), description="Rights of the role that this person lacks.")
    deleted_at: int | None = Field(default=None, description="Nobody can sign in any more; journals keep the name.")


class Actor(Record):
    """Who calls a service: a signed-in person, a device with a key, or the product itself."""

    id: Id
    name: Name
    role: Role
    scope: Scope
    permissions: frozenset[Permission]
    session_id: str | None = None
    address: str = ""
    device_id: str | None = None

    def require(self, permission: Permission) -> None:
        """Raise unless the actor has the permission.

        Raises:
            PermissionDeniedError: Says which permission is missing and who can grant it.
        """
        if permission not in self.permissions:
            raise PermissionDeniedError(
                f"{self.name} ({self.role}) lacks the permission {permission} that this needs. An admin can grant it.",
                permission=str(permission),
                role=str(self.role),
            )

    def require_site(self, site_id: str, what: str) -> None:
        """Raise as if the thing did not exist unless its site is in scope.

        Raises:
            NotFoundError: Same text as for a thing that does not exist.
        """
        if not self.scope.covers(site_id):
            raise NotFoundError(f"There is no {what}.")


def actor_of(
    user: User,
    session_id: str | None = None,
    address: str = "",
    *,
    scope: Scope | None = None,
    permissions: frozenset[Permission] | None = None,
) -> Actor:
    """Make the actor that a signed-in user is.

    ``scope`` and ``permissions`` come from `pdm_app.domain.holdings`, which knows groups and shares; without them the
    actor has what the account alone gives, which is enough for putting something on record.
    """
    return Actor(
        id=user.id,
        name=user.username,
        role=user.role,
        scope=scope or (EVERY_SITE if user.role is Role.ADMIN else Scope(sites=frozenset(user.site_ids))),
        permissions=rights_of(user, role_rights(user)) if permissions is None else permissions,
        session_id=session_id,
        address=address,
    )


def role_rights(user: User) -> frozenset[Permission]:
    """Return the rights of a person's built-in role; none for somebody whose role was made here."""
    return ROLE_PERMISSIONS[user.role] if user.custom_role_id is None else frozenset()


def rights_of(user: User, given: frozenset[Permission]) -> frozenset[Permission]:
    """Return what was given in general, with what was granted and without what was denied to this person."""
    return (given | frozenset(user.grants)) - frozenset(user.denials)


SYSTEM = Actor(
    id="system", name="system", role=Role.ADMIN, scope=EVERY_SITE, permissions=frozenset(Permission), address="local"
)


class DeviceKey(Record):
    """A key with which a device sends samples. Only its hash is stored; ``hint`` is its readable start."""

    id: Id
    site_id: Id
    device_id: Id
    hint: str = Field(max_length=16)
    created_at: int
    created_by: Name
    expires_at: int | None = Field(default=None, description="A key that was replaced works on until then.")
    last_used_at: int | None = None
    revoked_at: int | None = None
