"""An admin uploads a certificate, has one made by request, goes back, and finds it all on record."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.counterparts.certificates import brought, packed, signed
from tests.counterparts.clocks import WallClock
from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

PASSWORD = "kelp & brine"


def upload(page: Page, file: Path, password: str = "") -> None:
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Certificate", exact=True).set_input_files(file)
    sheet.get_by_label("Password of the file or key").fill(password)
    sheet.get_by_role("button", name="Check and use it").click()


def test_an_admin_replaces_the_certificate_requests_another_and_goes_back(
    standing_demo: RunningProduct, page: Page, errors: list[str], tmp_path: Path
) -> None:
    box, answer = tmp_path / "works.pfx", tmp_path / "answer.cer"
    box.write_bytes(packed(*brought(WallClock()), PASSWORD))
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/certificates")
    expect(page.get_by_role("heading", name="HTTPS is not served")).to_be_visible(timeout=FIRST_VALUES_MS)
    card = page.locator(".certificate-shown")

    card.get_by_role("button", name="Upload…").click()
    upload(page, box, "sesame")
    expect(page.get_by_role("dialog")).to_contain_text("does not open the file")
    upload(page, box, PASSWORD)
    expect(page.get_by_text("Done. It is shown as soon as HTTPS is switched on.")).to_be_visible()
    expect(card.locator(".certificate-subject")).to_have_text("pdm.works.example")
    expect(card).to_contain_text("None of its names is one that this machine knows")

    card.get_by_role("button", name="Request one…").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Host names and addresses").fill("scada.works.example\n192.0.2.9")
    sheet.get_by_role("button", name="Make the request").click()
    page.get_by_text("Text of the request").click()
    answer.write_text(signed(WallClock(), page.locator("pre.pem").inner_text()))
    page.get_by_role("button", name="Upload the certificate…").click()
    upload(page, answer)
    expect(card.locator(".certificate-subject")).to_have_text("scada.works.example")
    expect(page.get_by_role("heading", name="A request waits")).to_have_count(0)

    page.get_by_role("listitem").filter(has_text="pdm.works.example").get_by_role("button", name="Use again").click()
    expect(card.locator(".certificate-subject")).to_have_text("pdm.works.example")
    card.get_by_role("button", name="Go back to the one that renews itself").click()
    expect(card).to_contain_text("Made here by our own authority")
    done = page.locator(".card").filter(has_text="What was done")
    expect(done).to_contain_text("Went back from")
    expect(done.get_by_role("listitem")).to_have_count(5)
    page.get_by_role("listitem").filter(has_text="pdm.works.example").get_by_role("button", name="Delete with").click()
    expect(page.get_by_role("button", name="Delete with its key")).to_have_count(1)
    refused = [error for error in errors if "status of 400" in error and "certificates.replace" in error]
    assert errors == refused, "what was refused was sent once, and nothing else failed"
    assert len(refused) == 1
