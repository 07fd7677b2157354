"""Certificates: the page about that of this server, and the banner about what ends soon."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class CertificatesPage(Widget):
    """What is shown, replacing it, what waits and what was before; ``sees_trail`` adds who did what."""

    library = module("certificates.jsx")
    tag = "CertificatesPage"

    sees_trail: rx.Var[bool]


class ExpiryBanner(Widget):
    """Nothing unless something ends within days and ``rights`` allow to do something about it."""

    library = module("expiry_banner.jsx")
    tag = "ExpiryBanner"

    rights: rx.Var[list[str]]


certificates_page = CertificatesPage.create
expiry_banner = ExpiryBanner.create
