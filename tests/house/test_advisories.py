"""No locked package has a known vulnerability, as far as the index at hand says anything about it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pdm_app.bootstrap.checkout import find_checkout
from pdm_app.bootstrap.environment import node_environment

pytestmark = pytest.mark.long
PATIENCE_S = 300
ACCEPTED: dict[str, str] = {}
"""Advisories that do not touch this product, each by its id with the reason."""


@pytest.fixture
def root() -> Path:
    checkout = find_checkout()
    if checkout is None:
        pytest.skip("not a checkout")
    return checkout.root


@pytest.mark.parametrize("lock", ["run", "build"])
def test_no_python_package_has_a_known_vulnerability(root: Path, lock: str) -> None:
    """A run over one package first tells whether the index says anything at all."""
    if (silence := _asked_in_vain("idna", root)) is not None:
        pytest.skip(f"not run: the index serves no advisories ({silence})")
    found = _pip_audit(["--requirement", str(root / ".ci" / "locks" / f"{lock}.txt"), "--disable-pip"])
    assert found.returncode in (0, 1), found.stderr[-2000:]
    known = [
        (package["name"], package["version"], flaw["id"], flaw["fix_versions"])
        for package in json.loads(found.stdout)["dependencies"]
        for flaw in package.get("vulns", [])
        if flaw["id"] not in ACCEPTED
    ]
    assert known == []


def _pip_audit(words: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def _asked_in_vain(name: str, root: Path) -> str | None:
    """Return the end of what was said where one package could not be looked up, None where it could."""
    lock = (root / ".ci" / "locks" / "run.txt").read_text(encoding="utf-8")
    pin = re.search(rf"^{name}==\S+ \\\n(?:    --hash=\S+(?: \\\n|$))+", lock, re.MULTILINE)
    assert pin is not None
    one = root / ".cache" / "advisories.txt"
    one.parent.mkdir(exist_ok=True)
    one.write_text(pin[0].rstrip("\\\n ") + "\n", encoding="utf-8")
    try:
        asked = _pip_audit(["--requirement", str(one), "--disable-pip"])
    except subprocess.TimeoutExpired:
        return "it does not answer"
    try:
        (package,) = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (asked.stderr.strip().splitlines() or ["no answer"])[-1][:200]
    return str(package["skip_reason"]) if "skip_reason" in package else None


def test_no_npm_package_has_a_known_vulnerability(root: Path, tmp_path: Path) -> None:
    checkout = find_checkout()
    assert checkout is not None
    node = node_environment(checkout)
    npm = shutil.which("npm", path=os.pathsep.join([os.fspath(node.scripts), os.environ.get("PATH", "")]))
    if npm is None:
        pytest.skip("not run: Node for the build is not set up here")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / ".ci" / "npm" / name, tmp_path)
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", "")])}
    found = subprocess.run(
        [npm, "audit", "--json", "--package-lock-only"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    answer = json.loads(found.stdout or "{}")
    if "vulnerabilities" not in answer:
        said = answer.get("message") or answer.get("error") or found.stderr[-200:]
        pytest.skip(f"not run: the registry serves no advisories ({said})")
    known = {
        f"{flaw['source']}": (flaw["name"], flaw["title"], flaw["range"])
        for package in answer["vulnerabilities"].values()
        for flaw in package["via"]
        if isinstance(flaw, dict) and str(flaw["source"]) not in ACCEPTED
    }
    assert known == {}
