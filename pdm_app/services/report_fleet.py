"""The pieces of reports that tell how machines are doing, and which firmware devices run."""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from pdm_app.domain.access import Actor
from pdm_app.domain.asset_health import Anomaly, AnomalyQuery, Outlook, OutlookState, Verdict
from pdm_app.domain.firmware_actions import FINALLY_FAILED
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.ports import Clock
from pdm_app.domain.report_blocks import (
    Bar,
    Bars,
    Figure,
    FigureRow,
    Heading,
    Paragraph,
    ReportBlock,
    Table,
    TableColumn,
)
from pdm_app.domain.report_periods import wall_words
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.campaign_views import CampaignView
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.health import HealthService, HealthView
from pdm_app.services.report_parts import words_of

S_PER_DAY = 86_400.0
ANOMALIES_MAX = 200
VERSIONS_SHOWN = 30
CAMPAIGNS_MAX = 100
OUTLOOKS = {
    OutlookState.TOO_FEW_READINGS: "too few readings",
    OutlookState.NOT_ENOUGH_TREND: "no trend yet",
    OutlookState.BEYOND_HORIZON: "beyond the horizon",
}
VERDICTS = {
    Verdict.JUDGED: "judged",
    Verdict.STOPPED: "does not run",
    Verdict.NO_DATA: "signals are missing",
    Verdict.WAITING: "nothing judged yet",
    Verdict.FAULTY: "its model could not be run",
}
SOURCE = (
    "Health is 100 where a machine is as it was in the normal period its model learned from. Remaining life is told "
    "with the span in which eight of ten forecasts lie, and not at all where too little speaks for a number."
)


