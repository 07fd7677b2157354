"""Numbers of pages, written by the one formatter of the browser: Vars for what is not a live value."""

from typing import Any

import reflex as rx
from reflex.utils.imports import ImportVar
from reflex.vars import VarData

from pdm_app.ui.browser import module


def _call(function: str, alias: str, *arguments: Any) -> rx.Var[str]:
    given = [rx.Var.create(argument) for argument in arguments]
    return rx.Var(
        _js_expr=f"{alias}({', '.join(str(argument) for argument in given)})",
        _var_type=str,
        _var_data=VarData.merge(
            *(argument._get_all_var_data() for argument in given),
            VarData(imports={module("format.js"): [ImportVar(tag=function, alias=alias)]}),
        ),
    ).to(str)


def number(value: Any, decimals: int | rx.Var[int] = 0) -> rx.Var[str]:
    """Write a number with fixed decimals."""
    return _call("number", "formatNumber", value, decimals)


def exact(value: Any, most: int = 4) -> rx.Var[str]:
    """Write a number with the decimals it was given with, ``most`` at most."""
    return _call("exact", "formatExact", value, most)


def quantity(value: Any, decimals: int | rx.Var[int], unit: str | rx.Var[str]) -> rx.Var[str]:
    """Write a number with the symbol of its UCUM unit."""
    return _call("quantity", "formatQuantity", value, decimals, unit)


def duration(seconds: Any) -> rx.Var[str]:
    """Write a span of seconds in its two largest units."""
    return _call("duration", "formatDuration", seconds)


def size(count: Any) -> rx.Var[str]:
    """Write a number of bytes in the unit that fits."""
    return _call("size", "formatSize", count)


def unit_symbol(code: str | rx.Var[str]) -> rx.Var[str]:
    """Write the symbol of a UCUM code."""
    return _call("unitSymbol", "formatUnit", code)
