"""A compiled front end talks to the host it came from."""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from pdm_app.bootstrap.origin import follow_origin
from pdm_app.bootstrap.problems import SetupError

# As Reflex 0.10.1 writes it.
BAKED = (
    "var e={PING:`http://localhost:8000/ping`,EVENT:`ws://localhost:8000/_event`,"
    "UPLOAD:`http://localhost:8000/_upload`,TRANSPORT:`websocket`,TEST_MODE:!1};export{e as t};"
)


@pytest.fixture
def client(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    script = tmp_path / "assets" / "reflex-env-BVGF6eGS.js"
    script.write_text(BAKED)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(BAKED.encode()))
    return tmp_path


def test_every_address_follows_the_origin(client: Path) -> None:
    assert follow_origin(client) == 3
    script = (client / "assets" / "reflex-env-BVGF6eGS.js").read_text()
    assert "localhost" not in script
    assert "TRANSPORT:`websocket`" in script


def test_the_compressed_copy_says_the_same(client: Path) -> None:
    follow_origin(client)
    packed = gzip.decompress((client / "assets" / "reflex-env-BVGF6eGS.js.gz").read_bytes()).decode()
    assert packed == (client / "assets" / "reflex-env-BVGF6eGS.js").read_text()


def test_rewriting_twice_changes_nothing_more(client: Path) -> None:
    follow_origin(client)
    once = (client / "assets" / "reflex-env-BVGF6eGS.js").read_bytes()
    assert follow_origin(client) == 0
    assert (client / "assets" / "reflex-env-BVGF6eGS.js").read_bytes() == once


@pytest.mark.parametrize(
    ("origin", "event"),
    [("https://plant.example", "wss://plant.example/_event"), ("http://10.0.0.7:8123", "ws://10.0.0.7:8123/_event")],
)
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_script_evaluates_to_addresses_of_the_page(client: Path, origin: str, event: str) -> None:
    follow_origin(client)
    script = (client / "assets" / "reflex-env-BVGF6eGS.js").read_text().removesuffix("export{e as t};")
    evaluated = subprocess.run(
        ["node", "-e", f"globalThis.location={{origin:'{origin}'}};{script}console.log(e.PING, e.EVENT)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert evaluated.stdout.split() == [f"{origin}/ping", event]


def test_a_build_that_looks_different_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Reflex built it differently"):
        follow_origin(tmp_path)
