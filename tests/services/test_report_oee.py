"""Production in reports: the way from calendar time to good pieces adds up, and reasons have their time and price."""

import pytest

from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import CostRates, Totals, period
from pdm_app.domain.production_views import LineOverview, LineProduction, ReasonLoss
from pdm_app.domain.report_blocks import Bars, FigureRow, Paragraph, Table, Waterfall
from pdm_app.services.report_oee import oee_lines, oee_losses

HOUR_US = 3_600_000_000
# Eight hours: six of them running, one broken down, one of set-up; 300 pieces of 60 s, of which 270 are good.
TOTALS = Totals(
    running_us=6 * HOUR_US, breakdown_us=HOUR_US, setup_us=HOUR_US, stops=2, failures=1, made=300, good=270, scrap=30,
    ideal_made_s=18_000, ideal_good_s=16_200,
)  # fmt: skip
DAY = period(0, 8 * HOUR_US, TOTALS, CostRates(machine_hour=100))


def overview(target: float | None = 0.75) -> LineOverview:
    return LineOverview(
        line_id="l", area="Hall", name="Packing", rated_by=("P-1",), target_oee=target, period=DAY,
        week_before=period(0, 0, Totals()), biggest=DAY.biggest, uncategorised=2, currency="EUR",
    )  # fmt: skip


def test_a_line_stands_beside_its_target_and_the_week_before() -> None:
    blocks = oee_lines([overview()])
    [figures] = [block for block in blocks if isinstance(block, FigureRow)]
    # OEE is the ideal time of the good pieces through the busy time: 16 200 s of 28 800 s.
    assert figures.figures[0].value == pytest.approx(56.25)
    assert (figures.figures[0].tone, figures.figures[0].note) == ("bad", "target 75 %")
    [table] = [block for block in blocks if isinstance(block, Table)]
    assert table.rows[0][0] == "Hall Packing"
    assert table.rows[0][3] is None, "nothing ran a week before: a dash, not a zero"
    assert "EUR" in str(table.rows[0][8])
    assert oee_lines([overview(None)])[1].figures[0].tone == "plain"  # type: ignore[union-attr]


def test_a_line_that_is_faster_than_its_ideal_cycle_is_no_good_news_but_a_warning() -> None:
    fast = period(0, 8 * HOUR_US, TOTALS.model_copy(update={"ideal_made_s": 40_000.0, "ideal_good_s": 36_000.0}))
    figures, _, warning, _ = oee_lines([overview().model_copy(update={"period": fast})])[1:]
    assert isinstance(figures, FigureRow)
    assert figures.figures[0].tone == "caution"
    assert isinstance(warning, Paragraph)
    assert "ideal cycle is set too long: Packing" in warning.text


def test_the_waterfall_falls_from_calendar_time_to_what_is_productive() -> None:
    reasons = (
        ReasonLoss(
            state=MachineState.DOWN, reason_id="r", name="Film torn", names={}, seconds=3_600, count=1, cost=100.0
        ),
        ReasonLoss(state=MachineState.SETUP, reason_id=None, name="", names={}, seconds=3_600, count=1, cost=None),
    )
    blocks = oee_losses(LineProduction(overview=overview(), machines=(), reasons=reasons, shifts=()))
    [fall] = [block for block in blocks if isinstance(block, Waterfall)]
    first, *losses, last = fall.steps
    assert first.value == pytest.approx(8)
    assert last.value == pytest.approx(4.5)
    assert first.value + sum(step.value for step in losses) == pytest.approx(last.value)
    [bars] = [block for block in blocks if isinstance(block, Bars)]
    assert [(bar.label, bar.value) for bar in bars.bars] == [("Film torn", 60), ("no reason yet (setup)", 60)]
    assert any(isinstance(block, Paragraph) and "2 stops" in block.text for block in blocks)
