"""A sheet of devices is taken as a whole or not at all, and says of each row what is wrong with it."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.firmware_twins import ClientKind
from pdm_app.drivers.connection_rules import Rules
from pdm_app.services.device_sheet import ROWS_MAX, DeviceSheetOutcome, DeviceSheetService
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import Desk
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, person
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501, PUNE
from tests.services.plant_desk import Heard, PlantDesk

GOOD = (
    "\ufeffCode;Name;Machine;Hardware;Hardware revision;Client\r\n"
    f"gw-91;Gateway of the pump;{P_501.code};GW-100;B;rauc\r\n"
    "\r\n"
    "gw-92;;;;;\r\n"
)


class Sheets:
    def __init__(self, work: SqlUnitOfWork, clock: HandClock) -> None:
        self.plant, self.heard = PlantDesk(work, clock), Heard()
        in_force = InForce(
            self.heard.forget_sources, self.heard.reload_rules, self.heard.reload_signals, self.heard.reload
        )
        self.service = DeviceSheetService(work, self.plant.devices, Desk(clock, Rules(), in_force))

    async def take(self, sheet: str, *, only_look: bool = False) -> DeviceSheetOutcome:
        return await self.service.take(ADA, PUNE.id, sheet, only_look=only_look)

    async def codes(self) -> set[str]:
        return {device.code for device in await self.plant.devices.all(ADA, PUNE.id)}


@pytest.fixture
def sheets(sqlite_work: SqlUnitOfWork, clock: HandClock) -> Sheets:
    return Sheets(sqlite_work, clock)


async def test_a_sheet_is_looked_at_then_taken_and_taken_again_without_harm(
    work: SqlUnitOfWork, clock: HandClock
) -> None:
    sheets = Sheets(work, clock)
    before = await sheets.codes()
    looked = await sheets.take(GOOD, only_look=True)
    assert (looked.created, looked.known, looked.problems, looked.is_done) == (("gw-91", "gw-92"), 0, (), False)
    assert await sheets.codes() == before
    assert (await sheets.take(GOOD)).created == ("gw-91", "gw-92")
    assert await sheets.codes() == before | {"gw-91", "gw-92"}
    assert sheets.heard.taken() == ["sources"]
    again = await sheets.take(GOOD)
    assert (again.created, again.known) == ((), 2)
    devices = {device.code: device for device in await sheets.plant.devices.all(ADA, PUNE.id)}
    assert (devices["gw-91"].asset_id, devices["gw-91"].name) == (P_501.id, "Gateway of the pump")
    assert (devices["gw-92"].asset_id, devices["gw-92"].name) == (None, "gw-92")
    async with work(EVERY_SITE) as w:
        twin = await w.twins.get(devices["gw-91"].id)
        assert await w.twins.get(devices["gw-92"].id) is None
    assert twin is not None
    assert (twin.hardware, twin.hardware_revision, twin.client) == ("GW-100", "B", ClientKind.RAUC)


async def test_every_row_that_is_wrong_is_named_and_none_is_made(sheets: Sheets) -> None:
    await sheets.take("code,name\ngw-91,Gateway\n")
    before = await sheets.codes()
    sheet = (
        "code,name,machine,client\n"
        "gw-95,Good,,\n"
        "gw-96,,X-000,\n"
        "gw-97,,,windows\n"
        "gw 98!,,,\n"
        "gw-91,Another name,,\n"
        "gw-95,Once more,,\n"
        ",Nameless,,\n"
    )
    looked = await sheets.take(sheet, only_look=True)
    found = [(one.row, one.column) for one in looked.problems]
    assert found == [(3, "machine"), (4, "client"), (5, "code"), (6, "name"), (7, "code"), (8, "code")]
    assert P_501.code in looked.problems[0].fix
    assert "swupdate" in looked.problems[1].fix
    assert "row 2" in looked.problems[4].problem
    with pytest.raises(InvalidInputError, match=r"Nothing was made\. Row 3, machine") as refused:
        await sheets.take(sheet)
    assert len(refused.value.issues) == 6
    assert await sheets.codes() == before


@pytest.mark.parametrize(
    ("sheet", "why"),
    [
        ("name,model\nx,y\n", "no column code"),
        ("code,password\nx,y\n", "password"),
        ("code,code\nx,y\n", "one twice"),
        ("code\n", "0 rows"),
        ("code\n" + "".join(f"d{number}\n" for number in range(ROWS_MAX + 1)), f"{ROWS_MAX + 1} rows"),
        ('code\n"x\n', "no sheet"),
        ("\0\0\0", "no column code|no sheet|has the column"),
    ],
)
async def test_what_is_no_sheet_of_devices_is_refused(sheets: Sheets, sheet: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        await sheets.take(sheet, only_look=True)


async def test_it_is_for_those_who_may_and_for_their_sites(sheets: Sheets) -> None:
    with pytest.raises(PermissionDeniedError):
        await sheets.service.take(person("vera", Role.VIEWER), PUNE.id, GOOD, only_look=True)
    with pytest.raises(NotFoundError):
        await sheets.service.take(ADA, "nowhere", GOOD, only_look=True)
