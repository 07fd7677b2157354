"""Sets one report and ends: a process of its own, so that neither memory nor time of it are the product's.

Reads one JSON object from standard input: ``page``, ``made_s``, ``format`` ("pdf" or "png"), ``pages`` and ``ppi``. The
first byte of what it writes says whether it is the files (``0``, each with its length before it in eight bytes) or the
words of what went wrong (``1``).
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MEMORY_BYTES_MAX = 2_000_000_000
PROCESSOR_S_MAX = 30
FONTS = ("fontpkg_noto_sans", "fontpkg_noto_sans_devanagari", "noto_cjk_sans_otc")
TEMPLATE = Path(__file__).with_name("report.typ")


def main() -> None:
    _bound()
    order = json.load(sys.stdin.buffer)
    try:
        files = _set(order)
    except Exception as error:  # Whatever it is, it is said to the parent.
        sys.stdout.buffer.write(b"1" + str(error).encode("utf-8", "replace")[:4000])
        return
    out = sys.stdout.buffer
    out.write(b"0")
    for file in files:
        out.write(len(file).to_bytes(8, "big") + file)


def _set(order: dict[str, Any]) -> list[bytes]:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=font_folders())
    compiled: Any = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        font_paths=fonts,
        format=order["format"],
        ppi=order["ppi"],
        sys_inputs={"report": json.dumps(order["page"])},
        timestamp=order["made_s"],
    )
    found = compiled if isinstance(compiled, list) else [compiled]
    return found[: order["pages"]] if order["format"] == "png" else found


def font_folders() -> list[str]:
    """Return where the letters lie; the packages are not run, only looked into."""
    places = [spec.submodule_search_locations for name in FONTS if (spec := find_spec(name)) is not None]
    return [folder for place in places if place is not None for folder in place]


def _bound() -> None:
    try:
        import resource
    except ImportError:  # There are no such limits on Windows; the parent's deadline holds there too.
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY_BYTES_MAX), (resource.RLIMIT_CPU, PROCESSOR_S_MAX)):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
