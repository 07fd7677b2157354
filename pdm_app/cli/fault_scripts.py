"""Each fault of the demo plant, seen by the default model: is the right signal named first, and what is it called.

A model is fitted to the week before; then the fault grows from nothing at the pace of its script. The question is put
half an hour after the alarm, about the hour around it; a fault that raises none is judged where it ends, and that is
said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdm_app.domain.diagnosis import Diagnosis, Finding, diagnose
from pdm_app.domain.movements import movements
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, Micros
from pdm_app.domain.scores import Flags
from pdm_app.domain.sensor_faults import SensorFault, sensor_fault
from pdm_app.domain.signals import DataType, Signal
from pdm_app.inference.ensemble import EnsembleDetector
from pdm_app.inference.scoring import Scorer
from pdm_app.inference.sessions import load
from pdm_app.inference.training import fitted_rows, train
from pdm_app.simulation import faults
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.physics import moulding
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.work_days import day_at
from pdm_app.simulation.plant import MACHINES

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC, a Thursday.
ROW_S = 60
USUAL_DAYS = 7
DAY_US = 86_400 * MICROS_PER_S
LOOKED_AT_ROWS = 60
AFTER_ROWS = 30
SAMPLE_S = 1
RUNNING = 2.0
SHORT_STOP_ROWS = 5


@dataclass(frozen=True, slots=True)
class Script:
    """A fault, where it is, which signals may be named first, and what it may be called.

    Attributes:
        key: Of the fault.
        asset: Where it is injected.
        watched: The machine whose signals show it, and those beside it.
        first: Signals that show it first.
        findings: Right answers.
        sensor: The signal whose sensor fails.
        masked: Whether rows in which the machine does not run are left out, as for live models.
        usual: The machine whose week is learned from: a standby pump that never runs is judged by its twin.
        worn_days: So long before the question the fault has begun: a bearing wears from its first day, and the week
            that is learned from is one of them.
    """

    key: str
    asset: str
    watched: tuple[str, ...]
    first: frozenset[str]
    findings: frozenset[Finding]
    sensor: str = ""
    masked: bool = True
    usual: str = ""
    worn_days: int = 0


def _script(key: str, asset: str, first: str, *findings: Finding, watched: str = "", **more: Any) -> Script:
    return Script(key, asset, tuple(watched.split()) or (asset,), frozenset(first.split()), frozenset(findings), **more)


def _mould() -> str:
    return moulding.MOULDS["IM-13"][moulding.mounted("IM-13", day_at(NOON).number)[0]]


VIBRATION = "Vibration_mm_s"
SCRIPTS: tuple[Script, ...] = (
    _script("bearing_wear", "P-101A", "Envelope_BPFO_g Vibration_mm_s", Finding.BEARING, worn_days=USUAL_DAYS),
    _script("cavitation", "P-502", "Suction_Pressure_bar Flow_Rate_L_min", Finding.CAVITATION, Finding.CLOGGING),
    _script("impeller_imbalance", "CT-101", "Vibration_1x_mm_s Vibration_mm_s", Finding.IMBALANCE),
    _script("misalignment", "P-101B", "Vibration_Axial_mm_s", Finding.MISALIGNMENT, usual="P-101A"),
    _script("seal_leak", "P-503", "Oil_Pressure_bar", Finding.LEAK),
    _script("air_leak", "AH-201", "Air_Flow_m3_min C-201/Load_Share_pct", Finding.AIR_LEAK, watched="AH-201 C-201"),
    _script("filter_clog", "C-201", "Filter_Differential_Pressure_bar", Finding.CLOGGING),
    _script("tool_wear", "CNC-31", "Spindle_Vibration_mm_s Diameter_Deviation_um Tool_Life_pct", Finding.TOOL_WEAR),
    _script("vent_clog", _mould(), "Scrap_Count", Finding.SCRAP, watched="IM-13"),
    _script("hot_runner", _mould(), "Melt_Temperature_C Scrap_Count", Finding.HEATING_WEAK, watched="IM-13"),
    _script("cool_blocked", "IM-12", "Cooling_Time_s Cycle_Time_s", Finding.COOLING_BLOCKED),
    _script("capper_jam", "C-42", "Stops Speed_per_min Out_Count", Finding.MINOR_STOPS),
    *(
        _script(f"sensor_{fault}", "P-101A", VIBRATION, Finding.SENSOR, sensor=VIBRATION)
        for fault in ("stuck", "drift", "spike", "dropout")
    ),
    _script("comm_loss", "G-7", "rssi_dbm", Finding.WEAK_LINK, masked=False),
    _script("link_weak", "G-7", "rssi_dbm", Finding.WEAK_LINK, masked=False),
    _script(
        "alarm_flood", "P-101A",
        "Motor_RPM Motor_Current_A Motor_Power_kW Flow_Rate_m3_h Discharge_Pressure_bar",
        Finding.STOPPED, Finding.MINOR_STOPS, masked=False,
    ),
    _script("chattering", "L-43", "Glue_Level_pct", Finding.UNCLEAR, Finding.SENSOR, masked=False),
    _script(
        "power_dip", "C-201", "Motor_Power_kW Load_Share_pct Header_Pressure_bar Air_Delivery_m3_min",
        Finding.STOPPED, Finding.MINOR_STOPS, masked=False,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one script.

    Attributes:
        script: Which one.
        alarm_after_s: From the fault's beginning to the model's alarm; None where it raised none.
        dismissed: Alarms before it of which the diagnosis said that nothing has moved beyond usual hours.
        diagnosis: What was said at that moment.
    """

    script: Script
    alarm_after_s: float | None
    dismissed: int
    diagnosis: Diagnosis

    @property
    def named_first(self) -> str:
        return self.diagnosis.contributors[0].signal if self.diagnosis.contributors else "-"

    @property
    def is_first_right(self) -> bool:
        return self.named_first in self.script.first

    @property
    def is_finding_right(self) -> bool:
        return self.diagnosis.finding in self.script.findings


