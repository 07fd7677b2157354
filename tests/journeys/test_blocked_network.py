"""A plant network that lets no stream through still shows the plant, and says by which way."""

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

FALLBACK_MS = 120_000


def refuse_socket(socket: WebSocketRoute) -> None:
    socket.close(code=1011)


def refuse(route: Route) -> None:
    route.abort("connectionreset")


def shows_moving_values(page: Page) -> None:
    value = page.locator(".value[data-state=good]").first
    expect(value).to_be_visible(timeout=FIRST_VALUES_MS)
    before = value.get_attribute("data-at")
    expect(value).not_to_have_attribute("data-at", before or "", timeout=FALLBACK_MS)


def test_without_web_sockets_values_come_as_server_sent_events(standing_demo: RunningProduct, page: Page) -> None:
    page.route_web_socket("**/trpc", refuse_socket)
    sign_in(page, standing_demo, "Olga, operator")
    expect(page.locator(".connection-dot[data-transport=sse][data-state=live]")).to_be_visible(timeout=FALLBACK_MS)
    expect(page.locator(".connection-chip")).to_have_text("SSE")
    shows_moving_values(page)


def test_without_any_stream_values_are_asked_for(standing_demo: RunningProduct, page: Page) -> None:
    page.route_web_socket("**/trpc", refuse_socket)
    for subscription in ("live.values", "alarms.watch", "connections.watch"):
        page.route(f"**/trpc/{subscription}*", refuse)
    sign_in(page, standing_demo, "Olga, operator")
    expect(page.locator(".connection-dot[data-transport=poll][data-state=live]")).to_be_visible(timeout=FALLBACK_MS)
    shows_moving_values(page)


def test_a_page_whose_state_got_lost_on_its_way_loads_itself_anew(standing_demo: RunningProduct, page: Page) -> None:
    sign_in(page, standing_demo, "Olga, operator")
    silent: list[str] = []

    def answer_none_at_first(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        if not silent:
            silent.append(socket.url)
            server.on_message(lambda _: None)  # The page hears nothing of what it asks for.

    page.route_web_socket("**/_event/**", answer_none_at_first)
    page.goto(f"{standing_demo.url}/signals")
    expect(page.get_by_label("Your account")).to_have_text("OO", timeout=FIRST_VALUES_MS)
    assert len(silent) == 1
