"""The list of commands. Adding one is a file in this folder and a line in COMMANDS or GROUPS.

A command's module imports little at its top: every command pays for it, and `--help` lists them all.
"""

import sys
from collections.abc import Callable, Sequence

import typer

from pdm_app.bootstrap.problems import SetupError
from pdm_app.cli.audit import audit
from pdm_app.cli.bench.group import bench
from pdm_app.cli.bom import bom
from pdm_app.cli.build import build
from pdm_app.cli.cert import cert
from pdm_app.cli.demo import demo
from pdm_app.cli.firmware import firmware
from pdm_app.cli.history import history
from pdm_app.cli.key import key
from pdm_app.cli.ml import ml
from pdm_app.cli.rpc import rpc
from pdm_app.cli.secret import secret
from pdm_app.cli.serve import serve
from pdm_app.cli.settings import settings
from pdm_app.cli.sink import sink
from pdm_app.cli.test import test
from pdm_app.cli.user import user
from pdm_app.domain.errors import PdmError

COMMANDS: tuple[Callable[..., None], ...] = (serve, build, bom, test)
"""Each function is one command under its own name."""

GROUPS: tuple[typer.Typer, ...] = (
    demo, user, key, settings, secret, sink, cert, audit, history, firmware, ml, rpc, bench,
)  # fmt: skip
"""Commands that have commands of their own, such as `user add`; each Typer carries its name."""

PASSES_ON_OPTIONS = {test}
"""Commands that hand options they do not know to somebody else."""


def command_line() -> typer.Typer:
    """The whole command line, in the order of the list."""
    app = typer.Typer(
        name="pdm_app", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
        help="One process for alarms, OEE, predictions, firmware and maintenance of a plant.",
    )  # fmt: skip
    app.callback()(_no_options)
    for command in COMMANDS:
        app.command(context_settings={"ignore_unknown_options": command in PASSES_ON_OPTIONS})(command)
    for group in GROUPS:
        app.add_typer(group)
    return app


def main(words: Sequence[str]) -> int:
    """Run one command; the result is the exit code. An error made on purpose is its text, a bug is a traceback."""
    try:
        command_line()(list(words), prog_name="pdm_app")
    except (SetupError, PdmError) as error:
        sys.stderr.write(f"\npdm_app: {error}\n")
        return error.exit_code if isinstance(error, SetupError) else 1
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0


def _no_options() -> None:
    """Keep a single command a sub-command: typer drops its name otherwise."""