def judged(script: Script, seed: int = SEED) -> Outcome:
    """Run one script on the plant of a seed and ask what is wrong when the model's alarm comes."""
    lasts_s = faults.SCRIPTS[script.key].full_after_s - script.worn_days * 86_400
    until = NOON + round(min(lasts_s, 30 * 86_400.0) * MICROS_PER_S) + DAY_US
    begun = Micros(NOON - script.worn_days * DAY_US)
    fault = InjectedFault("judged", script.key, script.asset, script.sensor, begun, 0.0)
    before = replace(script, watched=(script.usual, *script.watched[1:])) if script.usual else script
    learned = _table(before, NOON - USUAL_DAYS * DAY_US, NOON, ROW_S, (fault,), seed)
    table = _table(script, NOON, until, ROW_S, (fault,), seed)
    live = table.running if script.masked else np.ones(len(table.at), dtype=np.bool_)
    usual = learned.values[learned.running] if script.masked else learned.values
    changing = [place for place in range(len(table.names)) if _changes(usual[:, place])]
    names = [table.names[place] for place in changing]
    fitted = usual[:, changing][np.isfinite(usual[:, changing]).all(axis=1)]
    model = train(script.key, names, fitted, EnsembleDetector(), row_s=float(ROW_S))
    scorer = Scorer(model.card, load(model.card, model.graph))
    split = fitted_rows(len(fitted))
    scorer.remember(fitted[:split], follows=False)
    scorer.remember(fitted[split:], follows=True)
    scores, alarmed = scorer.score(table.values[:, changing], ~live)

    def asked(end: int) -> Diagnosis:
        seen = slice(max(0, end - LOOKED_AT_ROWS), end)
        shares = dict(zip(names, np.nanmean(scores.contribution[seen], axis=0).tolist(), strict=True))
        recent = table.values[seen][live[seen]] if live[seen].any() else table.values[seen]
        sensors = _failing(script, fault, int(table.at[end - 1]), seed)
        return diagnose(movements(table.names, table.units, usual, recent), shares, sensors)

    starts = np.flatnonzero(np.diff(alarmed.astype(np.int8), prepend=0) == 1).tolist()
    for place, alarm in enumerate(starts):
        told = asked(min(alarm + AFTER_ROWS, len(alarmed)))
        if told.finding is not Finding.USUAL:
            return Outcome(script, float(alarm * ROW_S), place, told)
    return Outcome(script, None, len(starts), asked(len(alarmed)))


