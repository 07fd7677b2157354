"""A page that was left alone for hours: the server has forgotten its state, and the first press works all the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import Role
from pdm_app.ui.backend import Backend, plug_in, unplug
from pdm_app.ui.states.asset import AssetPage
from pdm_app.ui.states.devices import DevicePage
from pdm_app.ui.states.session import ACCESS_COOKIE
from tests.counterparts.whole_product import WholeProduct, whole_product
from tests.ui.test_states import OUR_ASSET, OUR_DEVICE, Handler, Socket


@pytest.fixture
async def product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    async with whole_product(sqlite_url, tmp_path) as product:
        plug_in(Backend(product.services, demo=False, version="1.2.3"))
        yield product
        unplug()


async def forgotten(product: WholeProduct) -> Socket:
    """The state of an engineer's page, of which only the address and the cookie are left."""
    signed_in = await product.sign_in(Role.ENGINEER)
    return Socket(f"{ACCESS_COOKIE}={signed_in.access_token}")


async def test_another_view_of_the_machine_opens(product: WholeProduct) -> None:
    socket = await forgotten(product)
    told = await socket.call(Handler(AssetPage, "show_tab", OUR_ASSET, ("trends",)))
    assert f"{OUR_ASSET}?tab=trends" in told
    assert socket.state(AssetPage).tab == "trends"


async def test_a_key_is_made_for_the_device_that_the_address_names(product: WholeProduct) -> None:
    socket = await forgotten(product)
    await socket.call(Handler(DevicePage, "create_key", OUR_DEVICE))
    page = socket.state(DevicePage)
    assert page.new_key.startswith("pdm_")
    assert [key.device_id for key in page.keys] == [OUR_DEVICE.rpartition("/")[2]]
    await socket.call(Handler(DevicePage, "revoke_key", OUR_DEVICE, (page.keys[0].id,)))
    assert page.keys[0].revoked_at is not None
