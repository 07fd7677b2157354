"""The message catalogue, one file per language."""

from pathlib import Path

import reflex as rx

from pdm_app.ui.messages.catalogue import UnknownMessageError, messages, text

__all__ = ["UnknownMessageError", "link_catalogues", "messages", "text"]


def link_catalogues() -> None:
    """Link every catalogue into the front-end build that is under way."""
    for path in sorted(Path(__file__).parent.glob("*.json")):
        rx.asset(path.name, shared=True)
