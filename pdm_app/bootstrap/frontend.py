"""Compile the Reflex front end once per content and serve it afterwards without Node.

The build happens in `.cache/build`, a folder that looks like the checkout to Reflex (its sources linked, its assets and
npm lock copied) so that nothing Reflex writes lands in the checkout itself. What comes out is kept as
`.cache/frontend/HASH`; a folder of that name is complete by construction, since it is renamed into place last.

Found on the way, with Reflex 0.10.1:
- `REFLEX_USE_NPM=1` and Node on PATH keep it from downloading bun; `NPM_CONFIG_REGISTRY` keeps it from timing two
  public registries against each other and makes it use the one npm is configured for.
- It reads `reflex.lock/package.json` and `package-lock.json` from the working directory and writes them back after the
  install: what comes back differs from the lock exactly when a component asks for a package the lock does not have.
- Serving needs the Python package, `rxconfig.py` in the working directory, `build/client` and `backend` of the web
  folder, and the environment of `serving_environment`. `REFLEX_BACKEND_ONLY` keeps `rx.asset(shared=True)` from linking
  files into the working directory, so a folder nobody may write serves as well.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pdm_app.bootstrap import npm_lock
from pdm_app.bootstrap.checkout import Checkout, find_checkout
from pdm_app.bootstrap.components import Components, licence_texts, listing
from pdm_app.bootstrap.environment import Environment, node_environment, product_environment
from pdm_app.bootstrap.exclusive import exclusive
from pdm_app.bootstrap.logged import run_logged
from pdm_app.bootstrap.origin import follow_origin
from pdm_app.bootstrap.problems import SetupError, explained, require_space
from pdm_app.bootstrap.progress import Phase

SOURCES = (
    "pdm_app/ui", "pdm_app/domain", "pdm_app/pdm_app.py", "rxconfig.py", "assets", ".ci/npm",
    ".ci/locks/run.txt", ".ci/locks/build.txt", ".ci/licences.toml", "pdm_app/bootstrap/components.py",
    "pdm_app/bootstrap/frontend.py", "pdm_app/bootstrap/origin.py",
)  # fmt: skip
"""What the compiled front end is made of: a change in any of these builds anew. The domain is in it for its words and
defaults, which pages render at build time."""

LICENCES = "licences.txt"
BILL = "bom.cdx.json"
THIRD_PARTIES = """Third-party software of this product, by package, version and licence (SPDX). The Python packages are
installed beside the product with their licence texts; those of the packages whose code the pages carry follow below.
"""
NEEDED_MB = 400  # node_modules and the build, measured at 160 MB with the first pages.
BEGUN = "build.begun"
KEPT_BUILDS = 4  # A server that still runs from an older build goes on finding its files.


def ensure_frontend() -> Path:
    """The folder of a compiled front end that matches the sources, built now if there is none.

    Returns:
        A folder for `serving_environment`: of this checkout's cache, or of the installed wheel.

    Raises:
        SetupError: The build failed; the message has the end of its output.
    """
    checkout = find_checkout()
    if checkout is None:
        return _bundled()
    folder = checkout.cache / "frontend" / content_hash(checkout.root)
    if folder.is_dir():
        return folder
    doing = "Building the front end"
    with exclusive(checkout.cache / "frontend.lock", doing), explained(doing, checkout.cache):
        if not folder.is_dir():
            require_space(doing, checkout.root, NEEDED_MB)
            node = node_environment(checkout)
            node.ensure("build")
            with Phase("Compiling the front end") as phase:
                _compile(checkout, node, doing, phase)
                _keep(checkout, folder)
    return folder


def serving_environment(folder: Path) -> dict[str, str]:
    """Environment variables with which one uvicorn process serves the compiled front end, without Node.

    Set them before `reflex` is imported, with the working directory at ``folder``, whose `rxconfig.py` it reads.
    """
    return {
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_BACKEND_ONLY": "true",
        "REFLEX_WEB_WORKDIR": os.fspath(folder / "web"),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
    }


def content_hash(root: Path) -> str:
    """A name for the state of everything the front end is made of."""
    digest = hashlib.sha256()
    for file in _source_files(root):
        digest.update(f"{file.relative_to(root).as_posix()}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _source_files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        path = root / source
        if path.is_dir():
            found = [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
            # Shared assets are linked here by a build that ran in the checkout itself; they are hashed at their source.
            yield from sorted(file for file in found if root / "assets" / "external" not in file.parents)
        elif path.is_file():
            yield path


def _compile(checkout: Checkout, node: Environment, doing: str, phase: Phase) -> None:
    stage = checkout.cache / "build"
    _stage(checkout, stage)
    try:
        _export(checkout, node, stage, doing, phase)
    except SetupError:  # The tools ended by themselves: what they left is consistent and saves time.
        (stage / BEGUN).unlink(missing_ok=True)
        raise
    (stage / BEGUN).unlink(missing_ok=True)


def _export(checkout: Checkout, node: Environment, stage: Path, doing: str, phase: Phase) -> None:
    npm_log = checkout.cache / "frontend.log"
    npm_log.unlink(missing_ok=True)
    python = product_environment(checkout).python
    run_logged(
        [python, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--env", "prod"],
        doing=doing, log=npm_log, on_line=lambda line: phase.show(_words(line)),
        environment=_build_environment(checkout, node), cwd=stage,
    )  # fmt: skip
    if not (stage / ".web" / "build" / "client" / "index.html").is_file():
        raise SetupError(f"{doing} ended without an index.html. The log is {npm_log}.")
    if not follow_origin(stage / ".web" / "build" / "client"):
        raise SetupError(
            f"{doing}: no back-end address found to rewrite; pages could not connect. The log is {npm_log}."
        )
    _name_the_others(checkout, stage / ".web")


def _name_the_others(checkout: Checkout, web: Path) -> None:
    """Write what third parties have made, for people beside the pages, and for programs as a bill of materials."""
    components = Components(checkout.root, product_environment(checkout).packages)
    texts = licence_texts(web / "node_modules", components.all)
    parts = [
        THIRD_PARTIES,
        listing(components.all),
        *(f"{'=' * 80}\n{name}\n\n{text}\n" for name, text in texts.items()),
    ]
    (web / LICENCES).write_text("\n".join(parts), encoding="utf-8")
    bill = json.dumps(components.bill(_version(checkout)), indent=1)
    (web / BILL).write_text(bill + "\n", encoding="utf-8")


def _version(checkout: Checkout) -> str:
    project = tomllib.loads((checkout.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _stage(checkout: Checkout, stage: Path) -> None:
    """Lay out a folder that looks like the checkout to Reflex; node_modules of an earlier build stay.

    After a build that was killed they do not: nothing tells which of them are complete.
    """
    stage.mkdir(parents=True, exist_ok=True)
    if (stage / BEGUN).exists():
        _remove(stage / ".web")
    (stage / BEGUN).touch()
    for name in ("pdm_app", "assets", "rxconfig.py", "pyproject.toml", "reflex.lock"):
        _remove(stage / name)
    if os.name == "nt":  # Links there need a privilege.
        shutil.copytree(checkout.root / "pdm_app", stage / "pdm_app")
    else:
        (stage / "pdm_app").symlink_to(checkout.root / "pdm_app", target_is_directory=True)
    shutil.copy(checkout.root / "rxconfig.py", stage)
    shutil.copy(checkout.root / "pyproject.toml", stage)  # Without one, Reflex writes a requirements.txt.
    assets = checkout.root / "assets"
    if assets.is_dir():
        shutil.copytree(assets, stage / "assets", ignore=shutil.ignore_patterns("external"))
    (stage / "assets").mkdir(exist_ok=True)
    if npm_lock.lock_folder(checkout).is_dir():
        shutil.copytree(npm_lock.lock_folder(checkout), npm_lock.built_folder(checkout))


def _words(line: str) -> str:
    """What Reflex says, without the bars it draws."""
    return re.sub(r"[─━╸╺]+", "", line).strip()[:60]


def _build_environment(checkout: Checkout, node: Environment) -> dict[str, str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REFLEX_", "__REFLEX_", "PDM_"))},
        "PATH": os.pathsep.join([os.fspath(node.scripts), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.fspath(checkout.root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_DIR": os.fspath(checkout.cache / "reflex"),
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    certificates = environment.get("SSL_CERT_FILE")
    environment.setdefault("NODE_USE_SYSTEM_CA", "1")  # Node brings its own list of authorities.
    if certificates:
        environment.setdefault("NODE_EXTRA_CA_CERTS", certificates)
    environment.setdefault("NPM_CONFIG_REGISTRY", _registry(environment))
    return environment


def _registry(environment: dict[str, str]) -> str:
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        raise SetupError("Building the front end stopped: npm is missing from the environment that was made for it.")
    asked = subprocess.run(
        [npm, "config", "get", "registry"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    if asked.returncode != 0:
        raise SetupError(f"Building the front end stopped: npm does not run.\n{asked.stderr.strip()}")
    return asked.stdout.strip()


def _keep(checkout: Checkout, folder: Path) -> None:
    """Copy what serving needs out of the build and put it in place at once."""
    web = checkout.cache / "build" / ".web"
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    _remove(unfinished)
    shutil.copytree(web / "build" / "client", unfinished / "web" / "build" / "client")
    shutil.copytree(web / "backend", unfinished / "web" / "backend")
    shutil.copy(checkout.root / "rxconfig.py", unfinished)
    for about_others in (LICENCES, BILL):
        shutil.copy(web / about_others, unfinished)
    unfinished.replace(folder)
    builds = sorted(
        (build for build in folder.parent.iterdir() if build.is_dir()),
        key=lambda build: build.stat().st_mtime,
        reverse=True,
    )
    for old in builds[KEPT_BUILDS:]:
        _remove(old)


def _bundled() -> Path:
    """The front end that a wheel carries."""
    folder = Path(__file__).resolve().parents[1] / "_bundle" / "frontend"
    if not folder.is_dir():
        raise SetupError(
            f"This installation carries no compiled front end: {folder} is missing. Install the released wheel."
        )
    return folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():
        path.unlink()
