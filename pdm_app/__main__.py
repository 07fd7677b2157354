"""Entry: `python3 -m pdm_app COMMAND` in a checkout, `pdm-app COMMAND` after an install.

Only the standard library, and a syntax that Pythons far too old can read, so that they can say so.
"""

import os
import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.stderr.write(
        "pdm_app needs Python 3.11, 3.12, 3.13 or 3.14; this is Python %d.%d (%s).\n"
        "Start it with one of those, for example: python3.12 -m pdm_app demo\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)

if not __package__:
    # Started as `python3 /path/to/pdm_app`: the folder itself stands first on the path, where its pdm_app.py would hide
    # the package; its parent belongs there.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from pdm_app.bootstrap.entry import prepare


def main(arguments=None):
    """Set up what the command needs, then run it; the result is the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    exit_code = prepare(words)
    if exit_code is not None:
        return exit_code
    from pdm_app.cli.main import main as command_line

    return command_line(words)


if __name__ == "__main__":
    sys.exit(main())
