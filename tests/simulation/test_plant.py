"""The demo plant as records: ids, names and limits on which pages, tests and alarms rely."""

from collections import Counter

from pdm_app.domain.assets import STATE_OF_NUMBER, AssetState
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.signals import DataType
from pdm_app.simulation.machines.parts import STATE_IDLE, STATE_RUNNING, STATE_STOPPED
from pdm_app.simulation.plant import PlantPorts, northfield

PUMP_TEMPLATE = (
    "Motor_RPM",
    "Bearing_Temperature_C",
    "Oil_Pressure_bar",
    "Vibration_mm_s",
    "Flow_Rate_L_min",
    "Suction_Pressure_bar",
    "Discharge_Pressure_bar",
    "Motor_Current_A",
    "Casing_Temperature_C",
    "Ambient_Temperature_C",
)


def test_every_reference_between_records_resolves() -> None:
    plant = northfield()
    sites = {site.id for site in plant.sites}
    areas = {area.id: area.site_id for area in plant.areas}
    lines = {line.id: line.site_id for line in plant.lines}
    assets = {asset.id: asset.site_id for asset in plant.assets}
    signals = {signal.id: signal for signal in plant.signals}
    connections = {connection.id: connection.site_id for connection in plant.connections}
    assert set(areas.values()) <= sites
    assert all(areas[line.area_id] == line.site_id for line in plant.lines)
    assert all(lines[asset.line_id] == asset.site_id for asset in plant.assets)
    assert all(assets[device.asset_id or ""] == device.site_id for device in plant.devices)
    assert all(connections[device.connection_id or ""] == device.site_id for device in plant.devices)
    assert all(assets[signal.asset_id] == signal.site_id for signal in plant.signals)
    assert all(connections[signal.connection_id or ""] == signal.site_id for signal in plant.signals)
    assert all(signals[rule.signal_id].asset_id == rule.asset_id for rule in plant.rules)
    assert all(line.lead_signal_id is None or line.lead_signal_id in signals for line in plant.lines)
    assert all(signals[asset.state_signal_id or 0].asset_id == asset.id for asset in plant.assets)


def test_the_plant_is_as_large_as_its_story() -> None:
    plant = northfield()
    assert len(plant.assets) == 57, "27 machines, 6 moulds and 24 gateways"
    assert Counter(asset.site_id for asset in plant.assets) == {"graz": 27, "pune": 30}
    assert 350 <= len(plant.signals) <= 420
    assert {site.id: (site.time_zone, site.currency) for site in plant.sites} == {
        "graz": ("Europe/Vienna", "EUR"),
        "pune": ("Asia/Kolkata", "INR"),
    }
    drivers = {connection.id: connection.driver for connection in plant.connections}
    line_of = {asset.id: asset.line_id for asset in plant.assets}
    spoken = {(line_of[signal.asset_id], drivers[signal.connection_id or ""]) for signal in plant.signals}
    assert spoken == {
        ("graz-cooling-water", "opcua"),
        ("graz-im-1", "opcua"),
        ("graz-cell-a", "opcua"),
        ("graz-compressed-air", "modbus"),
        ("graz-packing-1", "modbus"),
        ("pune-pumps", "mqtt"),
        ("pune-gateways", "mqtt"),
    }


def test_ids_are_unique() -> None:
    plant = northfield()
    for records in (plant.assets, plant.devices, plant.connections, plant.signals, plant.rules, plant.lines):
        assert max(Counter(record.id for record in records).values()) == 1


def test_station_pump_offers_the_ten_names_of_the_template_first_and_in_order() -> None:
    plant = northfield()
    signals = plant.signals_of("p-501")
    assert tuple(signal.name for signal in signals if signal.name != "State") == PUMP_TEMPLATE
    assert [signal.position for signal in signals] == list(range(11))


def test_numbers_of_a_state_signal_are_those_of_the_domain() -> None:
    assert STATE_OF_NUMBER[STATE_RUNNING] is AssetState.RUNNING
    assert STATE_OF_NUMBER[STATE_IDLE] is AssetState.IDLE
    assert STATE_OF_NUMBER[STATE_STOPPED] is AssetState.STOPPED


def test_no_limit_lies_inside_the_normal_band_and_all_lie_inside_the_range() -> None:
    plant = northfield()
    signals = {signal.id: signal for signal in plant.signals}
    for rule in plant.rules:
        signal, condition = signals[rule.signal_id], rule.condition
        assert signal.range_low is not None
        assert signal.range_high is not None
        assert isinstance(condition, HighLimit | LowLimit), "the plant's own rules are limits"
        assert signal.range_low < condition.limit < signal.range_high, rule.id
        if isinstance(condition, HighLimit) and signal.normal_high is not None:
            assert condition.limit - condition.deadband >= signal.normal_high, rule.id
        if isinstance(condition, LowLimit) and signal.normal_low is not None:
            assert condition.limit + condition.deadband <= signal.normal_low, rule.id


def test_every_rule_tells_cause_consequence_and_action() -> None:
    assert all(rule.cause and rule.consequence and rule.action for rule in northfield().rules)


def test_normal_bands_lie_inside_the_range() -> None:
    for signal in northfield().signals:
        if signal.normal_low is not None and signal.normal_high is not None:
            assert signal.range_low is not None
            assert signal.range_high is not None
            assert signal.range_low <= signal.normal_low
            assert signal.normal_high <= signal.range_high


def test_numbers_without_a_range_are_counters_and_texts_have_no_range() -> None:
    for signal in northfield().signals:
        if signal.data_type is DataType.TEXT:
            assert signal.range_low is None


def test_endpoints_follow_the_ports_the_servers_took() -> None:
    plant = northfield(PlantPorts(opcua=14840, modbus=15020, mqtt=11883))
    assert [connection.endpoint for connection in plant.connections] == [
        "opc.tcp://127.0.0.1:14840",
        "127.0.0.1:15020",
        "mqtt://127.0.0.1:11883",
        "opc.tcp://127.0.0.1:14840",
        "opc.tcp://127.0.0.1:14840",
        "127.0.0.1:15020",
    ]
