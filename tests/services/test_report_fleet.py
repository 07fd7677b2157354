"""Reports of machines and devices: the worst machine first with its reason, firmware counted, campaigns of the time."""

from zoneinfo import ZoneInfo

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.asset_health import Anomaly, AssetHealth, Outlook, OutlookState, SignalShare, Verdict
from pdm_app.domain.campaigns import Campaign
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.report_blocks import Bars, FigureRow, Paragraph, ReportBlock, Table
from pdm_app.services.campaign_views import CampaignView
from pdm_app.services.health import HealthView
from pdm_app.services.report_fleet import anomaly_blocks, campaign_blocks, machine_blocks, version_blocks
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.report_plant import ReportPlant, facts

ZONE = ZoneInfo("Asia/Kolkata")
DAY_S = 86_400


def machine(code: str, verdict: Verdict = Verdict.JUDGED, **more: object) -> HealthView:
    told = AssetHealth.model_validate(
        {"id": code, "site_id": "pune", "asset_id": code, "model_id": "m", "verdict": verdict, **more}
    )
    return HealthView(
        verdict=told, asset_code=code, asset_name="Pump", contributors=("Vibration", "Flow"),
        waiting_cost=67_500 if told.is_unusual else None, currency="INR",
    )  # fmt: skip


def tables(blocks: list[ReportBlock]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def test_a_machine_stands_with_its_health_its_life_and_why_there_is_no_number() -> None:
    known = Outlook(
        state=OutlookState.KNOWN, signal_id=1, limit=7.1, source="ISO", at=0, low_10_s=5 * DAY_S, middle_s=8.04 * DAY_S,
        high_90_s=12 * DAY_S,
    )  # fmt: skip
    none = known.model_copy(update={"state": OutlookState.NOT_ENOUGH_TREND, "middle_s": None})
    blocks = machine_blocks(
        [
            machine("P-1", health=41, is_unusual=True, outlook=known, shares=(SignalShare(signal_id=1, share=1),)),
            machine("P-2", health=99, outlook=none),
            machine("P-3", Verdict.NO_DATA),
        ]
    )
    [table] = tables(blocks)
    assert table.rows == (
        ("P-1 Pump", 41.0, "unusual", "8.0 days (5.0 to 12.0)", "Vibration, Flow", "67,500 INR"),
        ("P-2 Pump", 99.0, "as usual", "no trend yet", "", ""),
        ("P-3 Pump", None, "signals are missing", "", "", ""),
    )
    [row] = [block for block in blocks if isinstance(block, FigureRow)]
    assert [figure.value for figure in row.figures] == [3, 1, 1]
    assert isinstance(machine_blocks([])[1], Paragraph)


def test_what_was_unusual_is_told_by_the_clock_of_the_site() -> None:
    anomaly = Anomaly(
        id="a", site_id="pune", asset_id="p-1", model_id="m", version_id="v", begin_at=0, end_at=None, peak=1.5,
        peak_at=0,
    )  # fmt: skip
    [table] = tables(anomaly_blocks([anomaly], {"p-1": "P-1"}, ZONE))
    assert table.rows[0][0] == "P-1"
    assert "05:30" in str(table.rows[0][1])
    assert table.rows[0][2:] == ("goes on", 1.5)


def test_devices_are_counted_by_what_they_reported_last() -> None:
    twins = [
        FirmwareTwin(id=str(number), site_id="pune", hardware="edge-gw", version=version, release_id="r")
        for number, version in enumerate(("2.4.1", "2.4.1", "2.4.0", ""))
    ]
    blocks = version_blocks(twins)
    [table] = tables(blocks)
    assert table.rows == (
        ("edge-gw", "2.4.1", 2.0), ("edge-gw", "2.4.0", 1.0), ("edge-gw", "not reported", 1.0),
    )  # fmt: skip
    [bars] = [block for block in blocks if isinstance(block, Bars)]
    assert sum(bar.value for bar in bars.bars) == len(twins)


def test_a_campaign_is_told_with_devices_that_made_it_and_that_did_not() -> None:
    campaign = Campaign.model_validate(
        {
            "id": "c", "site_id": "pune", "name": "edge-gw 2.4.1", "release_id": "r", "group_id": "g",
            "phases": [{"name": "all"}], "created_at": 1, "created_by": "Ada", "creator_id": "ada",
            "approved_by": "Erin", "state": "running",
        }
    )  # fmt: skip
    counts = {"succeeded": 18, "failed": 1, "lost": 1, "downloading": 4}
    [table] = tables(campaign_blocks([CampaignView(campaign=campaign, counts=counts)], ZONE))
    assert table.rows[0][0] == "edge-gw 2.4.1"
    assert table.rows[0][3:] == (24.0, 18.0, 2.0, "Erin")


async def test_both_are_made_with_the_rights_of_the_one_who_asks(sqlite_work: SqlUnitOfWork, clock: HandClock) -> None:
    plant = ReportPlant(sqlite_work, clock)
    await plant.fill()
    async with sqlite_work(EVERY_SITE) as work:
        await work.health.put(
            [machine("p-501", health=50).verdict, machine("p-101a").verdict.model_copy(update={"site_id": "graz"})]
        )
        await work.commit()
    for template in ("asset_health", "firmware_status"):
        preview = await plant.reports.preview(plant.people["mia"], facts(template=template, format="pdf"))
        assert preview.pages
