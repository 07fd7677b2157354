"""What is told about the procedures is what they are."""

from functools import cache
from pathlib import Path

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission, Role
from pdm_app.domain.alarms import AlarmState
from pdm_app.rpc.description import markdown
from pdm_app.rpc.root import root

PAGE = Path(__file__).resolve().parents[2] / ".docs" / "rpc.md"


page = cache(markdown)


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    section = page().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "The procedures have changed since .docs/rpc.md was written. Write it anew: "
        "`python3 -m pdm_app rpc docs --out .docs/rpc.md`."
    )


def test_every_procedure_has_a_row_with_its_permission_and_its_words() -> None:
    told = {procedure.path.split(".")[0] for procedure in root.procedures()}
    rows = {row[0]: row for noun in told for row in rows_of(noun)}
    for procedure in root.procedures():
        row = rows.pop(f"`{procedure.path}` ({procedure.type})")
        assert row[2] == procedure.meta.get("permission", "to be signed in")
        assert row[1].startswith(procedure.doc.split("\n")[0][:40])
        assert len(row) == 6
        assert row[4]
        assert row[5] == (f"`{procedure.rest.method} {procedure.rest.path}`" if procedure.rest else "–")
    assert rows == {}


def test_inputs_and_results_are_told_in_words() -> None:
    rows = {row[0].split("`")[1]: row for row in rows_of("alarms") + rows_of("history") + rows_of("auth")}
    assert rows["alarms.acknowledge"][3:5] == ["`alarm_id` text, `comment?` text", "`Alarm`"]
    assert rows["alarms.active"][3:5] == ["`site_id?` text or nothing", "list of `Alarm`"]
    assert rows["history.envelope"][3].startswith("`signals` list of integer, `start_at` integer")
    assert rows["auth.me"][3] == "–"


def test_the_table_of_rights_is_that_of_the_roles() -> None:
    rows = {row[0].strip("`"): row for row in rows_of("Rights")}
    assert set(rows) == set(Permission)
    for permission in Permission:
        held = {role for role, cell in zip(Role, rows[permission][1:-1], strict=True) if cell == "●"}
        assert held == {role for role in Role if permission in ROLE_PERMISSIONS[role]}
    assert rows["alarms.acknowledge"][-1] == (
        "`alarms.acknowledge`, `alarms.acknowledge_all`, `alarms.comment`, `alarms.reset`"
    )


def test_every_record_that_is_answered_with_is_told() -> None:
    records = {row[0].strip("`"): row for row in rows_of("Records")}
    assert records["Alarm"][2].startswith("`id` text, `rule_id` text")
    assert records["LiveRow"][2].startswith("[`signal` integer, `value` number or text or nothing")
    assert records["AlarmState"][2] == " or ".join(f"“{state}”" for state in AlarmState)
    assert "AlarmsActiveInput" not in records
