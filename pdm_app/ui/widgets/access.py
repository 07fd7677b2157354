"""Who else sees a machine, who has signed for it, and whether the audit trail is whole."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Shares(Widget):
    """With whom a machine is shared."""

    library = module("shares.jsx")
    tag = "Shares"

    asset_id: rx.Var[str]
    may_change: rx.Var[bool]


class SharedWithMe(Widget):
    """Machines of other sites that are shared with the reader; draws nothing where there are none."""

    library = module("shares.jsx")
    tag = "SharedWithMe"


class Signatures(Widget):
    """Who has signed a thing, and signing it."""

    library = module("signatures.jsx")
    tag = "Signatures"

    subject: rx.Var[str]
    subject_id: rx.Var[str]
    name: rx.Var[str]
    may_sign: rx.Var[bool]


class AuditCheck(Widget):
    """The check of the audit trail, which runs by itself."""

    library = module("audit_check.jsx")
    tag = "AuditCheck"


audit_check = AuditCheck.create
shared_with_me = SharedWithMe.create
shares = Shares.create
signatures = Signatures.create
