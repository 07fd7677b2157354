"""`rpc call`: call one procedure of a running product and print what it answers, one JSON value a line."""

import asyncio
import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pdm_app.domain.errors import InvalidInputError, NotFoundError, PdmError, UnauthenticatedError, UnavailableError

if TYPE_CHECKING:
    from pdm_app.trpc import Procedure
    from pdm_app.trpc.client.errors import RpcError
    from pdm_app.trpc.client.link import Link

DEFAULT_URL: Final = "http://127.0.0.1:8000"
SUGGESTIONS_MAX: Final = 3


def call(
    path: Annotated[str, typer.Argument(metavar="PROCEDURE", help="Such as alarms.active; `rpc list` shows all.")],
    input: Annotated[
        str | None, typer.Option(help="What it takes, as JSON; @FILE reads a file, - standard input.")
    ] = None,
    url: Annotated[str, typer.Option(envvar="PDM_URL", help="Where the product is served.")] = DEFAULT_URL,
    token: Annotated[
        str | None, typer.Option(envvar="PDM_TOKEN", help="A token; better in the environment than on the line.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest wait for an answer, in seconds.")] = 30.0,
    events: Annotated[
        int | None, typer.Option(min=1, help="Of a subscription: end after so many events; without it on Ctrl+C.")
    ] = None,
) -> None:
    """Call a procedure of a running product and print the answer as JSON; a subscription prints a line per event."""
    procedure = _find(path)
    given = _input(input)
    try:
        asyncio.run(_call(procedure, given, _base(url), token, timeout, events))
    except KeyboardInterrupt:
        pass  # That is how a subscription is ended.


async def _call(
    procedure: "Procedure", given: Any, url: str, token: str | None, timeout_s: float, events: int | None
) -> None:
    from pdm_app.trpc.client.errors import RpcError
    from pdm_app.trpc.client.link import Link, Shared
    from pdm_app.trpc.client.settings import Patience, Settings

    link = Link(Shared(Settings(url=url, token=token), timeout_s), Patience(timeout_s))
    try:
        if procedure.type == "subscription":
            await _follow(link, procedure.path, given, events)
        else:
            ask = link.query if procedure.type == "query" else link.mutate
            _show(await ask(procedure.path, given), indent=2)
    except RpcError as error:
        raise _explained(procedure.path, error) from None
    finally:
        await link.close()


async def _follow(link: "Link", path: str, given: Any, events: int | None) -> None:
    from pdm_app.trpc import Tracked

    shown = 0
    async with link.subscribe(path, given) as stream:
        async for event in stream:
            _show({"id": event.id, "data": event.data} if isinstance(event, Tracked) else event)
            shown += 1
            if shown == events:
                return


def _find(path: str) -> "Procedure":
    from pdm_app.rpc.root import root

    table = root.table()
    found = table.get(path)
    if found is None:
        near = difflib.get_close_matches(path, table, SUGGESTIONS_MAX)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`rpc list` shows all."
        raise NotFoundError(f"There is no procedure {path!r}. {hint}")
    if found.input.form not in ("none", "whole", "fields"):
        raise InvalidInputError(f"{path} takes a body that is no JSON. Send it with curl; see the page on clients.")
    return found


def _input(text: str | None) -> Any:
    """Return the input as a value.

    Raises:
        InvalidInputError: It cannot be read, or is no JSON.
    """
    from pdm_app.trpc import MISSING

    if text is None:
        return MISSING
    source = "--input"
    if text == "-":
        source, text = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source, file = text[1:], Path(text[1:])
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds no text"
            raise InvalidInputError(f"The input was not read from {file}: {reason}.") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInputError(
            f"The input from {source} is no JSON: {error}. Text needs quotes inside the shell's: --input '\"P-101\"'."
        ) from error


def _base(url: str) -> str:
    """Return where the procedures are, given where the product is."""
    from pdm_app.rpc.server import PATH

    if not url.startswith(("http://", "https://")):
        raise InvalidInputError(f"{url!r} is no address; give one such as {DEFAULT_URL}.")
    base = url.rstrip("/")
    return base if base.endswith(PATH) else base + PATH


def _show(value: Any, indent: int | None = None) -> None:
    from pdm_app.trpc import MISSING

    if value is not MISSING:
        typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))


def _explained(path: str, error: "RpcError") -> PdmError:
    """Say what came back, and what to do next."""
    from pdm_app.trpc.client.errors import CallError, UnauthorizedError
    from pdm_app.trpc.client.errors import InvalidInputError as WrongInputError

    if not isinstance(error, CallError):
        return UnavailableError(str(error))
    said = f"{path} answered {error.code}: {error.message}"
    if isinstance(error, UnauthorizedError):
        return UnauthenticatedError(f"{said} Give a token with --token or PDM_TOKEN.")
    if isinstance(error, WrongInputError):
        return InvalidInputError(f"{said}. `rpc docs` writes what it takes." if not said.endswith(".") else said)
    return PdmError(said)
