"""`bom`: what the product is made of, as a bill of materials for a security scanner or an auditor."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pdm_app.bootstrap.frontend import BILL, ensure_frontend
from pdm_app.bootstrap.problems import SetupError


def bom(
    out: Annotated[Path | None, typer.Option("--out", help="File to write; standard output if not given.")] = None,
) -> None:
    """Write the bill of materials (CycloneDX 1.6, JSON) of this version: every third-party package and its licence."""
    bill = (ensure_frontend() / BILL).read_text(encoding="utf-8")
    if out is None:
        sys.stdout.write(bill)
        return
    try:
        out.write_text(bill, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"The bill of materials could not be written to {out}: {error.strerror}.") from None
