"""The checklist of the ASVS leaves no requirement out, and what it names as evidence is there."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKLIST = ROOT / ".docs" / "asvs.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
STATES = {"met", "partly", "not yet", "n/a"}
# How many requirements of levels 1 and 2 each section has; those of level 3 come last in each. ASVS 5.0.0.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, str, str]]:
    if not CHECKLIST.is_file():
        pytest.skip("not a checkout")
    return ROW.findall(CHECKLIST.read_text(encoding="utf-8"))


def test_each_requirement_has_one_line(rows: list[tuple[str, str, str, str]]) -> None:
    wanted = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert len(wanted) == 253
    assert Counter(number for number, *_ in rows) == Counter(wanted)


def test_what_is_met_names_its_evidence_and_what_is_not_says_why(rows: list[tuple[str, str, str, str]]) -> None:
    for number, _, state, words in rows:
        assert state in STATES, number
        if state in ("met", "partly"):
            assert [one for one in NAMED.findall(words) if "/" in one or "." in one], f"{number} names nothing"
        if state != "met":
            assert len(NAMED.sub("", words).split()) >= 2, f"{number} says no reason"


def test_all_evidence_exists(rows: list[tuple[str, str, str, str]]) -> None:
    missing = []
    for number, _, _, words in rows:
        for named in NAMED.findall(words):
            path, _, test = named.partition("::")
            if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", path) or not ("/" in path or path.endswith((".md", ".toml"))):
                continue
            file = ROOT / path
            if not file.exists() or (test and f"def {test}(" not in file.read_text(encoding="utf-8")):
                missing.append((number, named))
    assert missing == []
