"""What the procedures about people need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import CUSTOM_ROLE, GROUP, PASSWORD, ROBOT, ROBOT_KEY, Belongings
from tests.rpc.firmware_calls import FIRMWARE_LET_IN_BUT_WRONG
from tests.rpc.import_calls import IMPORT_LET_IN_BUT_WRONG
from tests.rpc.maintenance_calls import MAINTENANCE_LET_IN_BUT_WRONG
from tests.rpc.model_calls import MODEL_LET_IN_BUT_WRONG
from tests.rpc.notice_calls import NOTICE_LET_IN_BUT_WRONG
from tests.rpc.production_calls import PRODUCTION_LET_IN_BUT_WRONG
from tests.rpc.report_calls import REPORT_LET_IN_BUT_WRONG
from tests.rpc.rollout_calls import ROLLOUT_LET_IN_BUT_WRONG
from tests.rpc.shift_calls import SHIFT_LET_IN_BUT_WRONG
from tests.rpc.storage_calls import STORAGE_LET_IN_BUT_WRONG
from tests.rpc.training_calls import TRAINING_LET_IN_BUT_WRONG
from tests.rpc.workspace_calls import SOMEBODY_ELSES

PEOPLE_NEEDS: dict[str, Permission | None] = {
    "groups.list": Permission.USERS_CONFIGURE,
    "groups.by_id": Permission.USERS_CONFIGURE,
    "groups.create": Permission.USERS_CONFIGURE,
    "groups.change": Permission.USERS_CONFIGURE,
    "groups.delete": Permission.USERS_CONFIGURE,
    "groups.restore": Permission.USERS_CONFIGURE,
    "profile.show": None,
    "profile.prefer": None,
    "profile.change_password": None,
    "profile.begin_mfa": None,
    "profile.confirm_mfa": None,
    "profile.end_mfa": None,
    "profile.new_recovery": None,
    "roles.table": None,
    "roles.create": Permission.USERS_CONFIGURE,
    "roles.change": Permission.USERS_CONFIGURE,
    "roles.delete": Permission.USERS_CONFIGURE,
    "service_accounts.list": Permission.USERS_CONFIGURE,
    "service_accounts.by_id": Permission.USERS_CONFIGURE,
    "service_accounts.create": Permission.USERS_CONFIGURE,
    "service_accounts.change": Permission.USERS_CONFIGURE,
    "service_accounts.create_key": Permission.USERS_CONFIGURE,
    "service_accounts.rotate_key": Permission.USERS_CONFIGURE,
    "service_accounts.revoke_key": Permission.USERS_CONFIGURE,
    "service_accounts.delete": Permission.USERS_CONFIGURE,
    "sessions.list": None,
    "sessions.idle_rule": None,
    "sessions.stay": None,
    "sessions.revoke": None,
    "sessions.revoke_others": None,
    "sessions.of_user": Permission.USERS_CONFIGURE,
    "sessions.revoke_of_user": Permission.USERS_CONFIGURE,
    "signatures.list": Permission.ASSETS_READ,
    "signatures.sign": Permission.SIGNATURES_SIGN,
    "signatures.verify": Permission.ASSETS_READ,
    "shares.of": Permission.ASSETS_SHARE,
    "shares.mine": Permission.ASSETS_READ,
    "shares.create": Permission.ASSETS_SHARE,
    "shares.revoke": Permission.ASSETS_SHARE,
    "users.list": Permission.USERS_CONFIGURE,
    "users.by_id": Permission.USERS_CONFIGURE,
    "users.rights": Permission.USERS_CONFIGURE,
    "users.create": Permission.USERS_CONFIGURE,
    "users.invite": Permission.USERS_CONFIGURE,
    "users.change": Permission.USERS_CONFIGURE,
    "users.renew_link": Permission.USERS_CONFIGURE,
    "users.reset_mfa": Permission.USERS_CONFIGURE,
    "users.delete": Permission.USERS_CONFIGURE,
}
# How a caller is answered who was let in but sends what somebody who sits there would know better: a password, a code.
SIGNATURE = 1  # No signature: only what stands in the trail before is known to be there.
LET_IN_BUT_WRONG = {
    "alarms.acknowledge_all": "CONFLICT",  # The one named is over.
    "alarms.reset": "CONFLICT",  # It is not latched.
    "signatures.verify": "NOT_FOUND",
    "demo.reset": "CONFLICT",  # Who sees one site leaves the other one as it is.
    "directories.try_person": "BAD_REQUEST",  # A provider cannot be searched.
    "audit.cancel_check": "CONFLICT",  # The one that was begun is done already.
    "certificates.forget": "NOT_FOUND",  # Its one certificate is in use again.
    "certificates.obtain": "CONFLICT",  # Nobody named a directory.
    "exports.delete": "NOT_FOUND",  # It has long been removed.
    "formulas.cancel_recalculation": "NOT_FOUND",  # It has long been done.
    "formulas.recalculate": "BAD_REQUEST",  # The signal is measured.
    "profile.change_password": "BAD_REQUEST",
    "profile.confirm_mfa": "BAD_REQUEST",
    "profile.end_mfa": "BAD_REQUEST",
    "profile.new_recovery": "BAD_REQUEST",
    "sessions.revoke": "NOT_FOUND",
    "settings.go_back": "BAD_REQUEST",  # Where nothing was set, there is nowhere to go back to.
    **FIRMWARE_LET_IN_BUT_WRONG,
    **IMPORT_LET_IN_BUT_WRONG,
    **MAINTENANCE_LET_IN_BUT_WRONG,
    **MODEL_LET_IN_BUT_WRONG,
    **NOTICE_LET_IN_BUT_WRONG,
    **PRODUCTION_LET_IN_BUT_WRONG,
    **REPORT_LET_IN_BUT_WRONG,
    **ROLLOUT_LET_IN_BUT_WRONG,
    **SHIFT_LET_IN_BUT_WRONG,
    **SOMEBODY_ELSES,
    **STORAGE_LET_IN_BUT_WRONG,
    **TRAINING_LET_IN_BUT_WRONG,
}


def people_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about a visitor and a robot who are there for that, and about the caller."""
    return {
        "groups.by_id": {"group_id": GROUP},
        "groups.create": {"name": "Night shift", "permissions": ["alarms.read"]},
        "groups.change": {"group_id": GROUP, "description": "of the line"},
        "groups.delete": {"group_id": GROUP},
        "groups.restore": {"group_id": GROUP},
        "roles.create": {"name": "Shift lead", "based_on": "operator"},
        "roles.change": {"role_id": CUSTOM_ROLE, "permissions": ["alarms.read"], "reason": "less is more"},
        "roles.delete": {"role_id": CUSTOM_ROLE},
        "users.rights": {"user_id": own.user_id},
        "profile.prefer": {"theme": "dark"},
        "profile.change_password": {"password": "not it", "new_password": "granite whispers twice"},
        "profile.begin_mfa": {"password": PASSWORD},
        "profile.confirm_mfa": {"code": "abcdef"},
        "profile.end_mfa": {"password": PASSWORD, "code": "abcdef"},
        "profile.new_recovery": {"code": "abcdef"},
        "service_accounts.by_id": {"user_id": ROBOT},
        "service_accounts.create": {"username": "mes", "permissions": ["signals.read"]},
        "service_accounts.change": {"user_id": ROBOT, "permissions": ["alarms.read"]},
        "service_accounts.create_key": {"user_id": ROBOT, "name": "second"},
        "service_accounts.rotate_key": {"key_id": ROBOT_KEY},
        "service_accounts.revoke_key": {"key_id": ROBOT_KEY},
        "service_accounts.delete": {"user_id": ROBOT},
        "sessions.revoke": {"session_id": own.session_id},
        "sessions.of_user": {"user_id": own.user_id},
        "sessions.revoke_of_user": {"user_id": own.user_id},
        "signatures.list": {"subject": "asset", "subject_id": own.asset_id},
        "signatures.sign": {
            "subject": "asset",
            "subject_id": own.asset_id,
            "meaning": "reviewed",
            "password": PASSWORD,
        },
        "signatures.verify": {"seq": SIGNATURE},
        "shares.of": {"kind": "asset", "resource_id": own.asset_id},
        "shares.create": {"kind": "asset", "resource_id": own.asset_id, "username": "viewer.one"},
        "shares.revoke": {"share_id": own.share_id},
        "users.by_id": {"user_id": own.user_id},
        "users.create": {"username": "new", "role": "viewer", "password": PASSWORD},
        "users.invite": {"username": "guest.one", "role": "viewer"},
        "users.change": {"user_id": own.user_id, "display_name": "Somebody"},
        "users.renew_link": {"user_id": own.user_id},
        "users.reset_mfa": {"user_id": own.user_id},
        "users.delete": {"user_id": own.user_id},
    }


def people_crossings(target: Belongings) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with what is not theirs; the rest belongs to admins, who see every site."""
    with_whom = {"kind": "asset", "username": "viewer.one"}
    return {
        ("sessions.revoke", "session_id"): [{"session_id": target.session_id}],
        ("signatures.list", "subject_id"): [{"subject": "asset", "subject_id": target.asset_id}],
        ("signatures.sign", "subject_id"): [
            {"subject": "asset", "subject_id": target.asset_id, "meaning": "approved", "password": PASSWORD}
        ],
        ("shares.of", "resource_id"): [{"kind": "asset", "resource_id": target.asset_id}],
        ("shares.create", "resource_id"): [{"resource_id": target.asset_id, **with_whom}],
        ("shares.revoke", "share_id"): [{"share_id": target.share_id}],
    }
