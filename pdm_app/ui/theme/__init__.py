"""The theme pair Slate: stylesheets in their order, and what has to stand in the head of every page."""

from pdm_app.ui.theme.slate import STYLESHEETS, head_components

__all__ = ["STYLESHEETS", "head_components"]
