"""A manager's round: from the number to the second at which a machine stopped, and a report that comes by itself."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from pdm_app.domain.plant_size import PlantSize
from tests.counterparts.product import RunningProduct

pytestmark = [pytest.mark.journey, pytest.mark.long]  # A day of the whole plant goes through the engine first.
LINE = "Packing line 1"
REPORT = "Effectiveness every day"
WAITS = re.compile("waits? for a reason")
DERIVED_MS = 240_000  # The shift that runs is derived once the past of it is put in.
MADE_MS = 300_000  # The report is due in two minutes at most, and is printed by a process of its own.


@pytest.fixture
def plant_with_a_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """The whole plant with a day behind it: its line has stopped before, and some of that nobody has explained."""
    product = RunningProduct(Path(tmp_path_factory.mktemp("past")), plant=PlantSize.WHOLE, history_days=1)
    product.start()
    yield product
    product.kill()


def words_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    return "\n".join(document[place].get_textpage().get_text_range() for place in range(len(document)))


def test_from_the_number_to_the_stop_its_reason_and_the_report_in_the_inbox(
    plant_with_a_past: RunningProduct, page: Page, errors: list[str]
) -> None:
    demo = plant_with_a_past
    page.goto(f"{demo.url}/login")
    page.get_by_role("button", name="Max, manager").click()
    page.wait_for_url("**/operations")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Operations")

    page.get_by_role("link", name="Effectiveness").click()
    page.get_by_role("button", name="24 h").click()
    card = page.locator("section.card").filter(has=page.get_by_role("button", name=LINE, exact=True))
    expect(card).to_contain_text(WAITS, timeout=DERIVED_MS)
    card.get_by_role("button", name=WAITS).click()

    page.get_by_role("button", name="OEE", exact=True).click()
    why = page.get_by_role("dialog")
    expect(why).to_contain_text("OEE = A · P · Q")
    page.keyboard.press("Escape")

    waiting = page.locator("li.stop[data-waits=true]")
    expect(waiting.first).to_be_visible()
    before = waiting.count()
    stop = waiting.first
    began = stop.locator("strong").first.inner_text()
    stop.get_by_role("button", name="Look closer").click()
    close = page.get_by_role("dialog")
    expect(close.get_by_role("heading", name="Alarms around it")).to_be_visible()
    expect(close.locator(".minute-line path.chart-line").first).to_be_visible()
    trend = close.get_by_role("link", name=re.compile("trend"))
    trend.click()
    page.wait_for_url("**/trends?**")
    expect(page.locator("canvas").first).to_be_visible()
    page.go_back()

    stop = page.locator("li.stop").filter(has_text=began)
    stop.get_by_role("button", name="Mechanical …").click()
    stop.get_by_role("button", name="Jam", exact=True).click()
    expect(page.locator("li.stop[data-waits=true]")).to_have_count(before - 1)
    expect(page.locator("li.stop").filter(has_text=began)).to_contain_text("Jam")

    page.goto(f"{demo.url}/reports")
    page.get_by_role("button", name="New report").click()
    page.get_by_label("Name").fill(REPORT)
    page.get_by_label("Tells of").select_option("oee")
    page.get_by_label("Of the time").select_option("day")
    page.get_by_label("Comes").select_option("daily")
    soon = datetime.now(ZoneInfo("Europe/Vienna")) + timedelta(minutes=2)
    page.get_by_label(re.compile("^At")).fill(f"{soon:%H:%M}")
    page.get_by_label("Max, manager").check()
    expect(page.get_by_role("img", name="Page 1")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text=REPORT)
    expect(row.first).to_contain_text(f"{soon:%H:%M}")

    page.goto(f"{demo.url}/settings/inbox")
    message = page.get_by_role("button", name=re.compile(REPORT))
    expect(message.first).to_be_visible(timeout=MADE_MS)
    message.first.click()
    with page.expect_download() as told:
        page.get_by_role("dialog").get_by_role("link", name="Download the report").click()
    pdf = Path(told.value.path()).read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert LINE in words_of(pdf)
    assert errors == []
