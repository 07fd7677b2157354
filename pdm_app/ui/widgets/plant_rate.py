"""Samples per second, buffer and drops, at the foot of the rail: nothing is silently lost."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class PlantRate(Widget):
    """Two short lines, renewed every few seconds."""

    library = module("top_bar.jsx")
    tag = "PlantRate"


plant_rate = PlantRate.create
