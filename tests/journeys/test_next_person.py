"""Two people share a screen: what the first one saw is not there for the second, nor for nobody."""

import re

from playwright.sync_api import Page, WebSocket, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in


def test_what_one_person_saw_is_not_sent_to_the_next_one_at_the_same_tab(
    standing_demo: RunningProduct, page: Page
) -> None:
    sent: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: sent.append(str(frame)))

    page.on("websocket", listen)
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/devices/plc-cooling-water")
    page.get_by_role("button", name="Create a key").click()
    secret = page.locator(".secret .code").inner_text()
    assert re.fullmatch(r"pdm_\w+", secret)
    assert any(secret in frame for frame in sent), "the page that made the key shows it"

    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login**")
    sent.clear()
    page.reload()
    expect(page.get_by_role("button", name="Tom, technician")).to_be_visible()
    page.get_by_role("button", name="Tom, technician").click()
    page.wait_for_url("**/cases")
    expect(page.locator(".avatar")).to_have_text("TT")
    page.goto(f"{standing_demo.url}/devices/plc-cooling-water")
    expect(page.get_by_role("heading", level=1)).to_contain_text("PLC-11")
    assert any("tom.tech" in frame for frame in sent), "the listener hears this state"
    hint = secret[:10]  # Also of the list of keys, which the first person could see and the second may not.
    assert not [frame for frame in sent if hint in frame]
