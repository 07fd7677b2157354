"""The asset tree on a real database, as people of different sites see it."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.assets import Asset, Line
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.services.assets import AssetService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, GRETA, person, with_rules
from tests.counterparts.installation import PUNE, SIGNALS

DEVICE = person("p-501", Role.SERVICE)


@pytest.fixture
async def assets(work: SqlUnitOfWork) -> AssetService:
    """The stored plant with a second line, whose machines stand in another order than they were stored."""
    await with_rules(work)
    async with work(EVERY_SITE) as transaction:
        line = Line(
            id="pune-second", site_id="pune", area_id="pune-area", name="Second", position=1,
            lead_signal_id=SIGNALS[2].id,
        )  # fmt: skip
        await transaction.assets.put_line(line)
        for code, position in (("M-3", 2), ("M-1", 1), ("M-2", 1)):
            machine = Asset(
                id=code.lower(), site_id="pune", line_id=line.id, code=code, name=code, asset_class="Mill",
                position=position,
            )  # fmt: skip
            await transaction.assets.put(machine)
        await transaction.signals.put(
            [SIGNALS[0].model_copy(update={"position": 2}), SIGNALS[1].model_copy(update={"position": 1})]
        )
        await transaction.commit()
    return AssetService(work)


async def test_lines_stand_in_plant_order_with_their_machines_in_flow_order(assets: AssetService) -> None:
    overview = await assets.overview(ADA)
    assert [(line.site.code, line.line.id) for line in overview.lines] == [
        ("GRZ", "graz-line"),
        ("PNQ", "pune-line"),
        ("PNQ", "pune-second"),
    ]
    second = overview.lines[2]
    assert [asset.code for asset in second.assets] == ["M-1", "M-2", "M-3"]
    assert second.lead == SIGNALS[2]
    assert second.watched is None, "its machines have no signal"
    assert [asset.code for asset in await assets.all(ADA, "pune")] == ["G-1", "P-501", "M-1", "M-2", "M-3"]


async def test_nobody_sees_a_machine_of_another_site(assets: AssetService) -> None:
    assert await assets.sites(ANNA) == (PUNE,)
    assert {line.site.id for line in (await assets.overview(ANNA)).lines} == {"pune"}
    assert {line.site.id for line in (await assets.overview(GRETA)).lines} == {"graz"}
    texts = set()
    for asset_id in ("c-201", "nowhere"):
        with pytest.raises(NotFoundError) as refused:
            await assets.by_id(ANNA, asset_id)
        texts.add(refused.value.message.replace(asset_id, "ID"))
    assert texts == {"There is no asset 'ID'."}
    for site_id in ("graz", "atlantis"):
        with pytest.raises(NotFoundError, match=f"There is no site '{site_id}'"):
            await assets.overview(ANNA, site_id)


async def test_a_machine_comes_with_all_that_belongs_to_it_most_important_first(assets: AssetService) -> None:
    detail = await assets.by_id(ANNA, "p-501")
    assert (detail.line.id, detail.area.id, detail.site) == ("pune-line", "pune-area", PUNE)
    assert len(detail.signals) == 10
    assert detail.signals[-2:] == (
        SIGNALS[1].model_copy(update={"position": 1}),
        SIGNALS[0].model_copy(update={"position": 2}),
    )
    assert [rule.id for rule in detail.rules] == ["suction-very-low", "flow-low", "suction-low"]
    assert [device.id for device in detail.devices] == ["dev-p-501"]


async def test_a_device_key_reads_nothing_of_the_plant(assets: AssetService) -> None:
    for question in (assets.sites(DEVICE), assets.overview(DEVICE), assets.by_id(DEVICE, "p-501")):
        with pytest.raises(PermissionDeniedError, match=r"assets\.read"):
            await question
