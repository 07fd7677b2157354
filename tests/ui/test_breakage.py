"""The demo's card on a machine's page asks for what the chosen fault needs, and for nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.signals import DataType
from pdm_app.ui.backend import Backend, plug_in, unplug
from pdm_app.ui.states.asset import AssetPage, Breakage
from pdm_app.ui.states.session import ACCESS_COOKIE
from tests.counterparts.whole_product import whole_product
from tests.ui.test_states import Handler, Socket


@pytest.fixture
async def socket(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Socket]:
    """The page of an admin, who sees every site."""
    async with whole_product(sqlite_url, tmp_path) as product:
        plug_in(Backend(product.services, demo=True, version="1.2.3"))
        signed_in = await product.sign_in(Role.ADMIN)
        yield Socket(f"{ACCESS_COOKIE}={signed_in.access_token}")
        unplug()


async def opened(socket: Socket, path: str) -> Breakage:
    """Open a machine's page and return the state of its card."""
    await socket.call(Handler(AssetPage, "load", path))
    await socket.call(Handler(Breakage, "load", path))
    card: Breakage = socket.state(Breakage)
    return card


async def test_a_fault_of_a_sensor_asks_for_the_sensor_and_one_of_the_machine_does_not(socket: Socket) -> None:
    card = await opened(socket, "/asset/c-201")
    assert (card.chosen, card.needs_signal) == ("filter_clog", False)
    await socket.call(Handler(Breakage, "choose", "/asset/c-201", ("sensor_stuck",)))
    assert (card.chosen, card.needs_signal) == ("sensor_stuck", True)
    assert len(card.sensors) > 1
    assert {signal.data_type for signal in card.sensors} == {DataType.NUMBER}
    form = {"key": card.chosen, "signal": card.sensors[1].name, "severity": "50"}
    await socket.call(Handler(Breakage, "inject", "/asset/c-201", ("C-201", form)))
    assert card.problem == ""
    assert [(fault.key, fault.signal) for fault in card.faults] == [("sensor_stuck", card.sensors[1].name)]


async def test_the_next_machine_begins_with_its_own_first_fault(socket: Socket) -> None:
    card = await opened(socket, "/asset/c-201")
    await opened(socket, "/asset/p-501")
    assert (card.chosen, card.needs_signal) == ("cavitation", False)
    assert {fault.asset_code for fault in card.faults} <= {"P-501"}
    await socket.call(Handler(Breakage, "choose", "/asset/p-501", ("sensor_stuck",)))
    assert card.needs_signal
    left_over = {"key": "cavitation", "signal": card.sensors[0].name, "severity": ""}
    await socket.call(Handler(Breakage, "inject", "/asset/p-501", ("P-501", left_over)))
    assert card.problem == ""
    injected = next(fault for fault in card.faults if fault.key == "cavitation")
    assert (injected.signal, injected.start_severity) == ("", 1.0)
    await socket.call(Handler(Breakage, "clear", "/asset/p-501", (injected.id,)))
    assert injected.id not in {fault.id for fault in card.faults}


async def test_a_severity_that_is_no_number_or_no_share_is_said(socket: Socket) -> None:
    card = await opened(socket, "/asset/p-501")
    for severity, words in (("much", "is no number"), ("150", "outside 0 to 1"), ("nan", "outside 0 to 1")):
        form = {"key": "cavitation", "severity": severity}
        await socket.call(Handler(Breakage, "inject", "/asset/p-501", ("P-501", form)))
        assert words in card.problem
    assert "cavitation" not in {fault.key for fault in card.faults}
