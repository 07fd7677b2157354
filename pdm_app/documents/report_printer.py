"""Writes reports in every format; paper is set in a child process with limits on time, memory and size."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pdm_app.documents.report_page import page_of
from pdm_app.documents.report_workbook import csv_of, workbook_of
from pdm_app.domain.report_blocks import Report
from pdm_app.domain.reports import FILE_BYTES_MAX, ReportFormat, UnprintableError
from pdm_app.domain.samples import MICROS_PER_S

AT_ONCE = 2
WITHIN_S = 60.0  # A weekly report takes a fifth of a second; this is for a machine that has other things to do.
PICTURE_DOTS_PER_INCH = 96
CHILD = "pdm_app.documents.report_child"
PACKAGE_PARENT = Path(__file__).resolve().parents[2]


class Printer:
    """See `ReportPrinter`."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def write(self, report: Report, format: ReportFormat) -> bytes:
        """See `ReportPrinter.write`."""
        match format:
            case ReportFormat.PDF:
                [written] = await self._set(report, "pdf", 1)
            case ReportFormat.XLSX:
                written = await asyncio.to_thread(workbook_of, report)
            case ReportFormat.CSV:
                written = await asyncio.to_thread(csv_of, report)
            case ReportFormat.JSON:
                written = report.model_dump_json(indent=1).encode()
        if len(written) > FILE_BYTES_MAX:
            raise UnprintableError(
                f"The report {report.title!r} would have {len(written):,} bytes as {format}, more than the "
                f"{FILE_BYTES_MAX:,} that are kept and mailed. Choose a shorter period or fewer parts."
            )
        return written

    async def pictures(self, report: Report, pages: int) -> Sequence[bytes]:
        """See `ReportPrinter.pictures`."""
        return await self._set(report, "png", pages)

    async def _set(self, report: Report, format: str, pages: int) -> list[bytes]:
        order = json.dumps(
            {
                "page": page_of(report), "made_s": report.made_at // MICROS_PER_S, "format": format, "pages": pages,
                "ppi": PICTURE_DOTS_PER_INCH,
            }
        )  # fmt: skip
        async with self._turn:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, cwd=PACKAGE_PARENT, env=_environment(),
            )  # fmt: skip
            try:
                async with asyncio.timeout(WITHIN_S):
                    said, _ = await child.communicate(order.encode())
            except TimeoutError:
                raise UnprintableError(
                    f"The report {report.title!r} was not set within {WITHIN_S:.0f} s. Choose a shorter period."
                ) from None
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
        if not said.startswith(b"0"):
            why = said[1:].decode("utf-8", "replace") or f"the process that sets it ended with {child.returncode}"
            raise UnprintableError(f"The report {report.title!r} could not be set: {why[:500]}.")
        return _files(said[1:])


def _files(said: bytes) -> list[bytes]:
    files = []
    while said:
        size = int.from_bytes(said[:8], "big")
        files.append(said[8 : 8 + size])
        said = said[8 + size :]
    return files


def _environment() -> dict[str, str]:
    """Return the environment of the child: ours without the product's settings, among which are secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PDM_")}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path}
