"""What browsers are given holds no secret, names no other server, and nothing that its own policy would refuse."""

import re
from pathlib import Path

import pytest

from pdm_app.bootstrap.checkout import find_checkout
from pdm_app.bootstrap.frontend import ensure_frontend
from pdm_app.endpoints.content_policy import INLINE_SCRIPT, ContentPolicy

ADDRESS = re.compile(r"""(?:https?|wss?)://([A-Za-z0-9][A-Za-z0-9.-]*)""")
# Names of vocabularies and pages that a library's error text points a developer to; none is ever fetched, and the
# policy of the pages would not let it be.
NAMED_ONLY = {
    "www.w3.org", "react.dev", "reactrouter.com", "socket.io", "github.com", "tanstack.com", "trpc.io", "localhost",
    "echarts.apache.org", "json-schema.org", "developer.mozilla.org", "fb.me", "reactjs.org", "scripts.sil.org",
}  # fmt: skip
HOMES = ("home", "root", "Users", "tmp")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a device key": re.compile(r"pdm_[a-z0-9]{6}_[A-Za-z0-9]{43}"),
    "a token": re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    "a password hash": re.compile(r"\$argon2(?:id|i|d)\$"),
    "a database with its password": re.compile(r"(?:mysql|sqlite)\+\w+://"),
    "a path of the machine it was built on": re.compile(rf"/(?:{'|'.join(HOMES)})/[\w.-]+/"),
}
TEXT = {".js", ".css", ".html", ".json", ".svg", ".webmanifest", ".txt"}


@pytest.fixture(scope="module")
def pages() -> Path:
    """The compiled pages of this checkout; built if nobody has yet."""
    if find_checkout() is None:
        pytest.skip("not a checkout")
    return ensure_frontend() / "web" / "build" / "client"


def texts(pages: Path) -> dict[str, str]:
    return {
        file.relative_to(pages).as_posix(): file.read_text(encoding="utf-8")
        for file in pages.rglob("*")
        if file.suffix in TEXT
    }


def test_no_file_names_a_server_that_a_browser_might_ask(pages: Path) -> None:
    found = {
        (name, host.lower()) for name, text in texts(pages).items() for host in ADDRESS.findall(text) if "." in host
    }
    named = {(name, host) for name, host in found if host in NAMED_ONLY}
    assert len(texts(pages)) > 20, "the pages were found"
    # Names under .example are for words to read, and are nobody's. Source: RFC 2606, section 2.
    assert {(name, host) for name, host in found - named if not host.endswith(".example")} == set()


def test_no_file_holds_a_secret(pages: Path) -> None:
    found = {
        (name, what) for name, text in texts(pages).items() for what, pattern in SECRETS.items() if pattern.search(text)
    }
    assert found == set()


def test_no_source_map_is_handed_out(pages: Path) -> None:
    assert list(pages.rglob("*.map")) == []
    assert [name for name, text in texts(pages).items() if "sourceMappingURL=" in text[-300:]] == []


def test_no_page_has_inline_code_that_its_policy_would_refuse(pages: Path) -> None:
    handler = re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE)
    policy = ContentPolicy(pages)
    for name, text in texts(pages).items():
        if name.endswith(".html"):
            without_scripts = INLINE_SCRIPT.sub(b"", text.encode()).decode()
            assert not handler.search(without_scripts), name
            assert "javascript:" not in without_scripts, name
            assert policy.of(f"/{name}").count(b"'sha256-") >= 3, name


def test_the_search_finds_what_it_looks_for() -> None:
    assert ADDRESS.findall('fetch("https://cdn.example/x.js")') == ["cdn.example"]
    assert SECRETS["a device key"].search("pdm_abc123_" + "A" * 43)
    assert SECRETS["a path of the machine it was built on"].search("/".join(("", HOMES[0], "somebody", "x")))
