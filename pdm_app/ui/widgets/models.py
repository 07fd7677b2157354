"""Models: their training in steps, and one model with its versions."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class TrainingWizard(Widget):
    """Machine, data, training, replay of the past, decision."""

    library = module("training.jsx")
    tag = "TrainingWizard"

    site_id: rx.Var[str]
    rights: rx.Var[list[str]]


class ModelPage(Widget):
    """The model that the page's address names, with its versions."""

    library = module("model_page.jsx")
    tag = "ModelPage"

    rights: rx.Var[list[str]]


class AssetHealth(Widget):
    """How one machine is doing, and what its models say."""

    library = module("asset_health.jsx")
    tag = "AssetHealth"

    asset_id: rx.Var[str]
    site_id: rx.Var[str]
    rights: rx.Var[list[str]]


class Copilot(Widget):
    """A drawer that answers questions about a machine."""

    library = module("copilot.jsx")
    tag = "Copilot"

    rights: rx.Var[list[str]]


asset_health = AssetHealth.create
copilot = Copilot.create
training_wizard = TrainingWizard.create
model_widget = ModelPage.create
