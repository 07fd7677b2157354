"""The readings of the compressed air in Graz under their signals' names: two compressors, dryer, header."""

import numpy as np

from pdm_app.domain.samples import F8
from pdm_app.simulation.physics import compressor
from pdm_app.simulation.physics.compressor import AirReadings
from pdm_app.simulation.physics.moments import Columns, Moments
from pdm_app.simulation.physics.states import IDLE, RUNNING, running

DISCHARGE_FOLLOWS_AMBIENT = 0.3
DISCHARGE_FOLLOWS_COOLING = 1.1
DEW_POINT_FOLLOWS_COOLING = 0.6
AMBIENT_REFERENCE_C = 24.0
OIL_BELOW_DISCHARGE_K = 9.0
SEPARATOR_TAKES_BAR = 2.3
"""Separator and oil circuit; the rest of the header pressure drives the oil."""


def columns(moments: Moments, air: AirReadings, excess_k: F8) -> Columns:
    """Return the readings before the noise of the sensors.

    Args:
        moments: When.
        air: What ideal sensors read.
        excess_k: By how much the cooling water is too warm; 0 where it is not known.
    """
    ambient = moments.ambient_graz_c
    warmth = DISCHARGE_FOLLOWS_AMBIENT * (ambient - AMBIENT_REFERENCE_C) + DISCHARGE_FOLLOWS_COOLING * excess_k
    discharge = air.discharge_c + warmth
    dew_point = compressor.DEW_POINT_C + DEW_POINT_FOLLOWS_COOLING * excess_k
    stays = np.full(len(moments.at), RUNNING)
    return {
        "C-201": {
            "Header_Pressure_bar": air.header_bar,
            "Discharge_Temperature_C": discharge,
            "Motor_Power_kW": air.power_kw,
            "Filter_Differential_Pressure_bar": air.filter_bar,
            "Dew_Point_C": dew_point,
            "Load_Share_pct": 100 * air.load_share,
            "Air_Demand_m3_min": air.demand,
            "Air_Delivery_m3_min": air.delivery,
            "Oil_Temperature_C": discharge - OIL_BELOW_DISCHARGE_K,
            "Oil_Pressure_bar": np.maximum(air.header_bar - SEPARATOR_TAKES_BAR, 0.0),
            "Ambient_Temperature_C": ambient,
            "Loaded": air.is_loaded,
            "State": stays,
        },
        "C-202": {
            "Motor_Power_kW": air.second_power_kw,
            "Discharge_Temperature_C": air.second_discharge_c,
            "Load_Share_pct": 100 * air.second_load_share,
            "Air_Delivery_m3_min": air.second_delivery,
            "Loaded": air.second_is_loaded,
            "State": running(air.second_is_loaded, standing=IDLE),
        },
        "D-201": {
            "Dew_Point_C": dew_point,
            "Inlet_Temperature_C": 32.0 + 0.25 * (discharge - 84.0),
            "Pressure_Drop_bar": 0.05 + 0.12 * air.load_share**2,
            "State": stays,
        },
        "AH-201": {
            "Header_Pressure_bar": air.header_bar,
            "Air_Flow_m3_min": air.demand + air.leak,
            "State": stays,
        },
    }
