"""Each thing that can go wrong on a bare machine is said in words that tell what to do next."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from pdm_app.bootstrap.problems import (
    NoNetworkError,
    NoPermissionError,
    NoSpaceError,
    SetupError,
    explain_log,
    explained,
    require_space,
)
from tests.bootstrap.conftest import BASE_PYTHON, MiniCheckout

NOBODY = 65534


def test_no_network_is_named_and_the_mirror_settings_shown(checkout: MiniCheckout, free_port: int) -> None:
    unreachable = f"http://127.0.0.1:{free_port}/simple"
    settings = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": unreachable}
    stopped = checkout.run("demo", settings=settings)
    assert stopped.returncode == 1
    assert "the package index cannot be reached" in stopped.stderr
    assert "pip config set global.index-url" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_the_next_start_after_a_failed_one_succeeds(checkout: MiniCheckout) -> None:
    assert checkout.run("demo", settings={"PIP_FIND_LINKS": "/nowhere"}).returncode == 1
    assert checkout.run("demo").returncode == 0


def test_a_full_disk_is_named(checkout: MiniCheckout) -> None:
    (checkout.root / ".cache").mkdir()
    (checkout.root / ".cache" / "setup.log").symlink_to("/dev/full")
    stopped = checkout.run("demo")
    assert stopped.returncode == 1
    assert "no space left on the disk" in stopped.stderr
    assert "Free about" in stopped.stderr


def test_a_disk_too_small_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(NoSpaceError, match=r"needs about 900000000 MB in .*, and the disk has \d+ MB free"):
        require_space("Setting up", tmp_path / "not" / "yet", 900_000_000)
    require_space("Setting up", tmp_path, 1)


def python_for_nobody() -> str:
    """A Python that a user without a home may start; root's own is often out of reach."""
    for python in (str(BASE_PYTHON), *(f"/usr/bin/python3.{minor}" for minor in (11, 12, 13, 14))):
        with suppress(OSError):
            if subprocess.run([python, "-c", ""], user=NOBODY, group=NOBODY, check=False).returncode == 0:
                return python
    pytest.skip("no Python on this machine that another user may start")


def test_a_checkout_that_cannot_be_written_is_named(checkout: MiniCheckout) -> None:
    if os.geteuid() == 0:  # Permissions do not hold root back, so somebody else tries.
        for folder in [checkout.root, *checkout.root.parents][:-1]:
            if folder.stat().st_uid == 0:
                folder.chmod(folder.stat().st_mode | 0o055)
        stopped = subprocess.run(
            [python_for_nobody(), "-m", "pdm_app", "demo"], cwd=checkout.root, env=checkout.environment(),
            user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=False,
        )  # fmt: skip
    else:
        checkout.root.chmod(0o555)
        stopped = checkout.run("demo")
        checkout.root.chmod(0o755)
    assert stopped.returncode == 1
    assert f"no permission to write {checkout.root / '.cache'}" in stopped.stderr
    assert "copy the checkout to a folder of your own" in stopped.stderr


def test_a_package_that_differs_from_the_lock_is_refused(checkout: MiniCheckout) -> None:
    wheel = checkout.wheels / "tiny-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    stopped = checkout.run("demo")
    assert stopped.returncode == 1
    assert "differs from the one the lock names" in stopped.stderr
    assert not (checkout.venv / "pdm-setup.json").exists()


def test_a_python_without_pip_and_ensurepip_says_what_to_install(checkout: MiniCheckout, tmp_path: Path) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    checkout.python = tmp_path / "bare" / "bin" / "python"
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ImportError('Debian packages it separately')\n")
    stopped = checkout.run("demo", settings={"PYTHONPATH": str(hidden)})
    assert stopped.returncode == 1
    assert "has neither pip nor ensurepip" in stopped.stderr
    assert "apt install python3-venv" in stopped.stderr


def test_a_python_without_pip_but_with_ensurepip_sets_up(checkout: MiniCheckout, tmp_path: Path) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    checkout.python = tmp_path / "bare" / "bin" / "python"
    started = checkout.run("demo")
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("output", "kind", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", NoSpaceError, "no space left"),
        ("npm error code ENOSPC", NoSpaceError, "no space left"),
        (
            "error: Failed to fetch\n dns error: failed to lookup address: Name or service not known",
            NoNetworkError,
            "reach",
        ),
        ("npm error network request to registry failed, reason: ENOTFOUND", NoNetworkError, "cannot be reached"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", NoNetworkError, "does not trust"),
        ("ERROR: [Errno 13] Permission denied: '/x'", NoPermissionError, "no permission"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", SetupError, "differs from the one"),
        ("ERROR: No matching distribution found for onnxruntime==1.31.1", SetupError, "no ready-made package"),
        ("ModuleNotFoundError: Module pdm_app.pdm_app not found", SetupError, "Installing failed"),
    ],
)
def test_the_output_of_a_failed_tool_is_understood(
    output: str, kind: type[SetupError], words: str, tmp_path: Path
) -> None:
    error = explain_log("Installing", output, tmp_path / "setup.log")
    assert type(error) is kind
    assert words in str(error)
    assert output.splitlines()[-1] in str(error)


def test_an_error_of_the_system_that_nobody_foresaw_keeps_its_own_words(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(SetupError, match=r"Linking failed at .*loop: Too many levels"), explained("Linking", tmp_path):
        loop.read_bytes()
