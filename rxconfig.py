"""Configuration of the Reflex front end; read from the working directory, by the build and when serving."""

import reflex as rx
from reflex_base.constants import StateManagerMode

config = rx.Config(
    app_name="pdm_app",
    state_manager_mode=StateManagerMode.MEMORY,  # One process serves; the default would write every state to disk.
    cors_allowed_origins=[],  # No other site may read answers; endpoints/own_pages.py refuses its sockets and posts.
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[],
    disable_plugins=[rx.plugins.SitemapPlugin, rx.plugins.RadixThemesPlugin],
)
