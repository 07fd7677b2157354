"""From a command line on a bare machine to the same command line inside a complete environment."""

import os
import sys
from collections.abc import Sequence

from pdm_app.bootstrap.checkout import Checkout, find_checkout
from pdm_app.bootstrap.environment import product_environment, run_in
from pdm_app.bootstrap.problems import SetupError

LOCK_OF = {"test": "test", "bench": "test"}
"""Commands that need more than the run lock: benchmarks measure with a real browser, too."""

HANDED_OVER = "PDM_APP_HANDED_OVER"

USAGE = """\
pdm_app: one process for alarms, OEE, predictions, firmware and maintenance of a plant.

    python3 -m pdm_app demo     the demo plant on real protocols, in the browser
    python3 -m pdm_app test     everything the tests need, then all tests

The first command sets the checkout up (a minute, 1.5 GB); after that, --help lists every command.
"""


def prepare(words: Sequence[str]) -> int | None:
    """Make sure the command can run in this very process, or hand it over to one in which it can.

    Returns:
        None when everything is here, else the exit code: of the process it was handed to, or of a set-up that failed.
    """
    checkout = find_checkout()
    if checkout is None:  # An installed wheel came with everything.
        return None
    try:
        return _prepare_in(checkout, words)
    except SetupError as error:
        sys.stderr.write(f"\npdm_app: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\npdm_app: interrupted; the next start goes on from here.\n")
        return 130


def _prepare_in(checkout: Checkout, words: Sequence[str]) -> int | None:
    environment = product_environment(checkout)
    lock = LOCK_OF.get(words[0] if words else "", "run")
    if not environment.is_ready(lock):
        if not words or words[0] in {"-h", "--help", "help"}:
            sys.stdout.write(USAGE)
            return 0
        environment.ensure(lock)
    if environment.is_running_here:
        os.environ.pop(HANDED_OVER, None)
        return None
    if os.environ.get(HANDED_OVER) == os.fspath(environment.folder):
        raise SetupError(
            f"{environment.python} does not run inside {environment.folder}: the environment is damaged.\n"
            "Delete the folder and start again; it is made anew."
        )
    os.environ[HANDED_OVER] = os.fspath(environment.folder)
    return run_in(environment, words)
