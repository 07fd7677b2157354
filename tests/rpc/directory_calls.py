"""What the procedures about the company's directories need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import PROVIDER, Belongings

DIRECTORY_NEEDS: dict[str, Permission | None] = {
    "directories.list": Permission.USERS_CONFIGURE,
    "directories.check": Permission.USERS_CONFIGURE,
    "directories.try_person": Permission.USERS_CONFIGURE,
    "directories.put_secret": Permission.USERS_CONFIGURE,
    "directories.remove_secret": Permission.USERS_CONFIGURE,
    "directories.of_user": Permission.USERS_CONFIGURE,
    "directories.set_email": Permission.USERS_CONFIGURE,
    "directories.unlink": Permission.USERS_CONFIGURE,
}


def directory_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about a provider that nobody serves, and about a visitor who belongs to it."""
    return {
        "directories.check": {"directory_id": PROVIDER},
        "directories.try_person": {"directory_id": PROVIDER, "username": "ada"},
        "directories.put_secret": {"directory_id": PROVIDER, "secret": "kelp and thunder"},
        "directories.remove_secret": {"directory_id": PROVIDER},
        "directories.of_user": {"user_id": own.user_id},
        "directories.set_email": {"user_id": own.user_id, "email": "visitor@plant.example"},
        "directories.unlink": {"user_id": own.user_id, "directory_id": PROVIDER, "subject": own.user_id},
    }
