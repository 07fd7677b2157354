"""The page of permissions is the one that the router and the roles make today, and both are what was agreed on."""

from pathlib import Path

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission, Role
from pdm_app.rpc.matrix import YES, matrix, needs
from pdm_app.ui.messages import messages
from tests.rpc.calls import NEEDS

PAGE = Path(__file__).resolve().parents[2] / ".docs" / "permissions.md"


def rows(part: int) -> dict[str, list[str]]:
    """Cells of one of the page's two tables by the name in their first one."""
    table = matrix().split("\n## ")[part]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    return {row[0].strip("`"): row[1:] for row in cells[2:]}


def test_the_page_in_the_documents_is_that_of_the_procedures() -> None:
    assert PAGE.read_text(encoding="utf-8") == matrix(), (
        "Roles or procedures have changed since .docs/permissions.md was written. Write it anew: "
        "`python3 -m pdm_app rpc matrix --out .docs/permissions.md`."
    )


def test_the_marks_are_those_that_every_procedure_is_tried_against() -> None:
    assert needs() == NEEDS
    marks = {path: cells[1:] for path, cells in rows(2).items()}
    assert marks == {
        path: [YES if needed is None or needed in ROLE_PERMISSIONS[role] else "" for role in Role]
        for path, needed in NEEDS.items()
    }
    assert rows(1) == {right: [YES if right in ROLE_PERMISSIONS[role] else "" for role in Role] for right in Permission}


def test_every_permission_has_words_on_its_page_and_opens_something() -> None:
    assert {f"permissions.of.{right.replace('.', '_')}" for right in Permission} <= messages().keys()
    opened = {needed for needed in NEEDS.values() if needed is not None}
    assert set(Permission) - opened == {Permission.SAMPLES_INGEST}, "samples come over plain HTTP"
