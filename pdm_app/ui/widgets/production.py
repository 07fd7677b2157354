"""Effectiveness of the lines of a site, and of one of them."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Production(Widget):
    """Lines over a time; one line from its minutes to its stops. Line and time stand in the address."""

    library = module("production.jsx")
    tag = "Production"

    site_id: rx.Var[str]
    may_record: rx.Var[bool]
    may_manage: rx.Var[bool]


production_widget = Production.create


class ProductionSetup(Widget):
    """How the machines of a site are rated, what it makes, why machines stand, and what losses cost."""

    library = module("production_setup.jsx")
    tag = "ProductionSetup"

    site_id: rx.Var[str]
    may_configure: rx.Var[bool]
    may_manage: rx.Var[bool]


production_setup_widget = ProductionSetup.create


class ProductionShift(Widget):
    """The shift as the operator's tablet shows it: state, pieces, reasons of stops, handover."""

    library = module("production_shift.jsx")
    tag = "ProductionShift"

    site_id: rx.Var[str]
    may_record: rx.Var[bool]


class ProductionWall(Widget):
    """All lines in figures that are read across a hall."""

    library = module("production_wall.jsx")
    tag = "ProductionWall"

    site_id: rx.Var[str]


class ProductionPlan(Widget):
    """Orders of the lines, and time in which machines are not to run."""

    library = module("production_plan.jsx")
    tag = "ProductionPlan"

    site_id: rx.Var[str]
    may_record: rx.Var[bool]
    may_manage: rx.Var[bool]


production_plan_widget = ProductionPlan.create
production_shift_widget = ProductionShift.create
production_wall_widget = ProductionWall.create
