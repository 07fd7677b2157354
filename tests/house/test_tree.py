"""The shape of the source tree: what stands at its top, how long a file is, what never belongs in one."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "pdm_app", "rxconfig.py", "alembic", "firmware", "assets", "tests", "pyproject.toml", "README.md", "LICENSE",
}  # fmt: skip
LINES_MAX = 400
LOCKS = (".ci/locks/", ".ci/npm/", "package-lock.json", ".lock")
GENERATED = ("alembic/versions/",)


def tracked() -> list[Path]:
    """Files of the source tree as a clone has them, plus those about to be added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: there is no list of what belongs to it")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def test_nothing_new_stands_at_the_top() -> None:
    top = {name.split("/")[0] for name in names(tracked())}
    assert {name for name in top if not name.startswith(".")} <= TOP


def test_locks_hold_versions_and_hashes_but_no_addresses() -> None:
    locks = [path for path in tracked() if any(part in path.relative_to(ROOT).as_posix() for part in LOCKS)]
    assert len(locks) >= 6
    assert names([path for path in locks if re.search(r"https?://|\bfile:", path.read_text(encoding="utf-8"))]) == []


def test_each_locked_python_package_has_hashes() -> None:
    for lock in (ROOT / ".ci" / "locks").glob("*.txt"):
        for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
            assert re.match(r"[a-z0-9._-]+==\S+", block), f"{lock.name}: {block[:60]}"
            assert "--hash=sha256:" in block, f"{lock.name}: {block[:60]}"


def test_the_test_lock_contains_the_run_and_build_locks() -> None:
    def pins(lock: str) -> set[str]:
        text = (ROOT / ".ci" / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^\S+==[^\s;]+", text, re.MULTILINE))

    assert pins("run") <= pins("test")
    assert pins("build") <= pins("test")


def test_no_path_of_one_machine_is_written_down() -> None:
    homes = re.compile(r"(?<![\w.])/(?:home|Users|work)/\w|(?<![\w.])/root/")
    found = [
        path for path in tracked() if path.suffix not in {".png", ".woff2", ".gz", ".ico"} and _matches(path, homes)
    ]
    assert names([path for path in found if path != Path(__file__)]) == []


def test_no_file_of_code_is_longer_than_four_hundred_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in python_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }
    assert {name: count for name, count in long.items() if not name.startswith(GENERATED)} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in python_files()
        if (source := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert names(silent) == []


def test_the_package_itself_is_empty() -> None:
    assert (ROOT / "pdm_app" / "__init__.py").read_text() == ""


def test_migrations_never_shadow_the_library_they_are_for() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


@pytest.mark.parametrize("leftover", ["utils.py", "helpers.py", "common.py", "misc.py"])
def test_no_module_collects_leftovers(leftover: str) -> None:
    assert names([path for path in python_files() if path.name == leftover]) == []


def test_tasks_are_created_where_somebody_owns_them() -> None:
    owners = ("pdm_app/engine/supervisor.py", "pdm_app/trpc/", "pdm_app/simulation/", "tests/")
    creates = [
        name
        for name, path in zip(names(python_files()), python_files(), strict=True)
        if not name.startswith(owners) and _creates_tasks(path)
    ]
    assert creates == []


def _creates_tasks(path: Path) -> bool:
    return any(
        isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) in {"create_task", "ensure_future"}
        and not (isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in {"group", "tasks"})
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def _matches(path: Path, pattern: re.Pattern[str]) -> bool:
    try:
        return bool(pattern.search(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        return False
