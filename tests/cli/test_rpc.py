"""The `rpc` command tells other programs, and people, what can be called."""

import json
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.rpc.description import python_client_text, typescript_types
from pdm_app.rpc.root import root


def test_list_shows_every_procedure_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rpc", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(procedure.path for procedure in root.procedures())
    (acknowledge,) = [line for line in lines if line.startswith("alarms.acknowledge ")]
    assert acknowledge.split(maxsplit=3)[1:] == [
        "mutation",
        "alarms.acknowledge",
        "Acknowledge a standing alarm; answered when that is stored.",
    ]
    assert "to be signed in" in next(line for line in lines if line.startswith("auth.me "))


def test_types_writes_the_router_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "app-router.d.ts"
    assert main(["rpc", "types", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == typescript_types()
    assert capsys.readouterr().err == f"{out} is written.\n"


def test_a_file_that_is_current_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "app-router.d.ts"
    main(["rpc", "types", "--out", str(out)])
    written_at = out.stat().st_mtime_ns
    assert main(["rpc", "types", "--out", str(out)]) == 0
    assert out.stat().st_mtime_ns == written_at
    assert capsys.readouterr().err.endswith(f"{out} is current.\n")


def test_types_can_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rpc", "types", "--out", "-"]) == 0
    shown = capsys.readouterr()
    assert shown.out == typescript_types()
    assert shown.err == ""


def test_python_writes_a_client_that_is_python(tmp_path: Path) -> None:
    out = tmp_path / "pdm_client.py"
    assert main(["rpc", "python", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert text == python_client_text()
    compile(text, str(out), "exec")


def test_openapi_writes_json_with_the_version_of_the_product(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    assert main(["rpc", "openapi", "--out", str(out)]) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"].startswith("0.1.0")
    assert document["security"] == [{"bearer": []}, {"cookie": []}]
    calls = [path for path in document["paths"] if path.startswith("/trpc/")]
    assert len(calls) == len(list(root.procedures()))


@pytest.mark.parametrize(
    ("name", "reason"), [("missing/app-router.d.ts", "No such file or directory"), ("", "Is a directory")]
)
def test_a_file_that_cannot_be_written_says_why_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    out = tmp_path / name
    assert main(["rpc", "types", "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"\npdm_app: {out} was not written: {reason}. Name another file with --out.\n"


def test_a_file_that_is_no_text_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "picture.png"
    out.write_bytes(b"\x89PNG\xff")
    assert main(["rpc", "types", "--out", str(out)]) == 1
    assert "it holds no text" in capsys.readouterr().err
    assert out.read_bytes() == b"\x89PNG\xff"