def _changes(column: F8) -> bool:
    told = column[np.isfinite(column)]
    return len(told) > 0 and float(np.ptp(told)) > 0


def _running(state: F8) -> Flags:
    """Return where the machine runs, or stands for so short a time that it belongs to running."""
    stopped = np.concatenate(([False], state != RUNNING, [False]))
    edges = np.flatnonzero(np.diff(stopped.astype(np.int8)))
    live = np.ones(len(state), dtype=np.bool_)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        live[begin:end] = end - begin <= SHORT_STOP_ROWS
    return live


def outcomes(keys: Sequence[str] = (), seed: int = SEED) -> Iterator[Outcome]:
    """Judge the scripts with these keys; all for none."""
    for script in SCRIPTS:
        if not keys or script.key in keys:
            yield judged(script, seed)


@dataclass(frozen=True, slots=True)
class _Table:
    names: list[str]
    units: list[str]
    at: I8
    values: F8
    running: Flags


def _table(script: Script, start: int, end: int, step_s: int, acting: Sequence[InjectedFault], seed: int) -> _Table:
    """Return the numbers of the watched machines as rows; counters as what they count in a row."""
    signals: dict[int, Signal] = {signal.id: signal for machine in MACHINES for signal in machine.signals}
    names: list[str] = []
    units: list[str] = []
    columns: list[F8] = []
    running: F8 | None = None
    at: I8 = np.empty(0, dtype=np.int64)
    for code in script.watched:
        pieces = list(plant_columns(start, end, step_s, since=NOON, faults=acting, codes=[code], seed=seed))
        at = np.concatenate([piece.at for piece in pieces])
        whole = np.concatenate([piece.values for piece in pieces], axis=1)
        for place, number in enumerate(pieces[0].signal_ids.tolist()):
            signal, own = signals[number], whole[place]
            if signal.name == "State":
                if code == script.watched[0]:
                    running = own
                    names.append("Stops")
                    units.append("1")
                    columns.append((np.diff(own, prepend=own[:1]) < 0).astype(np.float64))
                continue
            if signal.name.endswith("_Count"):
                own = np.maximum(np.diff(own, prepend=own[:1]), 0.0)
            elif signal.data_type is not DataType.NUMBER:
                continue
            names.append(signal.name if code == script.watched[0] else f"{code}/{signal.name}")
            units.append(signal.unit)
            columns.append(own)
    mask = _running(running) if running is not None else np.ones(len(at), dtype=np.bool_)
    return _Table(names, units, at, np.stack(columns, axis=1), mask)


def _failing(script: Script, fault: InjectedFault, until: int, seed: int) -> Mapping[str, SensorFault]:
    """Look at the samples of the last hour, and of an hour of the day before the fault."""
    own = replace(script, watched=script.watched[:1])
    sound = _table(own, NOON - DAY_US, NOON - DAY_US + 3600 * MICROS_PER_S, SAMPLE_S, (fault,), seed)
    recent = _table(own, until - LOOKED_AT_ROWS * ROW_S * MICROS_PER_S, until, SAMPLE_S, (fault,), seed)
    found = {}
    for place, name in enumerate(sound.names):
        if name == "Stops" or name.endswith("_Count"):
            continue
        failing = sensor_fault(sound.values[:, place], recent.values[:, place])
        if failing is not None:
            found[name] = failing
    return found
