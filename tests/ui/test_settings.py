"""The settings: what leads where, and what stands there for somebody without the right."""

from typing import Any

import pytest
import reflex as rx

from pdm_app.domain.access import Permission
from pdm_app.ui.messages import messages
from pdm_app.ui.pages.all_pages import PAGES
from pdm_app.ui.pages.settings import settings
from pdm_app.ui.settings import GROUPS, PLACES, Place, settings_page
from tests.ui.test_pages import name_of, props_of, walk

every_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.href)


def links(component: Any, address: str) -> list[tuple[Any, tuple[Any, ...]]]:
    return [(part, above) for part, above in walk(component) if f'to:"{address}"' in props_of(part)]


def conditions(above: tuple[Any, ...]) -> str:
    return " ".join(str(part.render().get("cond_state", "")) for part in above)


@every_place
def test_a_place_is_a_page_with_a_name_and_a_hint(place: Place) -> None:
    assert place.href in {page.route for page in PAGES}
    assert place.group in GROUPS
    assert messages()[place.key]
    assert messages()[f"settings.hint.{place.href.rpartition('/')[2]}"]


def test_every_page_under_the_settings_is_a_place() -> None:
    below = {page.route for page in PAGES if page.route.startswith("/settings/") and "[" not in page.route}
    assert below == {place.href for place in PLACES}


@every_place
def test_the_index_leads_there_only_those_who_may_go(place: Place) -> None:
    ((_, above),) = [
        (part, above) for part, above in links(settings(), place.href) if "settings-place" in str(props_of(part))
    ]
    assert (f'"{place.permission}"' in conditions(above)) == (place.permission is not None)


@every_place
def test_a_page_marks_its_own_place_and_has_a_way_back(place: Place) -> None:
    page = next(page for page in PAGES if page.route == place.href).show()
    marked = [
        part
        for part, above in walk(page)
        if '"aria-current":"page"' in props_of(part) and any('"settings-list"' in str(props_of(one)) for one in above)
    ]
    assert [f'to:"{place.href}"' in props_of(part) for part in marked] == [True]
    assert any('"settings-back phone-only"' in str(props_of(part)) for part, _ in links(page, "/settings"))


def test_who_lacks_the_right_reads_which_one_it_is_and_not_the_page() -> None:
    place = next(place for place in PLACES if place.permission is Permission.SYSTEM_READ)
    page = settings_page(place.href, rx.el.h1("inside", id="inside"))
    inside = [above for part, above in walk(page) if 'id:"inside"' in props_of(part)]
    assert len(inside) == 1
    assert '"system.read"' in conditions(inside[0])
    alerts = [
        part for part, _ in walk(page) if 'role:"alert"' in props_of(part) and "note-error" in str(props_of(part))
    ]
    assert any('"system.read"' in str(part.render()) for part in alerts)


def test_a_page_that_is_no_place_cannot_be_built() -> None:
    with pytest.raises(StopIteration):
        settings_page("/settings/nowhere")


def test_the_search_for_links_finds_them() -> None:
    assert [name_of(part) for part, _ in links(settings(), "/settings/api")] == ["ReactRouterLink"]
