"""Which pages are our own, and who sits at this machine."""

import pytest

from pdm_app.services.origins import is_on_this_machine, is_own_origin


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        (None, "plant:8000", True),
        ("http://plant:8000", "plant:8000", True),
        ("https://plant:8000", "plant:8000", True),  # TLS ends in front of this program.
        ("http://PLANT:8000", "plant:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://plant", "plant", True),
        ("http://plant:8001", "plant:8000", False),
        ("http://plant", "plant:8000", False),
        ("http://evil.example", "plant:8000", False),
        ("http://plant:8000.evil.example", "plant:8000", False),
        ("http://plant:8000@evil.example", "plant:8000", False),
        ("null", "plant:8000", False),
        ("null", "", False),
        ("", "", False),
        ("http://", "", False),
        ("file://", "", False),
        ("http://[", "[", False),
    ],
)
def test_only_the_page_of_this_host_and_port_is_our_own(origin: str | None, host: str, own: bool) -> None:
    assert is_own_origin(origin, host) is own


@pytest.mark.parametrize(
    ("address", "host", "forwarded", "here"),
    [
        ("127.0.0.1", "127.0.0.1:8000", False, True),
        ("127.0.0.1", "localhost:8000", False, True),
        ("127.8.8.8", "localhost", False, True),
        ("::1", "[::1]:8000", False, True),
        ("::ffff:127.0.0.1", "localhost", False, True),
        ("127.0.0.1", "localhost:8000", True, False),  # A proxy on this machine asks for somebody.
        ("127.0.0.1", "evil.example:8000", False, False),  # A foreign name that points here.
        ("127.0.0.1", "", False, False),
        ("127.0.0.1", "[", False, False),
        ("192.0.2.7", "localhost:8000", False, False),
        ("", "localhost", False, False),
        ("testclient", "localhost", False, False),
    ],
)
def test_somebody_at_this_machine_comes_from_loopback_by_a_loopback_name_and_not_through_a_proxy(
    address: str, host: str, forwarded: bool, here: bool
) -> None:
    assert is_on_this_machine(address, host, is_forwarded=forwarded) is here