class FleetReports:
    """Asks for machines and devices with the rights of the one a report is made for.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._health = HealthService(work, clock)
        self._campaigns = CampaignService(work, clock)

    async def health(self, actor: Actor, site_id: str, start_at: int, end_at: int, zone: ZoneInfo) -> list[ReportBlock]:
        """Return machines that models watch, the worst first, and what was unusual in a time."""
        machines = await self._health.fleet(actor, site_id)
        query = AnomalyQuery(site_id=site_id, start_at=start_at, end_at=end_at, limit=ANOMALIES_MAX)
        anomalies = await self._health.anomalies(actor, query)
        async with self._work(actor.scope) as work:
            codes = {asset.id: asset.code for asset in await work.assets.all()}
        return [*machine_blocks(machines), *anomaly_blocks(anomalies, codes, zone)]

    async def firmware(
        self, actor: Actor, site_id: str, start_at: int, end_at: int, zone: ZoneInfo
    ) -> list[ReportBlock]:
        """Return which firmware devices of a site reported last, and the campaigns that ran in a time."""
        campaigns = [
            view
            for view in await self._campaigns.all(actor, site_id)
            if view.campaign.created_at < end_at and (view.campaign.ended_at or end_at) > start_at
        ]
        async with self._work(actor.scope) as work:
            here = {device.id for device in await work.devices.all() if device.site_id == site_id}
            twins = [twin for twin in await work.twins.all() if twin.id in here]
        return [*version_blocks(twins), *campaign_blocks(campaigns[:CAMPAIGNS_MAX], zone)]


def machine_blocks(machines: Sequence[HealthView]) -> list[ReportBlock]:
    """Return the ranking of machines; what is not judged now says why."""
    head = Heading(text="How machines are doing")
    if not machines:
        return [head, Paragraph(text="No model watches a machine of this site yet.")]
    unusual = sum(view.verdict.is_unusual for view in machines)
    silent = sum(view.verdict.verdict is not Verdict.JUDGED for view in machines)
    columns = (
        TableColumn(title="Machine", width=5),
        TableColumn(title="Health", decimals=0, width=2),
        TableColumn(title="Now", width=4),
        TableColumn(title="Remaining life", width=4),
        TableColumn(title="Signals behind it", width=6),
        TableColumn(title="Cost of a failure", width=3),
    )
    rows = tuple(
        (
            words_of(f"{view.asset_code} {view.asset_name}"), view.verdict.health, _state(view),
            _life(view.verdict.outlook), words_of(", ".join(view.contributors[:3])) if view.verdict.is_unusual else "",
            "" if view.waiting_cost is None else f"{view.waiting_cost:,.0f} {view.currency}",
        )
        for view in machines
    )  # fmt: skip
    return [
        head,
        FigureRow(
            figures=(
                Figure(label="Machines watched", value=float(len(machines)), decimals=0),
                Figure(label="Unusual now", value=float(unusual), decimals=0, tone="bad" if unusual else "good"),
                Figure(label="Not judged now", value=float(silent), decimals=0, tone="caution" if silent else "plain"),
            )
        ),
        Table(title="The worst first", columns=columns, rows=rows),
        Paragraph(text=SOURCE, is_note=True),
    ]


def anomaly_blocks(anomalies: Sequence[Anomaly], codes: dict[str, str], zone: ZoneInfo) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Machine", width=3),
        TableColumn(title="From", width=4),
        TableColumn(title="Until", width=4),
        TableColumn(title="Peak score", decimals=2, width=2),
    )
    rows = tuple(
        (
            words_of(codes.get(one.asset_id, one.asset_id)), wall_words(one.begin_at, zone),
            "goes on" if one.end_at is None else wall_words(one.end_at, zone), one.peak,
        )
        for one in anomalies
    )  # fmt: skip
    empty = "Nothing unusual was found in this time."
    return [Table(title="Unusual in this time; a score of 1 is the threshold", columns=columns, rows=rows, empty=empty)]


def version_blocks(twins: Sequence[FirmwareTwin]) -> list[ReportBlock]:
    """Return how many devices reported which firmware."""
    head = Heading(text="Firmware of devices")
    if not twins:
        return [head, Paragraph(text="No device of this site has reported its firmware yet.")]
    told = Counter((twin.hardware or "not known", twin.version or "not reported") for twin in twins)
    kinds = sorted(told.items(), key=lambda one: (-one[1], one[0]))
    columns = (
        TableColumn(title="Hardware", width=5),
        TableColumn(title="Version reported last", width=5),
        TableColumn(title="Devices", decimals=0, total="sum", width=2),
    )
    bars = tuple(Bar(label=words_of(f"{version} on {kind}"), value=count) for (kind, version), count in kinds)
    unproven = sum(twin.release_id is None for twin in twins)
    return [
        head,
        FigureRow(
            figures=(
                Figure(label="Devices", value=float(len(twins)), decimals=0),
                Figure(label="Versions in use", value=float(len(told)), decimals=0),
                Figure(label="With quarantined releases", value=float(sum(bool(twin.quarantined) for twin in twins)),
                       decimals=0),
                Figure(label="Without a proven release", value=float(unproven), decimals=0),
            )
        ),
        Bars(title="Devices by version", unit="devices", bars=bars[:VERSIONS_SHOWN]),
        Table(columns=columns, rows=tuple((kind, version, float(count)) for (kind, version), count in kinds)),
    ]  # fmt: skip


def campaign_blocks(campaigns: Sequence[CampaignView], zone: ZoneInfo) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Campaign", width=6),
        TableColumn(title="State", width=3),
        TableColumn(title="Since", width=4),
        TableColumn(title="Devices", decimals=0, width=2),
        TableColumn(title="Succeeded", decimals=0, width=3),
        TableColumn(title="Failed", decimals=0, width=2),
        TableColumn(title="Approved by", width=3),
    )
    rows = tuple(
        (
            words_of(view.campaign.name), str(view.campaign.state).replace("_", " "),
            wall_words(view.campaign.started_at or view.campaign.created_at, zone), float(sum(view.counts.values())),
            float(view.counts.get("succeeded", 0)),
            float(sum(count for state, count in view.counts.items() if state in FINALLY_FAILED)),
            words_of(view.campaign.approved_by),
        )
        for view in campaigns
    )  # fmt: skip
    return [Table(title="Campaigns in this time", columns=columns, rows=rows, empty="No campaign ran in this time.")]


def _state(view: HealthView) -> str:
    if view.verdict.verdict is not Verdict.JUDGED:
        return VERDICTS[view.verdict.verdict]
    return "unusual" if view.verdict.is_unusual else "as usual"


def _life(outlook: Outlook | None) -> str:
    """Return the remaining life in days with its span, or why there is none."""
    if outlook is None:
        return ""
    if outlook.state is not OutlookState.KNOWN or outlook.middle_s is None:
        return OUTLOOKS.get(outlook.state, "")
    middle = f"{outlook.middle_s / S_PER_DAY:.1f} days"
    if outlook.low_10_s is None or outlook.high_90_s is None:
        return middle
    return f"{middle} ({outlook.low_10_s / S_PER_DAY:.1f} to {outlook.high_90_s / S_PER_DAY:.1f})"
