"""Who may enter: people, and the accounts of programs."""

import reflex as rx

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission
from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.people import group_table, people_table, service_account_table

RIGHTS = [str(permission) for permission in Permission if permission is not Permission.USERS_CONFIGURE]
"""Those that can be given to one account; administering people comes with the role admin alone."""
ROLE_RIGHTS = {str(role): sorted(str(right) for right in rights) for role, rights in ROLE_PERMISSIONS.items()}


def users() -> rx.Component:
    """People first, then groups, programs below."""
    return settings_page(
        "/settings/users",
        head(text("users.title")),
        rx.el.div(
            people_table(rights=rx.Var.create(RIGHTS), role_rights=rx.Var.create(ROLE_RIGHTS)),
            group_table(rights=rx.Var.create(RIGHTS)),
            service_account_table(rights=rx.Var.create(RIGHTS)),
            class_name="stack",
        ),
    )
