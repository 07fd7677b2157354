"""The npm lock of the front end: exact versions with hashes, no addresses."""

import json
from pathlib import Path

from pdm_app.bootstrap.checkout import Checkout

FILES = ("package.json", "package-lock.json")


def lock_folder(checkout: Checkout) -> Path:
    return checkout.root / ".ci" / "npm"


def built_folder(checkout: Checkout) -> Path:
    """Where Reflex leaves the lock it arrived at."""
    return checkout.cache / "build" / "reflex.lock"


def npm_lock_drift(checkout: Checkout) -> str:
    """What the last build installed beyond the lock: empty, or a sentence for the person who added a component."""
    built = npm_pins(built_folder(checkout) / FILES[1])
    new = sorted(set(built.items()) - set(npm_pins(lock_folder(checkout) / FILES[1]).items()))
    if not new:
        return ""
    names = ", ".join(f"{name} {version}" for name, version in new[:8])
    more = f" and {len(new) - 8} more" if len(new) > 8 else ""
    return f"The npm lock lacks {names}{more}. Run: python3 -m pdm_app build --update-npm-lock"


def npm_pins(lock_file: Path) -> dict[str, str]:
    """Version of each package in an npm lock, by its place in node_modules."""
    if not lock_file.is_file():
        return {}
    packages = json.loads(lock_file.read_text(encoding="utf-8")).get("packages", {})
    return {
        place.removeprefix("node_modules/"): str(entry.get("version")) for place, entry in packages.items() if place
    }


def update_npm_lock(checkout: Checkout) -> None:
    """Take what the last build installed as the lock, without addresses: mirrors differ, hashes do not."""
    locked = lock_folder(checkout)
    locked.mkdir(parents=True, exist_ok=True)
    wanted = json.loads((built_folder(checkout) / FILES[0]).read_text(encoding="utf-8"))
    (locked / FILES[0]).write_text(json.dumps(wanted, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    lock = json.loads((built_folder(checkout) / FILES[1]).read_text(encoding="utf-8"))
    for entry in lock["packages"].values():
        entry.pop("resolved", None)
        entry.pop("funding", None)
    (locked / FILES[1]).write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")
