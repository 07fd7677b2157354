"""The theme pair Slate: stylesheets in their order, what stands in the head of every page and around it."""

from pdm_app.ui.theme.slate import HEAD, STYLESHEETS
from pdm_app.ui.theme.wraps import APP_WRAPS

__all__ = ["APP_WRAPS", "HEAD", "STYLESHEETS"]
