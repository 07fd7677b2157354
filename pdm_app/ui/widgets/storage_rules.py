"""The list of storage rules with their forms."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class StorageRules(Widget):
    """Rules of a site, and what each would come to before it is saved."""

    library = module("storage_rules.jsx")
    tag = "StorageRules"

    site_id: rx.Var[str]
    may_configure: rx.Var[bool]


storage_rules_list = StorageRules.create
