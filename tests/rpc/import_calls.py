"""What the procedures about uploads and imports need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import Belongings

IMPORT_NEEDS: dict[str, Permission | None] = {
    "uploads.list": Permission.HISTORY_IMPORT,
    "uploads.delete": Permission.HISTORY_IMPORT,
    "imports.list": Permission.HISTORY_IMPORT,
    "imports.preview": Permission.HISTORY_IMPORT,
    "imports.create": Permission.HISTORY_IMPORT,
    "imports.start": Permission.HISTORY_IMPORT,
    "imports.cancel": Permission.HISTORY_IMPORT,
    "imports.undo": Permission.HISTORY_IMPORT,
}
IMPORT_LET_IN_BUT_WRONG = dict.fromkeys(
    IMPORT_NEEDS.keys() - {"uploads.list", "imports.list"}, "NOT_FOUND"
)  # The file comes in by another way; `tests/services/test_imports.py` goes it to the end.
OF_AN_IMPORT = ("imports.start", "imports.cancel", "imports.undo")


def _plan(signal_id: int, upload_id: str) -> dict[str, Any]:
    return {"upload_id": upload_id, "columns": [{"column": "Flow", "signal_id": signal_id}]}


def import_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about a file that went long ago."""
    return {
        "uploads.delete": {"upload_id": "long-gone"},
        "imports.preview": {"upload_id": "long-gone"},
        "imports.create": _plan(own.signal_id, "long-gone"),
        **{path: {"import_id": "long-gone"} for path in OF_AN_IMPORT},
    }


def import_crossings(target: Belongings) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with somebody else's."""
    return {
        ("uploads.delete", "upload_id"): [{"upload_id": "somebodys"}],
        ("imports.preview", "upload_id"): [{"upload_id": "somebodys"}],
        ("imports.create", "upload_id"): [_plan(target.signal_id, "somebodys")],
        ("imports.create", "signal_id"): [_plan(target.signal_id, "somebodys")],
        **{(path, "import_id"): [{"import_id": "somebodys"}] for path in OF_AN_IMPORT},
    }
