"""The certificate of HTTPS."""

import reflex as rx

from pdm_app.domain.access import Permission
from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.certificates import certificates_page


def certificates() -> rx.Component:
    """Everything an admin sees and does about it; the list of what was done only for those who may read the trail."""
    return settings_page(
        "/settings/certificates",
        head(text("certificates.title")),
        certificates_page(sees_trail=Session.permissions.contains(str(Permission.AUDIT_READ))),
    )
