"""What a change takes is what a creation takes, but for what stays as it was: no field is forgotten in between."""

from typing import Any

import pytest

from pdm_app.services.alarm_rules import ALARM_RULE
from pdm_app.services.areas import AREA
from pdm_app.services.assets import ASSET
from pdm_app.services.connections import CONNECTION
from pdm_app.services.devices import DEVICE
from pdm_app.services.lines import LINE
from pdm_app.services.plant_noun import Noun
from pdm_app.services.signals import SIGNAL
from pdm_app.services.sites import SITE
from tests.rpc.calls import procedures

NOUNS = (SITE, AREA, LINE, ASSET, DEVICE, CONNECTION, SIGNAL, ALARM_RULE)
SAID_OF_CHANGES = {ALARM_RULE.actions: {"reason"}}
"""By noun: what a change says beside the facts; the management of change of alarms asks why."""


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.actions)
def test_a_change_takes_every_fact_that_may_change(noun: Noun[Any]) -> None:
    created = procedures()[f"{noun.actions}.create"].describe()["input"]["properties"]
    changed = procedures()[f"{noun.actions}.change"].describe()["input"]["properties"]
    beside = SAID_OF_CHANGES.get(noun.actions, set())
    assert changed.keys() == {*created.keys(), noun.id_field, "revision", *beside} - noun.fixed
    assert noun.fixed <= created.keys()


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.actions)
def test_a_change_asks_for_nothing_but_the_id(noun: Noun[Any]) -> None:
    assert procedures()[f"{noun.actions}.change"].describe()["input"]["required"] == [noun.id_field]
