"""The policy of each page allows what the build wrote into it, and nothing else that is inline."""

import base64
import hashlib
import re
from pathlib import Path

from pdm_app.endpoints.content_policy import ContentPolicy

INLINE = 'window.state = {"a": "</div>"};'
MODULE = 'import "/assets/entry.js";'
STYLE = ".a{color:red}"


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def directives(value: bytes) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in value.decode().split(";"))


def folder(tmp_path: Path) -> Path:
    (tmp_path / "plant.html").write_text(
        f'<head><style data-emotion="css">{STYLE}</style></head><script>{INLINE}</script>'
        f'<script type="module" async="">{MODULE}</script><script src="/theme.js"></script>'
        '<SCRIPT\nsrc="/more.js"></SCRIPT>'
    )
    (tmp_path / "alarms.html").write_text("<script>alarms()</script>")
    (tmp_path / "404.html").write_text("<script>lost()</script>")
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset" / "index.html").write_text("<script>nested()</script>")
    return tmp_path


def test_the_inline_scripts_of_a_page_are_allowed_by_hash_and_those_of_others_are_not(tmp_path: Path) -> None:
    policy = ContentPolicy(folder(tmp_path))
    assert directives(policy.of("/plant.html"))["script-src"].split() == [
        "'self'", *sorted((digest(INLINE), digest(MODULE))),
    ]  # fmt: skip
    assert directives(policy.of("/alarms.html"))["script-src"].split() == ["'self'", digest("alarms()")]
    assert directives(policy.of("/asset/index.html"))["script-src"].split() == ["'self'", digest("nested()")]


def test_an_address_without_a_file_has_the_policy_of_the_page_that_answers_it(tmp_path: Path) -> None:
    policy = ContentPolicy(folder(tmp_path))
    assert policy.of("/asset/p-101a") == policy.of("/404.html")
    assert digest("lost()") in directives(policy.of("/anything"))["script-src"]


def test_style_elements_are_allowed_by_hash_and_empty(tmp_path: Path) -> None:
    allowed = directives(ContentPolicy(folder(tmp_path)).of("/plant.html"))["style-src-elem"].split()
    assert set(allowed) == {"'self'", digest(""), digest(STYLE)}


def test_no_page_may_evaluate_text_load_from_elsewhere_or_stand_in_a_frame(tmp_path: Path) -> None:
    policy = ContentPolicy(folder(tmp_path))
    for page in ("/plant.html", "/nowhere"):
        found = directives(policy.of(page))
        assert "unsafe" not in found["script-src"]
        assert not re.search(r"https?:|\*|//", " ".join(found.values()))
        assert found["default-src"] == found["frame-ancestors"] == "'none'"
        assert found["form-action"] == found["base-uri"] == found["connect-src"] == "'self'"


def test_a_front_end_that_is_not_built_has_a_policy_all_the_same(tmp_path: Path) -> None:
    assert directives(ContentPolicy(tmp_path / "nowhere").of("/"))["script-src"] == "'self'"
