"""Forms in which the plant is changed: machines and their alarm rules."""

from typing import Any

import reflex as rx
from reflex.event import no_args_event_spec

from pdm_app.domain.assets import Asset
from pdm_app.domain.signals import Signal
from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class _Editor(Widget):
    """``on_changed`` is told when something was stored."""

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """Add what the page reads anew after."""
        return {**super().get_event_triggers(), "on_changed": no_args_event_spec}


class AssetEditor(_Editor):
    """Edit and delete, for those who may."""

    library = module("asset_editor.jsx")
    tag = "AssetEditor"

    asset: rx.Var[Asset]


class AssetAdder(Widget):
    """Adds a machine to a line and opens its page."""

    library = module("asset_editor.jsx")
    tag = "AssetAdder"

    line_id: rx.Var[str]


class AlarmRules(_Editor):
    """The alarm rules of a machine, with their forms for those who may."""

    library = module("alarm_rules.jsx")
    tag = "AlarmRules"

    asset_id: rx.Var[str]
    signals: rx.Var[list[Signal]]
    may_configure: rx.Var[bool]


class RuleDesk(_Editor):
    """Makes a rule of any value on the page that is clicked with the right button, or asked for by its button."""

    library = module("rule_desk.jsx")
    tag = "RuleDesk"

    may_configure: rx.Var[bool]


class RuleOffer(Widget):
    """A button that asks the page's rule desk for a rule on ``signal``."""

    library = module("rule_offer.jsx")
    tag = "RuleOffer"

    signal: rx.Var[Signal]


alarm_rules = AlarmRules.create
asset_adder = AssetAdder.create
asset_editor = AssetEditor.create
rule_desk = RuleDesk.create
rule_offer = RuleOffer.create
