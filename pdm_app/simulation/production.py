"""How the demo plant's machines that make parts are rated: which signals say what, products, reasons, prices.

The packing line is rated by its capper, which is its constraint. The injection machines work beside each other, as do
the two milling machines, so that these lines are rated by the sums of all of theirs.
"""

from collections.abc import Iterator

from pdm_app.domain.assets import Asset
from pdm_app.domain.machine_states import MachineState, StateRule
from pdm_app.domain.production import IdealCycle, Product, ProductionUnit, SiteRates, StopReason
from pdm_app.simulation.physics import machining, moulding, packing
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.plant import MACHINES
from pdm_app.simulation.truth import IDEAL_S, MINOR_STOP_S

SITE_ID = "graz"
CONSTRAINT = packing.CODES[packing.CAPPER]
TARGETS = {CONSTRAINT: 0.75, **dict.fromkeys(moulding.CODES, 0.80), **dict.fromkeys(machining.CODES, 0.70)}

PRODUCTS = tuple(
    Product(id=f"cap-{number}", site_id=SITE_ID, code=f"P-{number}", name=f"Cap {number} mm", number=number)
    for number in packing.PRODUCTS
)
RATES = SiteRates(id=SITE_ID, site_id=SITE_ID, machine_hour=240, scrap_piece=0.04, energy_kwh=0.22)

STARTED_AFTER = 280
"""Good pieces of the four minutes in which the camera rejects many after each start."""


def _reason(
    key: str, name: str, state: MachineState, position: int, parent: str | None = None, de: str = ""
) -> StopReason:
    return StopReason(
        id=f"graz-{key}", site_id=SITE_ID, parent_id=None if parent is None else f"graz-{parent}", name=name,
        names={"de": de} if de else {}, state=state, position=position,
    )  # fmt: skip


REASONS = (
    _reason("mechanical", "Mechanical", MachineState.DOWN, 0, de="Mechanik"),
    _reason("jam", "Jam", MachineState.DOWN, 1, "mechanical", de="Stau"),
    _reason("drive", "Drive or bearing", MachineState.DOWN, 2, "mechanical", de="Antrieb oder Lager"),
    _reason("electrical", "Electrical", MachineState.DOWN, 3, de="Elektrik"),
    _reason("sensor", "Sensor", MachineState.DOWN, 4, "electrical", de="Sensor"),
    _reason("power", "Power dip", MachineState.IDLE, 5, "electrical", de="Spannungseinbruch"),
    _reason("supply", "Supply", MachineState.IDLE, 6, de="Versorgung"),
    _reason("material", "No material", MachineState.IDLE, 7, "supply", de="Kein Material"),
    _reason("crew", "No operator", MachineState.IDLE, 8, "supply", de="Kein Bediener"),
    _reason("change", "Change-over", MachineState.SETUP, 9, de="Umrüsten"),
    _reason("set-up", "Product change", MachineState.SETUP, 10, "change", de="Produktwechsel"),
    _reason("tool-change", "Tool change", MachineState.SETUP, 11, "change", de="Werkzeugwechsel"),
    _reason("planned", "Planned", MachineState.PLANNED, 12, de="Geplant"),
    _reason("break", "Break", MachineState.PLANNED, 13, "planned", de="Pause"),
    _reason("cleaning", "Cleaning", MachineState.PLANNED, 14, "planned", de="Reinigung"),
)

_TOLD: tuple[tuple[Reason, MachineState, str | None, bool], ...] = (
    (Reason.RUNNING, MachineState.RUNNING, None, False),
    (Reason.STARVED, MachineState.STARVED, None, True),
    (Reason.BLOCKED, MachineState.BLOCKED, None, True),
    (Reason.MINOR_STOP, MachineState.IDLE, None, True),
    (Reason.TOOL_CHANGE, MachineState.SETUP, "graz-tool-change", False),
    (Reason.BREAKDOWN, MachineState.DOWN, None, False),
    (Reason.SET_UP, MachineState.SETUP, "graz-set-up", False),
    (Reason.BREAK, MachineState.PLANNED, "graz-break", False),
    (Reason.CLEANING, MachineState.PLANNED, "graz-cleaning", False),
    (Reason.TRIP, MachineState.IDLE, "graz-power", True),
)
"""What a stop reason signal says, and whether a short one is a minor stop."""


def units() -> Iterator[ProductionUnit]:
    """Return how every machine of the plant that makes parts is rated."""
    for machine in MACHINES:
        code = machine.asset.code
        number = {signal.name: signal.id for signal in machine.signals}
        if code in packing.CODES:
            yield _packing(machine.asset, number)
        elif code in moulding.CODES or code in machining.CODES:
            yield _single(machine.asset, number)


def _packing(asset: Asset, number: dict[str, int]) -> ProductionUnit:
    """Return how a machine of the line is rated; what the camera rejects is scrap of the one that rates the line."""
    rates_line = asset.code == CONSTRAINT
    return ProductionUnit(
        id=asset.id, site_id=asset.site_id, asset_id=asset.id, line_id=asset.line_id,
        rules=_rules(number["Stop_Reason"]),
        minor_stop_s=MINOR_STOP_S,
        made_signal_id=number["In_Count"],
        good_signal_id=None if rates_line else number["Out_Count"],
        scrap_signal_id=_rejected() if rates_line else None,
        counter_modulus=65_536,
        startup_pieces=STARTED_AFTER if rates_line else 0,
        product_signal_id=number["Product"],
        cycles=tuple(IdealCycle(product_id=f"cap-{key}", seconds=ideal_s) for key, ideal_s in packing.PRODUCTS.items()),
        is_constraint=rates_line,
        target_oee=TARGETS.get(asset.code),
    )  # fmt: skip


def _rejected() -> int:
    [camera] = [machine for machine in MACHINES if machine.asset.code == packing.CODES[packing.CAMERA]]
    return next(signal.id for signal in camera.signals if signal.name == "Reject_Count")


def _single(asset: Asset, number: dict[str, int]) -> ProductionUnit:
    return ProductionUnit(
        id=asset.id, site_id=asset.site_id, asset_id=asset.id, line_id=asset.line_id,
        rules=_rules(number["Stop_Reason"]),
        minor_stop_s=MINOR_STOP_S,
        made_signal_id=number["Part_Count"],
        scrap_signal_id=number["Scrap_Count"],
        cycles=(IdealCycle(seconds=IDEAL_S[asset.code]),),
        is_constraint=True,
        target_oee=TARGETS[asset.code],
    )  # fmt: skip


def _rules(signal_id: int) -> tuple[StateRule, ...]:
    return tuple(
        StateRule(
            signal_id=signal_id, low=reason, high=reason + 1, state=state, reason_id=reason_id, may_be_minor=minor
        )
        for reason, state, reason_id, minor in _TOLD
    )  # fmt: skip
