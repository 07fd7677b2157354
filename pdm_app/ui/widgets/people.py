"""Accounts: of people, of programs, one's own, and the link that makes one."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class People(Widget):
    """Everybody who signs in. ``role_rights`` maps a role to the rights it has."""

    library = module("people.jsx")
    tag = "People"

    rights: rx.Var[list[str]]
    role_rights: rx.Var[dict[str, Any]]


class Groups(Widget):
    """People who belong together, and what that gives them."""

    library = module("groups.jsx")
    tag = "Groups"

    rights: rx.Var[list[str]]


class PermissionMatrix(Widget):
    """Roles against rights; those who administer people change the roles made here."""

    library = module("permission_matrix.jsx")
    tag = "PermissionMatrix"

    may_change: rx.Var[bool]
    own_role: rx.Var[str]


class ServiceAccounts(Widget):
    """Programs that call with a key."""

    library = module("service_accounts.jsx")
    tag = "ServiceAccounts"

    rights: rx.Var[list[str]]


class ProfilePage(Widget):
    """One's own account; ``homes`` are the pages to begin with, as ``{path, name}``."""

    library = module("profile.jsx")
    tag = "ProfilePage"

    homes: rx.Var[list[dict[str, Any]]]


class AcceptForm(Widget):
    """Sets a password by a one-time link."""

    library = module("accept.jsx")
    tag = "AcceptForm"


class IdleWatch(Widget):
    """Signs out a page that nobody touches, after a minute's warning."""

    library = module("idle.jsx")
    tag = "IdleWatch"


accept_form = AcceptForm.create
group_table = Groups.create
idle_watch = IdleWatch.create
people_table = People.create
permission_matrix = PermissionMatrix.create
profile_cards = ProfilePage.create
service_account_table = ServiceAccounts.create
