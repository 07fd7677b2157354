"""The JavaScript of the widgets: one folder whose modules import each other, linked into the build as a whole."""

from functools import cache
from pathlib import Path

import reflex as rx

FOLDER = Path(__file__).parent
PUBLIC = "$/public/external/pdm_app/ui"  # Where `rx.asset` puts what a module of this name shares.

# Exact, because the lock of the front end holds them too. @trpc/server has the types and errors of @trpc/client.
TRPC_CLIENT = "@trpc/client@11.25.2"
TRPC_SERVER = "@trpc/server@11.25.2"
UPLOT = "uplot@1.6.32"


def module(name: str) -> str:
    """Return the import path of one module in the front-end build.

    Raises:
        FileNotFoundError: There is no such module.
    """
    if not (FOLDER / name).is_file():
        raise FileNotFoundError(f"{FOLDER} has no module {name!r}.")
    return f"{PUBLIC}/browser/{name}"


@cache
def link_modules() -> None:
    """Link every module beside the others for the build that is under way; a server of compiled pages never needs it.

    ``rx.asset`` files what it links under the name of the module that calls it, so the call has to stand here.
    """
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in {".js", ".jsx", ".json"}:
            rx.asset(path.name, shared=True)
    from pdm_app.ui.messages import link_catalogues  # The catalogues live beside their own Python.

    link_catalogues()
