"""The table of requirements tells the truth about the tests it names."""

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / ".docs" / "requirements.csv"
STATES = {"served", "partly", "not yet"}
ROWS = 181  # As many as were agreed on; a row is added or removed on purpose, here too.


def rows() -> list[dict[str, str]]:
    with TABLE.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_the_table_has_its_columns_and_every_row_once() -> None:
    table = rows()
    assert list(table[0]) == ["id", "title", "state", "tests", "note"]
    ids = [row["id"] for row in table]
    assert len(ids) == len(set(ids)) == ROWS
    assert all(re.fullmatch(r"[A-P]\d\d", name) for name in ids)


def test_every_state_is_one_of_three() -> None:
    assert {row["state"] for row in rows()} <= STATES


def test_what_is_served_names_tests_and_what_is_not_says_nothing_of_the_kind() -> None:
    assert [row["id"] for row in rows() if (row["state"] == "not yet") != (row["tests"] == "")] == []


def test_what_is_served_partly_says_what_is_missing() -> None:
    assert [row["id"] for row in rows() if row["state"] == "partly" and not row["note"]] == []


def test_the_tests_a_row_names_exist() -> None:
    gone = [(row["id"], name) for row in rows() for name in row["tests"].split() if not _exists(name)]
    assert gone == []


def _exists(name: str) -> bool:
    """Whether `tests/folder/test_file.py` or `tests/folder/test_file.py::test_function` is there."""
    file, _, function = name.partition("::")
    if not (ROOT / file).is_file():
        return False
    source = (ROOT / file).read_text(encoding="utf-8")
    return not function or bool(re.search(rf"^(?:async )?def {re.escape(function)}\(", source, re.MULTILINE))


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert _exists("tests/house/test_requirements.py::test_every_state_is_one_of_three")
    assert not _exists("tests/house/test_requirements.py::test_every_state")
    assert not _exists("tests/house/test_nothing.py")
