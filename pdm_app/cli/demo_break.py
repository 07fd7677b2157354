"""`demo break`, `demo mend` and `demo faults`: break something in the running demo plant from the command line.

They ask the running program as a page would, with the demo's own engineer, whose password lies in the demo's directory.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pdm_app.domain.errors import NotFoundError, PdmError, UnavailableError
from pdm_app.settings import default_data_dir

BREAKER = "erin.engineer"
ACCOUNTS = "demo_accounts.json"
ANSWERS_WITHIN_S = 30.0
USUAL_PORT = 8000

Port = Annotated[int, typer.Option(help="Port of the running demo's pages.")]
Data = Annotated[Path | None, typer.Option("--data", help="The running demo's directory.")]


class DemoRefusedError(PdmError):
    """The running demo did not do what was asked of it; the message is its own."""


def break_machine(
    key: Annotated[str, typer.Argument(help="Kind of fault, such as cavitation; `demo faults --kinds` lists them.")],
    asset: Annotated[str, typer.Option(help="Code of the machine, such as P-502.")],
    signal: Annotated[str, typer.Option(help="Name of the signal, for faults of a sensor.")] = "",
    severity: Annotated[float, typer.Option(min=0, max=100, help="Where on its curve it starts, in percent.")] = 100,
    port: Port = USUAL_PORT,
    data: Data = None,
) -> None:
    """Give a machine of the running demo a fault."""
    asked = {"key": key, "asset_code": asset, "signal": signal, "start_severity": severity / 100}
    fault = _ask("POST", "/demo/faults", port, data, asked)
    typer.echo(f"{fault['asset_code']} has {fault['key']}; `demo mend {fault['id']}` ends it.")


def mend(
    fault: Annotated[str, typer.Argument(help="Its id, as `demo break` and `demo faults` say.")],
    port: Port = USUAL_PORT,
    data: Data = None,
) -> None:
    """End a fault of the running demo."""
    ended = _ask("DELETE", f"/demo/faults/{fault}", port, data)
    typer.echo(f"{ended['asset_code']} is rid of {ended['key']}.")


def faults(
    kinds: Annotated[bool, typer.Option("--kinds", help="The faults that there can be, and where.")] = False,
    port: Port = USUAL_PORT,
    data: Data = None,
) -> None:
    """List what stands broken in the running demo."""
    if kinds:
        for kind in _ask("GET", "/demo/kinds", port, data):
            typer.echo(f"{kind['key']:20}{kind['title']}; {', '.join(kind['asset_codes'])}")
        return
    for fault in _ask("GET", "/demo/faults", port, data):
        if fault["cleared_at"] is None:
            typer.echo(f"{fault['id']}  {fault['asset_code']:8}{fault['key']} {fault['signal']}".rstrip())


def _ask(method: str, path: str, port: int, data: Path | None, asked: dict[str, Any] | None = None) -> Any:
    """Return the answer of the running demo.

    Raises:
        NotFoundError: There is no demo in that directory.
        UnavailableError: Nobody answers on that port.
        DemoRefusedError: The demo refuses; says why.
    """
    import httpx

    password = _password(data or default_data_dir() / "demo")
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=address, timeout=ANSWERS_WITHIN_S) as client:
            signed_in = client.post("/api/auth/token", json={"username": BREAKER, "password": password})
            if signed_in.is_error:
                raise DemoRefusedError(
                    f"The program on {address} does not let {BREAKER} in ({signed_in.status_code})."
                    " Give the directory of the demo that runs there with --data."
                )
            headers = {"authorization": f"Bearer {signed_in.json()['access_token']}"}
            answer = client.request(method, f"/api/v1{path}", json=asked, headers=headers)
    except httpx.TransportError as error:
        raise UnavailableError(
            f"No demo answers on {address} ({type(error).__name__}). Start it with `pdm-app demo`, or give its --port."
        ) from error
    if answer.is_error:
        raise DemoRefusedError(str(answer.json().get("detail", f"The demo answered {answer.status_code}.")))
    return answer.json()


def _password(folder: Path) -> str:
    try:
        return str(json.loads((folder / ACCOUNTS).read_text("utf-8"))[BREAKER])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFoundError(
            f"There is no demo in {folder}. Start one with `pdm-app demo`, or give its directory with --data."
        ) from error
