"""Groups of devices: who is in one, and why; and what a filter may not be."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.assets import Device
from pdm_app.domain.device_groups import DeviceGroupFacts, members, natural, parse
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.firmware_twins import FirmwareTwin


def device(code: str, **more: object) -> Device:
    return Device.model_validate({"id": code, "site_id": "graz", "code": code, "name": code, **more})


DEVICES = (
    device("gw-1", model="GW-4"),
    device("gw-2", model="GW-4"),
    device("plc-1", model="S7", asset_id="pump"),
    device("gw-9", model="GW-4", site_id="linz"),
)
FIRMWARE = {
    "gw-1": FirmwareTwin(id="gw-1", site_id="graz", version="2.9.0", attributes={"link": "LTE"}),
    "gw-2": FirmwareTwin(id="gw-2", site_id="graz", version="2.10.0"),
}


def found(text: str) -> list[str]:
    group = DeviceGroupFacts(site_id="graz", name="G", filter=text)
    return [told.device_id for told in members(group, DEVICES, FIRMWARE) if told.is_member]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("model = gw-4", ["gw-1", "gw-2"]),
        ('model = "GW-4" and version < 2.10', ["gw-1"]),
        ("version >= 2.10.0", ["gw-2"]),
        ("code ~ gw-* or code in (plc-1, plc-2)", ["gw-1", "gw-2", "plc-1"]),
        ("not code ~ gw-*", ["plc-1"]),
        ("not (code = gw-1 or asset = pump)", ["gw-2"]),
        ("attr.link = lte", ["gw-1"]),
        ('attr.link != "LTE"', ["gw-2", "plc-1"]),
        ('version = ""', ["plc-1"]),
        ("version < 9", ["gw-1", "gw-2"]),  # What never reported a version is not below one.
        ("code = gw-1 or code = gw-2 and version < 1", ["gw-1"]),
        ("code ~ [gw]*", []),
    ],
)
def test_a_filter_finds_the_devices_of_the_site_that_it_describes(text: str, ids: list[str]) -> None:
    assert found(text) == ids


def test_named_members_are_those_of_the_site_that_are_named() -> None:
    group = DeviceGroupFacts(site_id="graz", name="G", device_ids=("gw-2", "gw-9"))
    assert [told.device_id for told in members(group, DEVICES, FIRMWARE) if told.is_member] == ["gw-2"]


def test_it_says_which_comparison_decided() -> None:
    group = DeviceGroupFacts(site_id="graz", name="G", filter="model = GW-4 and version < 2.10")
    told = {each.code: each.why for each in members(group, DEVICES, FIRMWARE)}
    assert told["gw-2"] == "version is 2.10.0, not < 2.10"
    assert told["gw-1"] == "model is GW-4, as = GW-4; version is 2.9.0, as < 2.10"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "ends where a field is expected"),
        ("colour = red", "asks for 'colour'"),
        ("model is GW", "has 'is' after model"),
        ("model = ", "ends where a value is expected"),
        ("model = a b", "ends before 'b'"),
        ("(model = a", "lacks a ')'"),
        ("code in (a,)", "has ')' where a value is expected"),
        ('model = "a', "cannot be read from"),
        ("(" * 30 + "model = a" + ")" * 30, "levels of brackets"),
        ("not " * 30 + "model = a", "levels of brackets"),
        (" or ".join(["a=1"] * 300), ""),
        ("attr. = 3", "asks for"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match="The filter") as refused:
        parse(text)
    assert says in refused.value.message


@given(st.text(max_size=80))
def test_any_text_is_a_filter_or_refused_as_one(text: str) -> None:
    with suppress(InvalidInputError):
        holds, why = parse(text).holds({})
        assert isinstance(holds, bool)
        assert why


def test_versions_sort_by_their_numbers() -> None:
    versions = ["2.0-rc1", "2.0.1", "2.9", "2.10", "10.0"]
    assert sorted(versions, key=natural) == versions


def test_a_group_has_members_or_a_filter() -> None:
    with pytest.raises(ValidationError, match="not both"):
        DeviceGroupFacts(site_id="graz", name="G", filter="code = a", device_ids=("gw-1",))
