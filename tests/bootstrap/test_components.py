"""What the product is made of: every package is named once, under a licence that may be used, in a valid bill."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from pdm_app.bootstrap.checkout import find_checkout
from pdm_app.bootstrap.components import PINNED, UNKNOWN, Components, is_allowed, licence_texts, listing, normal
from pdm_app.bootstrap.environment import product_environment

FREE = frozenset({"MIT", "ISC"})


@pytest.fixture(scope="module")
def ours() -> Components:
    checkout = find_checkout()
    if checkout is None:
        pytest.skip("not a checkout")
    return Components(checkout.root, product_environment(checkout).packages)


def test_every_package_has_a_licence_that_may_be_used(ours: Components) -> None:
    assert ours.faults() == []


def test_every_package_of_both_locks_is_named(ours: Components) -> None:
    lock = (ours.root / ".ci/locks/run.txt").read_text(encoding="utf-8")
    npm = json.loads((ours.root / ".ci/npm/package-lock.json").read_text(encoding="utf-8"))["packages"]
    named = {(one.name, one.version) for one in ours.all}
    assert {(normal(name), version) for name, version in PINNED.findall(lock)} <= named
    assert {(place.rpartition("node_modules/")[2], entry["version"]) for place, entry in npm.items() if place} <= named
    assert len(PINNED.findall(lock)) == len(re.findall(r"^\S+==", lock, re.MULTILINE)) > 80


def test_no_rule_outlives_its_package(ours: Components) -> None:
    names = {one.name for one in ours.all}
    assert {*ours.rules["named"], *ours.rules["exceptions"]} - names == set()
    licences = {word for one in ours.all for word in re.findall(r"[A-Za-z0-9.-]+", one.licence)}
    assert set(ours.rules["allowed"]) - licences == set(), "allowed, and used by nobody"


def test_the_bill_is_valid_and_each_licence_is_one_of_the_list(ours: Components) -> None:
    bill = ours.bill("1.2.3")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert bill == ours.bill("1.2.3"), "the same locks make the same bill"
    assert bill["serialNumber"] != ours.bill("1.2.4")["serialNumber"]
    refs = [component["bom-ref"] for component in bill["components"]]
    assert len(refs) == len(set(refs)) == len(ours.all)
    assert {"pkg:pypi/starlette", "pkg:npm/%40trpc/client"} <= {ref.rpartition("@")[0] for ref in refs}
    licensing = get_spdx_licensing()
    for one in ours.all:
        assert licensing.validate(one.licence).errors == [], one.name


def test_a_package_under_another_licence_is_named_with_what_to_do(tmp_path: Path, ours: Components) -> None:
    ci = tmp_path / ".ci"
    (ci / "locks").mkdir(parents=True)
    (ci / "npm").mkdir()
    (ci / "locks" / "run.txt").write_text("Strange_Thing==1.0 \\\n    --hash=sha256:00\nkept==2.0\n")
    (ci / "npm" / "package-lock.json").write_text(
        '{"packages": {"": {}, "node_modules/a/node_modules/@b/c": {"version": "3", "license": "AGPL-3.0-only"}}}'
    )
    (ci / "licences.toml").write_text('allowed = ["MIT"]\n[exceptions]\nkept = "why"\n[named]\nkept = "SSPL-1.0"\n')
    components = Components(tmp_path, tmp_path)
    assert [fault.partition(",")[0] for fault in components.faults()] == [
        "@b/c 3 (npm) is under AGPL-3.0-only",
        "strange-thing 1.0 (pypi) is under unknown",
    ]
    assert "give it up, or enter there why" in components.faults()[0]
    assert "strange-thing" in listing(components.all)
    assert "kept" not in listing([replace(one, is_shipped=False) for one in components.all])


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("MIT", True), ("GPL-3.0-only", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR ISC)", True), ("(MIT OR ISC) AND GPL-3.0-only", False), (UNKNOWN, False),
        ("", False), ("MIT OR", False), ("(MIT", False), ("MIT)", False), ("MIT WITH x", False),
        ("GPL-3.0-only OR MIT AND ISC", True),
    ],
)  # fmt: skip
def test_one_side_of_each_or_and_both_of_each_and_must_be_kept(expression: str, kept: bool) -> None:
    assert is_allowed(expression, FREE) is kept


@settings(deadline=None)
@given(st.recursive(
    st.sampled_from(["MIT", "ISC", "GPL-3.0-only", "Zlib"]),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=8,
))  # fmt: skip
def test_an_expression_of_any_depth_is_read_as_python_reads_the_same_words(expression: str) -> None:
    truths = re.sub(r"\b(?!AND\b|OR\b)[A-Z][A-Za-z0-9.-]+", lambda word: str(word[0] in FREE), expression)
    assert is_allowed(expression, FREE) is eval(truths.replace("AND", "and").replace("OR", "or"))  # noqa: S307


def test_texts_of_what_the_pages_carry_are_found_beside_it(tmp_path: Path, ours: Components) -> None:
    one = next(one for one in ours.all if one.name == "@trpc/client")
    (tmp_path / "@trpc" / "client").mkdir(parents=True)
    (tmp_path / "@trpc" / "client" / "LICENSE.md").write_text("MIT License\n")
    assert licence_texts(tmp_path, ours.all) == {f"@trpc/client {one.version}": "MIT License"}
