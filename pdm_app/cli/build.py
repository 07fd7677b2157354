"""`build`: compile the front end now rather than at the first `demo` or `serve`.

Other commands call `ensure_frontend` themselves; it returns at once where the sources have not changed. What Reflex
needs to build and to serve is written down in `pdm_app/bootstrap/frontend.py`.
"""

import sys
from typing import Annotated

import typer

from pdm_app.bootstrap.checkout import find_checkout
from pdm_app.bootstrap.frontend import ensure_frontend
from pdm_app.bootstrap.npm_lock import npm_lock_drift, update_npm_lock


def build(
    update_npm_lock_too: Annotated[
        bool, typer.Option("--update-npm-lock", help="Take the npm packages this build installed as the new lock.")
    ] = False,
) -> None:
    """Compile the front end if its sources have changed since the last time."""
    folder = ensure_frontend()
    checkout = find_checkout()
    if checkout is not None:
        if update_npm_lock_too:
            update_npm_lock(checkout)
        drift = npm_lock_drift(checkout)
        if drift:
            sys.stderr.write(f"{drift}\n")
    print(folder)
