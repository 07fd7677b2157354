"""The alarm that the link of a message leads to."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class NoticeLink(Widget):
    """What the link says, or why it says nothing any more."""

    library = module("notice_link.jsx")
    tag = "NoticeLink"

    may_acknowledge: rx.Var[bool]


notice_link_widget = NoticeLink.create
