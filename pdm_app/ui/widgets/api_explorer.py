"""Every procedure that programs can call: to be found, read, tried with the session of the page, and taken as code."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class ApiExplorer(Widget):
    """``permissions`` are those of the person; a procedure that needs another one can be read but not tried.

    Until the person ``is_known`` nothing is said to be lacking.
    """

    library = module("api_explorer.jsx")
    tag = "ApiExplorer"

    permissions: rx.Var[list[str]]
    is_known: rx.Var[bool]


api_explorer = ApiExplorer.create
