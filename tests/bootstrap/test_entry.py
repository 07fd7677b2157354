"""Pythons that cannot run the product say so, however old they are."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.conftest import ROOT, MiniCheckout


def interpreters() -> list[str]:
    """Pythons on this machine that are too old: on PATH, or where pyenv keeps them."""
    on_path = [shutil.which(f"python{version}") for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")]
    kept = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    old = [str(python) for python in kept if python.parts[-3].startswith(("2.", "3.6", "3.7", "3.8", "3.9", "3.10"))]
    return old or [python for python in on_path if python]


@pytest.mark.parametrize("python", interpreters(), ids=lambda python: Path(python).parts[-3])
@pytest.mark.parametrize("how", ["module", "folder"])
def test_an_older_python_names_itself_and_the_ones_that_will_do(python: str, how: str) -> None:
    words = ["-m", "pdm_app"] if how == "module" else [str(ROOT / "pdm_app")]
    started = subprocess.run([python, "-B", *words, "demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert started.returncode == 2
    assert "needs Python 3.11, 3.12, 3.13 or 3.14; this is Python" in started.stderr
    assert "Traceback" not in started.stderr


def test_a_python_from_the_future_is_refused_the_same_way() -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 15, 0, 'final', 0); runpy.run_module('pdm_app', run_name='__main__')"
    )
    started = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False)
    assert started.returncode == 2
    assert "this is Python 3.15" in started.stderr


def test_the_entry_can_be_read_by_pythons_of_long_ago() -> None:
    source = (ROOT / "pdm_app" / "__main__.py").read_text(encoding="ascii")
    ast.parse(source, feature_version=(3, 4))


def test_bootstrap_imports_nothing_but_python_itself(checkout: MiniCheckout) -> None:
    probe = (
        "import sys, pkgutil, importlib, pdm_app.bootstrap as b\n"
        "[importlib.import_module(f'pdm_app.bootstrap.{m.name}') for m in pkgutil.iter_modules(b.__path__)]\n"
    )
    bare = subprocess.run(
        [checkout.python, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(checkout.root)!r})\n{probe}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert bare.returncode == 0, bare.stderr
