"""A running OpenLDAP server, shared by the tests of a file."""

from collections.abc import Callable, Iterator

import pytest

from tests.counterparts.slapd import Slapd, find_slapd


@pytest.fixture(scope="module")
def slapd(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    need("slapd", find_slapd())
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    server.create()
    server.start()
    yield server
    server.stop()
