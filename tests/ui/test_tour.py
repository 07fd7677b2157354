"""The tour is offered where people begin, whatever their role."""

import json
import re
from pathlib import Path

from pdm_app.domain.credentials import HOME_OF, USUAL_HOME

STOPS = Path(__file__).parents[2] / "pdm_app" / "ui" / "browser" / "tour_stops.js"


def test_it_is_offered_on_the_first_page_of_every_role() -> None:
    found = re.search(r"HOMES = (\[[^\]]*\]);", STOPS.read_text(encoding="utf-8"))
    assert found is not None
    first, *others = json.loads(found[1])
    assert first == USUAL_HOME
    assert set(others) == set(HOME_OF.values())
