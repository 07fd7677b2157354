"""The theme pair Slate: stylesheets in their order, and what has to stand in the head of every page."""

from pdm_app.ui.theme.slate import HEAD, STYLESHEETS

__all__ = ["HEAD", "STYLESHEETS"]
