"""The explicit lists of the product: every entry has what belongs to it, and nothing stands outside its list."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from pdm_app.domain.conditions import any_condition
from pdm_app.domain.conditions.base import Condition
from pdm_app.drivers.registry import DRIVERS
from pdm_app.rpc.root import ROUTES, root
from pdm_app.simulation import egd_producer
from pdm_app.simulation.children import modbus_server, mqtt_broker, opcua_server
from pdm_app.simulation.plant import northfield
from pdm_app.ui.messages import messages
from pdm_app.ui.pages.all_pages import PAGES, Page
from tests.rpc.calls import NEEDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pdm_app"
TESTS = ROOT / "tests"
# Files of a folder that are no entry of its list: what the entries stand on.
RPC_GROUND = {"changes", "context", "description", "errors", "matrix", "root", "server"}
DRIVER_GROUND = {"endpoint", "registry"}
PAGE_GROUND = {"all_pages"}
SIMULATORS = {"opcua": opcua_server, "modbus": modbus_server, "mqtt": mqtt_broker, "egd": egd_producer}
ELSEWHERE = {"egd"}  # No machine of the demo plant speaks it; its simulator is of the tests alone.
PLAYERS = {"csv_replay"}  # Drivers that play a file: there is no other side to simulate.


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}


def text_of(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


# --- PAGES --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route)
def test_a_page_has_words_for_its_tab_and_is_opened_by_a_journey(page: Page) -> None:
    assert page.title_key in messages()
    journeys = text_of(*sorted((TESTS / "journeys").glob("*.py")))
    opened = {
        "/": r'"/": "',
        "/setup": r"demo\.setup_path",  # Its address carries a token that works once.
    }
    address = re.sub(r"\\\[\w+\\\]", r"[\\w-]+", re.escape(page.route))
    assert re.search(opened.get(page.route, rf'["}}]{address}(?:\?[\w=]+)?"'), journeys), page.route


def test_every_page_that_is_written_is_in_the_list() -> None:
    listed = {page.show.__module__.rpartition(".")[2] for page in PAGES}
    parts = {
        name
        for name in modules(PACKAGE / "ui" / "pages") - PAGE_GROUND - listed
        if f"pdm_app.ui.pages.{name} import" not in text_of(*(PACKAGE / "ui" / "pages").glob("*.py"))
    }
    assert parts == set(), "a page or a part of one that nobody shows"


# --- DRIVERS ------------------------------------------------------------------------------------------------------


def test_every_driver_is_run_by_the_contract_of_drivers() -> None:
    plants = text_of(TESTS / "contracts" / "driver_plants.py")
    contract = text_of(TESTS / "contracts" / "test_driver.py")
    for name in DRIVERS:
        assert f"def {name}_plant(" in plants, name
        assert f"{name}_plant" in contract, name


def test_every_driver_has_a_simulator_and_most_have_a_connection_of_the_demo_plant() -> None:
    assert SIMULATORS.keys() == DRIVERS.keys() - PLAYERS
    assert {connection.driver for connection in northfield().connections} == set(DRIVERS) - PLAYERS - ELSEWHERE


def test_every_driver_that_is_written_is_in_the_list() -> None:
    written = {name for name in modules(PACKAGE / "drivers") - DRIVER_GROUND if "_" not in name or name in PLAYERS}
    assert written == set(DRIVERS)


# --- ROUTES -------------------------------------------------------------------------------------------------------


def test_every_router_that_is_written_is_in_the_list_and_has_a_service() -> None:
    assert modules(PACKAGE / "rpc") - RPC_GROUND == set(ROUTES)
    assert set(ROUTES) - {"api"} <= modules(PACKAGE / "services")  # `api` is about the procedures themselves.


def test_every_procedure_has_a_sentence_and_is_among_those_tried() -> None:
    paths = [procedure.path for procedure in root.procedures()]
    assert {path.split(".")[0] for path in paths} == set(ROUTES)
    assert [procedure.path for procedure in root.procedures() if not procedure.doc.strip()] == []
    assert set(paths) == set(NEEDS)


# --- conditions ---------------------------------------------------------------------------------------------------


def conditions() -> tuple[type[Condition], ...]:
    union = get_args(any_condition.AnyCondition)[0]
    return get_args(union)


def test_every_condition_that_is_written_is_in_the_list() -> None:
    def below(kind: type[Condition]) -> set[type[Condition]]:
        children = set(kind.__subclasses__())
        return children.union(*(below(child) for child in children))

    assert {kind for kind in below(Condition) if kind.model_fields["kind"].default is not PydanticUndefined} == set(
        conditions()
    )


def test_every_condition_is_held_to_its_reference_and_has_words_on_screen() -> None:
    tests = text_of(*(TESTS / "domain").glob("*.py"), *(TESTS / "stream").glob("*.py"))
    for condition in conditions():
        assert re.search(rf"\b{condition.__name__}\(", tests), condition.__name__
        kind = str(condition.model_fields["kind"].default)
        assert re.search(rf"\b{kind} \{{", messages()["asset.limit_of"]), f"the rule table has no words for {kind}"
