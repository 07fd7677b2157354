"""`rpc`: list the procedures that can be called, and write what other programs need to call them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pdm_app.cli.installation import print_table
from pdm_app.cli.rpc_call import call
from pdm_app.domain.errors import InvalidInputError

rpc = typer.Typer(name="rpc", no_args_is_help=True, help="What other programs can call, and how they are typed.")
rpc.command()(call)

STANDARD_OUTPUT = Path("-")


@rpc.command("list")
def list_all() -> None:
    """List all procedures with their type and the permission they need."""
    from pdm_app.rpc.description import procedure_rows

    print_table(("PROCEDURE", "TYPE", "PERMISSION", "WHAT IT DOES"), procedure_rows())


@rpc.command()
def types(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("app-router.d.ts"),
) -> None:
    """Write the TypeScript types of all procedures, for createTRPCClient<AppRouter> of @trpc/client 11."""
    from pdm_app.rpc.description import typescript_types

    _write(out, typescript_types())


@rpc.command()
def python(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("pdm_client.py"),
) -> None:
    """Write a typed Python client of all procedures, asynchronous and blocking; it needs httpx and websockets only."""
    from pdm_app.rpc.description import python_client_text

    _write(out, python_client_text())


@rpc.command()
def openapi(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("openapi.json"),
) -> None:
    """Write the OpenAPI 3.1 description of all procedures, for clients in other languages."""
    from pdm_app.rpc.description import openapi_document
    from pdm_app.runtime.process import product_version

    _write(out, json.dumps(openapi_document(product_version()), indent=2, ensure_ascii=False) + "\n")


@rpc.command()
def docs(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("rpc.md"),
) -> None:
    """Write the page about all procedures: permission, input and result in words."""
    from pdm_app.rpc.description import markdown

    _write(out, markdown())


@rpc.command()
def matrix(
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("permissions.md"),
) -> None:
    """Write the page about permissions: which role may do and call what."""
    from pdm_app.rpc.matrix import matrix as page

    _write(out, page())


def _write(out: Path, text: str) -> None:
    """Write a file unless it holds that already: a watching build starts only when something has changed.

    Raises:
        InvalidInputError: The file cannot be written there.
    """
    if out == STANDARD_OUTPUT:
        typer.echo(text, nl=False)
        return
    try:
        is_current = out.is_file() and out.read_text(encoding="utf-8") == text
        if not is_current:
            out.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no text, so it is something else"
        raise InvalidInputError(f"{out} was not written: {reason}. Name another file with --out.") from error
    typer.echo(f"{out} {'is current' if is_current else 'is written'}.", err=True)
