"""What the product is made of besides its own code: every package of the run lock and of the npm lock, by licence.

Versions come from the locks, licences from what is installed; what packages leave open, and which licences may be
used, stands in `.ci/licences.toml`. The bill of materials is CycloneDX 1.6.
"""

import base64
import binascii
import importlib.metadata
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING)([.-].*)?", re.IGNORECASE)
UNKNOWN = "unknown"
OF_CLASSIFIER = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
OF_WORDS = {
    "Apache 2.0": "Apache-2.0", "Apache License, Version 2.0": "Apache-2.0", "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause", "MIT": "MIT", "MIT License": "MIT", "MPL-2.0": "MPL-2.0",
}  # fmt: skip


@dataclass(frozen=True)
class Component:
    """One package in one version.

    Attributes:
        ecosystem: ``pypi`` or ``npm``.
        licence: An SPDX expression, or ``unknown``.
        is_shipped: Whether it runs in the product; the others only build its pages.
        sha512: Of the npm archive, in hexadecimal; empty for those of PyPI, whose locks name one hash per platform.
    """

    ecosystem: str
    name: str
    version: str
    licence: str
    is_shipped: bool = True
    sha512: str = ""

    @property
    def purl(self) -> str:
        """Its package URL. Source: purl specification, types pypi and npm."""
        return f"pkg:{self.ecosystem}/{quote(self.name, safe='/')}@{self.version}"


@dataclass(frozen=True)
class Components:
    """All packages of a checkout.

    Args:
        root: The checkout.
        packages: Folder in which its Python packages are installed.
    """

    root: Path
    packages: Path

    @cached_property
    def rules(self) -> dict[str, Any]:
        """The content of `.ci/licences.toml`."""
        return tomllib.loads((self.root / ".ci" / "licences.toml").read_text(encoding="utf-8"))

    @cached_property
    def all(self) -> tuple[Component, ...]:
        """Sorted by ecosystem and name; one lock may hold two versions, for different Pythons."""
        found = {*self._of_python(), *self._of_npm()}
        return tuple(sorted(found, key=lambda one: (one.ecosystem, one.name.lower(), one.version)))

    def faults(self) -> list[str]:
        """Say of each package that may not be used as it is which one, why, and what to do."""
        allowed, exceptions = frozenset(self.rules["allowed"]), self.rules["exceptions"]
        return [
            f"{one.name} {one.version} ({one.ecosystem}) is under {one.licence}, which .ci/licences.toml does not "
            "allow: give it up, or enter there why its terms are kept."
            for one in self.all
            if one.name not in exceptions and not is_allowed(one.licence, allowed)
        ]

    def bill(self, version: str) -> dict[str, Any]:
        """Return the bill of materials of this version; the same locks make the same bill.

        Source: CycloneDX 1.6, ECMA-424.
        """
        components = [self._entry(one) for one in self.all]
        own = {"type": "application", "name": "pdm-app", "version": version, "bom-ref": "pdm-app"}
        serial = uuid5(NAMESPACE_URL, json.dumps([version, *(one["purl"] for one in components)]))
        return {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{serial}",
            "version": 1,
            "metadata": {"component": own},
            "components": components,
        }

    def _entry(self, one: Component) -> dict[str, Any]:
        is_plain = re.fullmatch(r"[A-Za-z0-9.-]+", one.licence) is not None
        choice = {"license": {"id": one.licence}} if is_plain else {"expression": one.licence}
        entry: dict[str, Any] = {
            "type": "library",
            "name": one.name,
            "version": one.version,
            "bom-ref": one.purl,
            "purl": one.purl,
            "scope": "required" if one.is_shipped else "excluded",
            "licenses": [choice] if one.licence != UNKNOWN else [],
        }
        return entry | ({"hashes": [{"alg": "SHA-512", "content": one.sha512}]} if one.sha512 else {})

    def _of_python(self) -> Iterator[Component]:
        lock = (self.root / ".ci" / "locks" / "run.txt").read_text(encoding="utf-8")
        installed = {
            normal(found.metadata["Name"]): found.metadata
            for found in importlib.metadata.distributions(path=[str(self.packages)])
        }
        for name, version in PINNED.findall(lock):
            licence = self.rules["named"].get(normal(name)) or _licence(installed.get(normal(name)))
            yield Component("pypi", normal(name), version, licence)

    def _of_npm(self) -> Iterator[Component]:
        lock = json.loads((self.root / ".ci" / "npm" / "package-lock.json").read_text(encoding="utf-8"))
        for place, entry in lock["packages"].items():
            if not place:
                continue
            name = place.rpartition("node_modules/")[2]
            licence = self.rules["named"].get(name) or entry.get("license") or UNKNOWN
            yield Component(
                "npm", name, entry["version"], licence, is_shipped=not entry.get("dev"),
                sha512=_sha512(entry.get("integrity", "")),
            )  # fmt: skip


def listing(components: Sequence[Component]) -> str:
    """Return the packages as a table to read, what is shipped only."""
    shipped = [one for one in components if one.is_shipped]
    lines = [f"{one.name:<44} {one.version:<16} {one.licence}" for one in shipped]
    return "\n".join([f"{'package':<44} {'version':<16} licence", "-" * 80, *lines, ""])


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Say whether an SPDX expression can be kept: one side of each OR, both of each AND.

    Source: SPDX specification 2.3, annex D. ``WITH`` is not known here, so that its exceptions are looked at.
    """
    words = re.findall(r"[()]|[^\s()]+", expression)
    try:
        is_kept, rest = _either(words, allowed)
    except IndexError:
        return False
    return is_kept and not rest


def _either(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    is_kept, rest = _both(words, allowed)
    while rest and rest[0] == "OR":
        other, rest = _both(rest[1:], allowed)
        is_kept = is_kept or other
    return is_kept, rest


def _both(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    is_kept, rest = _one(words, allowed)
    while rest and rest[0] == "AND":
        other, rest = _one(rest[1:], allowed)
        is_kept = is_kept and other
    return is_kept, rest


def _one(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    if words[0] != "(":
        return words[0] in allowed, words[1:]
    is_kept, rest = _either(words[1:], allowed)
    return is_kept and rest[0] == ")", rest[1:]


def normal(name: str) -> str:
    """Return the name of a Python package as indexes compare it. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(metadata: Any) -> str:
    if metadata is None:
        return UNKNOWN
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    exact = [OF_CLASSIFIER[word] for word in classified if word in OF_CLASSIFIER]
    if len(exact) == 1 == len(classified):
        return exact[0]
    return OF_WORDS.get((metadata.get("License") or "").strip(), UNKNOWN)


def _sha512(integrity: str) -> str:
    kind, _, content = integrity.partition("-")
    try:
        return base64.b64decode(content, validate=True).hex() if kind == "sha512" else ""
    except binascii.Error:
        return ""


def licence_texts(modules: Path, components: Sequence[Component]) -> Mapping[str, str]:
    """Return the licence texts that come with npm packages, which the compiled pages carry parts of, by package."""
    found = {}
    for one in components:
        if one.ecosystem == "npm" and one.is_shipped:
            files = sorted(file for file in (modules / one.name).glob("*") if LICENCE_FILE.fullmatch(file.name))
            if files:
                found[f"{one.name} {one.version}"] = files[0].read_text(encoding="utf-8", errors="replace").strip()
    return found
