"""The command `firmware`: keys and signatures without a server, by the command itself."""

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.firmware_keys import key_id
from pdm_app.domain.releases import manifest
from tests.domain.releases import artifact, facts

PASSPHRASE = "copper lantern drifts"
IMAGE = b"an image of firmware" * 1_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signer's machine: a passphrase, an image, its manifest and a key."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").write_text(PASSPHRASE + "\n")
    (tmp_path / "gateway.swu").write_bytes(IMAGE)
    made = artifact(bytes=len(IMAGE), sha256=hashlib.sha256(IMAGE).hexdigest())
    (tmp_path / "manifest.json").write_bytes(manifest(facts(), made))
    assert main(["firmware", "keygen", "release.key", "--passphrase-file", "words"]) == 0
    return tmp_path


def sign(*more: str) -> int:
    words = ["--key", "release.key", "--passphrase-file", "words"]
    return main(["firmware", "sign", "manifest.json", "gateway.swu", *words, *more])


def verify(*more: str) -> int:
    return main(["firmware", "verify", "manifest.json", "manifest.json.sig", "--public-key", "release.pub", *more])


def test_a_manifest_is_signed_and_verified_by_processes_without_a_server(folder: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).parents[2]
        return subprocess.run(
            [sys.executable, "-m", "pdm_app", "firmware", *words], cwd=folder, check=False, capture_output=True,
            text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip

    signed = run("sign", "manifest.json", "gateway.swu", "--key", "release.key", "--passphrase-file", "words")
    assert signed.returncode == 0, signed.stderr
    assert "gateway-os 2.0.0, security version 3" in signed.stdout
    checked = run("verify", "manifest.json", "manifest.json.sig", "--public-key", "release.pub")
    assert checked.returncode == 0, checked.stderr
    assert key_id((folder / "release.pub").read_text().strip()) in checked.stdout


def test_the_private_key_is_encrypted_and_only_its_owners_to_read(folder: Path) -> None:
    key = folder / "release.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "ENCRYPTED PRIVATE KEY" in key.read_text()
    assert PASSPHRASE not in key.read_text()


def test_a_key_is_never_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "release.key").read_bytes()
    assert main(["firmware", "keygen", "release.key", "--passphrase-file", "words"]) == 1
    (folder / "other.pub").write_text("mine")
    assert main(["firmware", "keygen", "other.key", "--passphrase-file", "words"]) == 1
    assert "is not written over" in capsys.readouterr().err
    assert (folder / "release.key").read_bytes() == before
    assert not (folder / "other.key").exists()


def test_a_short_passphrase_makes_no_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "words").write_text("short")
    assert main(["firmware", "keygen", "weak.key", "--passphrase-file", "words"]) == 1
    assert "5 characters" in capsys.readouterr().err
    assert not (folder / "weak.key").exists()


def test_another_file_than_the_manifests_is_not_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gateway.swu").write_bytes(IMAGE[:-1] + b"!")
    assert sign() == 1
    assert "Nothing was signed" in capsys.readouterr().err
    assert not (folder / "manifest.json.sig").exists()


def test_a_wrong_passphrase_signs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "words").write_text("another long passphrase")
    assert sign() == 1
    assert "the passphrase is wrong" in capsys.readouterr().err
    assert not (folder / "manifest.json.sig").exists()


def test_a_manifest_that_was_edited_is_not_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (folder / "manifest.json").read_bytes()
    for edited in (content + b"\n", content.replace(b":", b": "), b"[]", b"{", b"{" * 90_000, content[:-1]):
        (folder / "manifest.json").write_bytes(edited)
        assert sign() == 1
        assert "is no manifest" in capsys.readouterr().err


def test_a_signature_that_does_not_hold_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign() == 0
    assert verify("--artifact", "gateway.swu") == 0
    made = base64.b64decode((folder / "manifest.json.sig").read_text())
    for wrong in (made[:-1] + bytes([made[-1] ^ 1]), made[:-1], b"", made + b"\0"):
        (folder / "manifest.json.sig").write_text(base64.b64encode(wrong).decode())
        assert verify() == 1
        assert "is no signature" in capsys.readouterr().err
    (folder / "manifest.json.sig").write_text("é no base64")
    assert verify() == 1


def test_another_manifest_or_key_does_not_pass(folder: Path) -> None:
    assert sign() == 0
    assert main(["firmware", "keygen", "other.key", "--passphrase-file", "words"]) == 0
    assert main(["firmware", "verify", "manifest.json", "manifest.json.sig", "--public-key", "other.pub"]) == 1
    (folder / "manifest.json").write_bytes(manifest(facts(version="2.0.1"), artifact()))
    assert verify() == 1


def test_files_that_are_not_there_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gateway.swu").unlink()
    assert sign() == 1
    assert "gateway.swu cannot be read" in capsys.readouterr().err
    assert main(["firmware", "verify", "nowhere.json", "a", "--public-key", "b"]) == 1
    assert "nowhere.json cannot be read" in capsys.readouterr().err
